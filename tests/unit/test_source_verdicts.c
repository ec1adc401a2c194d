// SPDX-License-Identifier: Apache-2.0
/*
 * Decisions about containers in the kernel, on the live kernel: what is left out is counted and does not come, what is
 * kept or not decided yet comes whole. Needs root; skipped, with the reason, elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "probe/hierarchy.h"
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

static bool world_open(const char *hierarchy, unsigned int without)
{
	struct source_options options = { .ring_bytes = WHOSE_RING_BYTES,
					  .fold = SOURCE_FOLD_PROCESS,
					  .without = without,
					  .cgroup_hierarchy = hierarchy };
	struct diag diag = { .text = "" };
	int r = source_open(&options, &diag, &source);

	if (r == -ENOENT && hierarchy)
		return false;
	if (r < 0)
		fail_msg("%s", diag.text);
	return true;
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

static void world_end(void)
{
	if (*below) {
		assert_int_equal(rmdir(below), 0);
		assert_int_equal(rmdir(first), 0);
		assert_int_equal(rmdir(second), 0);
	}
	*below = '\0';
	source_close(TAKE(source));
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

static void in_each_world(void (*made_before)(void), void (*made_while)(void))
{
	static const char *const names[] = { NULL, "unified" };
	static const unsigned int mixes[] = { 0, FEATURE_TRAMPOLINE | FEATURE_DIRECT_READS };

	if (!source_possible())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(names) * ARRAY_LEN(mixes); i++) {
		_cleanup_(closep) int listener = whose_listen(&address);
		bool made;

		if (!world_open(names[i / ARRAY_LEN(mixes)], mixes[i % ARRAY_LEN(mixes)]))
			continue;
		if (made_while)
			mode(true, false);
		made = world_make();
		if (!made)
			print_message("# no cgroups can be made here\n");
		else if (made_while)
			made_while();
		else
			made_before();
		world_end();
	}
	unlink(WHOSE_PATH);
}

static void what_is_left_out_is_counted(void **state)
{
	(void)state;
	in_each_world(decided_one_by_one, NULL);
}

static void what_is_new_is_kept_until_decided(void **state)
{
	(void)state;
	in_each_world(NULL, kept_until_decided);
}

static void what_is_below_is_as_above(void **state)
{
	(void)state;
	in_each_world(children_share_its_fate, NULL);
}

static void filters_and_decisions_agree(void **state)
{
	(void)state;
	in_each_world(filters_stand_beside_them, NULL);
}

static void what_cannot_be_kept_costs_no_record(void **state)
{
	(void)state;
	if (!source_possible())
		skip();
	assert_true(world_open(NULL, 0));
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
	}
	assert_int_equal(source_target_set(source, 1, SOURCE_VERDICT_KEEP), -E2BIG);
	assert_true(source_target_full(source));
	world_end();
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
		cmocka_unit_test(what_is_left_out_is_counted),
		cmocka_unit_test(what_is_new_is_kept_until_decided),
		cmocka_unit_test(what_is_below_is_as_above),
		cmocka_unit_test(filters_and_decisions_agree),
		cmocka_unit_test(what_cannot_be_kept_costs_no_record),
		cmocka_unit_test(without_records_of_cgroups_there_is_no_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
