// SPDX-License-Identifier: Apache-2.0
/*
 * Whose event it was, record by record: told at once, held for an engine's word, let go in order, left out, and given to
 * nobody when nobody is known. The records are those of the kernel half, byte for byte.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "collect/attribution.h"
#include "probe/decode.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define DOCKER 2 /* container_runtime("docker") */

struct record {
	struct wire_cgroup cgroup;
	char path[256];
};

static struct attribution *attribution;
static struct decode_scratch scratch;
static struct event event;
static uint64_t now_ns;
static char taken[1024]; /* what attribution_release handed over: "PID:IMAGE " each */

static void begin(const char *const *selectors, size_t count, bool host)
{
	static struct selector parsed[4];
	const struct attribution_targets targets = { parsed, count, host };
	const char *reason;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(selector_parse(str_of(selectors[i]), &reason, &parsed[i]), 0);
	assert_int_equal(attribution_new(&targets, &attribution), 0);
	taken[0] = '\0';
	now_ns = 1000;
}

static int end(void **state)
{
	(void)state;
	attribution_free(attribution);
	attribution = NULL;
	return 0;
}

static enum attribution_verdict judge(const void *data, size_t len)
{
	assert_int_equal(decode_record(data, len, &scratch, &event), DECODE_OK);
	return attribution_judge(attribution, data, len, &event);
}

static struct wire_head head_of(enum wire_kind kind, enum wire_source source, uint64_t cgroup_id, uint32_t pid,
				size_t size)
{
	return (struct wire_head) { .kind = (uint8_t)kind,
				    .source = (uint8_t)source,
				    .size = (uint32_t)size,
				    .boot_ns = now_ns++,
				    .cgroup_id = cgroup_id,
				    .pid = pid,
				    .tid = pid,
				    .comm = "test" };
}

static enum attribution_verdict cgroup(uint64_t id, uint8_t op, const char *path)
{
	static const enum wire_source sources[] = {
		[WIRE_CGROUP_CREATE] = WIRE_SOURCE_CGROUP_MKDIR, [WIRE_CGROUP_REMOVE] = WIRE_SOURCE_CGROUP_RMDIR
	};
	struct record record = { .cgroup.op = op, .cgroup.path_len = (uint16_t)strlen(path) };
	size_t len = sizeof(record.cgroup) + strlen(path);

	memcpy(record.path, path, strlen(path));
	record.cgroup.head = head_of(WIRE_KIND_CGROUP, sources[op], id, 1, len);
	return judge(&record, len);
}

static enum attribution_verdict process_ends(uint64_t cgroup_id, uint32_t pid)
{
	struct wire_process_exit record = { .ppid = 1 };

	record.head =
		head_of(WIRE_KIND_PROCESS_EXIT, WIRE_SOURCE_SCHED_PROCESS_EXIT, cgroup_id, pid, sizeof(record));
	return judge(&record, sizeof(record));
}

static bool take(void *taker, const void *data, size_t len)
{
	size_t at = strlen(taken);

	assert_int_equal(judge(data, len), ATTRIBUTION_KEPT);
	snprintf(taken + at, sizeof(taken) - at, "%u:%s ", event.pid, event.image_digest.data ? "known" : "-");
	return --*(int *)taker > 0;
}

static bool release(int room)
{
	return attribution_release(attribution, take, &room);
}

static void expect(void)
{
	struct learned learned = { .what = LEARNED_EXPECT, .runtimes = 1u << DOCKER };

	attribution_learn(attribution, &learned);
}

static void learn(const char *id, const char *name)
{
	struct learned learned = { .what = LEARNED_FACTS };

	memcpy(learned.facts.id, id, ENGINE_ID_LEN);
	learned.facts.runtime = "docker";
	learned.facts.image_digest = strdup(DIGEST);
	learned.facts.name = name ? strdup(name) : NULL;
	attribution_learn(attribution, &learned);
}

static void unanswered(const char *id)
{
	struct learned learned = { .what = LEARNED_UNANSWERED };

	memcpy(learned.id, id, ENGINE_ID_LEN);
	attribution_learn(attribution, &learned);
}

