// SPDX-License-Identifier: Apache-2.0
/*
 * Whose event it is: what is held and for how long, in which order it goes on, and what targets leave out. The records
 * are events as they are: nobody in this stage looks into the bytes.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "collect/attribution.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define HOST 1 /* its cgroup */

static struct attribution *attribution;

/* What came out of attribution_release, in its order. */
static struct {
	uint64_t boot_ns[16];
	char container[16][CONTAINER_TEXT_MAX];
	bool has_digest[16];
	size_t count, room;
} out;

static const struct attribution_targets everybody = { .host = true };

static enum attribution_verdict judge(struct event *event)
{
	struct event copy = *event;

	return attribution_judge(attribution, &copy, sizeof(copy), event);
}

static enum attribution_verdict cgroup(uint64_t id, const char *path, enum event_cgroup_op op, uint64_t boot_ns)
{
	struct event event = { .kind = WIRE_KIND_CGROUP, .cgroup_id = id, .boot_ns = boot_ns };

	event.cgroup.op = op;
	event.cgroup.path = str_of(path);
	return judge(&event);
}

static struct event open_in(uint64_t cgroup_id, uint64_t boot_ns)
{
	return (struct event) { .kind = WIRE_KIND_FILE_OPEN, .cgroup_id = cgroup_id, .boot_ns = boot_ns };
}

static enum attribution_verdict opens(uint64_t cgroup_id, uint64_t boot_ns)
{
	struct event event = open_in(cgroup_id, boot_ns);

	return judge(&event);
}

static bool take(void *taker, const void *data, size_t len)
{
	size_t at = out.count++;
	struct event event;

	(void)taker;
	assert_int_equal(len, sizeof(event));
	memcpy(&event, data, len);
	assert_int_equal(attribution_judge(attribution, data, len, &event), ATTRIBUTION_KEPT);
	assert_true(out.count <= ARRAY_LEN(out.boot_ns));
	out.boot_ns[at] = event.boot_ns;
	memcpy(out.container[at], event.container_id.data, event.container_id.len);
	out.has_digest[at] = event.image_digest.len > 0;
	return out.count < out.room;
}

/* True: there may be more. */
static bool release(size_t room)
{
	memset(&out, 0, sizeof(out));
	out.room = room;
	return attribution_release(attribution, take, NULL);
}

static void expect_docker(void)
{
	struct learned learned = { .what = LEARNED_EXPECT, .runtimes = 1u << container_runtime("docker") };

	attribution_learn(attribution, &learned);
}

static void hear(const char *id, const char *digest, const char *name)
{
	struct learned learned = { .what = LEARNED_FACTS };

	memcpy(learned.facts.id, id, ENGINE_ID_LEN);
	learned.facts.runtime = "docker";
	learned.facts.image_digest = digest ? strdup(digest) : NULL;
	learned.facts.name = name ? strdup(name) : NULL;
	attribution_learn(attribution, &learned);
}

static void hear_nothing(const char *id)
{
	struct learned learned = { .what = LEARNED_UNANSWERED };

	memcpy(learned.id, id, ENGINE_ID_LEN);
	attribution_learn(attribution, &learned);
}

static int begin(void **state)
{
	(void)state;
	if (attribution_new(&everybody, &attribution) < 0)
		return -1;
	return cgroup(HOST, "/", EVENT_CGROUP_CREATE, 1) == ATTRIBUTION_KEPT ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	attribution_free(TAKE(attribution));
	return 0;
}

static void nobody_is_waited_for_who_cannot_be_answered(void **state)
{
	struct event event = open_in(3, 101), host = open_in(HOST, 102);

	(void)state;
	assert_int_equal(cgroup(3, "/docker/" ID_A, EVENT_CGROUP_CREATE, 100), ATTRIBUTION_KEPT);
	assert_int_equal(judge(&event), ATTRIBUTION_KEPT);
	assert_true(str_equal(event.container_id, STR("docker://" ID_A)));
	assert_int_equal(event.image_digest.len, 0);
	assert_int_equal(event.nested_container_id.len, 0);
	assert_int_equal(judge(&host), ATTRIBUTION_KEPT);
	assert_int_equal(host.container_id.len, 0);
	assert_int_equal(opens(77, 103), ATTRIBUTION_STRANGER);
	assert_int_equal(opens(0, 104),
			 ATTRIBUTION_KEPT); /* unknown already in the kernel, and counted there */
}

static void within_another_the_outer_one_is_named(void **state)
{
	struct event event = open_in(4, 102);

	(void)state;
	(void)cgroup(3, "/docker/" ID_A, EVENT_CGROUP_CREATE, 100);
	(void)cgroup(4, "/docker/" ID_A "/docker/" ID_B, EVENT_CGROUP_CREATE, 101);
	assert_int_equal(judge(&event), ATTRIBUTION_KEPT);
	assert_true(str_equal(event.container_id, STR("docker://" ID_A)));
	assert_true(str_equal(event.nested_container_id, STR("docker://" ID_B)));
}

