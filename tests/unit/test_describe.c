// SPDX-License-Identifier: Apache-2.0
/* What a seal says of watched files fits into a seal, whatever the files are called, and nothing is left out unsaid. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/parts.h"

#define TARGETS 256
#define FILTERS 200 /* of 5 KB as text: what a configuration has room for */
#define MISSING 5000

static const struct moment opened = { 1000, 2000 }, closed = { INT64_MAX, INT64_MAX };

static char *name_of(size_t length)
{
	char *name = calloc(1, length + 1);

	assert_non_null(name);
	memset(name, '\x01', length); /* six bytes each in the text */
	return name;
}

static struct statement begun(void)
{
	static struct digest none;
	struct statement s = { .sequence = 1, .opened = opened, .closed = closed, .config_digest = none };

	assert_int_equal(statement_set(&s.chunk_name, "chunk-000001.ndjson"), 0);
	assert_int_equal(statement_set(&s.chain_id, "00112233445566778899aabbccddeeff"), 0);
	assert_int_equal(statement_set(&s.collector_name, "stella-signalsd"), 0);
	assert_int_equal(statement_set(&s.collector_version, "0"), 0);
	assert_int_equal(statement_set(&s.encoding, "identity"), 0);
	return s;
}

static void add_losses(struct statement *s)
{
	struct ledger ledger = { 0 };
	struct wire_loss_count count = { INT64_MAX, 2000, INT64_MAX };

	for (uint32_t i = 0; i < 2 * LOSERS_MAX; i++) {
		struct wire_loss_key key = { INT64_MAX - i, 1 + i % (WIRE_KIND_END - 1),
					     i % WIRE_LOSS_KERNEL_END };

		ledger.kernel.losses[key.kind - 1][key.cause] = count;
		count.count = 1000000000000;
		assert_int_equal(losers_note(&ledger.losers, &key, &count), 0);
		count.count = INT64_MAX;
	}
	assert_int_equal(ledger_rows(&ledger, false, opened.boot_ns, s), 0);
	ledger_done(&ledger);
}

static void add_incidents_and_filters(struct statement *s)
{
	static struct incidents incidents;
	char *detail = name_of(sizeof(incidents.rows[0].detail) - 1), *glob = name_of(850);

	for (size_t i = 0; i < INCIDENTS_MAX; i++) {
		incidents.rows[i] = (struct incident) { .what = "probe_silent", .boot_ns = INT64_MAX };
		strcpy(incidents.rows[i].detail, detail);
	}
	incidents.total = INCIDENTS_MAX;
	assert_int_equal(incidents_rows(&incidents, s), 0);
	s->path_denylist = calloc(FILTERS, sizeof(*s->path_denylist));
	for (size_t i = 0; i < FILTERS; i++) {
		assert_int_equal(statement_set(&s->path_denylist[i], glob), 0);
		s->n_path_denylist++;
	}
	free(detail);
	free(glob);
}

static void targets_make(struct source_target targets[TARGETS], size_t library, size_t name)
{
	static const char *missing[SOURCE_MISSING_MAX];
	const char *named = name_of(name), *path = name_of(library), *purl = name_of(name);

	for (size_t i = 0; i < SOURCE_MISSING_MAX; i++)
		missing[i] = named;
	for (size_t i = 0; i < TARGETS; i++)
		targets[i] = (struct source_target) { .kind = WIRE_KIND_FUNCTION_CALL,
						      .library = path,
						      .dev_major = UINT32_MAX,
						      .dev_minor = UINT32_MAX,
						      .inode = INT64_MAX,
						      .build_id_len = WIRE_BUILD_ID_MAX,
						      .purl = purl,
						      .from_boot_ns = 2000,
						      .attached = INT64_MAX,
						      .missing = missing,
						      .n_missing_listed = SOURCE_MISSING_MAX,
						      .missing_count = MISSING };
}

static void check_worst(size_t library, size_t name, bool all_rows)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(2 * STATEMENT_MAX);
	_cleanup_(statement_done) struct statement s = begun(), read = { 0 };
	static struct source_target targets[TARGETS];
	struct diag diag = { .text = "" };
	uint64_t missing = 0;

	targets_make(targets, library, name);
	add_losses(&s);
	add_incidents_and_filters(&s);
	assert_int_equal(describe_target_rows(targets, TARGETS, &closed, &s), 0);
	assert_int_equal(s.n_targets + s.targets_more, TARGETS);
	assert_int_equal(s.targets_more == 0, all_rows);
	assert_true(s.n_targets > 0 && s.targets[0].n_missing > 0);
	assert_int_equal(statement_write(&text, &s), 0);
	print_message("%zu bytes, %zu rows\n", text.len, s.n_targets);
	assert_true(text.len <= STATEMENT_MAX);
	if (statement_parse(buf_str(&text), &diag, &read) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(read.n_targets, s.n_targets);
	assert_int_equal(read.targets_more, s.targets_more);
	for (size_t i = 0; i < read.n_targets; i++)
		missing += read.targets[i].missing_count;
	assert_int_equal(missing, read.n_targets * MISSING);
	free((char *)targets[0].library);
	free((char *)targets[0].purl);
	free((char *)targets[0].missing[0]);
}

static void the_worst_of_all_fits(void **state)
{
	(void)state;
	check_worst(WIRE_PATH_MAX - 1, WIRE_SYMBOL_MAX, false);
	check_worst(100, 60, true);
	check_worst(1, 1, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_worst_of_all_fits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
