// SPDX-License-Identifier: Apache-2.0
/*
 * Opens what a workload has mapped, without being held up by it: only regular files, on file systems that answer from
 * this machine (a FUSE server or a lost NFS server can keep a reader for ever), never a FIFO or a device, and not
 * waiting for a lease. Owns the table of answers.
 */

#include "resolve/build_id.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define WAYS 8 /* answers beside each other for one place of the table */
#define SETS (BUILD_IDS_MAX / WAYS)
#define MOUNT_LINE_MAX 8192

struct answer {
	struct file_identity identity;
	struct elf_build_id id;
	uint64_t used; /* 0 = free */
};

struct build_ids {
	struct answer answers[SETS][WAYS];
	uint32_t memory_minor; /* of the file system that memfds lie on */
	bool memory_known;
	uint64_t clock;
	struct build_ids_totals totals;
};

int build_ids_new(struct build_ids **ret_ids)
{
	struct build_ids *ids = calloc(1, sizeof(*ids));
	int memory;
	struct stat info;

	if (!ids)
		return -ENOMEM;
	/* Memory files lie on a file system of the kernel's own, which no list of mounts shows. */
	memory = memfd_create("stella", MFD_CLOEXEC);
	if (memory >= 0 && fstat(memory, &info) == 0 && major(info.st_dev) == 0) {
		ids->memory_minor = minor(info.st_dev);
		ids->memory_known = true;
	}
	if (memory >= 0)
		close(memory);
	*ret_ids = ids;
	return 0;
}

void build_ids_free(struct build_ids *ids)
{
	free(ids);
}

static bool is_same(const struct file_identity *a, const struct file_identity *b)
{
	return a->inode == b->inode && a->changed_s == b->changed_s && a->changed_ns == b->changed_ns &&
	       a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

static struct answer *set_of(struct build_ids *ids, const struct file_identity *identity)
{
	uint64_t mix = identity->inode * 0x9e3779b97f4a7c15ull ^ identity->dev_minor ^ identity->changed_ns;

	return ids->answers[(mix ^ mix >> 32) % SETS];
}

static struct answer *answer_find(struct build_ids *ids, const struct file_identity *identity)
{
	struct answer *set = set_of(ids, identity);

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].used && is_same(&set[i].identity, identity))
			return &set[i];
	}
	return NULL;
}

static void answer_keep(struct build_ids *ids, const struct file_identity *identity,
			const struct elf_build_id *id)
{
	struct answer *set = set_of(ids, identity), *oldest = set;

	for (size_t i = 1; i < WAYS; i++) {
		if (set[i].used < oldest->used)
			oldest = &set[i];
	}
	ids->totals.dropped += oldest->used != 0;
	*oldest = (struct answer) { *identity, *id, ++ids->clock };
}

static bool type_is_local(const char *type)
{
	static const char *const local[] = { "bcachefs", "btrfs",  "devtmpfs", "erofs", "hugetlbfs", "overlay",
					     "ramfs",	 "rootfs", "squashfs", "tmpfs", "ubifs",     "zfs" };

	for (size_t i = 0; i < ARRAY_LEN(local); i++) {
		if (strcmp(type, local[i]) == 0)
			return true;
	}
	return false;
}

/* proc_pid_mountinfo(5): "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS] - TYPE SOURCE ...". False: not there. */
static bool mount_type(const char *list, uint32_t minor_number, bool *ret_local)
{
	_cleanup_(fclosep) FILE *file = fopen(list, "re");
	char line[MOUNT_LINE_MAX], type[64];
	unsigned int major_found, minor_found;

	while (file && fgets(line, sizeof(line), file)) {
		const char *dash = strstr(line, " - ");

		if (sscanf(line, "%*u %*u %u:%u", &major_found, &minor_found) != 2 || major_found != 0 ||
		    minor_found != minor_number || !dash || sscanf(dash, " - %63s", type) != 1)
			continue;
		*ret_local = type_is_local(type);
		return true;
	}
	return false;
}

/*
 * A block device answers from this machine; of the others only those whose type we know to. Asked each time: the
 * number of a file system without a device is given to another one when it is gone.
 */
