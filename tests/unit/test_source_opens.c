// SPDX-License-Identifier: Apache-2.0
/*
 * Opens as they come from the kernel, by every road and with every oddity that a path can have, in every mix of what
 * older kernels lack; and their folding. Each act runs in a process of its own. Needs root; skipped, with the
 * reason, elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/decode.h"
#include "probe/source.h"
#include "tests/system/uring.h"

#define RING_BYTES (8u << 20)
#define SEEN_MAX 512
#define LONG_PATH 4000
#define CANNOT 77 /* how a child says that this kernel or file system has no such thing */

struct seen_open {
	char path[WIRE_PATH_MAX + 1];
	struct event_file_open open;
	enum wire_source source;
	uint64_t count, boot_ns, last_boot_ns;
};

static struct {
	struct decode_scratch scratch;
	uint32_t pid;
	struct seen_open opens[SEEN_MAX];
	size_t n_opens;
	unsigned int malformed;
} seen;

static char dir[] = "/tmp/opens.XXXXXX";
static char file[64], gone[64], bound[64], odd[64], name_long[LONG_PATH + 1];

static void take(void *taker, const void *data, size_t len)
{
	struct seen_open *to = &seen.opens[seen.n_opens];
	struct event event;

	(void)taker;
	if (decode_record(data, len, &seen.scratch, &event) != DECODE_OK) {
		seen.malformed++;
		return;
	}
	if (event.kind != WIRE_KIND_FILE_OPEN || event.pid != seen.pid || seen.n_opens == SEEN_MAX)
		return;
	snprintf(to->path, sizeof(to->path), "%.*s", (int)event.open.path.len, event.open.path.data);
	to->open = event.open;
	to->source = event.source;
	to->count = event.count;
	to->boot_ns = event.boot_ns;
	to->last_boot_ns = event.last_boot_ns;
	seen.n_opens++;
}

/* Runs the act in a child and takes what came of it; the child's exit status. */
static int act_run(struct source *source, int (*act)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(act());
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	seen.pid = (uint32_t)child;
	seen.n_opens = 0;
	while (source_drain(source, SIZE_MAX, take, NULL) > 0)
		;
	assert_int_equal(seen.malformed, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static size_t seen_times(const char *path, const struct seen_open **ret_last)
{
	size_t times = 0;

	for (size_t i = 0; i < seen.n_opens; i++) {
		if (strcmp(seen.opens[i].path, path) == 0) {
			times++;
			*ret_last = &seen.opens[i];
		}
	}
	return times;
}

static uint64_t lost(struct source *source, enum wire_loss cause)
{
	struct wire_cpu_counters counters;

	assert_int_equal(source_counters(source, &counters), 0);
	return counters.losses[WIRE_KIND_FILE_OPEN - 1][cause].count;
}

static int opened(int fd)
{
	return fd >= 0 ? 0 : 1;
}

static int act_openat2(void)
{
	struct open_how how = { .flags = O_RDWR };

	return opened((int)syscall(SYS_openat2, AT_FDCWD, file, &how, sizeof(how)));
}

static int act_creat(void)
{
	return opened(creat(file, 0600));
}

static int act_path_only(void)
{
	return opened(open(file, O_PATH));
}

static int act_in_deleted_directory(void)
{
	if (mkdir(gone, 0700) < 0 || chdir(gone) < 0 || rmdir(gone) < 0)
		return 1;
	return opened(open(".", O_RDONLY | O_DIRECTORY));
}

static int act_chroot(void)
{
	return chroot(dir) < 0 ? 1 : opened(open("/file", O_RDONLY));
}

static int act_bind_mount(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/file", bound);
	if (unshare(CLONE_NEWNS) < 0)
		return 1;
	/* In a root that is no mount of its own there is nothing to make private, and nobody to keep it from. */
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount(dir, bound, NULL, MS_BIND, NULL) < 0)
		return 1;
	return opened(open(path, O_RDONLY));
}

static int act_long_path(void)
{
	return opened(open(name_long, O_RDONLY));
}

static int act_odd_name(void)
{
	return opened(open(odd, O_RDONLY | O_CREAT, 0600));
}

static int act_memory_file(void)
{
	char path[64];
	int fd = memfd_create("in memory", MFD_CLOEXEC);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd < 0 ? 1 : opened(open(path, O_RDONLY));
}

static int act_by_handle(void)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[MAX_HANDLE_SZ];
	} held = { .handle = { .handle_bytes = MAX_HANDLE_SZ } };
	int mount_id, mount_fd = open(dir, O_RDONLY | O_DIRECTORY);

	if (name_to_handle_at(AT_FDCWD, file, &held.handle, &mount_id, 0) < 0)
		return CANNOT;
	return opened(open_by_handle_at(mount_fd, &held.handle, O_RDONLY));
}

