/* SPDX-License-Identifier: Apache-2.0 */
/* What was lost is said, by whom and when, once and in the chunk where it was lost. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "collect/ledger.h"

static const struct statement_loss *row_of(const struct statement *s, const char *kind, const char *cause)
{
	for (size_t i = 0; i < s->n_losses; i++) {
		const struct statement_loss *row = &s->losses[i];

		if (strcmp(row->cause, cause) == 0 &&
		    (kind ? row->kind && strcmp(row->kind, kind) == 0 : !row->kind))
			return row;
	}
	fail_msg("no row for %s", cause);
	return NULL;
}

#define COUNT_KINDS(ENUM, cause, kinds, layer, effect, cure) +__builtin_popcount(kinds)
#define COUNT_ONE(ENUM, cause, kinds, layer, effect, cure) +1

static void every_cause_has_its_row_zero_as_zero(void **state)
{
	const size_t possible = WIRE_KERNEL_LOSSES(COUNT_KINDS) WIRE_COLLECTOR_LOSSES(COUNT_ONE);
	_cleanup_(statement_done) struct statement s = { 0 };
	struct ledger ledger = { 0 };

	(void)state;
	assert_int_equal(ledger_rows(&ledger, false, 5, &s), 0);
	assert_true(s.losses_known);
	assert_int_equal(s.n_losses, possible);
	for (size_t i = 0; i < s.n_losses; i++)
		assert_int_equal(s.losses[i].count, 0);
	assert_string_equal(s.losses[0].kind, "file_open");
	assert_string_equal(s.losses[0].cause, "ring_full");
	assert_string_equal(s.losses[0].layer, "kernel");
	assert_null(s.losses[s.n_losses - 1].kind);
	assert_string_equal(s.losses[s.n_losses - 1].cause, "cgroup_unknown");
	/* Asked again, the rows are replaced, not added to. */
	assert_int_equal(ledger_rows(&ledger, true, 5, &s), 0);
	assert_int_equal(s.n_losses, possible);
}

/* The table says that it cannot be; when it is all the same, it is said. */
static void an_impossible_loss_is_not_hidden(void **state)
{
	_cleanup_(statement_done) struct statement s = { 0 };
	struct ledger ledger = { 0 };
	size_t rows;

	(void)state;
	assert_int_equal(ledger_rows(&ledger, false, 5, &s), 0);
	rows = s.n_losses;
	ledger.kernel.losses[WIRE_KIND_TCP_STATE - 1][WIRE_LOSS_ARGV_CUT].count = 1;
	assert_int_equal(ledger_rows(&ledger, false, 5, &s), 0);
	assert_int_equal(s.n_losses, rows + 1);
	assert_int_equal(row_of(&s, "tcp_state", "argv_cut")->count, 1);
}

