// SPDX-License-Identifier: Apache-2.0
/*
 * Files of a root, whatever its symlinks say: the kernel resolves every name within it, also when the tree is changed while
 * it is read. Nothing but regular files and directories is opened to be read, and nothing blocks. Owns nothing.
 */

#include "packages/root_parts.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define LINKS_MAX 40 /* as the kernel's */
#define NAMES_MAX 1000000 /* in one directory */
#define TRIES_MAX 100

static int open_how(int dir, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC), .resolve = resolve };
	long fd = -1;

	if (!(flags & O_PATH))
		how.flags |= O_NONBLOCK | O_NOCTTY;
	/* EAGAIN: somebody renamed while ".." was followed. */
	for (int tries = 0; fd < 0 && tries < TRIES_MAX; tries++) {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd < 0 && errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

int root_open(const struct root *root, const char *path, int flags)
{
	return open_how(root->fd, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int root_open_file(const struct root *root, const char *path)
{
	_cleanup_(closep) int found = root_open(root, path, O_PATH), fd = -1;
	struct stat before, after;

	if (found < 0)
		return found;
	/* A device may do something just because it is opened. */
	if (fstat(found, &before) < 0)
		return -errno;
	if (!S_ISREG(before.st_mode))
		return -EINVAL;
	fd = root_open(root, path, O_RDONLY);
	if (fd < 0)
		return fd;
	if (fstat(fd, &after) < 0)
		return -errno;
	return S_ISREG(after.st_mode) ? TAKE_FD(fd) : -EINVAL;
}

int root_read(const struct root *root, const char *path, struct buf *out)
{
	_cleanup_(closep) int fd = root_open_file(root, path);

	return fd < 0 ? fd : file_read_fd(fd, path, out, NULL);
}

bool root_exists(const struct root *root, const char *path)
{
	_cleanup_(closep) int fd = root_open(root, path, O_PATH);

	return fd >= 0;
}

/* Puts a symlink's target in front of what is still to be walked. */
static int link_follow(int fd, struct buf *resolved, struct buf *rest)
{
	char target[PACKAGE_TEXT_MAX];
	ssize_t len = readlinkat(fd, "", target, sizeof(target));
	_cleanup_(buf_done) struct buf joined = BUF_MAX(4 * PACKAGE_TEXT_MAX);
	int r;

	if (len < 0)
		return -errno;
	if (len == 0 || (size_t)len == sizeof(target))
		return -ENAMETOOLONG;
	if (target[0] == '/')
		buf_clear(resolved);
	r = buf_append(&joined, target, (size_t)len);
	if (r >= 0)
		r = buf_append(&joined, "/", 1);
	if (r >= 0)
		r = buf_append_str(&joined, buf_str(rest));
	if (r < 0)
		return r == -E2BIG ? -ENAMETOOLONG : r;
	buf_clear(rest);
	return buf_append_str(rest, buf_str(&joined));
}

/* One component; *ret_link: it was a symlink and `rest` begins with its target. */
static int step(const struct root *root, struct str part, struct buf *resolved, struct buf *rest,
		bool *ret_link)
{
	_cleanup_(closep) int fd = -1;
	struct stat status;
	size_t before = resolved->len;
	int r = buf_printf(resolved, "/%.*s", (int)part.len, part.data);

	*ret_link = false;
	if (r < 0 || !buf_cstr(resolved))
		return r < 0 ? -ENAMETOOLONG : -ENOMEM;
	fd = open_how(root->fd, resolved->data, O_PATH | O_NOFOLLOW, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISLNK(status.st_mode))
		return 0;
	resolved->len = before;
	*ret_link = true;
	return link_follow(fd, resolved, rest);
}

static void up(struct buf *path)
{
	while (path->len > 0 && path->data[--path->len] != '/')
		;
}

/* Component by component, as the kernel does, to learn the name without symlinks. */
static int resolve(const struct root *root, const char *path, struct buf *resolved)
{
	_cleanup_(buf_done) struct buf rest = BUF_MAX(4 * PACKAGE_TEXT_MAX);
	unsigned int links = 0;
	bool link;
	int r = buf_append_str(&rest, str_of(path));

	while (r >= 0 && rest.len > 0) {
		const char *slash = memchr(rest.data, '/', rest.len);
		size_t len = slash ? (size_t)(slash - rest.data) : rest.len, all = len + (slash ? 1 : 0);
		_cleanup_(freep) char *part = str_copy((struct str) { rest.data, len });

		if (!part)
			return -ENOMEM;
		memmove(rest.data, rest.data + all, rest.len - all);
		rest.len -= all;
		if (len == 0 || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0) {
			up(resolved);
			continue;
		}
		r = step(root, str_of(part), resolved, &rest, &link);
		if (r >= 0 && link && ++links > LINKS_MAX)
			return -ELOOP;
	}
	return r;
}

int root_directory(const struct root *root, const char *path, char **ret_resolved, int *ret_fd)
{
	_cleanup_(buf_done) struct buf resolved = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	_cleanup_(closep) int fd = -1;
	int r;

	fd = open_how(root->fd, path, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
	if (fd >= 0 && path[0] == '/' && !strstr(path, "/.") && !strstr(path, "//")) {
		r = buf_append_str(&resolved, str_of(path));
	} else if (fd >= 0 || fd == -ELOOP) {
		if (fd >= 0)
			close(fd);
		fd = -1;
		r = resolve(root, path, &resolved);
		if (r >= 0 && buf_cstr(&resolved)) {
			r = open_how(root->fd, resolved.len ? resolved.data : "/", O_PATH | O_DIRECTORY,
				     RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
			fd = r;
		}
	} else {
		r = fd;
	}
	if (r < 0)
		return r;
	if (resolved.len == 1)
		resolved.len = 0; /* the root itself: "" */
	if (!buf_cstr(&resolved))
		return -ENOMEM;
	*ret_resolved = TAKE(resolved.data);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

struct names {
	char **list;
	size_t count, capacity;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
}

static int name_take(void *user, const char *name)
{
	struct names *names = user;

	if (names->count == NAMES_MAX)
		return -EFBIG;
	if (names->count == names->capacity) {
		size_t capacity = names->capacity ? names->capacity * 2 : 32;
		char **list = reallocarray(names->list, capacity, sizeof(*list));

		if (!list)
			return -ENOMEM;
		names->list = list;
		names->capacity = capacity;
	}
	names->list[names->count] = strdup(name);
	return names->list[names->count++] ? 0 : -ENOMEM;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int root_names(int fd, int (*visit)(void *user, const char *name), void *user)
{
	_cleanup_(names_done) struct names names = { .list = NULL };
	int r = directory_visit(fd, name_take, &names);

	if (r < 0)
		return r;
	if (names.count > 0)
		qsort(names.list, names.count, sizeof(*names.list), compare_names);
	for (size_t i = 0; r >= 0 && i < names.count; i++)
		r = visit(user, names.list[i]);
	return r;
}
