/* SPDX-License-Identifier: Apache-2.0 */

/* The lattice by exhaustion: 8 states, 64 joins, 512 triples; and each cell that the design names. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "merge/lattice.h"

static enum lattice state_of(const char *name)
{
	for (int i = 0; i < LATTICE_END; i++) {
		if (strcmp(lattice_name((enum lattice)i), name) == 0)
			return (enum lattice)i;
	}
	fail_msg("no state %s", name);
	return LATTICE_END;
}

static void laws(void **state)
{
	(void)state;
	for (int a = 0; a < LATTICE_END; a++) {
		assert_int_equal(lattice_join((enum lattice)a, (enum lattice)a), a);
		assert_int_equal(lattice_join(LATTICE_U, (enum lattice)a), a);
		assert_int_equal(lattice_join((enum lattice)a, LATTICE_U), a);
		assert_int_equal(lattice_join(LATTICE_X, (enum lattice)a), LATTICE_X);
		for (int b = 0; b < LATTICE_END; b++) {
			enum lattice ab = lattice_join((enum lattice)a, (enum lattice)b);

			assert_true(ab < LATTICE_END);
			assert_int_equal(ab, lattice_join((enum lattice)b, (enum lattice)a));
			for (int c = 0; c < LATTICE_END; c++)
				assert_int_equal(lattice_join(ab, (enum lattice)c),
						 lattice_join((enum lattice)a,
							      lattice_join((enum lattice)b, (enum lattice)c)));
		}
	}
}

/* Written out as the design has them, by hand and apart from the table in the code. */
static void cells(void **state)
{
	static const char *const rows[][3] = {
		{ "SR", "RO", "CR" }, { "SU", "RO", "X" },  { "SR", "SU", "X" },  { "SR", "RU", "X" },
		{ "SU", "RU", "CU" }, { "RO", "RU", "X" },  { "CR", "SU", "X" },  { "CR", "SR", "CR" },
		{ "CR", "RO", "CR" }, { "CU", "SU", "CU" }, { "CU", "RU", "CU" }, { "CU", "SR", "X" },
		{ "CU", "RO", "X" },  { "CR", "RU", "X" },  { "CR", "CU", "X" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(lattice_join(state_of(rows[i][0]), state_of(rows[i][1])),
				 state_of(rows[i][2]));
	/* Eight states have 28 pairs of different ones: 7 with U, 6 more with X, these 15. */
	assert_int_equal(ARRAY_LEN(rows), 28 - 7 - 6);
}

/* Runtime silence never makes a state that says reachable, and a contradiction is never quiet. */
static void contradictions_stay(void **state)
{
	(void)state;
	for (int a = 0; a < LATTICE_END; a++) {
		assert_int_equal(lattice_join(lattice_join((enum lattice)a, LATTICE_SU), LATTICE_RO),
				 LATTICE_X);
		assert_int_not_equal(lattice_join((enum lattice)a, LATTICE_RU), LATTICE_CR);
		assert_int_not_equal(lattice_join((enum lattice)a, LATTICE_RO), LATTICE_CU);
	}
}

static void outside(void **state)
{
	(void)state;
	assert_int_equal(lattice_join(LATTICE_END, LATTICE_U), LATTICE_X);
	assert_int_equal(lattice_join(LATTICE_U, LATTICE_END), LATTICE_X);
	assert_null(lattice_name(LATTICE_END));
	assert_null(lattice_words(LATTICE_END));
	for (int a = 0; a < LATTICE_END; a++)
		assert_true(strlen(lattice_words((enum lattice)a)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(laws),
		cmocka_unit_test(cells),
		cmocka_unit_test(contradictions_stay),
		cmocka_unit_test(outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