static bool device_is_local(const struct build_ids *ids, const struct mapped_file *file)
{
	bool local = false;
	char list[64];

	if (file->identity.dev_major != 0)
		return true;
	if (ids->memory_known && file->identity.dev_minor == ids->memory_minor)
		return true;
	snprintf(list, sizeof(list), "/proc/%u/mountinfo", file->pid);
	return (mount_type("/proc/self/mountinfo", file->identity.dev_minor, &local) ||
		mount_type(list, file->identity.dev_minor, &local)) &&
	       local;
}

static bool changed_since(const struct stat *info, const struct file_identity *identity)
{
	return (uint64_t)info->st_ctim.tv_sec != identity->changed_s ||
	       (uint64_t)info->st_ctim.tv_nsec != identity->changed_ns;
}

/* Turns a reference that nothing was opened by into a descriptor to read from. */
static int open_regular(int reference)
{
	char link[64];
	int fd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", reference);
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/*
 * By the mapping: whatever its name became, it is the mapped file, unless the process has put another there since,
 * which another inode shows.
 */
static int open_by_mapping(const struct mapped_file *file, bool *ret_changed)
{
	_cleanup_(closep) int reference = -1;
	struct stat info;
	char link[96];

	snprintf(link, sizeof(link), "/proc/%u/map_files/%llx-%llx", file->pid, (unsigned long long)file->start,
		 (unsigned long long)file->end);
	reference = open(link, O_PATH | O_CLOEXEC);
	if (reference < 0 || fstat(reference, &info) < 0)
		return -errno;
	if (!S_ISREG(info.st_mode) || info.st_ino != file->identity.inode)
		return -ESTALE;
	*ret_changed = changed_since(&info, &file->identity);
	return open_regular(reference);
}

/* By name below `root`: it may lead elsewhere by now, so all that is known of the file has to agree. */
static int open_by_name(const char *root, const struct mapped_file *file)
{
	_cleanup_(closep) int directory = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closep) int reference = -1;
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	char path[PATH_MAX + 1];
	struct stat info;

	if (directory < 0)
		return -errno;
	if (file->path.len == 0 || file->path.len > PATH_MAX)
		return -ENOENT;
	memcpy(path, file->path.data, file->path.len);
	path[file->path.len] = '\0';
	reference = (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
	if (reference < 0 || fstat(reference, &info) < 0)
		return -errno;
	if (!S_ISREG(info.st_mode) || info.st_ino != file->identity.inode ||
	    (file->identity.changed_s != 0 && changed_since(&info, &file->identity)))
		return -ESTALE;
	return open_regular(reference);
}

static int mapped_open(const struct mapped_file *file, bool *ret_changed)
{
	char root[64];
	int fd = file->end ? open_by_mapping(file, ret_changed) : -ENOENT;

	if (fd >= 0)
		return fd;
	*ret_changed = false;
	snprintf(root, sizeof(root), "/proc/%u/root", file->pid);
	fd = open_by_name(root, file);
	/* The process may be gone already; its file, if it was one of ours too, is not. */
	return fd >= 0 ? fd : open_by_name("/", file);
}

int build_ids_open(struct build_ids *ids, const struct mapped_file *file)
{
	bool changed;

	return device_is_local(ids, file) ? mapped_open(file, &changed) : -EOPNOTSUPP;
}

bool build_ids_find(struct build_ids *ids, const struct mapped_file *file, struct elf_build_id *ret_id)
{
	struct answer *answer = answer_find(ids, &file->identity);
	_cleanup_(closep) int fd = -1;
	struct elf_build_id id = { .len = 0 };
	bool changed = false;
	int r;

	ids->totals.asked++;
	if (answer) {
		ids->totals.kept++;
		answer->used = ++ids->clock;
		*ret_id = answer->id;
		return true;
	}
	if (device_is_local(ids, file))
		fd = mapped_open(file, &changed);
	r = fd < 0 ? fd : elf_build_id(fd, &id);
	if (fd < 0 || (r < 0 && r != -ENOEXEC)) {
		ids->totals.unknown++;
		return false;
	}
	/* Its name or its content changed meanwhile: this answer is good for this one, the next asks again. */
	if (!changed)
		answer_keep(ids, &file->identity, &id);
	*ret_id = id;
	return true;
}

const struct build_ids_totals *build_ids_totals(const struct build_ids *ids)
{
	return &ids->totals;
}
