// SPDX-License-Identifier: Apache-2.0
/* Which question is asked of whom and when, what is kept of the answers, and that the list has an end. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "resolve/engine_questions.h"

#define MS UINT64_C(1000000)
#define DIGEST_A "sha256:8297a06dc33e43353deb73b20d0c66773bdbc29e359efcd9613c05ff44c3db0a"
#define DIGEST_B "sha256:1297a06dc33e43353deb73b20d0c66773bdbc29e359efcd9613c05ff44c3db0b"

static struct questions *questions;
static struct question_ticket ticket;
static uint64_t due;

static const char *id_of(unsigned int n)
{
	static char id[ENGINE_ID_LEN + 1];

	snprintf(id, sizeof(id), "%064x", n);
	return id;
}

/* Socket 0: root's Docker. 1: root's CRI. 2: user 1000's Podman. All connected. */
static int setup(void **state)
{
	(void)state;
	if (questions_new(&questions) < 0)
		return -1;
	questions_socket_new(questions, 0, ENGINE_DOCKER, 0);
	questions_socket_new(questions, 1, ENGINE_CRI, 0);
	questions_socket_new(questions, 2, ENGINE_PODMAN, 1000);
	for (size_t i = 0; i < 3; i++)
		questions_socket_connected(questions, i, true, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	questions_free(questions);
	return 0;
}

static bool next(size_t socket, uint64_t now)
{
	return questions_next(questions, socket, now, &ticket, &due);
}

/* Answers the question that the socket is asked now. What was told stands in the facts. */
static bool answer(size_t socket, uint64_t now, const char *digest, const char *name,
		   struct container_facts *ret_facts)
{
	struct container_facts facts = { .runtime = "docker" };

	assert_true(next(socket, now));
	memcpy(facts.id, ticket.id, sizeof(facts.id));
	facts.image_digest = digest ? strdup(digest) : NULL;
	facts.name = name ? strdup(name) : NULL;
	*ret_facts = facts;
	return questions_answer(questions, socket, &ticket, ret_facts);
}

static void test_who_is_asked(void **state)
{
	(void)state;
	assert_true(questions_ask(questions, "docker", id_of(1), 0, 5));
	assert_false(questions_ask(questions, "docker", id_of(1), 0, 6)); /* it is under way */
	assert_false(next(0, 4));
	assert_int_equal(due, 5);
	assert_true(next(0, 5));
	assert_string_equal(ticket.id, id_of(1));
	assert_false(next(0, 5)); /* once at a time */
	assert_true(next(1, 5)); /* cri-dockerd tells of Docker's */
	assert_false(next(2, 5)); /* a user's engine is not asked about anybody's */
	assert_true(questions_ask(questions, "cri-o", id_of(2), 0, 5));
	assert_false(next(0, 5));
	assert_true(next(1, 5));
	assert_true(questions_ask(questions, NULL, id_of(3), 1000, 5));
	assert_true(next(0, 5));
	assert_true(next(2, 5));
	assert_int_equal(ticket.owner, 1000);
	assert_false(next(2, 5));
}

static void test_again_with_backoff(void **state)
{
	uint64_t now = 0, wait = ENGINE_ASK_AGAIN_MS * MS;

	(void)state;
	questions_ask(questions, "podman", id_of(1), 0, now);
	for (size_t i = 0; i < 20; i++) {
		assert_true(next(0, now));
		questions_settle(questions, 0, &ticket, QUESTION_UNKNOWN, now);
		assert_false(next(0, now));
		assert_int_equal(due, now + wait);
		now = due;
		wait = wait * 2 < ENGINE_RETRY_MAX_MS * MS ? wait * 2 : ENGINE_RETRY_MAX_MS * MS;
	}
	/* The engine is a new one: it may know. */
	assert_true(next(0, now));
	questions_settle(questions, 0, &ticket, QUESTION_UNKNOWN, now);
	questions_socket_connected(questions, 0, false, now);
	questions_socket_connected(questions, 0, true, now);
	assert_true(next(0, now));
}

/* A question that brings the connection down is not the first of the next one. */
static void test_poison_goes_last(void **state)
{
	(void)state;
	questions_ask(questions, "podman", id_of(1), 0, 0);
	questions_ask(questions, "podman", id_of(2), 0, 0);
	assert_true(next(0, 1));
	assert_string_equal(ticket.id, id_of(1));
	questions_settle(questions, 0, &ticket, QUESTION_FAILED, 1);
	questions_socket_connected(questions, 0, false, 2);
	questions_socket_connected(questions, 0, true, 3);
	assert_true(next(0, 3));
	assert_string_equal(ticket.id, id_of(2));
	assert_false(next(0, 3));
}

static void test_forgotten_while_asked(void **state)
{
	struct container_facts facts = { .runtime = "docker" };
	struct question_ticket old;

	(void)state;
	questions_ask(questions, NULL, id_of(1), 0, 0);
	assert_true(next(0, 1));
	old = ticket;
	questions_forget(questions, id_of(1));
	assert_int_equal(questions_count(questions), 0);
	assert_false(questions_answer(questions, 0, &old, &facts));
	/* The same id again is another question. */
	questions_ask(questions, NULL, id_of(1), 0, 1);
	assert_false(questions_answer(questions, 0, &old, &facts));
	questions_settle(questions, 0, &old, QUESTION_UNKNOWN, 1);
	assert_true(next(0, 1));
}

/* ---- answers of two ---- */

static void test_second_brings_what_is_new(void **state)
{
	struct container_facts facts;

	(void)state;
	questions_ask(questions, NULL, id_of(1), 0, 0);
	assert_true(questions_open(questions, id_of(1), 0, 3));
	assert_true(answer(0, 1, DIGEST_A, NULL, &facts));
	assert_string_equal(facts.image_digest, DIGEST_A);
	container_facts_done(&facts);
	assert_false(questions_open(questions, id_of(1), 0, 3));
	assert_true(questions_settled(questions, id_of(1), 0, 1));
	assert_false(questions_settled(questions, id_of(1), 0, 3)); /* the digest is not all there is to know */
	assert_true(answer(1, 1, DIGEST_A, "web", &facts));
	assert_true(questions_settled(questions, id_of(1), 0, 3));
	assert_null(facts.image_digest);
	assert_string_equal(facts.name, "web");
	assert_false(facts.digest_conflict);
	container_facts_done(&facts);
	assert_false(next(0, 100));
	assert_int_equal(due, UINT64_MAX);
	assert_int_equal(questions_conflicts(questions), 0);
	/* Asked anew, everything is told anew, once. */
	assert_true(questions_ask(questions, NULL, id_of(1), 0, 200));
	assert_true(answer(1, 200, DIGEST_A, "web", &facts));
	assert_string_equal(facts.image_digest, DIGEST_A);
	container_facts_done(&facts);
	assert_false(answer(0, 200, DIGEST_A, "web", &facts));
	container_facts_done(&facts);
}

static void test_two_that_disagree(void **state)
{
	struct container_facts facts;

	(void)state;
	questions_ask(questions, NULL, id_of(1), 0, 0);
	assert_true(answer(0, 1, DIGEST_A, "web", &facts));
	container_facts_done(&facts);
	assert_true(answer(1, 1, DIGEST_B, "web", &facts));
	assert_null(facts.image_digest);
	assert_null(facts.name);
	assert_true(facts.digest_conflict);
	container_facts_done(&facts);
	assert_int_equal(questions_conflicts(questions), 1);
	assert_false(questions_open(questions, id_of(1), 0, 3));
	/* For good: asked anew, neither is believed. */
	questions_ask(questions, NULL, id_of(1), 0, 2);
	assert_true(answer(0, 2, DIGEST_A, "web", &facts));
	assert_null(facts.image_digest);
	assert_true(facts.digest_conflict);
	container_facts_done(&facts);
}

/* An image's digest and a repository's can both be right; the repository's is told, whoever comes first. */
static void test_other_kind_is_no_conflict(void **state)
{
	struct container_facts facts = { .runtime = "cri-o", .image_digest_is_config = true };

	(void)state;
	questions_ask(questions, NULL, id_of(1), 0, 0);
	assert_true(next(1, 1));
	memcpy(facts.id, ticket.id, sizeof(facts.id));
	facts.image_digest = strdup(DIGEST_B);
	assert_true(questions_answer(questions, 1, &ticket, &facts));
	assert_string_equal(facts.image_digest, DIGEST_B);
	container_facts_done(&facts);
	assert_true(answer(0, 1, DIGEST_A, NULL, &facts));
	assert_string_equal(facts.image_digest, DIGEST_A);
	assert_false(facts.image_digest_is_config);
	container_facts_done(&facts);
	assert_int_equal(questions_conflicts(questions), 0);
	/* Asked anew, and the other one first: it is told what is known to be better. */
	questions_ask(questions, NULL, id_of(1), 0, 2);
	assert_true(next(1, 2));
	facts = (struct container_facts) { .runtime = "cri-o", .image_digest_is_config = true };
	facts.image_digest = strdup(DIGEST_B);
	assert_true(questions_answer(questions, 1, &ticket, &facts));
	assert_string_equal(facts.image_digest, DIGEST_A);
	assert_false(facts.image_digest_is_config);
	container_facts_done(&facts);
}

static void test_root_before_user(void **state)
{
	struct container_facts facts;

	(void)state;
	/* The user's word first, then root's: root's is told. */
	questions_ask(questions, NULL, id_of(1), 1000, 0);
	assert_true(answer(2, 1, DIGEST_A, NULL, &facts));
	assert_string_equal(facts.image_digest, DIGEST_A);
	container_facts_done(&facts);
	assert_true(answer(0, 1, DIGEST_B, NULL, &facts));
	assert_string_equal(facts.image_digest, DIGEST_B);
	assert_false(facts.digest_conflict);
	container_facts_done(&facts);
	/* Root's first: the user's is not. */
	questions_ask(questions, NULL, id_of(2), 1000, 0);
	assert_true(answer(0, 1, DIGEST_B, NULL, &facts));
	container_facts_done(&facts);
	assert_false(answer(2, 1, DIGEST_A, NULL, &facts));
	container_facts_done(&facts);
	assert_int_equal(questions_conflicts(questions), 2);
	/* And what a user's engine says of id 3 is not what is known of anybody's id 3. */
	questions_hear(questions, 2, id_of(3), 1);
	questions_ask(questions, NULL, id_of(3), 0, 1);
	assert_true(answer(2, 1, DIGEST_A, NULL, &facts));
	container_facts_done(&facts);
	assert_true(questions_open(questions, id_of(3), 0, 3));
	assert_false(next(2, 1));
}

/* Who does not know, and who is gone, is not waited for. */
static void test_open_or_not(void **state)
{
	(void)state;
	assert_false(questions_open(questions, id_of(1), 0, 3)); /* not asked */
	assert_false(questions_settled(questions, id_of(1), 0, 3));
	questions_ask(questions, "docker", id_of(1), 0, 0);
	assert_true(questions_open(questions, id_of(1), 0, 3));
	assert_false(questions_open(questions, id_of(1), 0, 4)); /* only the user's is there */
	assert_true(next(0, 1));
	questions_settle(questions, 0, &ticket, QUESTION_UNKNOWN, 1);
	assert_true(questions_open(questions, id_of(1), 0, 3));
	assert_false(questions_open(questions, id_of(1), 0, 1));
	assert_true(next(1, 1));
	questions_settle(questions, 1, &ticket, QUESTION_FAILED, 1);
	assert_true(questions_open(questions, id_of(1), 0, 3));
	assert_true(questions_kind_may_know(ENGINE_CRI, "containerd"));
	assert_false(questions_kind_may_know(ENGINE_DOCKER, "containerd"));
	assert_true(questions_kind_may_know(ENGINE_DOCKER, NULL));
}

/* ---- the end of the list ---- */

static void test_oldest_is_dropped(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ENGINE_QUEUE_MAX + 10; i++)
		assert_true(questions_ask(questions, "docker", id_of(i), 0, i));
	assert_int_equal(questions_count(questions), ENGINE_QUEUE_MAX);
	assert_int_equal(questions_dropped(questions), 10);
	assert_true(next(0, UINT64_MAX));
	assert_string_equal(ticket.id, id_of(10));
}

