// SPDX-License-Identifier: Apache-2.0
/*
 * Whose files. Each is two numbers, of its directory and of its name, and its package's: 16 bytes, since directories and
 * names repeat. Sorted once by package_set_finish, then searched. Refuses paths that are not absolute and clean.
 */

#include "packages/package_parts.h"

#include <stdlib.h>
#include <string.h>

/* Absolute, and every component a name. */
static bool path_is_clean(struct str path)
{
	size_t start = 1;

	if (path.len < 2 || path.len > PACKAGE_TEXT_MAX || path.data[0] != '/' ||
	    memchr(path.data, '\0', path.len))
		return false;
	for (size_t i = 1; i <= path.len; i++) {
		size_t len = i - start;

		if (i < path.len && path.data[i] != '/')
			continue;
		if (len == 0 ||
		    (path.data[start] == '.' && (len == 1 || (len == 2 && path.data[start + 1] == '.'))))
			return false;
		start = i + 1;
	}
	return true;
}

static int file_add(struct package_set *set, uint32_t index, uint32_t within, struct str path)
{
	struct path_owner owner = { .package = index | within };
	size_t slash;
	int r;

	if (index >= set->count || !path_is_clean(path))
		return -EINVAL;
	if (set->n_paths >= PACKAGE_FILES_MAX)
		return -E2BIG;
	slash = (size_t)((const char *)memrchr(path.data, '/', path.len) - path.data);
	r = texts_add(&set->directories, (struct str) { path.data, slash }, &owner.directory, NULL);
	if (r >= 0)
		r = texts_add(&set->names, (struct str) { path.data + slash + 1, path.len - slash - 1 },
			      &owner.name, NULL);
	if (r >= 0)
		r = package_array_grow(&set->paths, set->n_paths, &set->paths_capacity, sizeof(*set->paths));
	if (r < 0)
		return r;
	set->paths[set->n_paths++] = owner;
	set->sorted = false;
	if (within)
		set->packages[index].contained = true;
	return 0;
}

static int inode_add(struct package_set *set, uint32_t index, uint32_t within, uint32_t dev_major,
		     uint32_t dev_minor, uint64_t inode)
{
	int r;

	if (index >= set->count)
		return -EINVAL;
	if (set->n_inodes >= PACKAGE_FILES_MAX)
		return -E2BIG;
	r = package_array_grow(&set->inodes, set->n_inodes, &set->inodes_capacity, sizeof(*set->inodes));
	if (r < 0)
		return r;
	set->inodes[set->n_inodes++] = (struct inode_owner) { inode, dev_major, dev_minor, index | within, 0 };
	set->sorted = false;
	if (within)
		set->packages[index].contained = true;
	return 0;
}

int package_set_add_file(struct package_set *set, uint32_t index, struct str path)
{
	return file_add(set, index, 0, path);
}

int package_set_add_within(struct package_set *set, uint32_t index, struct str path)
{
	return file_add(set, index, PACKAGE_WITHIN, path);
}

int package_set_add_inode(struct package_set *set, uint32_t index, uint32_t dev_major, uint32_t dev_minor,
			  uint64_t inode)
{
	return inode_add(set, index, 0, dev_major, dev_minor, inode);
}

