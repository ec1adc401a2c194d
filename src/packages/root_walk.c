// SPDX-License-Identifier: Apache-2.0
/*
 * Every directory of the root once, in order of name, for what languages install wherever they like. Follows no symlink
 * and stays out of what is no part of this system: kernel file systems, network and memory file systems, other roots.
 * Bounded in depth and entries; what lies beyond is told as unreadable.
 */

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "packages/root_parts.h"

#define DEPTH_MAX 64
#define ENTRIES_MAX 8000000
#define NOBODY UINT32_MAX

struct walk {
	struct root *root;
	struct buf path; /* of the directory at hand; "" = the root */
	int fd;
	unsigned int depth;
	dev_t dev;
	uint64_t entries;
	uint32_t node; /* the npm package whose files these are */
};

/* Not of this system, or what changes with every look. */
static bool is_left_out(const char *path)
{
	static const char *const paths[] = { "/proc",
					     "/sys",
					     "/dev",
					     "/run",
					     "/var/run",
					     "/var/lib/docker",
					     "/var/lib/containers",
					     "/var/lib/containerd",
					     "/var/lib/kubelet",
					     "/var/lib/machines",
					     "/var/lib/lxc",
					     "/var/lib/lxd",
					     "/var/lib/rancher",
					     "/snap" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (strcmp(path, paths[i]) == 0)
			return true;
	}
	return text_ends(str_of(path), STR("/.local/share/containers")) ||
	       text_ends(str_of(path), STR("/.local/share/docker"));
}

/* Mounted here: part of the system if it is one of these. A btrfs has a device number for each subvolume. */
static bool is_local(int fd)
{
	static const uint32_t magics[] = { EXT4_SUPER_MAGIC,	 XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
					   F2FS_SUPER_MAGIC,	 SQUASHFS_MAGIC,  EROFS_SUPER_MAGIC_V1,
					   0x2fc12fc1 /* zfs */, 0xca451a4e /* bcachefs */ };
	struct statfs status;

	if (fstatfs(fd, &status) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
		if ((uint32_t)status.f_type == magics[i])
			return true;
	}
	return false;
}