static void a_chunk_claims_only_its_own(void **state)
{
	_cleanup_(statement_done) struct statement s = { 0 };
	struct ledger ledger = { 0 };
	struct wire_cpu_counters totals = { 0 };
	struct wire_loss_count *full = &totals.losses[WIRE_KIND_TCP_STATE - 1][WIRE_LOSS_RING_FULL];

	(void)state;
	*full = (struct wire_loss_count) { 10, 100, 200 };
	ledger_kernel(&ledger, &totals);
	ledger_add(&ledger, LEDGER_DISK_FULL, 3, 150);
	ledger_add(&ledger, LEDGER_DISK_FULL, 2, 180);
	ledger_add(&ledger, LEDGER_DISK_FULL, 0, 190);
	assert_int_equal(ledger_rows(&ledger, false, 50, &s), 0);
	assert_int_equal(row_of(&s, "tcp_state", "ring_full")->count, 10);
	assert_int_equal(row_of(&s, "tcp_state", "ring_full")->first_boot_ns, 100);
	assert_int_equal(row_of(&s, "file_open", "ring_full")->count, 0);
	assert_int_equal(row_of(&s, NULL, "disk_full")->count, 5);
	assert_int_equal(row_of(&s, NULL, "disk_full")->first_boot_ns, 150);
	assert_int_equal(row_of(&s, NULL, "disk_full")->last_boot_ns, 180);

	ledger_cut(&ledger);
	assert_int_equal(ledger_rows(&ledger, false, 300, &s), 0);
	assert_int_equal(row_of(&s, "tcp_state", "ring_full")->count, 0);
	assert_int_equal(row_of(&s, NULL, "disk_full")->count, 0);

	*full = (struct wire_loss_count) { 12, 100, 400 };
	ledger_kernel(&ledger, &totals);
	ledger_add(&ledger, LEDGER_DISK_FULL, 1, 410);
	assert_int_equal(ledger_rows(&ledger, false, 300, &s), 0);
	assert_int_equal(row_of(&s, "tcp_state", "ring_full")->count, 2);
	assert_int_equal(row_of(&s, "tcp_state", "ring_full")->first_boot_ns, 300);
	assert_int_equal(row_of(&s, "tcp_state", "ring_full")->last_boot_ns, 400);
	assert_int_equal(row_of(&s, NULL, "disk_full")->count, 1);
	assert_int_equal(ledger_rows(&ledger, true, 300, &s), 0);
	assert_int_equal(row_of(&s, "tcp_state", "ring_full")->count, 12);
	assert_int_equal(row_of(&s, "tcp_state", "ring_full")->first_boot_ns, 100);
	/* Counters that run backwards are no licence for a huge number. */
	*full = (struct wire_loss_count) { 1, 100, 400 };
	ledger_kernel(&ledger, &totals);
	assert_int_equal(ledger_rows(&ledger, false, 300, &s), 0);
	assert_int_equal(row_of(&s, "tcp_state", "ring_full")->count, 0);
}

static void note(struct ledger *ledger, uint64_t cgroup, uint32_t cause, uint64_t count)
{
	const struct wire_loss_key key = { cgroup, WIRE_KIND_FILE_OPEN, cause };
	const struct wire_loss_count total = { count, 100, 200 };

	assert_int_equal(losers_note(&ledger->losers, &key, &total), 0);
}

static void losses_by_cgroup_are_the_chunks_own(void **state)
{
	_cleanup_(statement_done) struct statement s = { 0 };
	_cleanup_(ledger_done) struct ledger ledger = { 0 };
	struct wire_cpu_counters totals = { 0 };
	struct wire_loss_count *full = &totals.losses[WIRE_KIND_FILE_OPEN - 1][WIRE_LOSS_RING_FULL];

	(void)state;
	*full = (struct wire_loss_count) { 10, 100, 200 };
	ledger_kernel(&ledger, &totals);
	note(&ledger, 9, WIRE_LOSS_RING_FULL, 4);
	note(&ledger, 7, WIRE_LOSS_RING_FULL, 5);
	note(&ledger, 7, WIRE_LOSS_FILE_GONE, 3);
	assert_int_equal(ledger_rows(&ledger, false, 50, &s), 0);
	assert_int_equal(row_of(&s, "file_open", "ring_full")->n_cgroups, 2);
	assert_int_equal(row_of(&s, "file_open", "ring_full")->cgroups[0].cgroup_id, 7);
	assert_int_equal(row_of(&s, "file_open", "ring_full")->cgroups[0].count, 5);
	assert_int_equal(row_of(&s, "file_open", "ring_full")->cgroups[1].count, 4);
	assert_int_equal(row_of(&s, "file_open", "file_gone")->n_cgroups, 0); /* no total, no part of it */

	ledger_cut(&ledger);
	*full = (struct wire_loss_count) { 12, 100, 400 };
	ledger_kernel(&ledger, &totals);
	note(&ledger, 9, WIRE_LOSS_RING_FULL, 9); /* read later than the total: never more than it */
	assert_int_equal(ledger_rows(&ledger, false, 300, &s), 0);
	assert_int_equal(row_of(&s, "file_open", "ring_full")->count, 2);
	assert_int_equal(row_of(&s, "file_open", "ring_full")->n_cgroups, 1);
	assert_int_equal(row_of(&s, "file_open", "ring_full")->cgroups[0].count, 2);
	assert_int_equal(row_of(&s, "file_open", "ring_full")->cgroups[0].first_boot_ns, 300);
	/* Beyond the limit a cgroup is in the total only. */
	for (uint64_t id = 0; id < LOSERS_MAX + 10; id++)
		note(&ledger, 1000 + id, WIRE_LOSS_RING_FULL, 1);
	assert_int_equal(ledger.losers.count, LOSERS_MAX);
	*full = (struct wire_loss_count) { 5000, 100, 400 };
	ledger_kernel(&ledger, &totals);
	assert_int_equal(ledger_rows(&ledger, false, 300, &s), 0);
	assert_int_equal(row_of(&s, "file_open", "ring_full")->n_cgroups, STATEMENT_CGROUPS_MAX);
}

