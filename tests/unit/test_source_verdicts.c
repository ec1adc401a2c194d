// SPDX-License-Identifier: Apache-2.0
/*
 * Decisions about containers in the kernel, on the live kernel: what is left out is counted and does not come, what is
 * kept or not decided yet comes whole. Needs root; skipped, with the reason, elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "whose_world.h"

static struct source *source;
static struct sockaddr_in address; /* whereto processes connect */

/* Two containers, and one below the first. */
static char first[PATH_MAX], second[PATH_MAX], below[PATH_MAX + 16];
static uint64_t first_id, second_id, below_id;

static uint64_t filtered(enum wire_kind kind)
{
	struct wire_cpu_counters counters;

	assert_int_equal(source_counters(source, &counters), 0);
	return counters.filtered[kind - 1];
}

/* All that a process does in this cgroup (NULL: in ours) is recorded, or nothing of it. */
static void expect(const char *cgroup, bool recorded)
{
	static const enum wire_kind kinds[] = { WIRE_KIND_FILE_OPEN, WIRE_KIND_PROCESS_EXEC,
						WIRE_KIND_NET_CONNECT, WIRE_KIND_TCP_STATE,
						WIRE_KIND_PROCESS_EXIT };
	static struct whose whose;
	uint64_t before[ARRAY_LEN(kinds)];
	int gate;

	whose = (struct whose) { .pid = (uint32_t)whose_fork(0, &address, &gate) };
	if (cgroup)
		whose_move((pid_t)whose.pid, cgroup);
	whose_drain(source, &whose);
	assert_int_equal(whose.came[WIRE_KIND_CGROUP], cgroup != NULL);
	whose.came[0] = 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		before[i] = filtered(kinds[i]);
	whose_ends((pid_t)whose.pid, gate);
	whose_drain(source, &whose);
	if (recorded) {
		whose_is_whole(&whose);
		return;
	}
	assert_int_equal(whose.came[0], 0);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		assert_true(filtered(kinds[i]) > before[i]);
}

static void decide(uint64_t id, enum source_verdict verdict)
{
	assert_int_equal(source_target_set(source, id, verdict), 0);
}

static void mode(bool on, bool host)
{
	assert_int_equal(source_target_mode(source, on, host), 0);
}

static void world_open(const char *hierarchy, unsigned int without)
{
	struct source_options options = { .ring_bytes = WHOSE_RING_BYTES,
					  .fold = SOURCE_FOLD_PROCESS,
					  .without = without,
					  .cgroup_hierarchy = hierarchy };
	struct diag diag = { .text = "" };

	if (source_open(&options, &diag, &source) < 0)
		fail_msg("%s", diag.text);
}

static bool world_make(void)
{
	struct stat info;
	const char *mount = source_cgroup_mount(source);

	if (!whose_cgroup(mount, "stella-first", first, sizeof(first), &first_id) ||
	    !whose_cgroup(mount, "stella-second", second, sizeof(second), &second_id))
		return false;
	snprintf(below, sizeof(below), "%s/below", first);
	assert_int_equal(mkdir(below, 0755), 0);
	assert_int_equal(stat(below, &info), 0);
	below_id = info.st_ino;
	return true;
}

/* As if nothing had been decided. */
static void world_end(void)
{
	const uint64_t ids[] = { first_id, second_id, below_id };

	mode(false, false);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		decide(ids[i], SOURCE_VERDICT_NONE);
	assert_int_equal(rmdir(below), 0);
	assert_int_equal(rmdir(first), 0);
	assert_int_equal(rmdir(second), 0);
}

/* Made before the mode is on: nobody has said anything about them. */
static void decided_one_by_one(void)
{
	decide(first_id, SOURCE_VERDICT_LEAVE_OUT);
	expect(first, true); /* the mode is off */
	mode(true, true);
	expect(first, false);
	expect(below, false);
	expect(second, true);
	expect(NULL, true);
	mode(true, false);
	expect(second, false);
	expect(NULL, false);
	assert_int_equal(source_target_pass(source), 0);
	expect(first, true);
	expect(NULL, true);
	mode(true, false);
	expect(first, false);
	expect(NULL, false);
	decide(second_id, SOURCE_VERDICT_KEEP);
	expect(second, true);
	decide(below_id, SOURCE_VERDICT_KEEP); /* nearer than the one above it */
	expect(below, true);
	expect(first, false);
	decide(first_id, SOURCE_VERDICT_KEEP);
	decide(below_id, SOURCE_VERDICT_NONE);
	expect(below, true);
	decide(first_id, SOURCE_VERDICT_NONE);
	expect(below, false);
	decide(first_id, SOURCE_VERDICT_NONE); /* again */
	mode(false, false);
	expect(NULL, true);
	assert_false(source_target_full(source));
}

