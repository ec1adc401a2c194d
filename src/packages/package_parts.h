/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The inside of a package set, shared by package*.c only. */

#include "packages/package.h"
#include "packages/texts.h"

#define NOBODY UINT32_MAX

/* A file's owner. Sorted by file, rank, package; each package once a file. */
struct path_owner {
	uint32_t directory, name; /* numbers of texts */
	uint32_t package; /* with PACKAGE_WITHIN until sorted */
	uint32_t rank;
};

struct inode_owner {
	uint64_t inode;
	uint32_t major, minor;
	uint32_t package;
	uint32_t rank;
};

/* Who owns comes before who is in it; within these, worlds (types) in a fixed order. */
#define PACKAGE_WITHIN (1u << 31)
#define RANK_TIER 28
enum { TIER_OWNS, TIER_OWNS_CONTAINED, TIER_WITHIN };

/* Packages that share a name, or a name and version: the first, and from each the next. */
struct package_chain {
	struct texts keys;
	uint32_t *first, *next; /* by key; by package */
};

struct package_set {
	struct package *packages;
	uint32_t *worlds; /* by package: number of its type */
	size_t count, capacity;
	struct texts texts; /* names, versions, purls, ... */
	struct texts types;
	struct texts keys; /* number = the package's */
	struct package_chain by_name, by_version;

	struct texts directories, names;
	struct path_owner *paths;
	size_t n_paths, paths_capacity;
	struct inode_owner *inodes;
	size_t n_inodes, inodes_capacity;
	bool separate_usr, sorted;
};

/* Grows `*array` so that one more fits; the last parameter is the size of a member. */
int package_array_grow(void *array, size_t count, size_t *capacity, size_t size);