static void held_until_an_engine_tells_the_image(void **state)
{
	(void)state;
	expect_docker();
	assert_int_equal(cgroup(3, "/docker/" ID_A, EVENT_CGROUP_CREATE, 100), ATTRIBUTION_HELD);
	assert_int_equal(opens(3, 101), ATTRIBUTION_HELD);
	assert_int_equal(opens(HOST, 102), ATTRIBUTION_KEPT); /* others go on */
	assert_int_equal(opens(3, 103), ATTRIBUTION_HELD);
	assert_false(release(SIZE_MAX));
	assert_int_equal(out.count, 0);
	hear(ID_A, NULL, "web"); /* it is known, and its image is not */
	assert_false(release(SIZE_MAX));
	assert_int_equal(out.count, 0);
	hear(ID_A, DIGEST, NULL);
	assert_false(release(SIZE_MAX));
	assert_int_equal(out.count, 3);
	for (size_t i = 0; i < out.count; i++) {
		assert_string_equal(out.container[i], "docker://" ID_A);
		assert_true(out.has_digest[i]);
		assert_true(i == 0 || out.boot_ns[i - 1] < out.boot_ns[i]);
	}
	assert_int_equal(opens(3, 104), ATTRIBUTION_KEPT);
	assert_false(release(SIZE_MAX));
	assert_int_equal(out.count, 0);
}

static void let_go_without_an_answer(void **state)
{
	struct event late = open_in(3, 102);

	(void)state;
	expect_docker();
	(void)cgroup(3, "/docker/" ID_A, EVENT_CGROUP_CREATE, 100);
	(void)cgroup(4, "/docker/" ID_B, EVENT_CGROUP_CREATE, 101);
	hear_nothing(ID_A);
	assert_false(release(SIZE_MAX));
	assert_int_equal(out.count, 1); /* the other's stays */
	assert_string_equal(out.container[0], "docker://" ID_A);
	assert_false(out.has_digest[0]);
	hear(ID_A, DIGEST, NULL); /* late, and from here on */
	assert_int_equal(judge(&late), ATTRIBUTION_KEPT);
	assert_int_equal(late.image_digest.len, strlen(DIGEST));
	assert_int_equal(opens(4, 103), ATTRIBUTION_HELD);
}

static void a_full_batch_takes_the_rest_later(void **state)
{
	(void)state;
	expect_docker();
	(void)cgroup(3, "/docker/" ID_A, EVENT_CGROUP_CREATE, 100);
	for (uint64_t i = 1; i < 5; i++)
		assert_int_equal(opens(3, 100 + i), ATTRIBUTION_HELD);
	hear_nothing(ID_A);
	assert_true(release(2));
	assert_int_equal(out.count, 2);
	assert_int_equal(out.boot_ns[0], 100);
	assert_true(release(2));
	assert_int_equal(out.boot_ns[0], 102);
	assert_false(release(2));
	assert_int_equal(out.count, 1);
	assert_int_equal(out.boot_ns[0], 104);
}

static void what_was_held_stays_its_own_when_the_cgroups_id_is_anothers(void **state)
{
	struct event event = open_in(3, 301);

	(void)state;
	expect_docker();
	(void)cgroup(3, "/docker/" ID_A, EVENT_CGROUP_CREATE, 100);
	assert_int_equal(opens(3, 101), ATTRIBUTION_HELD);
	(void)cgroup(3, "/docker/" ID_A, EVENT_CGROUP_REMOVE, 200);
	(void)cgroup(3, "/docker/" ID_B, EVENT_CGROUP_CREATE, 300);
	hear(ID_B, DIGEST, NULL);
	assert_int_equal(judge(&event), ATTRIBUTION_KEPT);
	assert_true(str_equal(event.container_id, STR("docker://" ID_B)));
	hear_nothing(ID_A);
	assert_false(release(SIZE_MAX));
	assert_int_equal(out.count, 4);
	for (size_t i = 0; i < out.count; i++) {
		bool is_a = out.boot_ns[i] < 300;

		assert_string_equal(out.container[i], is_a ? "docker://" ID_A : "docker://" ID_B);
		assert_int_equal(out.has_digest[i], !is_a);
	}
}

