// SPDX-License-Identifier: Apache-2.0
/*
 * From what a database says to the set: package URLs, files by their resolved names and inodes, and whose the files are of
 * packages that do not say so. Only regular files that are there become somebody's. What can't be read is counted.
 */

#include "packages/root_parts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "packages/purl.h"

#define TREE_DEPTH_MAX 64

int root_unreadable(struct root *root, const char *path, const char *why)
{
	root->facts->unreadable++;
	if (!root->facts->first_unreadable && asprintf(&root->facts->first_unreadable, "%s: %s", path, why) < 0)
		root->facts->first_unreadable = NULL;
	return ROOT_SKIP;
}

int root_unreadable_error(struct root *root, const char *path, int error)
{
	if (error == -ENOMEM)
		return error;
	return root_unreadable(root, path, error == -EINVAL ? "is no regular file" : strerror(-error));
}

/* Segments between slashes, each encoded. */
static int namespace_append(struct buf *out, const char *namespace_)
{
	struct str rest = str_of(namespace_);
	int r = 0;

	while (r >= 0 && rest.len > 0) {
		const char *slash = memchr(rest.data, '/', rest.len);
		size_t len = slash ? (size_t)(slash - rest.data) : rest.len;

		r = purl_encode(out, (struct str) { rest.data, len });
		if (r >= 0)
			r = buf_append(out, "/", 1);
		rest.data += len + (slash ? 1 : 0);
		rest.len -= len + (slash ? 1 : 0);
	}
	return r;
}

static int qualifier_append(struct buf *out, const char *key, const char *value)
{
	int r;

	if (!value || value[0] == '\0')
		return 0;
	r = buf_printf(out, "%c%s=", memchr(out->data, '?', out->len) ? '&' : '?', key);
	return r < 0 ? r : purl_encode(out, str_of(value));
}

static int purl_make(const struct root *root, const struct found *found, struct buf *out)
{
	int r = buf_printf(out, "pkg:%s/", found->type);

	if (r >= 0 && found->namespace_)
		r = namespace_append(out, found->namespace_);
	if (r >= 0)
		r = purl_encode(out, str_of(found->name));
	if (r >= 0 && found->version && found->version[0]) {
		r = buf_append(out, "@", 1);
		if (r >= 0)
			r = purl_encode(out, str_of(found->version));
	}
	if (r >= 0)
		r = qualifier_append(out, "arch", found->arch);
	if (r >= 0 && found->distro)
		r = qualifier_append(out, "distro", root->distro);
	if (r >= 0)
		r = qualifier_append(out, "epoch", found->epoch);
	if (r >= 0)
		r = qualifier_append(out, "upstream", found->upstream);
	if (r >= 0 && !buf_cstr(out))
		r = -ENOMEM;
	return r;
}

int root_package(struct root *root, const struct found *found, const char *path, uint32_t *ret_index)
{
	_cleanup_(buf_done) struct buf purl = BUF_MAX(8 * PURL_MAX);
	/* The set copies; it takes what is not const only to be able to give it back. */
	struct package package = {
		.type = (char *)(uintptr_t)found->type,
		.version = found->version && found->version[0] ? (char *)(uintptr_t)found->version : NULL,
		.arch = found->arch && found->arch[0] ? (char *)(uintptr_t)found->arch : NULL,
		.sources = found->source,
	};
	size_t before = package_set_count(root->set);
	int r = 0;

	if (found->without_purl)
		package.name = (char *)(uintptr_t)found->name;
	else
		r = purl_make(root, found, &purl);
	package.purl = purl.data;
	if (r >= 0)
		r = package_set_add(root->set, &package, ret_index);
	if (r == -EINVAL || (r == -E2BIG && before < PACKAGES_MAX))
		return root_unreadable(root, path, "names a package in a way that no package URL can");
	if (r == -E2BIG)
		return diag_error(root->diag, r, "%s: more than %d packages", path, PACKAGES_MAX);
	if (r >= 0)
		root->facts->sources |= found->source;
	return r;
}

int root_seen_file(struct root *root, uint32_t index, struct str path, const struct stat *status, bool within)
{
	int r = within ? package_set_add_within(root->set, index, path)
		       : package_set_add_file(root->set, index, path);

	if (r == -EINVAL)
		return 0; /* a name of 4096 bytes and more: no event has it either */
	if (r >= 0 && root->same_inodes)
		r = (within ? package_set_add_inode_within : package_set_add_inode)(
			root->set, index, major(status->st_dev), minor(status->st_dev), status->st_ino);
	if (r == -E2BIG)
		return diag_error(root->diag, r, "more than %d files of packages", PACKAGE_FILES_MAX);
	if (r >= 0)
		root->facts->files++;
	return r;
}

