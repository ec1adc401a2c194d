// SPDX-License-Identifier: Apache-2.0
/*
 * Debian's Python distributions and gems do not say which files are theirs. They came in a package of the operating system,
 * which does: what of it lies in the same place is the distribution's too. Where several came in one, the names that each
 * declares decide. Those that came in none get what lies under the names they declare.
 */

#include "packages/root_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define SIBLINGS_MAX 64 /* that came in one package; of more only these get their files */
#define NAME_MAX_LEN 255

static bool is_of_os(const struct package *package)
{
	static const char *const types[] = { "deb", "apk", "rpm", "alpm" };

	for (size_t i = 0; package->type && i < ARRAY_LEN(types); i++) {
		if (strcmp(package->type, types[i]) == 0)
			return true;
	}
	return false;
}

/* The package of the operating system that it came in. */
static bool came_in(const struct root *root, const struct root_orphan *orphan, uint32_t *ret_owner)
{
	return package_set_whose(root->set, str_of(orphan->described), UINT32_MAX, 0, 0, ret_owner) ==
		       PACKAGE_ONE &&
	       is_of_os(package_set_get(root->set, *ret_owner));
}

/* `rest` (what follows the directory and a slash) is NAME/..., NAME.py, NAME.*.so or NAME itself. */
static bool has_name(struct str rest, struct str names)
{
	struct str name;

	while (text_line(&names, &name)) {
		name = text_trim(name);
		if (name.len > 0 && text_begins(rest, name) &&
		    (rest.len == name.len || rest.data[name.len] == '/' || rest.data[name.len] == '.'))
			return true;
	}
	return false;
}

/* An orphan and what it came in. In order of owner and directory. */
struct child {
	const struct root_orphan *orphan;
	uint32_t owner; /* UINT32_MAX: none */
	bool alone; /* nothing else came in the same package to the same place */
};

static int compare_owner(const void *a, const void *b)
{
	const struct child *x = a, *y = b;

	return (x->owner > y->owner) - (x->owner < y->owner);
}

static int compare_place(const void *a, const void *b)
{
	const struct child *x = a, *y = b;
	int r = compare_owner(x, y);

	r = r ? r : strcmp(x->orphan->directory, y->orphan->directory);
	return r ? r : (x->orphan > y->orphan) - (x->orphan < y->orphan);
}

static bool is_same_place(const struct child *a, const struct child *b)
{
	return a->owner == b->owner && strcmp(a->orphan->directory, b->orphan->directory) == 0;
}

struct adoption {
	const struct child *children;
	size_t count;
	struct buf files; /* for each its package and its path, NUL ended */
	int result;
};

/* What tells of it is read by who lists what is installed: no file of its own. */
static bool is_description(struct str path, struct str described)
{
	const char *slash = memrchr(described.data, '/', described.len);
	struct str directory = { described.data, (size_t)(slash - described.data) };

	return str_equal(path, described) ||
	       (text_ends(directory, STR("-info")) && path_is_below(path, directory));
}

static bool is_childs(const struct child *child, struct str path)
{
	struct str place = str_of(child->orphan->directory);

	if (!path_is_below(path, place) || is_description(path, str_of(child->orphan->described)))
		return false;
	return child->alone || has_name((struct str) { path.data + place.len + 1, path.len - place.len - 1 },
					str_of(child->orphan->names));
}

/* Adding while the set is gone through would move it: they are gathered first. */
static bool gather(void *user, uint32_t package, const char *directory, const char *name)
{
	struct adoption *adoption = user;
	_cleanup_(buf_done) struct buf path = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	const struct child key = { .owner = package }, *end = adoption->children + adoption->count;
	const struct child *child =
		bsearch(&key, adoption->children, adoption->count, sizeof(key), compare_owner);
	int r = 0;

	if (!child)
		return true;
	while (child > adoption->children && child[-1].owner == package)
		child--;
	r = buf_printf(&path, "%s/%s", directory, name);
	for (size_t i = 0; r >= 0 && i < SIBLINGS_MAX && child + i < end && child[i].owner == package; i++) {
		if (!is_childs(&child[i], buf_str(&path)))
			continue;
		r = buf_append(&adoption->files, &child[i].orphan->package, sizeof(uint32_t));
		if (r >= 0)
			r = buf_append(&adoption->files, path.data, path.len + 1);
	}
	adoption->result = r < 0 ? r : 0;
	return r >= 0;
}

/* The names that it declares, below its directory. */
static int adopt_names(struct root *root, const struct root_orphan *orphan)
{
	struct str names = str_of(orphan->names), name;
	int r = 0;

	while (r >= 0 && text_line(&names, &name)) {
		_cleanup_(buf_done) struct buf path = BUF_MAX(2 * PACKAGE_TEXT_MAX);

		name = text_trim(name);
		if (name.len == 0 || name.len > NAME_MAX_LEN || name.data[0] == '.')
			continue;
		r = path_join(&path, str_of(orphan->directory), name);
		if (r == -EINVAL) {
			r = 0;
			continue;
		}
		if (r >= 0)
			r = root_tree(root, orphan->package, path.data, NULL);
		if (r >= 0)
			r = buf_append_str(&path, STR(".py"));
		if (r >= 0)
			r = root_file(root, orphan->package, buf_str(&path));
	}
	return r;
}

static int adopt_files(struct root *root, const struct child *children, size_t n)
{
	struct adoption adoption = { .children = children, .count = n, .files = BUF_MAX(ROOT_TEXT_MAX) };
	uint32_t package;
	int r;

	package_set_files(root->set, gather, &adoption);
	r = adoption.result;
	for (size_t at = 0; r >= 0 && at < adoption.files.len; at += strlen(adoption.files.data + at) + 1) {
		memcpy(&package, adoption.files.data + at, sizeof(package));
		at += sizeof(package);
		r = root_file(root, package, str_of(adoption.files.data + at));
	}
	buf_done(&adoption.files);
	if (r == -E2BIG)
		return diag_error(root->diag, r, "too many files of Python distributions and gems");
	return r;
}

int root_adopt(struct root *root)
{
	_cleanup_(freep) struct child *children = NULL;
	size_t n = root->n_orphans;
	int r = package_set_finish(root->set);

	if (r < 0 || n == 0)
		return r;
	children = calloc(n, sizeof(*children));
	if (!children)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		children[i].orphan = &root->orphans[i];
		if (!came_in(root, children[i].orphan, &children[i].owner))
			children[i].owner = UINT32_MAX;
	}
	qsort(children, n, sizeof(*children), compare_place);
	for (size_t i = 0; i < n; i++)
		children[i].alone = (i == 0 || !is_same_place(&children[i - 1], &children[i])) &&
				    (i + 1 == n || !is_same_place(&children[i], &children[i + 1]));
	r = adopt_files(root, children, n);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		if (children[i].owner == UINT32_MAX)
			r = adopt_names(root, children[i].orphan);
	}
	return r < 0 ? r : package_set_finish(root->set);
}
