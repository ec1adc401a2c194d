// SPDX-License-Identifier: Apache-2.0
/* What is an incident, and that none is kept longer than there is room. Clocks are the test's own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "daemon/incident.h"

#define SECOND 1000000000ull

static struct incidents incidents;

static struct moment at(uint64_t second, int64_t offset_ms)
{
	return (struct moment) { second * SECOND,
				 (uint64_t)((int64_t)((second + 5000) * SECOND) + offset_ms * 1000000) };
}

static int setup(void **state)
{
	(void)state;
	incidents = (struct incidents) { .clock = -1, .online = -1 };
	incidents_begin(&incidents, at(1, 0));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	incidents_end(&incidents);
	return 0;
}

static void a_step_is_told_and_a_drift_is_not(void **state)
{
	(void)state;
	for (int i = 1; i < 100; i++) /* 200 ms a second: more than any slew, and still no step */
		incidents_look(&incidents, at((uint64_t)i, i * 200));
	assert_int_equal(incidents.total, 0);
	incidents_look(&incidents, at(100, 99 * 200 + 251));
	assert_int_equal(incidents.total, 1);
	assert_string_equal(incidents.rows[0].what, "clock_step");
	assert_non_null(strstr(incidents.rows[0].detail, "forward by 251 ms"));
	incidents_look(&incidents, at(101, 0));
	assert_int_equal(incidents.total, 2);
	assert_non_null(strstr(incidents.rows[1].detail, "back by 20051 ms"));
	/* Woken by the clock being set, and looked at once more in the same second: told once. */
	incidents_clock_set(&incidents, at(102, 5000));
	incidents_look(&incidents, at(102, 5000));
	assert_int_equal(incidents.total, 3);
}

static void processors_are_counted(void **state)
{
	(void)state;
	/* As if the machine had had one more, and one less, a second ago. */
	strcpy(incidents.online_text, "0-4095,5000");
	incidents_look(&incidents, at(2, 0));
	assert_int_equal(incidents.total, 1);
	assert_string_equal(incidents.rows[0].what, "cpu_offline");
	strcpy(incidents.online_text, "");
	incidents_look(&incidents, at(3, 0));
	assert_int_equal(incidents.total, 2);
	assert_string_equal(incidents.rows[1].what, "cpu_online");
	incidents_look(&incidents, at(4, 0));
	assert_int_equal(incidents.total, 2);
}

static void a_chunk_has_its_own_and_at_most_the_last(void **state)
{
	_cleanup_(statement_done) struct statement first = { 0 }, second = { 0 };

	(void)state;
	incidents_note(&incidents, "suspend", 7, "slept for %d s", 3);
	assert_int_equal(incidents_rows(&incidents, &first), 0);
	assert_true(first.incidents_known);
	assert_int_equal(first.n_incidents, 1);
	assert_string_equal(first.incidents[0].detail, "slept for 3 s");
	incidents_cut(&incidents);
	assert_int_equal(incidents_rows(&incidents, &second), 0);
	assert_true(second.incidents_known);
	assert_int_equal(second.n_incidents, 0);
	for (uint64_t i = 0; i < INCIDENTS_MAX + 5; i++)
		incidents.rows[incidents.total++ % INCIDENTS_MAX] =
			(struct incident) { "suspend", i, "not in the log of this test" };
	assert_int_equal(incidents_rows(&incidents, &second), 0);
	assert_int_equal(second.n_incidents, INCIDENTS_MAX);
	assert_int_equal(second.incidents[0].boot_ns, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_step_is_told_and_a_drift_is_not, setup, teardown),
		cmocka_unit_test_setup_teardown(processors_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(a_chunk_has_its_own_and_at_most_the_last, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