static void what_finds_no_room_goes_on(void **state)
{
	static char much[ATTRIBUTION_HELD_MAX / 2];
	struct event first = open_in(3, 101), second = open_in(3, 102);

	(void)state;
	expect_docker();
	(void)cgroup(3, "/docker/" ID_A, EVENT_CGROUP_CREATE, 100);
	assert_int_equal(attribution_judge(attribution, much, sizeof(much), &first), ATTRIBUTION_HELD);
	assert_int_equal(attribution_judge(attribution, much, sizeof(much), &second), ATTRIBUTION_KEPT);
	assert_true(str_equal(second.container_id, STR("docker://" ID_A)));
	assert_int_equal(opens(3, 103), ATTRIBUTION_KEPT); /* it is not waited for any more */
	assert_int_equal(containers_totals(attribution_containers(attribution))->waiting, 0);
}

/* ---- targets ---- */

static void target(const char *text, bool host, struct selector *selector)
{
	const struct attribution_targets targets = { selector, 1, host };
	const char *reason;

	assert_int_equal(selector_parse(str_of(text), &reason, selector), 0);
	attribution_retarget(attribution, &targets);
}

static const struct container *container_at(uint64_t cgroup_id)
{
	struct container_found found;

	return containers_find(attribution_containers(attribution), cgroup_id, &found);
}

static void kept_until_it_is_known_who_it_is(void **state)
{
	struct selector selector;

	(void)state;
	target("name:web", true, &selector);
	(void)cgroup(3, "/docker/" ID_A, EVENT_CGROUP_CREATE, 100);
	(void)cgroup(4, "/docker/" ID_B, EVENT_CGROUP_CREATE, 101);
	assert_int_equal(opens(3, 102), ATTRIBUTION_KEPT);
	assert_int_equal(opens(4, 103), ATTRIBUTION_KEPT);
	assert_true(container_at(4)->was_undecided);
	hear(ID_A, DIGEST, "web");
	hear(ID_B, DIGEST, "db");
	assert_int_equal(opens(3, 104), ATTRIBUTION_KEPT);
	assert_int_equal(opens(4, 105), ATTRIBUTION_LEFT_OUT);
	assert_int_equal(container_at(4)->records, 2); /* its creation and what came before it was known */
	assert_int_equal(cgroup(4, "/docker/" ID_B, EVENT_CGROUP_REMOVE, 106), ATTRIBUTION_KEPT);
	assert_int_equal(opens(HOST, 107), ATTRIBUTION_KEPT);
}

static void an_id_is_decided_at_once(void **state)
{
	struct selector selector;

	(void)state;
	target("docker://aaaa", false, &selector);
	(void)cgroup(3, "/docker/" ID_A, EVENT_CGROUP_CREATE, 100);
	(void)cgroup(4, "/docker/" ID_B, EVENT_CGROUP_CREATE, 101);
	assert_int_equal(opens(3, 102), ATTRIBUTION_KEPT);
	assert_false(container_at(3)->was_undecided);
	assert_int_equal(opens(4, 103), ATTRIBUTION_LEFT_OUT);
	assert_int_equal(opens(HOST, 104), ATTRIBUTION_LEFT_OUT);
	assert_int_equal(cgroup(5, "/system.slice", EVENT_CGROUP_CREATE, 105), ATTRIBUTION_KEPT);
	assert_int_equal(opens(77, 106), ATTRIBUTION_STRANGER); /* whose it is is not known: kept */
}

static void others_from_now_on(void **state)
{
	struct selector selector;

	(void)state;
	(void)cgroup(3, "/docker/" ID_A, EVENT_CGROUP_CREATE, 100);
	assert_int_equal(opens(3, 101), ATTRIBUTION_KEPT);
	target("docker://bbbb", true, &selector);
	assert_int_equal(opens(3, 102), ATTRIBUTION_LEFT_OUT);
	assert_int_equal(attribution_host(attribution), CONTAINER_KEPT);
	attribution_retarget(attribution, &everybody);
	assert_int_equal(opens(3, 103), ATTRIBUTION_KEPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nobody_is_waited_for_who_cannot_be_answered, begin, end),
		cmocka_unit_test_setup_teardown(within_another_the_outer_one_is_named, begin, end),
		cmocka_unit_test_setup_teardown(held_until_an_engine_tells_the_image, begin, end),
		cmocka_unit_test_setup_teardown(let_go_without_an_answer, begin, end),
		cmocka_unit_test_setup_teardown(a_full_batch_takes_the_rest_later, begin, end),
		cmocka_unit_test_setup_teardown(what_was_held_stays_its_own_when_the_cgroups_id_is_anothers,
						begin, end),
		cmocka_unit_test_setup_teardown(what_finds_no_room_goes_on, begin, end),
		cmocka_unit_test_setup_teardown(kept_until_it_is_known_who_it_is, begin, end),
		cmocka_unit_test_setup_teardown(an_id_is_decided_at_once, begin, end),
		cmocka_unit_test_setup_teardown(others_from_now_on, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
