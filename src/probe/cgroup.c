// SPDX-License-Identifier: Apache-2.0
/* Cgroups by their kernfs id, which is the inode number of their folder. Owns nothing. */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "probe/parts.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_ROOT_HYBRID "/sys/fs/cgroup/unified"
#define FILEID_KERNFS_TYPE 0xfe /* linux/exportfs.h: FILEID_KERNFS */
#define CGROUP_PATH_MAX 4200

/* The line of cgroup v2 in /proc/PID/cgroup: "0::/path". */
static bool read_path(pid_t pid, char *path, size_t room)
{
	char name[32], line[CGROUP_PATH_MAX];
	bool found = false;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	file = fopen(name, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = strncmp(line, "0::/", 4) == 0 && strlen(line) - 3 < room;
		if (found)
			strcpy(path, line + 3);
	}
	fclose(file);
	return found;
}

/* Where the hierarchy of cgroup v2 is mounted; -1 = nowhere that we know. */
static int root_open(void)
{
	static const char *const roots[] = { CGROUP_ROOT, CGROUP_ROOT_HYBRID };

	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		_cleanup_(closep) int fd = open(roots[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs status;

		if (fd >= 0 && fstatfs(fd, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC)
			return TAKE_FD(fd);
	}
	return -1;
}

uint64_t cgroup_of_process(pid_t pid)
{
	_cleanup_(closep) int root = root_open();
	char path[CGROUP_PATH_MAX];
	struct stat status;

	if (root < 0 || !read_path(pid, path, sizeof(path)))
		return 0;
	/* "/" is the root itself; "/a/b" lies below it. */
	if (fstatat(root, path[1] ? path + 1 : ".", &status, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(status.st_mode))
		return 0;
	return status.st_ino;
}

bool cgroup_lives(uint64_t cgroup_id)
{
	union {
		struct file_handle head;
		char room[sizeof(struct file_handle) + sizeof(cgroup_id)];
	} handle = { .head = { .handle_bytes = sizeof(cgroup_id), .handle_type = FILEID_KERNFS_TYPE } };
	_cleanup_(closep) int root = root_open();
	int fd;

	memcpy(handle.room + sizeof(struct file_handle), &cgroup_id, sizeof(cgroup_id));
	fd = root < 0 ? -1 : open_by_handle_at(root, &handle.head, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return root < 0 || fd >= 0 || errno != ESTALE;
}
