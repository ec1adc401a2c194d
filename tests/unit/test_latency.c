// SPDX-License-Identifier: Apache-2.0
/* How long engines take to answer: what counts, and below what 99 of 100 lie. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

#include "daemon/latency.h"

#define MS 1000000ull
#define ASKED (1000 * MS)

static struct containers *containers;

static const char *id_of(unsigned int number)
{
	static char id[ENGINE_ID_LEN + 1];

	snprintf(id, sizeof(id), "%064x", number);
	return id;
}

static void make(unsigned int number)
{
	char path[128];
	struct container_cgroup cgroup = { .id = number, .boot_ns = 100 };
	struct container_found found;

	snprintf(path, sizeof(path), "/docker/%s", id_of(number));
	cgroup.path = str_of(path);
	assert_int_equal(containers_made(containers, &cgroup), 0);
	containers_find(containers, number, &found)->asked_ns = ASKED;
}

static void ninety_nine_of_a_hundred(void **state)
{
	struct latency latency = { .total = 0 };

	(void)state;
	assert_int_equal(containers_new(&containers), 0);
	assert_int_equal(latency_p99_ms(&latency), 0); /* nobody answered */
	for (unsigned int i = 1; i <= 100; i++)
		make(i);
	for (unsigned int i = 1; i <= 99; i++)
		latency_note(&latency, containers, id_of(i), ASKED + 5 * MS);
	assert_int_equal(latency_p99_ms(&latency), 8);
	latency_note(&latency, containers, id_of(100), ASKED + 40 * MS);
	assert_int_equal(latency_p99_ms(&latency), 8);
	make(101);
	latency_note(&latency, containers, id_of(101), ASKED + 40 * MS);
	assert_int_equal(latency.total, 101);
	assert_int_equal(latency_p99_ms(&latency), 64);
	containers_free(containers);
}

static void only_first_words_on_whom_was_asked_about(void **state)
{
	struct latency latency = { .total = 0 };
	struct container_found found;

	(void)state;
	assert_int_equal(containers_new(&containers), 0);
	make(1);
	make(2);
	containers_find(containers, 1, &found)->asked_ns = 0;
	containers_find(containers, 2, &found)->answered = true;
	for (unsigned int i = 1; i <= 3; i++)
		latency_note(&latency, containers, id_of(i), ASKED + MS);
	assert_int_equal(latency.total, 0);
	/* Of more than an hour the last bucket. */
	make(4);
	latency_note(&latency, containers, id_of(4), ASKED + 100 * 3600 * 1000 * MS);
	assert_int_equal(latency_p99_ms(&latency), 1u << (LATENCY_BUCKETS - 1));
	containers_free(containers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ninety_nine_of_a_hundred),
		cmocka_unit_test(only_first_words_on_whom_was_asked_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
