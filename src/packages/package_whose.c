// SPDX-License-Identifier: Apache-2.0
/*
 * Whose file is this? By inode, by path, by the path's other name in a merged /usr, by the source of compiled Python; and
 * of several owners the one that it speaks for. Answers NONE or AMBIGUOUS rather than guess. Owns nothing.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "packages/package_parts.h"

#define PYCACHE "/__pycache__/"

/* Owners of one file, in order of rank. Read through owner_at, since there are two kinds of list. */
struct owners {
	const struct path_owner *paths; /* or: */
	const struct inode_owner *inodes;
	size_t count;
};

struct owner {
	uint32_t package, rank;
};

static struct owner owner_at(const struct owners *owners, size_t i)
{
	if (owners->paths)
		return (struct owner) { owners->paths[i].package, owners->paths[i].rank };
	return (struct owner) { owners->inodes[i].package, owners->inodes[i].rank };
}

/* The first path_owner that is not before (directory, name). */
static size_t path_lower(const struct package_set *set, uint32_t directory, uint32_t name)
{
	size_t low = 0, high = set->n_paths;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct path_owner *at = &set->paths[middle];

		if (at->directory < directory || (at->directory == directory && at->name < name))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct owners by_split_path(const struct package_set *set, struct str directory, struct str name)
{
	struct owners owners = { .paths = NULL };
	uint32_t directory_number, name_number;
	size_t from, to;

	if (!texts_find(&set->directories, directory, &directory_number) ||
	    !texts_find(&set->names, name, &name_number))
		return owners;
	from = to = path_lower(set, directory_number, name_number);
	while (to < set->n_paths && set->paths[to].directory == directory_number &&
	       set->paths[to].name == name_number)
		to++;
	if (to > from)
		owners = (struct owners) { .paths = &set->paths[from], .count = to - from };
	return owners;
}

static struct owners by_exact_path(const struct package_set *set, struct str path)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	size_t at = slash ? (size_t)(slash - path.data) : 0;

	if (!slash || path.len > PACKAGE_TEXT_MAX)
		return (struct owners) { .paths = NULL };
	return by_split_path(set, (struct str) { path.data, at },
			     (struct str) { path.data + at + 1, path.len - at - 1 });
}

static bool begins(struct str text, struct str with)
{
	return text.len >= with.len && memcmp(text.data, with.data, with.len) == 0;
}

/* "/bin/..." and what else is a symlink into /usr where it is merged. */
static bool is_merged(struct str path)
{
	static const char *const directories[] = { "/bin/",   "/sbin/",	  "/lib/",   "/lib32/",
						   "/lib64/", "/libx32/", "/libo32/" };

	for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
		if (begins(path, str_of(directories[i])))
			return true;
	}
	return false;
}

static struct owners by_path(const struct package_set *set, struct str path)
{
	struct owners owners = by_exact_path(set, path);
	struct str inner = { NULL, 0 };
	char other[PACKAGE_TEXT_MAX + 8];

	if (owners.count > 0 || set->separate_usr)
		return owners;
	if (begins(path, STR("/usr/")))
		inner = (struct str) { path.data + 4, path.len - 4 };
	if (is_merged(inner))
		return by_exact_path(set, inner);
	if (!is_merged(path) || path.len > PACKAGE_TEXT_MAX)
		return owners;
	memcpy(other, "/usr", 4);
	memcpy(other + 4, path.data, path.len);
	return by_exact_path(set, (struct str) { other, path.len + 4 });
}

/* DIR/__pycache__/NAME.cpython-311.opt-1.pyc: made on the machine from DIR/NAME.py, and used in its place. */
static struct owners by_python_source(const struct package_set *set, struct str path)
{
	static const size_t between = sizeof(PYCACHE) - 1;
	const char *cache = path.len ? memmem(path.data, path.len, PYCACHE, between) : NULL;
	size_t directory = cache ? (size_t)(cache - path.data) : 0, len;
	struct str name = { path.data + directory + between, path.len - directory - between };
	const char *dot;
	char source[PACKAGE_TEXT_MAX + 8];

	if (!cache || path.len > PACKAGE_TEXT_MAX || name.len < 5 ||
	    memcmp(name.data + name.len - 4, ".pyc", 4) != 0 || memchr(name.data, '/', name.len))
		return (struct owners) { .paths = NULL };
	/* A module's name has no dot in it, a script's may; its tags have none but the last two. */
	dot = memrchr(name.data, '.', name.len - 4);
	if (dot && dot > name.data && memmem(dot, 5, ".opt-", 5))
		dot = memrchr(name.data, '.', (size_t)(dot - name.data));
	if (!dot || dot == name.data)
		return (struct owners) { .paths = NULL };
	len = directory + 1;
	memcpy(source, path.data, len);
	memcpy(source + len, name.data, (size_t)(dot - name.data));
	len += (size_t)(dot - name.data);
	memcpy(source + len, ".py", 3);
	return by_path(set, (struct str) { source, len + 3 });
}