/* Sees to it that root->last is this directory. ROOT_SKIP: there is none. */
static int directory_go(struct root *root, const char *named)
{
	char *resolved = NULL, *copy;
	int fd = -1, r;

	if (root->last.named && strcmp(root->last.named, named) == 0)
		return root->last.fd < 0 ? ROOT_SKIP : 0;
	copy = strdup(named);
	if (!copy)
		return -ENOMEM;
	r = root_directory(root, named[0] ? named : "/", &resolved, &fd);
	free(root->last.named);
	free(root->last.resolved);
	closep(&root->last.fd);
	root->last.named = copy;
	root->last.resolved = resolved;
	root->last.fd = fd;
	if (r == -ENOENT || r == -ENOTDIR)
		return ROOT_SKIP;
	return r < 0 ? root_unreadable_error(root, named, r) : 0;
}

int root_file(struct root *root, uint32_t index, struct str path)
{
	_cleanup_(buf_done) struct buf clean = BUF_MAX(2 * PACKAGE_TEXT_MAX),
				       full = BUF_MAX(3 * PACKAGE_TEXT_MAX);
	struct stat status;
	char *name;
	int r;

	if (path.len == 0 || path.data[0] != '/')
		return 0;
	r = path_join(&clean, STR(""), path);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	name = strrchr(clean.data, '/');
	*name++ = '\0';
	r = directory_go(root, clean.data);
	if (r != 0)
		return r < 0 ? r : 0;
	/* Its own inode, whatever a link's target: that is another file, and may be another's. */
	if (fstatat(root->last.fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)
			return 0;
		r = root_unreadable_error(root, clean.data, -errno);
		return r < 0 ? r : 0;
	}
	if (!S_ISREG(status.st_mode))
		return 0;
	r = buf_printf(&full, "%s/%s", root->last.resolved, name);
	return r < 0 ? r : root_seen_file(root, index, buf_str(&full), &status, false);
}

struct tree {
	struct root *root;
	uint32_t index;
	struct buf path;
	int fd;
	unsigned int depth;
	dev_t dev;
	const char *without;
};

static int tree_visit(struct tree *tree);

static int tree_entry(void *user, const char *name)
{
	struct tree *tree = user;
	size_t before = tree->path.len;
	struct stat status;
	int outer = tree->fd, r;

	if (fstatat(outer, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISDIR(status.st_mode) && tree->without && strcmp(name, tree->without) == 0)
		return 0;
	if (!S_ISREG(status.st_mode) && (!S_ISDIR(status.st_mode) || status.st_dev != tree->dev))
		return 0;
	r = buf_printf(&tree->path, "/%s", name);
	if (r < 0 || !buf_cstr(&tree->path))
		return r == -E2BIG ? 0 : -ENOMEM;
	if (S_ISREG(status.st_mode)) {
		r = root_seen_file(tree->root, tree->index, buf_str(&tree->path), &status, false);
	} else if (tree->depth < TREE_DEPTH_MAX) {
		_cleanup_(closep) int fd = openat(outer, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		tree->fd = fd;
		tree->depth++;
		r = fd < 0 ? root_unreadable_error(tree->root, tree->path.data, -errno) : tree_visit(tree);
		tree->depth--;
		tree->fd = outer;
	} else {
		r = root_unreadable(tree->root, tree->path.data, "too deep");
	}
	tree->path.len = before;
	return r < 0 ? r : 0;
}

static int tree_visit(struct tree *tree)
{
	return root_names(tree->fd, tree_entry, tree);
}

int root_tree(struct root *root, uint32_t index, const char *directory, const char *without)
{
	_cleanup_(buf_done) struct buf path = BUF_MAX(PACKAGE_TEXT_MAX);
	_cleanup_(freep) char *resolved = NULL;
	_cleanup_(closep) int fd = -1;
	struct tree tree = { .root = root, .index = index, .without = without };
	struct stat status;
	int r = root_directory(root, directory, &resolved, &fd);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0 || fstat(fd, &status) < 0) {
		r = root_unreadable_error(root, directory, r < 0 ? r : -errno);
		return r < 0 ? r : 0;
	}
	r = buf_append_str(&path, str_of(resolved));
	if (r < 0)
		return r == -E2BIG ? 0 : r;
	tree.path = path;
	tree.fd = fd;
	tree.dev = status.st_dev;
	r = tree_visit(&tree);
	path = tree.path;
	if (r == -EACCES || r == -EPERM) {
		r = root_unreadable_error(root, directory, r);
		r = r < 0 ? r : 0;
	}
	return r;
}

int root_orphan(struct root *root, uint32_t index, const char *directory, const char *described,
		struct str names)
{
	struct root_orphan *orphan;

	if (root->n_orphans == root->orphans_capacity) {
		size_t capacity = root->orphans_capacity ? root->orphans_capacity * 2 : 16;
		struct root_orphan *orphans = reallocarray(root->orphans, capacity, sizeof(*orphans));

		if (!orphans)
			return -ENOMEM;
		root->orphans = orphans;
		root->orphans_capacity = capacity;
	}
	orphan = &root->orphans[root->n_orphans++];
	*orphan = (struct root_orphan) { .package = index };
	orphan->directory = strdup(directory);
	orphan->described = strdup(described);
	if (names.len > 0)
		orphan->names = str_copy(names);
	return orphan->directory && orphan->described && (orphan->names || names.len == 0) ? 0 : -ENOMEM;
}