static int act_uring(void)
{
	struct uring ring;
	int r = uring_open(&ring);

	if (r == -ENOSYS || r == -EPERM)
		return CANNOT;
	return r < 0 ? 1 : opened(uring_openat(&ring, file, O_RDONLY));
}

static int act_failing(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/not there", dir);
	return open(path, O_RDONLY) < 0 && open(file, O_RDONLY | O_DIRECTORY) < 0 ? 0 : 1;
}

static int act_exec(void)
{
	execl("/bin/true", "true", NULL);
	return 1;
}

/* What an act leaves: one record with this path and so on. */
struct expected {
	const char *what;
	int (*act)(void);
	const char *path;
	enum event_access access;
	bool path_only, deleted, unreachable;
};

static const struct expected expected[] = {
	{ "openat2", act_openat2, file, ACCESS_READ_WRITE, false, false, false },
	{ "creat", act_creat, file, ACCESS_WRITE, false, false, false },
	{ "O_PATH", act_path_only, file, ACCESS_READ, true, false, false },
	{ "a deleted directory", act_in_deleted_directory, gone, ACCESS_READ, false, true, false },
	{ "chroot", act_chroot, "/file", ACCESS_READ, false, false, false },
	{ "a bind mount", act_bind_mount, "BOUND", ACCESS_READ, false, false, false },
	{ "4,000 bytes", act_long_path, name_long, ACCESS_READ, false, false, false },
	{ "no UTF-8", act_odd_name, odd, ACCESS_READ, false, false, false },
	{ "a memory file", act_memory_file, "/memfd:in memory", ACCESS_READ, false, false, true },
	{ "by handle", act_by_handle, file, ACCESS_READ, false, false, false },
};

static void assert_expected(struct source *source, unsigned int mix, const struct expected *want)
{
	const struct seen_open *last = NULL;
	uint64_t missed = lost(source, WIRE_LOSS_MISSED);
	char path[WIRE_PATH_MAX];
	int status = act_run(source, want->act);
	size_t times;

	snprintf(path, sizeof(path), "%s", want->path);
	if (want->act == act_bind_mount)
		snprintf(path, sizeof(path), "%s/file", bound);
	if (status == CANNOT) {
		print_message("# not here: %s\n", want->what);
		return;
	}
	if (status != 0)
		fail_msg("%s: the act itself failed", want->what);
	times = seen_times(path, &last);
	if (times == 0 && lost(source, WIRE_LOSS_MISSED) > missed) {
		print_message("# counted as lost: %s\n", want->what);
		return;
	}
	if (times != 1)
		fail_msg("mix %u, %s: %zu records of %s", mix, want->what, times, path);
	if (last->open.access != want->access || last->open.path_only != want->path_only ||
	    last->open.deleted != want->deleted || last->open.unreachable != want->unreachable)
		fail_msg("mix %u, %s: access %u, path only %d, deleted %d, unreachable %d", mix, want->what,
			 last->open.access, last->open.path_only, last->open.deleted, last->open.unreachable);
	assert_false(last->open.path_truncated);
}

/* Either the record, or the loss in this cgroup: by the hook that there is. */
static void assert_uring(struct source *source, bool late)
{
	const struct seen_open *last = NULL;
	uint64_t before = lost(source, WIRE_LOSS_IO_URING);
	int status = act_run(source, act_uring);
	size_t times = seen_times(file, &last);

	if (status == CANNOT) {
		print_message("# not here: io_uring\n");
		return;
	}
	assert_int_equal(status, 0);
	assert_int_equal(lost(source, WIRE_LOSS_IO_URING) - before, late ? 0 : 1);
	assert_int_equal(times, late ? 1 : 0);
}

static void assert_roads(struct source *source, unsigned int mix)
{
	bool late = source_features(source) & FEATURE_TRAMPOLINE;
	const struct seen_open *last = NULL;

	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_expected(source, mix, &expected[i]);
	assert_uring(source, late);
	assert_int_equal(act_run(source, act_failing), 0);
	assert_int_equal(seen.n_opens, 0);
	assert_int_equal(act_run(source, act_exec), 0);
	assert_true(!late || seen_times("/bin/true", &last) + seen_times("/usr/bin/true", &last) == 1);
}