static int compare_key(const struct inode_owner *at, uint32_t major, uint32_t minor, uint64_t inode)
{
	if (at->inode != inode)
		return at->inode < inode ? -1 : 1;
	if (at->major != major)
		return at->major < major ? -1 : 1;
	return at->minor == minor ? 0 : at->minor < minor ? -1 : 1;
}

static struct owners by_inode(const struct package_set *set, uint32_t major, uint32_t minor, uint64_t inode)
{
	struct owners owners = { .paths = NULL };
	size_t low = 0, high = set->n_inodes;

	if (major == UINT32_MAX)
		return owners;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_key(&set->inodes[middle], major, minor, inode) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	owners.inodes = &set->inodes[low];
	while (low < set->n_inodes && compare_key(&set->inodes[low++], major, minor, inode) == 0)
		owners.count++;
	return owners;
}

static bool has(const struct owners *owners, uint32_t package)
{
	for (size_t i = 0; i < owners->count; i++) {
		if (owner_at(owners, i).package == package)
			return true;
	}
	return false;
}

/* Equal files of several packages may be links to one inode (deduplicated images): then the path tells them apart. */
static struct owners find(const struct package_set *set, struct str path, uint32_t major, uint32_t minor,
			  uint64_t inode)
{
	struct owners known, named;

	assert(set->sorted);
	/* Who lists the compiled file may not be all who own what it was made of: pip's RECORD has it, dpkg's list not. */
	named = by_python_source(set, path);
	if (named.count > 0)
		return named;
	known = by_inode(set, major, minor, inode);
	named = by_path(set, path);
	if (known.count == 0)
		return named;
	if (known.count == 1 || named.count == 0 || !has(&known, owner_at(&named, 0).package))
		return known;
	return named;
}

/* How many from `i` on are of the same tier and world. */
static size_t group(const struct owners *owners, size_t i)
{
	uint32_t rank = owner_at(owners, i).rank;
	size_t n = 1;

	while (i + n < owners->count && owner_at(owners, i + n).rank == rank)
		n++;
	return n;
}

enum package_match package_set_whose(const struct package_set *set, struct str path, uint32_t dev_major,
				     uint32_t dev_minor, uint64_t inode, uint32_t *ret_index)
{
	struct owners owners = find(set, path, dev_major, dev_minor, inode);
	uint32_t first, second;

	if (owners.count == 0)
		return PACKAGE_NONE;
	first = owner_at(&owners, 0).rank;
	second = owners.count > 1 ? owner_at(&owners, 1).rank : UINT32_MAX;
	/* What owns it: one of the first world. What is only in it: one at all. */
	if (first >> RANK_TIER == TIER_OWNS ? first == second : first >> RANK_TIER == second >> RANK_TIER)
		return PACKAGE_AMBIGUOUS;
	*ret_index = owner_at(&owners, 0).package;
	return PACKAGE_ONE;
}

static size_t visit_owners(const struct owners *owners, bool ambiguous,
			   void (*visit)(void *user, uint32_t index, bool within), void *user)
{
	size_t visited = 0, n;

	for (size_t i = 0; i < owners->count; i += n) {
		n = group(owners, i);
		if ((owner_at(owners, i).rank >> RANK_TIER == TIER_OWNS && n > 1) != ambiguous)
			continue;
		for (size_t k = 0; k < n; k++)
			visit(user, owner_at(owners, i + k).package,
			      owner_at(owners, i + k).rank >> RANK_TIER == TIER_WITHIN);
		visited += n;
	}
	return visited;
}

size_t package_set_each(const struct package_set *set, struct str path, uint32_t dev_major, uint32_t dev_minor,
			uint64_t inode, void (*visit)(void *user, uint32_t index, bool within), void *user)
{
	struct owners owners = find(set, path, dev_major, dev_minor, inode);

	return visit_owners(&owners, false, visit, user);
}

size_t package_set_ambiguous(const struct package_set *set, struct str path, uint32_t dev_major,
			     uint32_t dev_minor, uint64_t inode,
			     void (*visit)(void *user, uint32_t index, bool within), void *user)
{
	struct owners owners = find(set, path, dev_major, dev_minor, inode);

	return visit_owners(&owners, true, visit, user);
}
