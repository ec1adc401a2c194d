/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is installed: packages with a package URL each, and which files are theirs. Filled by SBOM readers and by readers
 * of the package databases in a file system's own root; asked for a path of the evidence. What two packages own alike is
 * nobody's: ambiguous, and said so.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"

#define PACKAGES_MAX 1000000
#define PACKAGE_FILES_MAX 4000000
#define PACKAGE_TEXT_MAX 4096 /* bytes of one name, version, purl or path */

/* Where it was heard of: a set, since an SBOM and a database may both name it. */
enum package_source {
	PACKAGE_FROM_SBOM = 1,
	PACKAGE_FROM_DPKG = 2,
	PACKAGE_FROM_APK = 4,
	PACKAGE_FROM_RPM = 8,
	PACKAGE_FROM_PYTHON = 16,
	PACKAGE_FROM_NODE = 32,
	PACKAGE_FROM_GEM = 64,
	PACKAGE_FROM_JAR = 128,
	PACKAGE_FROM_GO = 256,
	PACKAGE_FROM_RUST = 512,
};

struct package {
	char *purl; /* canonical: lower-case type, sorted qualifiers, percent-encoded; NULL = the SBOM gave none */
	char *type; /* "deb", "apk", "rpm", "pypi", "npm", "gem", "maven", "golang", "cargo", "generic", ... */
	char *name,
		*version; /* as its own world has it: "@scope/name", "group:artifact"; version NULL = unknown */
	char *arch; /* NULL = none said */
	char *ref; /* the SBOM's own name of it (bom-ref, SPDXID); NULL = not from an SBOM */
	unsigned int sources;
	uint64_t n_files; /* files known to be its own or to hold it; set by package_set_finish */
	/*
	 * It lies within a file that is another's as well (a jar in a jar, a module in a Go binary). Opens tell of that file
	 * only: package_set_each says of each file which of the two it is.
	 */
	bool contained;
	bool places_more; /* the SBOM that brought it does not name all places where it is */
};

struct package_set;

int package_set_new(struct package_set **ret_set);
void package_set_free(struct package_set *set);
DEFINE_FREEP(package_set, package_set_free)

/*
 * Adds it, or joins it with the one of the same purl (the version, architecture and every qualifier but `distro` and
 * `upstream` alike; an epoch counts the same in the version and as a qualifier): *ret_index is its number. Without a purl
 * it joins one without a purl of the same type, name, version and architecture, if it has a version. What the first one
 * did not say is taken from the next. Type, name, version and architecture may be left to the purl. Copies all.
 * -E2BIG beyond the limits, -EINVAL: neither purl nor name, no purl (purl_parse tells why), or text with NUL.
 */
int package_set_add(struct package_set *set, const struct package *package, uint32_t *ret_index);
size_t package_set_count(const struct package_set *set);
const struct package *package_set_get(const struct package_set *set, uint32_t index);
/*
 * By purl as above, or else the only one of that type, namespace and name to which no part of it is in contradiction;
 * -ENOENT, or -EEXIST when more than one is meant (no version, say). -EINVAL: not a purl.
 */
int package_set_find_purl(const struct package_set *set, struct str purl, uint32_t *ret_index);

/*
 * This absolute, resolved path is a file of the package. -EINVAL: not of that form (relative, NUL, too long, or with an
 * empty, "." or ".." component); -E2BIG beyond PACKAGE_FILES_MAX.
 */
int package_set_add_file(struct package_set *set, uint32_t index, struct str path);
/* The same by device and inode, where the root that was read is the one that ran. */
int package_set_add_inode(struct package_set *set, uint32_t index, uint32_t dev_major, uint32_t dev_minor,
			  uint64_t inode);
/* The file holds the package but may be another's: a jar within a jar, a module in a Go binary. Makes it `contained`. */
int package_set_add_within(struct package_set *set, uint32_t index, struct str path);
int package_set_add_inode_within(struct package_set *set, uint32_t index, uint32_t dev_major,
				 uint32_t dev_minor, uint64_t inode);
/* It lies in places that nobody named. */
void package_set_more_places(struct package_set *set, uint32_t index);
/* /bin, /sbin and /lib* are not the same as those in /usr here: no aliases between them. */
void package_set_separate_usr(struct package_set *set);
/* When all is added: sorts and indexes, counts n_files; questions come after it. When more is added, once more. */
int package_set_finish(struct package_set *set);

enum package_match { PACKAGE_NONE, PACKAGE_ONE, PACKAGE_AMBIGUOUS };
/*
 * Whose file is it? The inode decides where it is known to the set (dev_major of UINT32_MAX: not asked), else the path, with
 * the aliases of merged /usr; compiled Python (__pycache__) is its source's, where that is known. A package of the operating
 * system (deb, apk, rpm, alpm) comes before the others; two of one world (two debs, two npm packages) that own the same
 * file make it AMBIGUOUS. So do several packages in one archive or binary that has no owner: ask package_set_each.
 */
enum package_match package_set_whose(const struct package_set *set, struct str path, uint32_t dev_major,
				     uint32_t dev_minor, uint64_t inode, uint32_t *ret_index);
/*
 * Calls once with each package of which the use of this file tells: the only owner in each world (the deb and the Python
 * distribution that is in it), and all that the file contains (`within`); how many. 0 though package_set_whose is not PACKAGE_NONE:
 * ambiguous, so nobody's.
 */
size_t package_set_each(const struct package_set *set, struct str path, uint32_t dev_major, uint32_t dev_minor,
			uint64_t inode, void (*visit)(void *user, uint32_t index, bool within), void *user);
/* And with each that the file tells nothing of, since another one of its world owns it alike. */
size_t package_set_ambiguous(const struct package_set *set, struct str path, uint32_t dev_major,
			     uint32_t dev_minor, uint64_t inode,
			     void (*visit)(void *user, uint32_t index, bool within), void *user);
/* Calls with each file's package and path (the directory of the root is ""); ends early when visit returns false. */
void package_set_files(const struct package_set *set,
		       bool (*visit)(void *user, uint32_t index, const char *directory, const char *name),
		       void *user);