static void at_once_when_nobody_is_waited_for(void **state)
{
	(void)state;
	begin(NULL, 0, true);
	assert_int_equal(cgroup(1, WIRE_CGROUP_CREATE, "/"), ATTRIBUTION_KEPT);
	assert_null(event.container_id.data);
	assert_int_equal(cgroup(3, WIRE_CGROUP_CREATE, "/docker/" ID_A), ATTRIBUTION_KEPT);
	assert_true(str_equal(event.container_id, str_of("docker://" ID_A)));
	assert_int_equal(process_ends(3, 7), ATTRIBUTION_KEPT);
	assert_true(str_equal(event.container_id, str_of("docker://" ID_A)));
	assert_int_equal(process_ends(1, 8), ATTRIBUTION_KEPT);
	assert_null(event.container_id.data);
	assert_int_equal(process_ends(99, 9), ATTRIBUTION_STRANGER);
	assert_null(event.container_id.data);
	assert_int_equal(process_ends(0, 9), ATTRIBUTION_KEPT); /* its cgroup is not known: that is no news */
}

static void held_and_let_go_in_order(void **state)
{
	(void)state;
	begin(NULL, 0, true);
	expect();
	assert_int_equal(cgroup(3, WIRE_CGROUP_CREATE, "/docker/" ID_A), ATTRIBUTION_HELD);
	assert_int_equal(cgroup(4, WIRE_CGROUP_CREATE, "/docker/" ID_B), ATTRIBUTION_HELD);
	assert_int_equal(process_ends(3, 11), ATTRIBUTION_HELD);
	assert_int_equal(process_ends(4, 12), ATTRIBUTION_HELD);
	assert_int_equal(process_ends(3, 13), ATTRIBUTION_HELD);
	assert_false(release(99));
	assert_string_equal(taken, "");
	learn(ID_A, NULL);
	assert_true(release(2)); /* no room for more just now */
	assert_string_equal(taken, "1:known 11:known ");
	assert_false(release(99));
	assert_string_equal(taken, "1:known 11:known 13:known ");
	assert_int_equal(process_ends(3, 14), ATTRIBUTION_KEPT);
	unanswered(ID_B);
	assert_false(release(99));
	assert_string_equal(taken, "1:known 11:known 13:known 1:- 12:- ");
	learn(ID_B, NULL);
	assert_int_equal(process_ends(4, 15), ATTRIBUTION_KEPT);
	assert_non_null(event.image_digest.data);
}

static void the_id_is_anothers_before_it_is_let_go(void **state)
{
	(void)state;
	begin(NULL, 0, true);
	expect();
	(void)cgroup(3, WIRE_CGROUP_CREATE, "/docker/" ID_A);
	assert_int_equal(process_ends(3, 11), ATTRIBUTION_HELD);
	(void)cgroup(3, WIRE_CGROUP_REMOVE, "/docker/" ID_A);
	(void)cgroup(3, WIRE_CGROUP_CREATE, "/docker/" ID_B);
	assert_int_equal(process_ends(3, 21), ATTRIBUTION_HELD);
	containers_cut(attribution_containers(attribution), now_ns);
	containers_cut(attribution_containers(attribution), now_ns);
	learn(ID_A, NULL);
	assert_false(release(99));
	assert_string_equal(taken, "1:known 11:known 1:known "); /* made, ended, removed: all the first one's */
	assert_true(str_equal(event.container_id, str_of("docker://" ID_A)));
	unanswered(ID_B);
	assert_false(release(99));
	assert_true(str_equal(event.container_id, str_of("docker://" ID_B)));
}

static void what_finds_no_room_is_not_held(void **state)
{
	unsigned int held = 0;

	(void)state;
	begin(NULL, 0, true);
	expect();
	(void)cgroup(3, WIRE_CGROUP_CREATE, "/docker/" ID_A);
	while (process_ends(3, 7) == ATTRIBUTION_HELD)
		held++;
	assert_true(held > 10000 && held < ATTRIBUTION_HELD_MAX / sizeof(struct wire_process_exit));
	assert_true(str_equal(event.container_id, str_of("docker://" ID_A)));
	assert_false(containers_totals(attribution_containers(attribution))->waiting > 0);
}