static void folded_and_filtered_are_the_chunks_own(void **state)
{
	struct ledger ledger = { 0 };
	struct wire_cpu_counters totals = { 0 };

	(void)state;
	totals.folded[WIRE_KIND_FILE_OPEN - 1] = 8;
	totals.filtered[WIRE_KIND_FILE_OPEN - 1] = 2;
	totals.filtered[WIRE_KIND_TCP_STATE - 1] = 3;
	ledger_kernel(&ledger, &totals);
	assert_int_equal(ledger_filtered(&ledger, false), 5);
	ledger_cut(&ledger);
	totals.folded[WIRE_KIND_FILE_OPEN - 1] = 9;
	ledger_kernel(&ledger, &totals);
	assert_int_equal(ledger_folded(&ledger, false, WIRE_KIND_FILE_OPEN), 1);
	assert_int_equal(ledger_folded(&ledger, true, WIRE_KIND_FILE_OPEN), 9);
	assert_int_equal(ledger_folded(&ledger, true, WIRE_KIND_TCP_STATE), 0);
	assert_int_equal(ledger_filtered(&ledger, false), 0);
	assert_int_equal(ledger_filtered(&ledger, true), 5);
}

static void members_are_no_records(void **state)
{
	struct ledger ledger = { 0 };
	struct wire_cpu_counters totals = { 0 };

	(void)state;
	totals.losses[WIRE_KIND_FILE_OPEN - 1][WIRE_LOSS_PATH_CUT].count = 1000;
	totals.losses[WIRE_KIND_FILE_OPEN - 1][WIRE_LOSS_RING_FULL].count = 7;
	totals.losses[WIRE_KIND_PROCESS_EXEC - 1][WIRE_LOSS_RING_FULL].count = 1;
	ledger_kernel(&ledger, &totals);
	ledger_add(&ledger, LEDGER_MALFORMED, 2, 1);
	ledger_cut(&ledger);
	assert_int_equal(ledger_records_lost(&ledger), 10);
}

static void each_cause_has_a_cure(void **state)
{
	_cleanup_(statement_done) struct statement s = { 0 };
	struct ledger ledger = { 0 };

	(void)state;
	assert_int_equal(ledger_rows(&ledger, true, 0, &s), 0);
	for (size_t i = 0; i < s.n_losses; i++)
		assert_true(strlen(ledger_cure(s.losses[i].cause)) > 0);
	assert_non_null(strstr(ledger_cure("ring_full"), "ring_buffer_mb"));
	assert_null(ledger_cure("ring_ful"));
	assert_null(ledger_cure(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cause_has_its_row_zero_as_zero),
		cmocka_unit_test(an_impossible_loss_is_not_hidden),
		cmocka_unit_test(a_chunk_claims_only_its_own),
		cmocka_unit_test(losses_by_cgroup_are_the_chunks_own),
		cmocka_unit_test(folded_and_filtered_are_the_chunks_own),
		cmocka_unit_test(members_are_no_records),
		cmocka_unit_test(each_cause_has_a_cure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