int package_set_add_inode_within(struct package_set *set, uint32_t index, uint32_t dev_major,
				 uint32_t dev_minor, uint64_t inode)
{
	return inode_add(set, index, PACKAGE_WITHIN, dev_major, dev_minor, inode);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_path(const struct path_owner *a, const struct path_owner *b)
{
	int r = compare_numbers(a->directory, b->directory);

	return r ? r : compare_numbers(a->name, b->name);
}

static int compare_inode(const struct inode_owner *a, const struct inode_owner *b)
{
	int r = compare_numbers(a->inode, b->inode);

	r = r ? r : compare_numbers(a->major, b->major);
	return r ? r : compare_numbers(a->minor, b->minor);
}

/* By file and package: what is told twice lies side by side, the stronger first. */
static int by_package_path(const void *a, const void *b)
{
	const struct path_owner *x = a, *y = b;
	int r = compare_path(x, y);

	r = r ? r : compare_numbers(x->package, y->package);
	return r ? r : compare_numbers(x->rank, y->rank);
}

static int by_rank_path(const void *a, const void *b)
{
	const struct path_owner *x = a, *y = b;
	int r = compare_path(x, y);

	r = r ? r : compare_numbers(x->rank, y->rank);
	return r ? r : compare_numbers(x->package, y->package);
}

static int by_package_inode(const void *a, const void *b)
{
	const struct inode_owner *x = a, *y = b;
	int r = compare_inode(x, y);

	r = r ? r : compare_numbers(x->package, y->package);
	return r ? r : compare_numbers(x->rank, y->rank);
}

static int by_rank_inode(const void *a, const void *b)
{
	const struct inode_owner *x = a, *y = b;
	int r = compare_inode(x, y);

	r = r ? r : compare_numbers(x->rank, y->rank);
	return r ? r : compare_numbers(x->package, y->package);
}

/* Takes the mark off the package and puts the rank beside it. What was sorted before keeps its tier. */
static void rank(const struct package_set *set, uint32_t *package, uint32_t *ret_rank)
{
	uint32_t index = *package & ~PACKAGE_WITHIN;
	uint32_t tier = TIER_OWNS;

	if ((*package & PACKAGE_WITHIN) || *ret_rank >> RANK_TIER == TIER_WITHIN)
		tier = TIER_WITHIN;
	else if (set->packages[index].contained)
		tier = TIER_OWNS_CONTAINED;
	*package = index;
	*ret_rank = tier << RANK_TIER | set->worlds[index];
}

static void sort_paths(struct package_set *set)
{
	size_t kept = 0;

	if (set->n_paths == 0)
		return;
	for (size_t i = 0; i < set->n_paths; i++)
		rank(set, &set->paths[i].package, &set->paths[i].rank);
	qsort(set->paths, set->n_paths, sizeof(*set->paths), by_package_path);
	for (size_t i = 0; i < set->n_paths; i++) {
		const struct path_owner *last = kept > 0 ? &set->paths[kept - 1] : NULL;

		if (last && compare_path(last, &set->paths[i]) == 0 && last->package == set->paths[i].package)
			continue;
		set->paths[kept++] = set->paths[i];
	}
	set->n_paths = kept;
	qsort(set->paths, kept, sizeof(*set->paths), by_rank_path);
}

static void sort_inodes(struct package_set *set)
{
	size_t kept = 0;

	if (set->n_inodes == 0)
		return;
	for (size_t i = 0; i < set->n_inodes; i++)
		rank(set, &set->inodes[i].package, &set->inodes[i].rank);
	qsort(set->inodes, set->n_inodes, sizeof(*set->inodes), by_package_inode);
	for (size_t i = 0; i < set->n_inodes; i++) {
		const struct inode_owner *last = kept > 0 ? &set->inodes[kept - 1] : NULL;

		if (last && compare_inode(last, &set->inodes[i]) == 0 &&
		    last->package == set->inodes[i].package)
			continue;
		set->inodes[kept++] = set->inodes[i];
	}
	set->n_inodes = kept;
	qsort(set->inodes, kept, sizeof(*set->inodes), by_rank_inode);
}

int package_set_finish(struct package_set *set)
{
	if (set->sorted)
		return 0;
	sort_paths(set);
	sort_inodes(set);
	for (size_t i = 0; i < set->count; i++)
		set->packages[i].n_files = 0;
	for (size_t i = 0; i < set->n_paths; i++)
		set->packages[set->paths[i].package].n_files++;
	set->sorted = true;
	return 0;
}

void package_set_files(const struct package_set *set,
		       bool (*visit)(void *user, uint32_t index, const char *directory, const char *name),
		       void *user)
{
	for (size_t i = 0; i < set->n_paths; i++) {
		const struct path_owner *owner = &set->paths[i];

		if (!visit(user, owner->package & ~PACKAGE_WITHIN,
			   texts_get(&set->directories, owner->directory), texts_get(&set->names, owner->name)))
			return;
	}
}