/* A directory with an os-release of its own is somebody else's root: a chroot, an image that was unpacked. */
static bool is_other_root(int fd)
{
	struct stat status;

	return fstatat(fd, "etc/os-release", &status, AT_SYMLINK_NOFOLLOW) == 0 ||
	       fstatat(fd, "usr/lib/os-release", &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* node_modules, and where Debian puts what would be there; also a scope in it. */
bool root_holds_node_packages(struct str path)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	struct str name;

	if (!slash)
		return false;
	name = (struct str) { slash + 1, path.len - (size_t)(slash + 1 - path.data) };
	if (name.len > 1 && name.data[0] == '@')
		return root_holds_node_packages((struct str) { path.data, (size_t)(slash - path.data) });
	return str_equal(name, STR("node_modules")) || str_equal(path, STR("/usr/share/nodejs")) ||
	       str_equal(path, STR("/usr/lib/nodejs")) || text_ends(path, STR("-linux-gnu/nodejs"));
}

static int directory_look(struct walk *walk, const char *path, const char *name, struct str parent)
{
	struct str text = str_of(name);
	int r = 0;

	if (text_ends(text, STR(".dist-info")) || text_ends(text, STR(".egg-info")))
		r = root_python(walk->root, path, true);
	if (strcmp(name, "specifications") == 0 ||
	    (strcmp(name, "default") == 0 && text_ends(parent, STR("/specifications"))))
		r = root_gems(walk->root, path);
	if (r < 0)
		return r;
	if (root_holds_node_packages(str_of(path)))
		walk->node = NOBODY;
	else if (root_holds_node_packages(parent)) {
		walk->node = NOBODY;
		r = root_node(walk->root, path, &walk->node);
	}
	return r < 0 ? r : 0;
}

static int entry_take(void *user, const char *name);

/* In the directory `name` of the one at hand; the caller restores what the walk knows of that one. */
static int directory_take(struct walk *walk, const char *name, const struct stat *status, struct str parent)
{
	const char *path = walk->path.data;
	_cleanup_(closep) int fd = -1;
	int r;

	if (is_left_out(path))
		return 0;
	fd = openat(walk->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : root_unreadable_error(walk->root, path, -errno);
	if ((status->st_dev != walk->dev && !is_local(fd)) || is_other_root(fd))
		return 0;
	if (walk->depth == DEPTH_MAX)
		return root_unreadable(walk->root, path, "lies too deep");
	r = directory_look(walk, path, name, parent);
	if (r < 0)
		return r;
	walk->fd = fd;
	walk->dev = status->st_dev;
	walk->depth++;
	r = root_names(fd, entry_take, walk);
	walk->depth--;
	if (r == -EACCES || r == -EPERM || r == -EIO || r == -EFBIG)
		r = root_unreadable_error(walk->root, path, r);
	return r;
}

/* Programs and libraries; whether it is one, its first bytes tell. */
static bool may_be_binary(const char *name, const struct stat *status)
{
	return status->st_size > 64 && ((status->st_mode & 0111) || strstr(name, ".so"));
}

static bool is_archive(struct str name)
{
	return text_ends(name, STR(".jar")) || text_ends(name, STR(".war")) || text_ends(name, STR(".ear"));
}

static int file_look(struct walk *walk, const char *name, const struct stat *status)
{
	const char *path = walk->path.data;
	bool archive = is_archive(str_of(name));
	_cleanup_(closep) int fd = -1;

	if (text_ends(str_of(name), STR(".pyc")) && strstr(path, "/__pycache__/"))
		return root_compiled(walk->root, buf_str(&walk->path), status);
	if (text_ends(str_of(name), STR(".egg-info")))
		return root_python(walk->root, path, false);
	if (!archive && !may_be_binary(name, status))
		return 0;
	/* A regular file a moment ago; if it is something else now, it still can't block. */
	fd = openat(walk->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : root_unreadable_error(walk->root, path, -errno);
	return archive ? root_jar(walk->root, path, fd, status) : root_binary(walk->root, path, fd, status);
}

static int entry_take(void *user, const char *name)
{
	struct walk *walk = user, outer = *walk;
	size_t before = walk->path.len;
	struct stat status;
	int r;

	if (++walk->entries > ENTRIES_MAX)
		return -EOVERFLOW;
	if (fstatat(walk->fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode))
		return 0;
	r = buf_printf(&walk->path, "/%s", name);
	if (r < 0 || !buf_cstr(&walk->path))
		return r == -E2BIG ? 0 : -ENOMEM; /* no event has a path as long */
	if (S_ISDIR(status.st_mode)) {
		r = directory_take(walk, name, &status, (struct str) { walk->path.data, before });
		walk->fd = outer.fd;
		walk->dev = outer.dev;
		walk->node = outer.node;
	} else if (S_ISLNK(status.st_mode)) {
		if (root_holds_node_packages((struct str) { walk->path.data, before }))
			r = root_node_link(walk->root, buf_str(&walk->path));
	} else {
		if (walk->node != NOBODY)
			r = root_seen_file(walk->root, walk->node, buf_str(&walk->path), &status, false);
		if (r >= 0)
			r = file_look(walk, name, &status);
	}
	walk->path.len = before;
	if (walk->path.data)
		walk->path.data[before] = '\0';
	return r < 0 ? r : 0;
}

int root_walk(struct root *root)
{
	struct walk walk = { .root = root, .path = BUF_MAX(PACKAGE_TEXT_MAX), .node = NOBODY };
	_cleanup_(closep) int fd = root_open(root, "/", O_RDONLY | O_DIRECTORY);
	struct stat status;
	int r;

	if (fd < 0 || fstat(fd, &status) < 0) {
		r = root_unreadable_error(root, "/", fd < 0 ? fd : -errno);
		return r < 0 ? r : 0;
	}
	walk.fd = fd;
	walk.dev = status.st_dev;
	r = root_names(fd, entry_take, &walk);
	buf_done(&walk.path);
	if (r == -EOVERFLOW)
		root_unreadable(root, "/", "has more files than are looked at");
	else if (r < 0 && r != -E2BIG && r != -ENOMEM)
		root_unreadable_error(root, "/", r);
	else if (r < 0)
		return r;
	return 0;
}