/* Skips the test where it cannot be. */
static struct source *source_start(enum source_fold fold, unsigned int entries, unsigned int without)
{
	struct source_options options = { .ring_bytes = RING_BYTES,
					  .kinds = 1u << WIRE_KIND_FILE_OPEN,
					  .fold = fold,
					  .fold_entries = entries,
					  .without = without };
	struct diag diag = { .text = "" };
	struct source *source = NULL;

	if (!*file) {
		print_message("# skip: needs root and a kernel with BTF\n");
		skip();
	}
	if (source_open(&options, &diag, &source) < 0)
		fail_msg("%s", diag.text);
	return source;
}

static void each_road_in_each_mix(void **state)
{
	static const unsigned int lacks[] = { FEATURE_DIRECT_READS, FEATURE_LOOP, FEATURE_TRAMPOLINE };
	struct source *whole = source_start(SOURCE_FOLD_PROCESS, 0, 0);
	unsigned int features = source_features(whole);

	(void)state;
	source_close(whole);
	for (unsigned int mix = 0; mix < 1u << ARRAY_LEN(lacks); mix++) {
		_cleanup_(source_closep) struct source *source = NULL;
		unsigned int without = 0;

		for (size_t i = 0; i < ARRAY_LEN(lacks); i++)
			without |= mix & 1u << i ? lacks[i] : 0;
		if (without & ~features)
			continue; /* the same as a mix before */
		source = source_start(SOURCE_FOLD_PROCESS, 0, without);
		assert_roads(source, mix);
	}
}

/* ---- folding ---- */

static int open_times(unsigned int times, int flags)
{
	for (unsigned int i = 0; i < times; i++) {
		int fd = open(file, flags);

		if (fd < 0)
			return 1;
		close(fd);
	}
	return 0;
}

static int act_300(void)
{
	return open_times(300, O_RDONLY);
}

static int act_two_ways(void)
{
	return open_times(3, O_RDONLY) + open_times(3, O_WRONLY);
}

static int act_once_and_exec(void)
{
	if (open_times(3, O_RDONLY) > 0)
		return 1;
	execl("/proc/self/exe", "test_source_opens", "open", file, NULL);
	return 1;
}

/* Another file by the first one's inode number, where the file system gives it again. */
static int act_inode_again(void)
{
	char path[128];

	for (int i = 0; i < 8; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/again.%d", dir, i);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0)
			return 1;
		close(fd);
		unlink(path);
	}
	return 0;
}

static void one_of_many(void **state)
{
	_cleanup_(source_closep) struct source *source = source_start(SOURCE_FOLD_PROCESS, 0, 0);
	const struct seen_open *last = NULL;
	struct wire_cpu_counters counters;

	(void)state;
	assert_int_equal(act_run(source, act_300), 0);
	assert_int_equal(seen_times(file, &last), 3);
	assert_true(seen.opens[0].count <= 1);
	assert_int_equal(seen.opens[1].count, 16);
	assert_int_equal(seen.opens[2].count, 256);
	assert_int_equal(seen.opens[1].boot_ns, seen.opens[0].boot_ns);
	assert_true(seen.opens[1].last_boot_ns > seen.opens[0].boot_ns);
	assert_true(seen.opens[2].last_boot_ns > seen.opens[1].last_boot_ns);
	assert_int_equal(source_counters(source, &counters), 0);
	assert_true(counters.folded[WIRE_KIND_FILE_OPEN - 1] >= 297);
}

static void nobody_else_s(void **state)
{
	_cleanup_(source_closep) struct source *source = source_start(SOURCE_FOLD_PROCESS, 0, 0);
	const struct seen_open *last = NULL;

	(void)state;
	for (int process = 0; process < 2; process++) {
		assert_int_equal(act_run(source, act_two_ways), 0);
		assert_int_equal(seen_times(file, &last), 2); /* to read and to write */
		assert_int_equal(seen.opens[0].open.access, ACCESS_READ);
		assert_int_equal(seen.opens[1].open.access, ACCESS_WRITE);
	}
	assert_int_equal(act_run(source, act_once_and_exec), 0);
	assert_int_equal(seen_times(file, &last), 2); /* the program and its successor */
	assert_int_equal(act_run(source, act_inode_again), 0);
	for (int i = 0; i < 8; i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/again.%d", dir, i);
		assert_int_equal(seen_times(path, &last), 1);
	}
}

