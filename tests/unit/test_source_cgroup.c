// SPDX-License-Identifier: Apache-2.0
/*
 * Records of cgroups on the live kernel: made, entered, removed, found at the start, in the hierarchy that is chosen and
 * in no other. Needs root; skipped, with the reason, elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "whose_world.h"

/* What was told of one cgroup, in its order; and of one process that is in it. */
struct told {
	struct decode_scratch scratch;
	uint64_t cgroup_id, parent_id;
	char ops[16]; /* c, a, r; o for an open in it; C for a create at the start */
	char path[WIRE_PATH_MAX + 1];
	uint32_t pids[16];
	unsigned int cut, malformed, all, before_others;
};

static struct told told;

static void told_take(void *taker, const void *data, size_t len)
{
	struct told *in = taker;
	struct event event;
	size_t at = strlen(in->ops);

	if (decode_record(data, len, &in->scratch, &event) != DECODE_OK) {
		in->malformed++;
		return;
	}
	in->before_others += event.kind == WIRE_KIND_CGROUP && in->all == in->before_others;
	in->all++;
	if (event.cgroup_id != in->cgroup_id || at + 1 >= sizeof(in->ops))
		return;
	if (event.kind == WIRE_KIND_FILE_OPEN && str_equal(event.open.path, STR(WHOSE_PATH)))
		in->ops[at] = 'o';
	if (event.kind != WIRE_KIND_CGROUP)
		return;
	report_seen(&event);
	in->ops[at] = event.at_start ? 'C' : " cra"[event.cgroup.op];
	in->pids[at] = event.pid;
	in->parent_id = event.cgroup.parent_id;
	in->cut += event.cgroup.path_truncated;
	snprintf(in->path, sizeof(in->path), "%.*s", (int)event.cgroup.path.len, event.cgroup.path.data);
}

static struct source *open_source(const char *hierarchy, unsigned int without)
{
	struct source_options options = { .ring_bytes = WHOSE_RING_BYTES,
					  .without = without,
					  .cgroup_hierarchy = hierarchy };
	struct source *source = NULL;
	struct diag diag = { .text = "" };

	if (source_open(&options, &diag, &source) < 0)
		fail_msg("%s", diag.text);
	report_source(source, without == 0 && !hierarchy);
	return source;
}

static void drain(struct source *source)
{
	while (source_drain(source, SIZE_MAX, told_take, &told) > 0)
		;
	assert_int_equal(told.malformed, 0);
}

static uint64_t loss_of(struct source *source, enum wire_loss cause)
{
	struct wire_cpu_counters counters;

	assert_int_equal(source_counters(source, &counters), 0);
	return counters.losses[WIRE_KIND_CGROUP - 1][cause].count;
}

static void lives_in(const char *hierarchy, unsigned int without)
{
	_cleanup_(source_closep) struct source *source = open_source(hierarchy, without);
	_cleanup_(closep) int listener = -1;
	struct sockaddr_in address;
	char path[PATH_MAX], want[64];
	struct stat root;
	pid_t child;
	int gate;

	told = (struct told) { .malformed = 0 };
	if (!whose_cgroup(source_cgroup_mount(source), "stella-cgroup", path, sizeof(path), &told.cgroup_id)) {
		print_message("# no cgroup can be made in %s\n", hierarchy ? hierarchy : "the chosen one");
		return;
	}
	listener = whose_listen(&address);
	child = whose_fork(0, &address, &gate);
	whose_move(child, path);
	whose_ends(child, gate);
	assert_int_equal(rmdir(path), 0);
	drain(source);
	assert_string_equal(told.ops, "caor");
	assert_int_equal(told.pids[0], getpid());
	assert_int_equal(told.pids[1], child);
	assert_int_equal(told.pids[3], getpid());
	snprintf(want, sizeof(want), "/stella-cgroup.%d", getpid());
	assert_string_equal(told.path, want);
	assert_int_equal(stat(source_cgroup_mount(source), &root), 0);
	assert_int_equal(told.parent_id, root.st_ino);
	assert_int_equal(told.cut, 0);
}

static void each_life_is_told_in_its_order(void **state)
{
	static const unsigned int mixes[] = { 0, FEATURE_DIRECT_READS | FEATURE_LOOP };

	(void)state;
	if (!source_possible())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(whose_hierarchies); i++) {
		for (size_t mix = 0;
		     whose_hierarchy(whose_hierarchies[i]) && mix < whose_mixes(ARRAY_LEN(mixes)); mix++)
			lives_in(whose_hierarchies[i], mixes[mix]);
	}
	unlink(WHOSE_PATH);
}