/* What engines bring up pushes out nothing that the daemon asked, however much it is. */
static void test_flood_of_an_engine(void **state)
{
	(void)state;
	questions_ask(questions, "docker", id_of(1), 0, 1);
	for (unsigned int i = 100; i < 100 + 3 * ENGINE_QUEUE_MAX; i++)
		assert_true(questions_hear(questions, 0, id_of(i), 2));
	assert_int_equal(questions_count(questions), ENGINE_QUEUE_MAX);
	assert_int_equal(questions_dropped(questions), 2 * ENGINE_QUEUE_MAX + 1);
	assert_true(next(0, 5));
	assert_string_equal(ticket.id, id_of(1));
	/* The daemon's go before them. */
	for (unsigned int i = 100000; i < 100000 + ENGINE_QUEUE_MAX - 1; i++)
		assert_true(questions_ask(questions, "docker", id_of(i), 0, 3));
	assert_false(questions_hear(questions, 0, id_of(50), 4));
	assert_int_equal(questions_count(questions), ENGINE_QUEUE_MAX);
}

static void test_flood_of_a_users_engine(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		questions_hear(questions, 0, id_of(i), 1);
	for (unsigned int i = 1000; i < 1000 + 3 * ENGINE_QUEUE_MAX; i++)
		assert_true(questions_hear(questions, 2, id_of(i), 2));
	assert_int_equal(questions_count(questions), 100 + ENGINE_HEARD_MAX);
	assert_true(next(0, 5));
}

