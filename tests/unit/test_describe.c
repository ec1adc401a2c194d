// SPDX-License-Identifier: Apache-2.0
/*
 * What a seal says of watched files fits into a seal, whatever the files are called, and nothing is left out unsaid. And
 * of a container it says that all is there only when nothing that is missing can be its.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
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

#define ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void make(struct containers *containers, uint64_t id, const char *path)
{
	const struct container_cgroup cgroup = { .id = id, .path = str_of(path), .boot_ns = 1500 };

	assert_int_equal(containers_made(containers, &cgroup), 0);
}

/* Why the container's coverage is not complete, when this was lost; "" = it is. */
static const char *why(struct containers *containers, const char *cause, const char *effect, uint64_t count,
		       uint64_t cgroup_id, uint64_t of_cgroup)
{
	static char words[64];
	_cleanup_(statement_done) struct statement s = begun();
	const struct statement_container_coverage *row;
	struct statement_loss *loss;

	s.losses = loss = calloc(1, sizeof(*loss));
	assert_non_null(loss);
	s.n_losses = 1;
	loss->count = count;
	assert_int_equal(statement_set(&loss->cause, cause), 0);
	assert_int_equal(statement_set(&loss->effect, effect), 0);
	loss->cgroups = calloc(1, sizeof(*loss->cgroups));
	loss->cgroups[0] = (struct statement_loss_cgroup) { .cgroup_id = cgroup_id, .count = of_cgroup };
	loss->n_cgroups = of_cgroup > 0;
	assert_int_equal(describe_container_rows(containers, false, &closed, &s), 0);
	assert_int_equal(s.n_container_coverage, 1);
	row = &s.container_coverage[0];
	assert_int_equal(row->complete, row->n_incomplete == 0);
	snprintf(words, sizeof(words), "%s", row->n_incomplete > 0 ? row->incomplete[0] : "");
	return words;
}

static void whose_loss_it_may_be(void **state)
{
	struct containers *containers;

	(void)state;
	assert_int_equal(containers_new(&containers), 0);
	make(containers, 2, "/system.slice/cron.service");
	make(containers, 3, "/docker/" ID);
	make(containers, 4, "/docker/" ID "/init");
	assert_string_equal(why(containers, "ring_full", "record", 0, 0, 0), "");
	assert_string_equal(why(containers, "ring_full", "record", 5, 2, 5), ""); /* all of it another's */
	assert_string_equal(why(containers, "ring_full", "record", 5, 2, 4), "losses");
	assert_string_equal(why(containers, "ring_full", "record", 5, 4, 5), "losses");
	assert_string_equal(why(containers, "path_cut", "member", 5, 4, 5), "");
	assert_string_equal(why(containers, "io_uring", "record", 5, 3, 5), "io_uring");
	/* Nobody told of that one, which may be below the container's. */
	assert_string_equal(why(containers, "ring_full", "record", 5, 9, 5), "losses");
	/* It is there, but may be its and does not say so. */
	assert_string_equal(why(containers, "cgroup_unknown", "member", 1, 0, 0), "losses");
	containers_free(containers);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_worst_of_all_fits),
					    cmocka_unit_test(whose_loss_it_may_be) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