/* Made while it is on. */
static void kept_until_decided(void)
{
	mode(true, false);
	expect(NULL, false);
	expect(first, true);
	expect(below, true);
	expect(second, true);
	decide(first_id, SOURCE_VERDICT_LEAVE_OUT);
	expect(first, false);
	expect(below, true); /* made while the one above was open: it may be another container */
	decide(below_id, SOURCE_VERDICT_NONE);
	expect(below, false);
	expect(second, true);
	decide(second_id, SOURCE_VERDICT_NONE); /* it is no container but the host's */
	expect(second, false);
}

/* Below a container that was decided about. */
static void children_share_its_fate(void)
{
	struct stat info;

	decide(first_id, SOURCE_VERDICT_LEAVE_OUT);
	decide(second_id, SOURCE_VERDICT_KEEP);
	mode(true, false);
	assert_int_equal(rmdir(below), 0);
	assert_int_equal(mkdir(below, 0755), 0);
	assert_int_equal(stat(below, &info), 0);
	assert_true((uint64_t)info.st_ino != below_id);
	expect(below, false);
	decide(first_id, SOURCE_VERDICT_KEEP);
	expect(below, true);
}

/* Filters of other kinds come and go beside the decisions. */
static void filters_stand_beside_them(void)
{
	struct source_filter only = { .cgroups = &first_id, .n_cgroups = 1 }, none = { .n_cgroups = 0 };

	decide(below_id, SOURCE_VERDICT_LEAVE_OUT);
	mode(true, true);
	assert_int_equal(source_filter(source, &only), 0);
	expect(first, true);
	expect(below, false);
	expect(second, false);
	mode(false, false);
	expect(below, true);
	expect(second, false);
	mode(true, false);
	assert_int_equal(source_filter(source, &none), 0);
	expect(below, false);
	decide(second_id, SOURCE_VERDICT_KEEP);
	expect(second, true);
}

static const struct {
	const char *name;
	void (*play)(void);
	bool on; /* before the cgroups are made */
} scenes[] = {
	{ "decided one by one", decided_one_by_one, false },
	{ "kept until decided", kept_until_decided, true },
	{ "children share its fate", children_share_its_fate, false },
	{ "filters stand beside them", filters_stand_beside_them, false },
};

/* False: no cgroups can be made here. */
static bool play_all(void)
{
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
		print_message("# %s, in %s\n", scenes[i].name, source_cgroup_hierarchy(source));
		mode(scenes[i].on, false);
		if (!world_make())
			return false;
		scenes[i].play();
		world_end();
	}
	return true;
}

static void what_was_decided_holds(void **state)
{
	static const unsigned int mixes[] = { 0, FEATURE_TRAMPOLINE | FEATURE_DIRECT_READS };
	_cleanup_(closep) int listener = -1;
	bool played = false;

	(void)state;
	if (!source_possible())
		skip();
	listener = whose_listen(&address);
	for (size_t i = 0; i < ARRAY_LEN(whose_hierarchies); i++) {
		for (size_t mix = 0;
		     whose_hierarchy(whose_hierarchies[i]) && mix < whose_mixes(ARRAY_LEN(mixes)); mix++) {
			world_open(whose_hierarchies[i], mixes[mix]);
			played |= play_all();
			source_close(TAKE(source));
		}
	}
	unlink(WHOSE_PATH);
	if (!played) {
		print_message("# skip: no cgroups can be made here\n");
		skip();
	}
}

static void what_cannot_be_kept_costs_no_record(void **state)
{
	(void)state;
	if (!source_possible())
		skip();
	world_open(NULL, 0);
	mode(true, false);
	for (uint64_t i = 0; i < SOURCE_TARGETS_MAX; i++)
		decide(UINT64_MAX - i, SOURCE_VERDICT_LEAVE_OUT);
	assert_false(source_target_full(source));
	if (world_make()) {
		_cleanup_(closep) int listener = whose_listen(&address);

		assert_true(source_target_full(source));
		expect(first, true);
		decide(UINT64_MAX, SOURCE_VERDICT_NONE);
		decide(first_id, SOURCE_VERDICT_LEAVE_OUT);
		expect(first, false);
		assert_int_equal(source_target_set(source, 1, SOURCE_VERDICT_KEEP), -E2BIG);
		world_end();
	}
	assert_true(source_target_full(source));
	source_close(TAKE(source));
	unlink(WHOSE_PATH);
}

static void without_records_of_cgroups_there_is_no_mode(void **state)
{
	struct source_options options = { .ring_bytes = WHOSE_RING_BYTES, .kinds = 1u << WIRE_KIND_FILE_OPEN };
	struct diag diag = { .text = "" };

	(void)state;
	if (!source_possible())
		skip();
	assert_int_equal(source_open(&options, &diag, &source), 0);
	assert_int_equal(source_target_mode(source, true, true), -EOPNOTSUPP);
	assert_int_equal(source_target_mode(source, false, false), 0);
	source_close(TAKE(source));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_decided_holds),
		cmocka_unit_test(what_cannot_be_kept_costs_no_record),
		cmocka_unit_test(without_records_of_cgroups_there_is_no_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
