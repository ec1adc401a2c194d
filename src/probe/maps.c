// SPDX-License-Identifier: Apache-2.0
/* /proc/PID/maps, line by line. The paths in it are the processes' own; nothing in them is trusted. Owns nothing. */

#include "probe/maps.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define DELETED " (deleted)"
#define MINOR_BITS 20 /* linux/kdev_t.h */
#define PROCESS_LINES_MAX 262144 /* four times the kernel's own default limit of mappings */

/* "7f00-7f01 r-xp 00001000 08:01 1234   /usr/lib/x (deleted)" */
static bool line_parse(char *line, struct mapping *ret_mapping)
{
	unsigned long start, end, inode;
	unsigned int dev_major, dev_minor;
	struct mapping mapping = { 0 };
	char access[5];
	size_t len;
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%lx-%lx %4s %*x %x:%x %lu %n", &start, &end, access, &dev_major, &dev_minor, &inode,
		   &at) < 6 ||
	    at == 0)
		return false;
	mapping = (struct mapping) { .start = start,
				     .end = end,
				     .inode = inode,
				     .dev = dev_major << MINOR_BITS | dev_minor,
				     .executable = strchr(access, 'x') != NULL,
				     .path = line + at };
	len = strlen(mapping.path);
	if (len > strlen(DELETED) && strcmp(mapping.path + len - strlen(DELETED), DELETED) == 0) {
		mapping.deleted = true;
		line[(size_t)at + len - strlen(DELETED)] = '\0';
	}
	*ret_mapping = mapping;
	return true;
}

int maps_visit(pid_t pid, mapping_fn visit, void *user)
{
	_cleanup_(freep) char *line = NULL;
	_cleanup_(fclosep) FILE *file = NULL;
	struct mapping mapping;
	size_t room = 0;
	char name[32];
	int r = 0;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	file = fopen(name, "re");
	if (!file)
		return -errno;
	for (int i = 0; r == 0 && i < PROCESS_LINES_MAX && getline(&line, &room, file) > 0; i++) {
		if (line_parse(line, &mapping))
			r = visit(user, pid, &mapping);
	}
	return r;
}

int maps_visit_all(mapping_fn visit, void *user)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	int r = 0;

	if (!processes)
		return -errno;
	while (r <= 0 && (entry = readdir(processes))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (pid > 0 && *end == '\0')
			r = maps_visit((pid_t)pid, visit, user);
	}
	closedir(processes);
	return r > 0 ? r : 0;
}
