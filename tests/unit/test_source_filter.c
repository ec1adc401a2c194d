// SPDX-License-Identifier: Apache-2.0
/*
 * The filters in the kernel, each in both directions on the live kernel: what is asked for comes, the rest is counted
 * and does not, and other settings hold from one moment to the next. Needs root; skipped, with the reason, elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "collect/prefix.h"
#include "probe/decode.h"
#include "source_world.h"

#define RING_BYTES (8u << 20)
#define MIXES 4

static struct source *source;
static struct decode_scratch scratch;
static char wanted[128]; /* path of the file that is opened */
static unsigned int opens;

static void take(void *taker, const void *data, size_t len)
{
	struct event event;

	(void)taker;
	if (decode_record(data, len, &scratch, &event) == DECODE_OK && event.kind == WIRE_KIND_FILE_OPEN &&
	    str_equal(event.open.path, str_of(wanted))) {
		opens++;
		report_seen(&event);
	}
}

static uint64_t filtered(void)
{
	struct wire_cpu_counters counters;

	assert_int_equal(source_counters(source, &counters), 0);
	return counters.filtered[WIRE_KIND_FILE_OPEN - 1];
}

static void open_wanted(void)
{
	int fd = open(wanted, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		_exit(1);
	close(fd);
}

/* The opens of `act` are recorded, or left out and counted. */
static void expect(void (*act)(void), bool recorded)
{
	uint64_t before = filtered();

	opens = 0;
	act();
	while (source_drain(source, SIZE_MAX, take, NULL) > 0)
		;
	assert_int_equal(opens, recorded);
	if (!recorded)
		assert_true(filtered() > before);
}

static void set(const struct source_filter *filter)
{
	assert_int_equal(source_filter(source, filter), 0);
}

static uint64_t inode_of(const char *path)
{
	struct stat info;

	assert_int_equal(stat(path, &info), 0);
	return info.st_ino;
}

/* ---- processes that are somewhere else ---- */

static char cgroup[64];

static void child_ends(pid_t child)
{
	int status;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void in_cgroup(void)
{
	pid_t child = fork();
	char path[96];
	int fd;

	if (child == 0) {
		snprintf(path, sizeof(path), "%s/below/cgroup.procs", cgroup);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(1);
		open_wanted();
		_exit(0);
	}
	child_ends(child);
}

static uint32_t inner_namespace;

/* Two deep, so that what is chosen is not its own. */
static void in_namespace(void)
{
	pid_t child = fork();

	if (child == 0) {
		if (unshare(CLONE_NEWPID) < 0)
			_exit(1);
		child = fork();
		if (child == 0) {
			open_wanted();
			_exit(0);
		}
		child_ends(child);
		_exit(0);
	}
	child_ends(child);
}

/* A child that stays in a namespace of its own, so that there is one to name. */
static int keep_namespace(void)
{
	const uint64_t own = inode_of("/proc/self/ns/pid");
	struct stat info;
	char path[64];
	int pipes[2];
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWPID) < 0)
			_exit(1);
		child = fork();
		if (child == 0) {
			close(pipes[1]);
			_exit(read(pipes[0], path, 1) < 0);
		}
		close(pipes[1]);
		child_ends(child);
		_exit(0);
	}
	close(pipes[0]);
	snprintf(path, sizeof(path), "/proc/%d/ns/pid_for_children", child);
	/* It is there when its first process is. */
	while (stat(path, &info) < 0 || info.st_ino == own)
		sched_yield();
	inner_namespace = (uint32_t)info.st_ino;
	return pipes[1];
}

static void as_other_command(void)
{
	pid_t child = fork();

	if (child == 0) {
		prctl(PR_SET_NAME, "fifteen letters");
		open_wanted();
		_exit(0);
	}
	child_ends(child);
}

/* ---- the tests ---- */

static void by_cgroup(void)
{
	uint64_t id;
	struct source_filter only = { .cgroups = &id, .n_cgroups = 1 }, none = { .n_cgroups = 0 };
	const char *mount = source_cgroup_mount(source);
	char below[80];

	snprintf(cgroup, sizeof(cgroup), "%s/stella-test.%d", mount ? mount : "/nowhere", getpid());
	snprintf(below, sizeof(below), "%s/below", cgroup);
	if (mkdir(cgroup, 0755) < 0 || mkdir(below, 0755) < 0) {
		print_message("# no cgroups can be made here\n");
		return;
	}
	id = inode_of(cgroup);
	set(&only);
	expect(in_cgroup, true);
	expect(open_wanted, false);
	id = inode_of(below);
	set(&only);
	expect(in_cgroup, true);
	id = 1; /* the root of all cgroups */
	set(&only);
	expect(open_wanted, true);
	id = UINT64_MAX; /* nobody's; asked of a cgroup that was judged before */
	set(&only);
	expect(in_cgroup, false);
	set(&none);
	expect(open_wanted, true);
	rmdir(below);
	rmdir(cgroup);
}

static void by_namespace(void)
{
	uint32_t inum;
	struct source_filter only = { .pid_namespaces = &inum, .n_pid_namespaces = 1 };
	int keeper = keep_namespace();

	inum = (uint32_t)inode_of("/proc/self/ns/pid");
	set(&only);
	expect(open_wanted, true);
	expect(in_namespace, true);
	inum = inner_namespace;
	set(&only);
	expect(open_wanted, false);
	expect(in_namespace, false); /* another one */
	close(keeper);
	assert_true(wait(NULL) > 0);
}

