// SPDX-License-Identifier: Apache-2.0
/*
 * Opens what a workload has mapped, without being held up by it: only regular files, on file systems that answer from
 * this machine (a FUSE server or a lost NFS server can keep a reader for ever), never a FIFO or a device, and not
 * waiting for a lease. Owns the table of answers.
 */

#include "resolve/build_id.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

/* `layers`: whoever mounted it is trusted to have put no server below. */
static bool type_is_local(const char *type, bool layers)
{
	static const char *const local[] = { "bcachefs", "btrfs",    "devtmpfs", "erofs", "hugetlbfs", "ramfs",
					     "rootfs",	 "squashfs", "tmpfs",	 "ubifs", "zfs" };

	for (size_t i = 0; i < ARRAY_LEN(local); i++) {
		if (strcmp(type, local[i]) == 0)
			return true;
	}
	return layers && strcmp(type, "overlay") == 0;
}

/* A line of proc_pid_mountinfo(5): "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS] - TYPE SOURCE ...". */
struct mount_line {
	uint64_t id;
	unsigned int dev_major, dev_minor;
	char type[64];
};

typedef bool (*mount_wanted_fn)(const struct mount_line *line, const void *wanted);

static bool mount_find(const char *list, mount_wanted_fn is_wanted, const void *wanted, struct mount_line *ret)
{
	_cleanup_(fclosep) FILE *file = fopen(list, "re");
	char line[MOUNT_LINE_MAX];

	while (file && fgets(line, sizeof(line), file)) {
		const char *dash = strstr(line, " - ");

		if (sscanf(line, "%" SCNu64 " %*u %u:%u", &ret->id, &ret->dev_major, &ret->dev_minor) == 3 &&
		    dash && sscanf(dash, " - %63s", ret->type) == 1 && is_wanted(ret, wanted))
			return true;
	}
	return false;
}

static bool has_device(const struct mount_line *line, const void *wanted)
{
	const struct file_identity *identity = wanted;

	return line->dev_major == identity->dev_major && line->dev_minor == identity->dev_minor;
}

static bool has_id(const struct mount_line *line, const void *wanted)
{
	return line->id == *(const uint64_t *)wanted;
}

/*
 * In a user namespace of its own a process may lay layers over a server that never answers, or map from one and keep its
 * memory locked while it waits.
 */
static bool shares_our_users(uint32_t pid)
{
	struct stat ours, its;
	char name[64];

	snprintf(name, sizeof(name), "/proc/%u/ns/user", pid);
	return stat("/proc/self/ns/user", &ours) == 0 && stat(name, &its) == 0 && ours.st_ino == its.st_ino &&
	       ours.st_dev == its.st_dev;
}

/*
 * A block device answers from this machine; of the others only those whose type we know to. Asked each time: the
 * number of a file system without a device is given to another one when it is gone.
 */
static bool device_is_local(const struct build_ids *ids, const struct mapped_file *file)
{
	struct mount_line line;
	char list[64];

	if (file->identity.dev_major != 0)
		return true;
	if (ids->memory_known && file->identity.dev_minor == ids->memory_minor)
		return true;
	if (mount_find("/proc/self/mountinfo", has_device, &file->identity, &line))
		return type_is_local(line.type, true);
	snprintf(list, sizeof(list), "/proc/%u/mountinfo", file->pid);
	return mount_find(list, has_device, &file->identity, &line) &&
	       type_is_local(line.type, shares_our_users(file->pid));
}

/*
 * Does the reference lie on the file system that was found to be local? Another may have been put in its place since.
 * Asked without asking the file system. Some (btrfs, overlay) tell other numbers than their own: there the mount does.
 */
static bool is_on_device(int reference, const struct mapped_file *file)
{
	struct mount_line line;
	struct statx info;
	char list[64];
	uint64_t id;

	if (statx(reference, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_MNT_ID, &info) < 0)
		return false;
	if (info.stx_dev_major == file->identity.dev_major && info.stx_dev_minor == file->identity.dev_minor)
		return true;
	id = info.stx_mnt_id;
	snprintf(list, sizeof(list), "/proc/%u/mountinfo", file->pid);
	return info.stx_mask & STATX_MNT_ID &&
	       (mount_find(list, has_id, &id, &line) ||
		mount_find("/proc/self/mountinfo", has_id, &id, &line)) &&
	       has_device(&line, &file->identity);
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
	if (reference < 0)
		return -errno;
	if (!is_on_device(reference, file))
		return -ESTALE;
	if (fstat(reference, &info) < 0)
		return -errno;
	if (!S_ISREG(info.st_mode) || info.st_ino != file->identity.inode)
		return -ESTALE;
	*ret_changed = changed_since(&info, &file->identity);
	return open_regular(reference);
}

/*
 * What a name leads to, asking no file system for it: the names were in use a moment ago, and one that leads to a server
 * by now is not followed. Before 5.12 that cannot be asked for.
 */
static int open_reference(int directory, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_CACHED };
	int fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));

	if (fd < 0 && errno == EINVAL) {
		how.resolve &= ~(uint64_t)RESOLVE_CACHED;
		fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
	}
	return fd < 0 ? -errno : fd;
}

/* By name below `root`: it may lead elsewhere by now, so all that is known of the file has to agree. */
static int open_by_name(const char *root, const struct mapped_file *file)
{
	_cleanup_(closep) int directory =
		open(root, O_PATH | O_CLOEXEC); /* without O_DIRECTORY: that is a canary */
	_cleanup_(closep) int reference = -1;
	char path[PATH_MAX + 1];
	struct stat info;

	if (directory < 0)
		return -errno;
	if (file->path.len == 0 || file->path.len > PATH_MAX)
		return -ENOENT;
	memcpy(path, file->path.data, file->path.len);
	path[file->path.len] = '\0';
	reference = open_reference(directory, path);
	if (reference < 0)
		return reference;
	if (!is_on_device(reference, file))
		return -ESTALE;
	if (fstat(reference, &info) < 0)
		return -errno;
	if (!S_ISREG(info.st_mode) || info.st_ino != file->identity.inode ||
	    (file->identity.changed_s != 0 && changed_since(&info, &file->identity)))
		return -ESTALE;
	return open_regular(reference);
}

static int mapped_open(const struct mapped_file *file, bool *ret_changed)
{
	char root[64];
	int fd = file->end && shares_our_users(file->pid) ? open_by_mapping(file, ret_changed) : -ENOENT;

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
