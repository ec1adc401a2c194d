// SPDX-License-Identifier: Apache-2.0
/*
 * Records on their way past the containers: held until an engine spoke, let go in their order and only when somebody may
 * be let go, and kept as long as it is not certain that filters.target_containers means somebody else.
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
#define SCOPE_A "/system.slice/cri-containerd-" ID_A ".scope"
#define SCOPE_B "/system.slice/cri-containerd-" ID_B ".scope"
#define CONTAINERD 1u /* 1 << container_runtime("containerd") */

static struct attribution *attribution;
static struct selector wanted;
static uint64_t now_ns;
static char seen[256]; /* the processes whose records were let go, in order */
static size_t room;

static int setup(void **state)
{
	const struct attribution_targets all = { .count = 0 };

	(void)state;
	now_ns = 100;
	seen[0] = '\0';
	return attribution_new(&all, &attribution);
}

static int teardown(void **state)
{
	(void)state;
	attribution_free(attribution);
	return 0;
}

static void target(const char *text)
{
	const struct attribution_targets targets = { .selectors = &wanted, .count = 1, .host = true };
	const char *reason;

	assert_int_equal(selector_parse(str_of(text), &reason, &wanted), 0);
	attribution_retarget(attribution, &targets);
}

static enum attribution_verdict judge(const void *data, size_t len)
{
	static struct decode_scratch scratch;
	struct event event;

	assert_int_equal(decode_record(data, len, &scratch, &event), DECODE_OK);
	return attribution_judge(attribution, data, len, &event);
}

/* A cgroup is made, or process `pid` ends in it. */
static enum attribution_verdict feed(uint64_t cgroup_id, const char *path, uint32_t pid)
{
	struct wire_cgroup made = { .op = WIRE_CGROUP_CREATE };
	struct wire_process_exit exited = { .ppid = 1 };
	struct wire_head head = { .boot_ns = ++now_ns, .cgroup_id = cgroup_id, .pid = pid, .tid = pid };
	char bytes[sizeof(made) + 512];

	if (!path) {
		head.kind = WIRE_KIND_PROCESS_EXIT;
		head.source = WIRE_SOURCE_SCHED_PROCESS_EXIT;
		head.size = sizeof(exited);
		exited.head = head;
		return judge(&exited, sizeof(exited));
	}
	head.kind = WIRE_KIND_CGROUP;
	head.source = WIRE_SOURCE_CGROUP_MKDIR;
	head.size = (uint32_t)(sizeof(made) + strlen(path));
	made.head = head;
	made.path_len = (uint16_t)strlen(path);
	memcpy(bytes, &made, sizeof(made));
	memcpy(bytes + sizeof(made), path, made.path_len);
	return judge(bytes, head.size);
}

static void say(enum learned_what what, const char *id, const char *digest, const char *pod)
{
	struct learned learned = { .what = what,
				   .runtimes = CONTAINERD,
				   .facts.runtime = "containerd",
				   .facts.image_digest = digest ? strdup(digest) : NULL,
				   .facts.pod = pod ? strdup(pod) : NULL };

	memcpy(learned.id, id, strlen(id));
	memcpy(learned.facts.id, id, strlen(id));
	attribution_learn(attribution, &learned);
}

static bool let_go(void *taker, const void *data, size_t len)
{
	struct wire_head head;

	(void)taker;
	memcpy(&head, data, sizeof(head));
	assert_int_equal(judge(data, len), ATTRIBUTION_KEPT);
	snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%u ", head.pid);
	return room == 0 || --room > 0;
}

static const struct container *container(uint64_t cgroup_id)
{
	struct container_found found;

	return containers_find(attribution_containers(attribution), cgroup_id, &found);
}

static void held_and_let_go_in_order(void **state)
{
	(void)state;
	say(LEARNED_EXPECT, "", NULL, NULL);
	assert_int_equal(feed(3, SCOPE_A, 1), ATTRIBUTION_HELD);
	assert_int_equal(feed(4, SCOPE_B, 2), ATTRIBUTION_HELD);
	assert_int_equal(feed(3, NULL, 3), ATTRIBUTION_HELD);
	assert_false(attribution_is_ripe(attribution));
	say(LEARNED_FACTS, ID_A, DIGEST, NULL);
	say(LEARNED_UNANSWERED, ID_B, NULL, NULL);
	assert_true(attribution_is_ripe(attribution));
	room = 2;
	assert_true(attribution_release(attribution, let_go, NULL));
	assert_true(attribution_is_ripe(attribution)); /* there was no room for all */
	assert_false(attribution_release(attribution, let_go, NULL));
	assert_string_equal(seen, "1 2 3 ");
	assert_false(attribution_is_ripe(attribution));
	assert_int_equal(feed(4, NULL, 4), ATTRIBUTION_KEPT);
}

/* It goes straight on, and who writes a capture hears that those before it can be let go. */
static void no_room_to_hold(void **state)
{
	enum attribution_verdict verdict = ATTRIBUTION_HELD;

	(void)state;
	say(LEARNED_EXPECT, "", NULL, NULL);
	assert_int_equal(feed(3, SCOPE_A, 1), ATTRIBUTION_HELD);
	for (size_t i = 0; verdict == ATTRIBUTION_HELD; i++) {
		assert_true(i < ATTRIBUTION_HELD_MAX);
		verdict = feed(3, NULL, 2);
	}
	assert_int_equal(verdict, ATTRIBUTION_KEPT);
	assert_true(attribution_is_ripe(attribution));
	assert_false(attribution_release(attribution, let_go, NULL));
	assert_false(attribution_is_ripe(attribution));
}

/* Of two engines one speaks first, and does not know what the other knows. */
static void not_left_out_before_everybody_has_spoken(void **state)
{
	(void)state;
	target("pod:web");
	(void)feed(3, SCOPE_A, 1);
	(void)feed(4, SCOPE_B, 1);
	say(LEARNED_FACTS, ID_A, DIGEST, NULL);
	say(LEARNED_FACTS, ID_B, DIGEST, NULL);
	assert_int_equal(container(3)->choice, CONTAINER_UNDECIDED);
	assert_int_equal(feed(3, NULL, 2), ATTRIBUTION_KEPT);
	assert_true(container(3)->was_undecided);
	say(LEARNED_FACTS, ID_A, NULL, "web");
	assert_int_equal(container(3)->choice, CONTAINER_KEPT);
	say(LEARNED_SETTLED, ID_B, NULL, NULL);
	assert_int_equal(container(4)->choice, CONTAINER_LEFT_OUT);
	assert_int_equal(feed(4, NULL, 2), ATTRIBUTION_LEFT_OUT);
}

/* It gets another name while it runs: what was left out until then is missing. */
static void decided_anew(void **state)
{
	(void)state;
	target("pod:web");
	(void)feed(3, SCOPE_A, 1);
	say(LEARNED_FACTS, ID_A, DIGEST, "db");
	assert_int_equal(container(3)->choice, CONTAINER_LEFT_OUT);
	containers_cut(attribution_containers(attribution), now_ns);
	say(LEARNED_FACTS, ID_A, DIGEST, "db");
	assert_false(container(3)->was_undecided);
	say(LEARNED_FACTS, ID_A, DIGEST, "web");
	assert_int_equal(container(3)->choice, CONTAINER_KEPT);
	assert_true(container(3)->was_undecided);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(held_and_let_go_in_order),
		TEST(no_room_to_hold),
		TEST(not_left_out_before_everybody_has_spoken),
		TEST(decided_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