static void by_command(void)
{
	char own[16], fifteen[] = "fifteen letters", fourteen[] = "fifteen letter";
	char *own_name = own, *other = fifteen, *begins = fourteen;
	struct source_filter filter = { .comm_allow = &other, .n_comm_allow = 1 };

	prctl(PR_GET_NAME, own);
	set(&filter);
	expect(as_other_command, true);
	expect(open_wanted, false);
	filter.comm_allow = &begins;
	set(&filter);
	expect(as_other_command, false);
	filter = (struct source_filter) { .comm_deny = &other, .n_comm_deny = 1 };
	set(&filter);
	expect(as_other_command, false);
	expect(open_wanted, true);
	filter.comm_allow = &other;
	filter.n_comm_allow = 1;
	set(&filter);
	expect(as_other_command, false);
	filter = (struct source_filter) { .comm_allow = &own_name, .n_comm_allow = 1 };
	set(&filter);
	expect(open_wanted, true);
	expect(as_other_command, false);
}

static void with_paths(const char *allow, const char *deny, bool recorded)
{
	static struct wire_prefixes prefixes;
	struct source_filter filter = { .paths = &prefixes };
	char *allows = (char *)allow, *denies = (char *)deny;

	prefixes_of(&allows, allow != NULL, &denies, deny != NULL, &prefixes);
	set(&filter);
	expect(open_wanted, recorded);
}

static void by_path(const char *directory)
{
	char inner[96], below[128];

	snprintf(inner, sizeof(inner), "%s/inner", directory);
	assert_int_equal(mkdir(inner, 0755), 0);
	snprintf(wanted, sizeof(wanted), "%s/inner/file", directory);
	snprintf(below, sizeof(below), "%s/**", inner);
	with_paths(NULL, below, false);
	with_paths(below, NULL, true);
	with_paths(below, below, false);
	with_paths(NULL, "/inner/**", true);
	with_paths(NULL, "/**", false);
	with_paths("/inner/**", NULL, false);
	with_paths("/tmp/**", NULL, true);
	with_paths("/tmp/**/other", NULL, true); /* the collector's to judge */
	with_paths("/usr/**/file", NULL, false);
	snprintf(below, sizeof(below), "%s/inn**", directory);
	with_paths(NULL, below, true);
	snprintf(below, sizeof(below), "%s/inner/file/**", directory);
	with_paths(NULL, below, true);
	unlink(wanted);
	rmdir(inner);
}

static void in_force_from_the_first(void)
{
	char pattern[] = "/tmp/**", *deny = pattern;
	struct wire_prefixes prefixes;
	struct source_filter filter = { .paths = &prefixes };
	struct source_options options = { .ring_bytes = RING_BYTES, .filter = &filter };
	struct diag diag = { .text = "" };

	prefixes_of(NULL, 0, &deny, 1, &prefixes);
	if (source_open(&options, &diag, &source) < 0)
		fail_msg("%s", diag.text);
	expect(open_wanted, false);
	source_close(TAKE(source));
}

static void each_filter_both_ways(void **state)
{
	char directory[32] = "/tmp/stella-filter.XXXXXX";

	(void)state;
	if (!source_possible())
		skip();
	assert_non_null(mkdtemp(directory));
	for (unsigned int mix = 0; mix < MIXES; mix++) {
		struct source_options options = { .ring_bytes = RING_BYTES,
						  .fold = SOURCE_FOLD_OFF,
						  .without =
							  (mix & 1 ? FEATURE_LOOP | FEATURE_DIRECT_READS : 0) |
							  (mix & 2 ? FEATURE_TRAMPOLINE : 0) };
		struct diag diag = { .text = "" };

		if (source_open(&options, &diag, &source) < 0)
			fail_msg("mix %u: %s", mix, diag.text);
		report_source(source, mix == 0);
		snprintf(wanted, sizeof(wanted), "%s/file", directory);
		expect(open_wanted, true);
		by_cgroup();
		by_namespace();
		by_command();
		by_path(directory);
		source_close(TAKE(source));
		snprintf(wanted, sizeof(wanted), "%s/file", directory);
		in_force_from_the_first();
	}
	unlink(wanted);
	rmdir(directory);
}

static void too_many_change_nothing(void **state)
{
	static uint64_t ids[SOURCE_FILTER_MAX + 1];
	struct source_filter many = { .cgroups = ids, .n_cgroups = SOURCE_FILTER_MAX + 1 };
	struct source_options options = { .ring_bytes = RING_BYTES };
	struct diag diag = { .text = "" };
	char name[] = "nobody", *other = name;
	struct source_filter nobody = { .comm_allow = &other, .n_comm_allow = 1 };

	(void)state;
	if (!source_possible())
		skip();
	snprintf(wanted, sizeof(wanted), "/tmp/stella-filter.%d", getpid());
	assert_int_equal(source_open(&options, &diag, &source), 0);
	set(&nobody);
	assert_int_equal(source_filter(source, &many), -E2BIG);
	expect(open_wanted, false);
	many.n_cgroups--;
	for (size_t i = 0; i < SOURCE_FILTER_MAX; i++)
		ids[i] = i + 1; /* the first is the root's */
	for (int times = 0; times < 3; times++)
		set(&many);
	expect(open_wanted, true);
	source_close(TAKE(source));
	unlink(wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_filter_both_ways),
		cmocka_unit_test(too_many_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