static void left_out_by_its_id_or_when_its_name_is_known(void **state)
{
	static const char *const selectors[] = { "docker://aaaaaaaa", "name:wanted" };

	(void)state;
	begin(selectors, 2, false);
	expect();
	(void)cgroup(1, WIRE_CGROUP_CREATE, "/");
	assert_int_equal(process_ends(1, 5), ATTRIBUTION_LEFT_OUT); /* the host */
	assert_int_equal(process_ends(99, 5), ATTRIBUTION_STRANGER); /* nobody knows: kept */
	(void)cgroup(3, WIRE_CGROUP_CREATE, "/docker/" ID_A);
	assert_int_equal(process_ends(3, 11), ATTRIBUTION_HELD);
	(void)cgroup(4, WIRE_CGROUP_CREATE, "/docker/" ID_B);
	assert_int_equal(process_ends(4, 12), ATTRIBUTION_HELD);
	unanswered(ID_A);
	assert_false(release(99));
	assert_string_equal(taken, "1:- 11:- ");
	learn(ID_B, "other");
	assert_int_equal(process_ends(4, 13), ATTRIBUTION_LEFT_OUT);
	assert_int_equal(process_ends(3, 14), ATTRIBUTION_KEPT);
	/* A cgroup's own records are never left out. */
	assert_int_equal(cgroup(4, WIRE_CGROUP_REMOVE, "/docker/" ID_B), ATTRIBUTION_KEPT);
}

static void kept_while_undecided_and_that_is_noted(void **state)
{
	static const char *const selectors[] = { "name:wanted" };
	struct container_found found;
	uint64_t decisions;

	(void)state;
	begin(selectors, 1, true);
	(void)cgroup(3, WIRE_CGROUP_CREATE, "/docker/" ID_A); /* nobody may answer, so it is not held */
	assert_int_equal(process_ends(3, 11), ATTRIBUTION_KEPT);
	assert_true(containers_find(attribution_containers(attribution), 3, &found)->was_undecided);
	decisions = attribution_decisions(attribution);
	learn(ID_A, "other");
	assert_true(attribution_decisions(attribution) > decisions);
	assert_int_equal(process_ends(3, 12), ATTRIBUTION_LEFT_OUT);
}

static void within_another_the_outer_one_is_named(void **state)
{
	(void)state;
	begin(NULL, 0, true);
	(void)cgroup(3, WIRE_CGROUP_CREATE, "/docker/" ID_A);
	(void)cgroup(4, WIRE_CGROUP_CREATE, "/docker/" ID_A "/docker/" ID_B);
	assert_int_equal(process_ends(4, 11), ATTRIBUTION_KEPT);
	assert_true(str_equal(event.container_id, str_of("docker://" ID_A)));
	assert_true(str_equal(event.nested_container_id, str_of("docker://" ID_B)));
}

static void others_from_now_on(void **state)
{
	static const char *const selectors[] = { "docker://bbbbbbbb" };
	const struct attribution_targets everybody = { .host = true };

	(void)state;
	begin(selectors, 1, false);
	(void)cgroup(1, WIRE_CGROUP_CREATE, "/");
	(void)cgroup(3, WIRE_CGROUP_CREATE, "/docker/" ID_A);
	assert_int_equal(process_ends(3, 11), ATTRIBUTION_LEFT_OUT);
	assert_int_equal(attribution_host(attribution), CONTAINER_LEFT_OUT);
	attribution_retarget(attribution, &everybody);
	assert_int_equal(process_ends(3, 12), ATTRIBUTION_KEPT);
	assert_int_equal(process_ends(1, 13), ATTRIBUTION_KEPT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, end)
	const struct CMUnitTest tests[] = {
		TEST(at_once_when_nobody_is_waited_for),
		TEST(held_and_let_go_in_order),
		TEST(the_id_is_anothers_before_it_is_let_go),
		TEST(what_finds_no_room_is_not_held),
		TEST(left_out_by_its_id_or_when_its_name_is_known),
		TEST(kept_while_undecided_and_that_is_noted),
		TEST(within_another_the_outer_one_is_named),
		TEST(others_from_now_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