/* A new chunk stands alone: the same process's next open is its record again. */
static void again_in_the_next_chunk(void **state)
{
	_cleanup_(source_closep) struct source *source = source_start(SOURCE_FOLD_PROCESS, 0, 0);
	const struct seen_open *last = NULL;
	struct moment since;
	uint16_t epoch;

	(void)state;
	seen.pid = (uint32_t)getpid();
	seen.n_opens = 0;
	open_times(3, O_RDONLY);
	source_epoch(source, &epoch, &since);
	assert_int_equal(source_epoch_over(source), 0);
	open_times(3, O_RDONLY);
	while (source_drain(source, SIZE_MAX, take, NULL) > 0)
		;
	assert_int_equal(seen_times(file, &last), 2);
}

static void once_in_a_container(void **state)
{
	_cleanup_(source_closep) struct source *source = source_start(SOURCE_FOLD_CONTAINER, 0, 0);
	const struct seen_open *last = NULL;

	(void)state;
	assert_int_equal(act_run(source, act_two_ways), 0);
	assert_int_equal(seen_times(file, &last), 2);
	assert_int_equal(act_run(source, act_two_ways), 0);
	assert_int_equal(seen_times(file, &last), 0);
}

static void each_when_off(void **state)
{
	_cleanup_(source_closep) struct source *source = source_start(SOURCE_FOLD_OFF, 0, 0);
	const struct seen_open *last = NULL;

	(void)state;
	assert_int_equal(act_run(source, act_300), 0);
	assert_int_equal(seen_times(file, &last) + lost(source, WIRE_LOSS_MISSED), 300);
}

static int act_many_files(void)
{
	char path[128];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 200; i++) {
			int fd;

			snprintf(path, sizeof(path), "%s/many.%d", dir, i);
			fd = open(path, O_RDONLY | O_CREAT, 0600);
			if (fd < 0)
				return 1;
			close(fd);
		}
	}
	return 0;
}

/* A table too small for what is opened: records come twice, and not one is wanting. */
static void forgotten_is_repeated(void **state)
{
	_cleanup_(source_closep) struct source *source = source_start(SOURCE_FOLD_PROCESS, 8, 0);
	const struct seen_open *last = NULL;

	(void)state;
	assert_int_equal(act_run(source, act_many_files), 0);
	for (int i = 0; i < 200; i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/many.%d", dir, i);
		assert_true(seen_times(path, &last) >= 1);
	}
	assert_true(seen.n_opens > 200);
}

/* ---- the place ---- */

static int make_long_path(void)
{
	size_t len = strlen(dir);

	memcpy(name_long, dir, len);
	while (len + 201 < LONG_PATH) {
		name_long[len++] = '/';
		memset(name_long + len, 'd', 199);
		len += 199;
		if (mkdir(name_long, 0700) < 0)
			return -1;
	}
	name_long[len++] = '/';
	memset(name_long + len, 'f', LONG_PATH - len);
	return close(creat(name_long, 0600));
}

static int place_make(void **state)
{
	(void)state;
	if (geteuid() != 0 || access("/sys/kernel/btf/vmlinux", R_OK) < 0) {
		return 0; /* each test then says so */
	}
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(gone, sizeof(gone), "%s/gone", dir);
	snprintf(bound, sizeof(bound), "%s/bound", dir);
	snprintf(odd, sizeof(odd), "%s/caf\xe9 \xff", dir);
	return close(creat(file, 0600)) < 0 || mkdir(bound, 0700) < 0 ? -1 : make_long_path();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

static int place_remove(void **state)
{
	(void)state;
	return *file ? nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) : 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_road_in_each_mix), cmocka_unit_test(one_of_many),
		cmocka_unit_test(nobody_else_s),	 cmocka_unit_test(again_in_the_next_chunk),
		cmocka_unit_test(once_in_a_container),	 cmocka_unit_test(each_when_off),
		cmocka_unit_test(forgotten_is_repeated),
	};

	if (argc == 3 && strcmp(argv[1], "open") == 0)
		return opened(open(argv[2], O_RDONLY));
	return cmocka_run_group_tests(tests, place_make, place_remove);
}
