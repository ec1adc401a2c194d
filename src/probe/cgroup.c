// SPDX-License-Identifier: Apache-2.0
/* Cgroups by their kernfs id, which is the inode number of their folder. Owns nothing. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

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

uint64_t cgroup_of_process(pid_t pid)
{
	static const char *const roots[] = { CGROUP_ROOT_HYBRID, CGROUP_ROOT };
	char path[CGROUP_PATH_MAX], whole[CGROUP_PATH_MAX + sizeof(CGROUP_ROOT_HYBRID)];
	struct stat status;

	if (!read_path(pid, path, sizeof(path)))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		snprintf(whole, sizeof(whole), "%s%s", roots[i], path);
		if (stat(whole, &status) == 0 && S_ISDIR(status.st_mode))
			return status.st_ino;
	}
	return 0;
}

bool cgroup_lives(uint64_t cgroup_id)
{
	union {
		struct file_handle head;
		char room[sizeof(struct file_handle) + sizeof(cgroup_id)];
	} handle = { .head = { .handle_bytes = sizeof(cgroup_id), .handle_type = FILEID_KERNFS_TYPE } };
	_cleanup_(closep) int root = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	memcpy(handle.room + sizeof(struct file_handle), &cgroup_id, sizeof(cgroup_id));
	fd = root < 0 ? -1 : open_by_handle_at(root, &handle.head, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return root < 0 || fd >= 0 || errno != ESTALE;
}
