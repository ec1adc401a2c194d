// SPDX-License-Identifier: Apache-2.0
/*
 * The cgroups that were there before the probes, as records of the kernel half's form: parents before children, and
 * before all else that a snapshot finds, since the others are understood by them. Read from the hierarchy's
 * directories, whose inode numbers are the ids. What cannot be walked is the loss walk_cut; a cgroup that goes
 * meanwhile is none. Owns nothing that outlives a walk.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "probe/parts.h"

#define WALK_CGROUPS_MAX 65536
#define WALK_DEPTH_MAX 64 /* a descriptor each */

struct walk {
	struct source *source;
	struct wire_cgroup record; /* with all that is the same in each */
	char bytes[sizeof(struct wire_cgroup) + WIRE_PATH_MAX];
	char path[WIRE_PATH_MAX + 1]; /* of the cgroup that the walk is in; the root's is empty */
	size_t path_len;
	size_t count;
};

static void walk_lost(struct walk *walk)
{
	struct wire_loss_count *loss = &walk->source->walk_losses;

	loss->last_boot_ns = clock_now().boot_ns;
	if (loss->count++ == 0)
		loss->first_boot_ns = loss->last_boot_ns;
}

static void walk_hand_over(struct walk *walk, uint64_t id, uint64_t parent_id)
{
	struct wire_cgroup *record = &walk->record;
	struct source *source = walk->source;
	struct str path = walk->path_len > 0 ? (struct str) { walk->path, walk->path_len } : STR("/");

	walk->count++;
	record->head.boot_ns = clock_now().boot_ns;
	record->head.cgroup_id = id;
	record->head.size = (uint32_t)(sizeof(*record) + path.len);
	record->parent_id = parent_id;
	record->path_len = (uint16_t)path.len;
	memcpy(walk->bytes, record, sizeof(*record));
	memcpy(walk->bytes + sizeof(*record), path.data, path.len);
	source->take(source->taker, walk->bytes, record->head.size);
}

static void walk_directory(struct walk *walk, int parent, const char *name, uint64_t parent_id, int depth);

static void walk_below(struct walk *walk, int fd, uint64_t id, int depth)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *names = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;

	while (names && (entry = readdir(names))) {
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			walk_directory(walk, fd, entry->d_name, id, depth + 1);
	}
	if (names) {
		closedir(names);
		return;
	}
	if (errno != ENOENT && errno != ENODEV)
		walk_lost(walk); /* what is below it */
	if (again >= 0)
		close(again);
}

static void walk_directory(struct walk *walk, int parent, const char *name, uint64_t parent_id, int depth)
{
	_cleanup_(closep) int fd = -1;
	size_t before = walk->path_len, len = depth > 0 ? strlen(name) + 1 : 0;
	struct stat status;

	if (walk->count >= WALK_CGROUPS_MAX || depth > WALK_DEPTH_MAX || before + len > WIRE_PATH_MAX) {
		walk_lost(walk);
		return;
	}
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0) {
		if (errno != ENOENT && errno != ENODEV)
			walk_lost(walk); /* not gone: out of our reach */
		return;
	}
	if (depth > 0)
		sprintf(walk->path + before, "/%s", name);
	walk->path_len = before + len;
	walk_hand_over(walk, status.st_ino, parent_id);
	walk_below(walk, fd, status.st_ino, depth);
	walk->path_len = before;
}

int cgroup_walk(struct source *source)
{
	struct walk *walk;

	if (!(source->options.kinds & 1u << WIRE_KIND_CGROUP))
		return 0;
	walk = calloc(1, sizeof(*walk));
	if (!walk)
		return -ENOMEM;
	walk->source = source;
	walk->record.head = (struct wire_head) { .kind = WIRE_KIND_CGROUP,
						 .source = WIRE_SOURCE_CGROUP_WALK,
						 .flags = WIRE_FLAG_AT_START,
						 .pid = source->collector,
						 .tid = source->collector,
						 .epoch = (uint16_t)source->programs->data->fold_epoch };
	walk->record.op = WIRE_CGROUP_CREATE;
	prctl(PR_GET_NAME, walk->record.head.comm);
	if (*source->hierarchy.mount)
		walk_directory(walk, AT_FDCWD, source->hierarchy.mount, 0, 0);
	else
		walk_lost(walk);
	free(walk);
	return 0;
}