static void other_hierarchies_are_none_of_ours(void **state)
{
	_cleanup_(source_closep) struct source *source = NULL;
	struct hierarchy other;
	char path[PATH_MAX];

	(void)state;
	if (!source_possible())
		skip();
	source = open_source(NULL, 0);
	if (hierarchy_find(strcmp(source_cgroup_hierarchy(source), "unified") == 0 ? "pids" : "unified", NULL,
			   &other) < 0) {
		print_message("# skip: there is only one hierarchy\n");
		skip();
	}
	told = (struct told) { .malformed = 0 };
	if (!whose_cgroup(other.mount, "stella-other", path, sizeof(path), &told.cgroup_id))
		skip();
	assert_int_equal(rmdir(path), 0);
	drain(source);
	assert_int_equal(told.before_others, 0);
	assert_string_equal(told.ops, "");
}

/* Before all that a snapshot finds; the root among them, and each below its parent. */
static void what_is_there_is_walked(void **state)
{
	_cleanup_(source_closep) struct source *source = NULL;
	struct hierarchy hierarchy;
	struct diag diag = { .text = "" };
	char path[PATH_MAX], below[PATH_MAX + 16], want[64];
	struct stat info;
	uint64_t above;

	(void)state;
	if (!source_possible())
		skip();
	assert_int_equal(hierarchy_find(NULL, &diag, &hierarchy), 0);
	if (!whose_cgroup(hierarchy.mount, "stella-walk", path, sizeof(path), &above))
		skip();
	snprintf(below, sizeof(below), "%s/be\xffow", path);
	assert_int_equal(mkdir(below, 0755), 0);
	assert_int_equal(stat(below, &info), 0);
	told = (struct told) { .cgroup_id = info.st_ino };
	source = open_source(NULL, 0);
	assert_int_equal(source_snapshot(source, told_take, &told, &diag), 0);
	drain(source);
	assert_string_equal(told.ops, "C");
	assert_int_equal(told.parent_id, above);
	assert_int_equal(told.pids[0], getpid());
	assert_true(told.before_others >= 3); /* the root, and two of ours */
	snprintf(want, sizeof(want), "/stella-walk.%d/be\xffow", getpid());
	assert_string_equal(told.path, want);
	assert_int_equal(loss_of(source, WIRE_LOSS_WALK_CUT), 0);
	assert_int_equal(rmdir(below), 0);
	assert_int_equal(rmdir(path), 0);
}

#define DEEP 6 /* names of 200 bytes: more than the kernel's text holds */

/* The directories of a path made deeper and deeper; then removed. Returns the last one's id. */
static uint64_t deep(const char *top)
{
	char names[DEEP][PATH_MAX], name[201];
	uint64_t id = 0;
	struct stat info;

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < DEEP; i++) {
		snprintf(names[i], sizeof(names[i]), "%.2000s/%s", i ? names[i - 1] : top, name);
		assert_int_equal(mkdir(names[i], 0755), 0);
		assert_int_equal(stat(names[i], &info), 0);
		id = info.st_ino;
	}
	for (int i = DEEP; i-- > 0;)
		assert_int_equal(rmdir(names[i]), 0);
	return id;
}

static void a_path_without_an_end_is_marked(void **state)
{
	_cleanup_(source_closep) struct source *source = NULL;
	char path[PATH_MAX];
	uint64_t top;

	(void)state;
	if (!source_possible())
		skip();
	source = open_source(NULL, 0);
	if (!whose_cgroup(source_cgroup_mount(source), "stella-deep", path, sizeof(path), &top))
		skip();
	told = (struct told) { .cgroup_id = 0 };
	told.cgroup_id = deep(path);
	drain(source);
	assert_string_equal(told.ops, "cr");
	assert_int_equal(told.cut, 2);
	assert_true(strlen(told.path) > 900 && told.path[0] == '/');
	assert_true(loss_of(source, WIRE_LOSS_PATH_CUT) >= 2);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_life_is_told_in_its_order),
		cmocka_unit_test(other_hierarchies_are_none_of_ours),
		cmocka_unit_test(what_is_there_is_walked),
		cmocka_unit_test(a_path_without_an_end_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
