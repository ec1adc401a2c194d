// SPDX-License-Identifier: Apache-2.0
/* Cgroups by their kernfs id, which is the inode number of their folder. Owns nothing. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "probe/hierarchy.h"

#define FILEID_KERNFS_TYPE 0xfe /* linux/exportfs.h: FILEID_KERNFS */
#define CGROUP_PATH_MAX 4200

/* The hierarchy's line in /proc/PID/cgroup: "0::/path", "4:memory:/path", "2:cpu,cpuacct:/path". */
static bool read_path(const struct hierarchy *hierarchy, pid_t pid, char *path, size_t room)
{
	char name[32], begin[16], line[CGROUP_PATH_MAX];
	bool found = false;
	FILE *file;

	snprintf(begin, sizeof(begin), "%u:", hierarchy->number);
	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	file = fopen(name, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		const char *at = strncmp(line, begin, strlen(begin)) == 0 ? strstr(line, ":/") : NULL;

		line[strcspn(line, "\n")] = '\0';
		found = at && strlen(at + 1) < room;
		if (found)
			strcpy(path, at + 1);
	}
	fclose(file);
	return found;
}

static int root_open(const struct hierarchy *hierarchy)
{
	return *hierarchy->mount ? open(hierarchy->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

uint64_t cgroup_of_process(const struct hierarchy *hierarchy, pid_t pid)
{
	_cleanup_(closep) int root = root_open(hierarchy);
	char path[CGROUP_PATH_MAX];
	struct stat status;

	if (root < 0 || !read_path(hierarchy, pid, path, sizeof(path)))
		return 0;
	/* "/" is the root itself; "/a/b" lies below it. */
	if (fstatat(root, path[1] ? path + 1 : ".", &status, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(status.st_mode))
		return 0;
	return status.st_ino;
}

bool cgroup_lives(const struct hierarchy *hierarchy, uint64_t cgroup_id)
{
	union {
		struct file_handle head;
		char room[sizeof(struct file_handle) + sizeof(cgroup_id)];
	} handle = { .head = { .handle_bytes = sizeof(cgroup_id), .handle_type = FILEID_KERNFS_TYPE } };
	_cleanup_(closep) int root = root_open(hierarchy);
	int fd;

	memcpy(handle.room + sizeof(struct file_handle), &cgroup_id, sizeof(cgroup_id));
	fd = root < 0 ? -1 : open_by_handle_at(root, &handle.head, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return root < 0 || fd >= 0 || errno != ESTALE;
}

/* All mounts of a hierarchy are one file system. */
int cgroup_of_directory(const struct hierarchy *hierarchy, const char *path, uint64_t *ret_id)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status, root;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!*hierarchy->mount || stat(hierarchy->mount, &root) < 0 || root.st_dev != status.st_dev)
		return -ENODEV;
	*ret_id = status.st_ino;
	return 0;
}