/* Done ones are a memory, and the first to go. */
static void test_done_go_first(void **state)
{
	struct container_facts facts;

	(void)state;
	for (unsigned int i = 0; i < ENGINE_QUEUE_MAX; i++)
		questions_ask(questions, "podman", id_of(i), 0, i);
	for (unsigned int i = 0; i < 10; i++) {
		answer(0, UINT64_MAX, DIGEST_A, NULL, &facts);
		container_facts_done(&facts);
	}
	for (unsigned int i = 0; i < 10; i++)
		assert_true(questions_ask(questions, "podman", id_of(10000 + i), 0, 0));
	assert_int_equal(questions_dropped(questions), 0);
	assert_true(questions_ask(questions, "podman", id_of(20000), 0, 0));
	assert_int_equal(questions_dropped(questions), 1);
	assert_int_equal(questions_count(questions), ENGINE_QUEUE_MAX);
}

/* Another socket takes the number: what the old one said is not its word. */
static void test_socket_taken_over(void **state)
{
	struct container_facts facts;

	(void)state;
	questions_ask(questions, "podman", id_of(1), 0, 0);
	assert_true(answer(0, 1, DIGEST_A, NULL, &facts));
	container_facts_done(&facts);
	questions_ask(questions, "podman", id_of(2), 0, 0);
	assert_true(next(0, 1)); /* under way when the old one goes */
	questions_socket_new(questions, 0, ENGINE_PODMAN, 0);
	questions_socket_connected(questions, 0, true, 2);
	assert_true(next(0, 2));
	assert_string_equal(ticket.id, id_of(2));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		EACH(test_who_is_asked),
		EACH(test_again_with_backoff),
		EACH(test_poison_goes_last),
		EACH(test_forgotten_while_asked),
		EACH(test_second_brings_what_is_new),
		EACH(test_two_that_disagree),
		EACH(test_other_kind_is_no_conflict),
		EACH(test_root_before_user),
		EACH(test_open_or_not),
		EACH(test_oldest_is_dropped),
		EACH(test_flood_of_an_engine),
		EACH(test_flood_of_a_users_engine),
		EACH(test_done_go_first),
		EACH(test_socket_taken_over),
	};

	return cmocka_run_group_tests_name("engine_questions", tests, NULL, NULL);
}
