/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The verifier on honest chains and on lies that a trusted signer could tell. What an outsider can do to a directory
 * is in test_tamper.c.
 */

#include "tests/unit/chain_maker.h"
#include "format/canon.h"
#include "stella/verify.h"
#include "verify/report.h"
#include "verify/verifier.h"

#define CHAIN_A "0123456789abcdef0123456789abcdef"
#define CHAIN_B "fedcba9876543210fedcba9876543210"

static struct stella_verifier *verifier_for(const struct maker *maker)
{
	struct stella_verifier *verifier = NULL;

	assert_int_equal(stella_verifier_new(&verifier), 0);
	verifier->publish_wait_ms = 20;
	if (maker)
		assert_int_equal(stella_verifier_trust_key(verifier, maker->key_path), 0);
	return verifier;
}

static struct stella_report *verify_with(struct stella_verifier *verifier, const struct maker *maker)
{
	struct stella_report *report = NULL;
	size_t count, offset;

	assert_int_equal(stella_verify_directory(verifier, maker->path, &report), 0);
	stella_verifier_free(verifier);
	assert_int_equal(canon_scan_object(str_of(stella_report_json(report)), NULL, 0, &count, &offset),
			 CANON_OK);
	return report;
}

static struct stella_report *verify(const struct maker *maker)
{
	return verify_with(verifier_for(maker), maker);
}

static void assert_sound(struct stella_report *report, uint64_t chunks, uint64_t records)
{
	if (!stella_report_sound(report))
		print_message("%s\n", stella_report_json(report));
	assert_true(stella_report_sound(report));
	assert_int_equal(stella_report_findings_total(report), 0);
	assert_int_equal(stella_report_chunks(report), chunks);
	assert_int_equal(stella_report_records(report), records);
	assert_int_equal(stella_report_head_sequence(report), chunks);
	stella_report_free(report);
}

/* Exactly these findings, in any order; 0 = one only. */
static void assert_codes(struct stella_report *report, enum stella_finding_code code, uint64_t total,
			 uint64_t line)
{
	const struct stella_finding *finding = stella_report_finding(report, 0);

	if (stella_report_findings_total(report) != total || !finding || finding->code != code ||
	    finding->line != line)
		print_message("%s\n", stella_report_json(report));
	assert_false(stella_report_sound(report));
	assert_false(stella_report_complete(report));
	assert_int_equal(stella_report_findings_total(report), total);
	for (size_t i = 0; i < stella_report_n_findings(report); i++)
		assert_int_equal(stella_report_finding(report, i)->code, code);
	assert_int_equal(finding->line, line);
	stella_report_free(report);
}

static void test_honest(void **state)
{
	(void)state;
	for (int zstd = 0; zstd <= 1; zstd++) {
		struct maker maker = maker_new(CHAIN_A);
		char head[DIGEST_TEXT_LEN + 1];
		struct stella_report *report;
		struct stella_verifier *verifier;

		maker.zstd = zstd;
		maker_chunk(&maker, 5, NULL);
		maker_chunk(&maker, 0, NULL);
		maker_chunk(&maker, 9000, NULL);
		report = verify(&maker);
		digest_hex(&maker.previous, head);
		assert_string_equal(stella_report_head_sha256(report), head);
		assert_true(stella_report_complete(report));
		assert_int_equal(stella_report_n_reasons(report), 0);
		assert_sound(report, 3, 9005);

		verifier = verifier_for(&maker);
		stella_verifier_seals_only(verifier, true);
		stella_verifier_require_complete(verifier, true);
		assert_sound(verify_with(verifier, &maker), 3, 9005);
		maker_remove(&maker);
	}
}

static void test_nobody_trusted(void **state)
{
	struct maker maker = maker_new(CHAIN_A), other = maker_new(CHAIN_A);
	struct stella_report *report;

	(void)state;
	maker_chunk(&maker, 3, NULL);
	maker_chunk(&maker, 3, NULL);
	report = verify_with(verifier_for(NULL), &maker);
	assert_int_equal(stella_report_head_sequence(report), 0);
	assert_string_equal(stella_report_head_sha256(report), "");
	assert_codes(report, STELLA_FINDING_UNTRUSTED_SIGNER, 2, 0);
	assert_codes(verify_with(verifier_for(&other), &maker), STELLA_FINDING_UNTRUSTED_SIGNER, 2, 0);
	maker_remove(&maker);
	maker_remove(&other);
}

static void test_trust_input(void **state)
{
	struct maker maker = maker_new(CHAIN_A);
	struct stella_verifier *verifier = verifier_for(NULL);

	(void)state;
	assert_int_equal(stella_verifier_trust_key(verifier, "/nonexistent/key.pub"), -ENOENT);
	assert_true(strlen(stella_verifier_error(verifier)) > 0);
	maker_put(&maker, "fake.pub", STR("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
	maker_put(&maker, "notes.txt", STR("not a key, and not looked at"));
	assert_int_equal(stella_verifier_trust_directory(verifier, maker.path), -EINVAL);
	assert_int_equal(unlinkat(maker.dir, "fake.pub", 0), 0);
	assert_int_equal(stella_verifier_trust_directory(verifier, maker.path), 0);
	assert_int_equal(verifier->trust.count, 0);
	assert_int_equal(stella_verifier_trust_key(verifier, maker.key_path), 0);
	assert_int_equal(stella_verifier_trust_key(verifier, maker.key_path), 0);
	assert_int_equal(verifier->trust.count, 1);
	assert_int_equal(stella_verifier_expect_head(verifier, "abc"), -EINVAL);
	assert_int_equal(stella_verifier_expect_head(verifier, "ABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEF"),
			 -EINVAL);
	stella_verifier_free(verifier);
	maker_remove(&maker);
}

static void test_empty_directory(void **state)
{
	struct maker maker = maker_new(CHAIN_A);
	struct stella_verifier *verifier = verifier_for(NULL);
	struct stella_report *report = verify(&maker);

	(void)state;
	assert_false(stella_report_sound(report));
	assert_int_equal(stella_report_chunks(report), 0);
	assert_int_equal(stella_report_findings_total(report), 0);
	stella_report_free(report);
	report = NULL;
	assert_int_equal(stella_verify_directory(verifier, "/nonexistent/evidence", &report), -ENOENT);
	assert_null(report);
	assert_non_null(strstr(stella_verifier_error(verifier), "/nonexistent/evidence"));
	stella_verifier_free(verifier);
	maker_remove(&maker);
}

static void test_expected_head(void **state)
{
	struct maker maker = maker_new(CHAIN_A);
	char heads[3][DIGEST_TEXT_LEN + 1];
	struct stella_verifier *verifier;

	(void)state;
	for (int i = 0; i < 3; i++) {
		maker_chunk(&maker, 2, NULL);
		digest_hex(&maker.previous, heads[i]);
	}
	for (int i = 0; i < 3; i++) {
		verifier = verifier_for(&maker);
		assert_int_equal(stella_verifier_expect_head(verifier, heads[i]), 0);
		assert_sound(verify_with(verifier, &maker), 3, 6);
	}
	assert_int_equal(unlinkat(maker.dir, "chunk-000003.ndjson", 0), 0);
	assert_int_equal(unlinkat(maker.dir, "chunk-000003.sigstore.json", 0), 0);
	assert_sound(verify(&maker), 2, 4);
	for (char *at = heads[1]; *at; at++)
		*at = *at >= 'a' ? (char)(*at - 'a' + 'A') : *at;
	verifier = verifier_for(&maker);
	assert_int_equal(stella_verifier_expect_head(verifier, heads[1]), 0);
	assert_sound(verify_with(verifier, &maker), 2, 4);
	verifier = verifier_for(&maker);
	assert_int_equal(stella_verifier_expect_head(verifier, heads[2]), 0);
	assert_codes(verify_with(verifier, &maker), STELLA_FINDING_TAIL_CUT, 1, 0);
	maker_remove(&maker);
}

static void test_log_required(void **state)
{
	struct maker maker = maker_new(CHAIN_A);
	struct stella_verifier *verifier = verifier_for(&maker);

	(void)state;
	maker_chunk(&maker, 2, NULL);
	maker_chunk(&maker, 2, NULL);
	stella_verifier_require_log(verifier, true);
	assert_codes(verify_with(verifier, &maker), STELLA_FINDING_LOG_PROOF_MISSING, 2, 0);
	maker_remove(&maker);
}

/* ---- incomplete, and honest about it ---- */

static void with_loss(struct statement *statement, const char *effect, uint64_t count)
{
	statement->losses = calloc(1, sizeof(*statement->losses));
	assert_non_null(statement->losses);
	statement->n_losses = 1;
	statement_set(&statement->losses[0].kind, "file_open");
	statement_set(&statement->losses[0].layer, "kernel");
	statement_set(&statement->losses[0].cause, "ring_full");
	statement_set(&statement->losses[0].effect, effect);
	statement->losses[0].count = count;
	statement->losses[0].first_boot_ns = statement->losses[0].last_boot_ns = statement->opened.boot_ns;
}

static void lose_records(struct statement *statement)
{
	with_loss(statement, "record", 17);
}

static void lose_members(struct statement *statement)
{
	with_loss(statement, "member", 17);
}

static void lose_nothing(struct statement *statement)
{
	with_loss(statement, "record", 0);
}

static void forget_losses(struct statement *statement)
{
	statement->losses_known = false;
}

static void recover(struct statement *statement)
{
	statement->recovered = true;
}

static void leave_gap(struct statement *statement)
{
	statement->gap = GAP_RESTART;
	statement->gap_from = statement->gap_to = statement->opened;
}

/* Adds a probe that covered the window but for so many ns at its beginning and at its end. */
static void with_probe(struct statement *statement, uint64_t late_ns, uint64_t early_ns)
{
	struct statement_probe *probes =
		realloc(statement->probes, (statement->n_probes + 1) * sizeof(*probes));

	assert_non_null(probes);
	statement->probes = probes;
	probes[statement->n_probes] = (struct statement_probe) {
		.from_boot_ns = statement->opened.boot_ns + late_ns,
		.to_boot_ns = statement->closed.boot_ns - early_ns,
	};
	statement_set(&probes[statement->n_probes].kind, "process_exec");
	statement_set(&probes[statement->n_probes].hook, "sched_process_exec");
	statement->n_probes++;
}

static void watch_all(struct statement *statement)
{
	with_probe(statement, 0, 0);
}

static void watch_late(struct statement *statement)
{
	with_probe(statement, 1, 0);
}

static void die_early(struct statement *statement)
{
	with_probe(statement, 0, 1);
}

static void be_dead(struct statement *statement)
{
	with_probe(statement, 0, statement->closed.boot_ns - statement->opened.boot_ns);
}

static void claim_nothing(struct statement *statement)
{
	free(statement->probes[0].kind);
	free(statement->probes[0].hook);
	statement->n_probes = 0;
}

static void with_incident(struct statement *statement, const char *what)
{
	statement->incidents_known = true;
	statement->incidents = calloc(1, sizeof(*statement->incidents));
	assert_non_null(statement->incidents);
	statement->n_incidents = 1;
	statement->incidents[0].boot_ns = statement->opened.boot_ns + 3;
	statement_set(&statement->incidents[0].what, what);
	statement_set(&statement->incidents[0].detail, "so it \x1b was");
}

static void step_clock(struct statement *statement)
{
	with_incident(statement, "clock_step");
}

static void be_silent(struct statement *statement)
{
	with_incident(statement, "probe_silent");
}

static void ask_in_vain(struct statement *statement)
{
	statement->targets = calloc(1, sizeof(*statement->targets));
	assert_non_null(statement->targets);
	statement->n_targets = 1;
	statement->targets[0].missing_count = 900;
	statement->targets_more = 3;
	statement_set(&statement->targets[0].kind, "function_call");
	statement_set(&statement->targets[0].library, "/usr/lib/libz\x1b.so");
}

static void test_complete(void **state)
{
	static const struct {
		maker_lie lie;
		bool complete;
	} cases[] = {
		{ lose_records, false },  { lose_members, true },   { lose_nothing, true },
		{ forget_losses, false }, { recover, false },	    { leave_gap, false },
		{ watch_all, true },	  { watch_late, false },    { die_early, false },
		{ be_dead, false },	  { claim_nothing, false }, { step_clock, true },
		{ be_silent, false },	  { ask_in_vain, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct maker maker = maker_new(CHAIN_A);
		struct stella_verifier *verifier;
		struct stella_report *report;

		maker_chunk(&maker, 2, NULL);
		maker_chunk(&maker, 2, cases[i].lie);
		report = verify(&maker);
		assert_int_equal(stella_report_complete(report), cases[i].complete);
		assert_int_equal(stella_report_n_reasons(report), cases[i].complete ? 0 : 1);
		if (!cases[i].complete)
			assert_non_null(strstr(stella_report_reason(report, 0), "chunk 2"));
		assert_sound(report, 2, 4);
		verifier = verifier_for(&maker);
		stella_verifier_require_complete(verifier, true);
		report = verify_with(verifier, &maker);
		assert_int_equal(stella_report_sound(report), cases[i].complete);
		assert_int_equal(stella_report_findings_total(report), 0);
		stella_report_free(report);
		maker_remove(&maker);
	}
}

/* Where coverage has holes, and what happened, stands in the report with its time; a terminal obeys none of it. */
static void test_holes_and_incidents_are_told(void **state)
{
	struct maker maker = maker_new(CHAIN_A);
	struct stella_report *report;

	(void)state;
	maker_chunk(&maker, 1, watch_late);
	maker_chunk(&maker, 1, be_silent);
	maker_chunk(&maker, 1, ask_in_vain);
	maker_chunk(&maker, 1, ask_in_vain);
	report = verify(&maker);
	assert_non_null(strstr(
		stella_report_json(report),
		"\"holes\":[{\"from\":{\"boot_ns\":100000000001,\"time\":\"2026-09-21T14:15:00.000000001Z\"},"
		"\"hook\":\"sched_process_exec\",\"kind\":\"process_exec\",\"sequence\":1,"
		"\"to\":{\"boot_ns\":110000000000,"));
	assert_non_null(strstr(stella_report_json(report), "\"holes_total\":1,"));
	assert_non_null(strstr(stella_report_json(report),
			       "\"incidents\":[{\"at\":{\"boot_ns\":110000000003,\"time\":"
			       "\"2026-09-21T14:15:10.000000003Z\"},\"detail\":\"so it ? was\",\"sequence\":2,"
			       "\"what\":\"probe_silent\"}],\"incidents_total\":1,"));
	assert_non_null(
		strstr(stella_report_json(report),
		       "\"not_measured\":[{\"build_id\":null,\"functions\":900,\"kind\":\"function_call\","
		       "\"library\":\"/usr/lib/libz?.so\"}],\"not_measured_total\":7,"));
	assert_int_equal(stella_report_n_reasons(report), 2);
	assert_string_equal(stella_report_reason(report, 1), "chunk 2: a probe was silent: so it ? was");
	stella_report_free(report);
	maker_remove(&maker);
}

static void watch_all_late(struct statement *statement)
{
	for (size_t i = 0; i < statement->n_probes; i++)
		statement->probes[i].from_boot_ns = statement->opened.boot_ns + 5;
	with_probe(statement, 5, 0);
}

static void watch_one_later(struct statement *statement)
{
	watch_all_late(statement);
	with_probe(statement, 6, 0);
}

/* The collector's first window begins before its probes; among themselves they begin together. */
static void test_the_first_window(void **state)
{
	static const maker_lie lies[] = { watch_all_late, watch_one_later };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		struct maker maker = maker_new(CHAIN_A);
		struct stella_report *report;

		maker_chunk(&maker, 2, lies[i]);
		report = verify(&maker);
		assert_int_equal(stella_report_complete(report), i == 0);
		stella_report_free(report);
		maker_remove(&maker);
	}
}

static void test_losses_are_summed(void **state)
{
	struct maker maker = maker_new(CHAIN_A);
	struct stella_report *report;

	(void)state;
	maker_chunk(&maker, 1, lose_records);
	maker_chunk(&maker, 1, lose_records);
	report = verify(&maker);
	assert_non_null(strstr(stella_report_json(report),
			       "\"losses\":[{\"cause\":\"ring_full\",\"count\":34,\"effect\":\"record\","
			       "\"kind\":\"file_open\",\"layer\":\"kernel\"}]"));
	stella_report_free(report);
	maker_remove(&maker);
}

static void lose_much(struct statement *statement)
{
	statement->n_losses = 30;
	statement->losses = calloc(statement->n_losses, sizeof(*statement->losses));
	assert_non_null(statement->losses);
	for (size_t i = 0; i < statement->n_losses; i++) {
		char cause[64];

		snprintf(cause, sizeof(cause), "cause_%" PRIu64 "_%zu", statement->sequence, i);
		statement_set(&statement->losses[i].layer, "kernel");
		statement_set(&statement->losses[i].cause, cause);
		statement_set(&statement->losses[i].effect, "member");
		statement->losses[i].count = 1;
		statement->losses[i].first_boot_ns = statement->losses[i].last_boot_ns =
			statement->opened.boot_ns;
	}
}

static void test_rows_without_room_are_counted(void **state)
{
	struct maker maker = maker_new(CHAIN_A);
	struct stella_report *report;

	(void)state;
	for (int i = 0; i < 40; i++)
		maker_chunk(&maker, 1, lose_much);
	report = verify(&maker);
	assert_non_null(strstr(stella_report_json(report), "\"losses_total\":1200,"));
	assert_null(strstr(stella_report_json(report), "cause_40_29"));
	assert_non_null(strstr(stella_report_json(report), "cause_30_1"));
	assert_sound(report, 40, 40);
	maker_remove(&maker);
}

/* ---- containers ---- */

#define DIGITS "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define IMAGE_A "sha256:" DIGITS
#define IMAGE_B "sha256:ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* One container in this chunk; `word` NULL = complete. It lives on unless it ends before the window does. */
static struct statement_container_coverage *cover(struct statement *s, const char *id, uint64_t end_before_ns,
						  const char *word)
{
	struct statement_container_coverage *row;

	s->container_coverage =
		realloc(s->container_coverage, (s->n_container_coverage + 1) * sizeof(*s->container_coverage));
	assert_non_null(s->container_coverage);
	row = &s->container_coverage[s->n_container_coverage++];
	*row = (struct statement_container_coverage) { .cgroup_id = 7,
						       .from_boot_ns = s->opened.boot_ns + 1,
						       .to_boot_ns = s->closed.boot_ns - end_before_ns,
						       .records = 2,
						       .complete = !word };
	assert_int_equal(statement_set(&row->id, id), 0);
	if (word) {
		row->incomplete = calloc(1, sizeof(*row->incomplete));
		row->n_incomplete = 1;
		assert_int_equal(statement_set(&row->incomplete[0], word), 0);
	}
	return row;
}

static void say_image(struct statement *s, const char *id, const char *digest)
{
	s->containers = calloc(1, sizeof(*s->containers));
	assert_non_null(s->containers);
	s->n_containers = 1;
	s->containers[0].conflict = !digest;
	assert_int_equal(statement_set(&s->containers[0].id, id), 0);
	assert_int_equal(statement_set(&s->containers[0].image_digest, digest), 0);
}

static void runs(struct statement *s)
{
	cover(s, "docker://" DIGITS, 0, NULL);
}

static void runs_and_is_known(struct statement *s)
{
	runs(s);
	say_image(s, "docker://" DIGITS, IMAGE_A);
}

static void runs_and_is_another(struct statement *s)
{
	runs(s);
	say_image(s, "docker://" DIGITS, IMAGE_B);
}

static void runs_and_is_disputed(struct statement *s)
{
	runs(s);
	say_image(s, "docker://" DIGITS, NULL);
}

static void runs_without_runtime(struct statement *s)
{
	cover(s, DIGITS, 0, "undecided");
}

static void ends(struct statement *s)
{
	cover(s, "docker://" DIGITS, 1000, NULL);
}

static void ends_with_losses(struct statement *s)
{
	cover(s, "docker://" DIGITS, 1000, "losses");
}

static void runs_recovered(struct statement *s)
{
	runs(s);
	s->recovered = true;
}

static void runs_unknown_losses(struct statement *s)
{
	runs(s);
	statement_forget_losses(s);
}

static void more_than_rows(struct statement *s)
{
	char id[32];

	for (int i = 0; i < REPORT_CONTAINERS_MAX + 5; i++) {
		snprintf(id, sizeof(id), "podman://%d", i);
		cover(s, id, 0, NULL);
	}
	s->containers_more = 3;
}

/* What the JSON says of containers for a chain of these chunks. */
static void assert_containers(const maker_lie *chunks, size_t count, const char *const *said, bool complete)
{
	struct maker maker = maker_new(CHAIN_A);
	struct stella_verifier *verifier = verifier_for(&maker);
	struct stella_report *report;

	for (size_t i = 0; i < count; i++)
		maker_chunk(&maker, 2, chunks[i]);
	stella_verifier_require_complete(verifier, complete);
	report = verify_with(verifier, &maker);
	assert_int_equal(stella_report_complete(report), complete);
	for (size_t i = 0; said[i]; i++) {
		if (!strstr(stella_report_json(report), said[i]))
			fail_msg("%s is not in %s", said[i], stella_report_json(report));
	}
	assert_sound(report, count, 2 * count);
	maker_remove(&maker);
}

#define SAID(...) ((const char *const[]) { __VA_ARGS__, NULL })
#define CHUNKS(...) (const maker_lie[]) { __VA_ARGS__ }, ARRAY_LEN(((const maker_lie[]) { __VA_ARGS__ }))

static void test_containers_are_gathered(void **state)
{
	(void)state;
	assert_containers(CHUNKS(NULL), SAID("\"containers\":[],\"containers_total\":0"), true);
	assert_containers(CHUNKS(runs, runs_and_is_known, ends, NULL),
			  SAID("\"containers\":[{\"complete\":true,\"from\":{\"boot_ns\":100000000001,",
			       "\"id\":\"docker://" DIGITS "\",\"image_digest\":\"" IMAGE_A
			       "\",\"incomplete\":[],\"records\":6,\"to\":{\"boot_ns\":129999999000,",
			       "\"containers_total\":1"),
			  true);
	/* Not complete, and yet the chain is: --require-complete finds nothing. */
	assert_containers(CHUNKS(runs_without_runtime, runs, ends_with_losses),
			  SAID("\"complete\":false,\"from\"", "\"id\":\"docker://" DIGITS "\"",
			       "\"incomplete\":[\"losses\",\"undecided\"],\"records\":6",
			       "\"containers_total\":1"),
			  true);
	/* Alive when the chain ends: nothing is missing. Ended and started again: nor here. */
	assert_containers(CHUNKS(ends, NULL, runs), SAID("\"incomplete\":[],\"records\":4"), true);
	/* It lived, and no seal says that it ended. */
	assert_containers(CHUNKS(runs, NULL, NULL), SAID("\"incomplete\":[\"unlisted\"],\"records\":2"), true);
}

static void test_containers_of_bad_chunks_are_not_complete(void **state)
{
	(void)state;
	assert_containers(CHUNKS(runs_recovered), SAID("\"incomplete\":[\"recovered\"]"), false);
	assert_containers(CHUNKS(runs_unknown_losses), SAID("\"incomplete\":[\"losses_unknown\"]"), false);
}

static void test_images_of_containers_do_not_change(void **state)
{
	(void)state;
	assert_containers(CHUNKS(runs_and_is_known, runs_and_is_another, runs_and_is_known),
			  SAID("\"image_digest\":null"), true);
	assert_containers(CHUNKS(runs_and_is_disputed, runs_and_is_known), SAID("\"image_digest\":null"), true);
}

static void test_containers_without_a_row_are_counted(void **state)
{
	(void)state;
	assert_containers(CHUNKS(more_than_rows), SAID("\"id\":\"podman://999\"", "\"containers_total\":1008"),
			  true);
}

static void test_unsealed_is_told(void **state)
{
	struct maker maker = maker_new(CHAIN_A);
	struct stella_report *report;

	(void)state;
	maker_chunk(&maker, 2, NULL);
	report = verify(&maker);
	assert_non_null(strstr(stella_report_json(report), "\"unsealed\":null"));
	stella_report_free(report);
	maker_put(&maker, "chunk-000002.ndjson.open", STR("whatever\n"));
	maker_put(&maker, "chunk-000007.ndjson.open", STR(""));
	report = verify(&maker);
	assert_non_null(strstr(stella_report_json(report), "\"unsealed\":2,"));
	assert_true(stella_report_complete(report));
	assert_sound(report, 1, 2);
	maker_remove(&maker);
}

/* ---- lies of a trusted signer ---- */

static void lie_count(struct statement *statement)
{
	statement->records++;
	statement->events[WIRE_KIND_FILE_OPEN]++;
}

static void lie_kinds(struct statement *statement)
{
	statement->events[WIRE_KIND_FILE_OPEN]--;
	statement->events[WIRE_KIND_TCP_STATE]++;
}

static void lie_more_bytes(struct statement *statement)
{
	statement->bytes++;
}

static void lie_fewer_bytes(struct statement *statement)
{
	statement->bytes--;
}

static void lie_plain_digest(struct statement *statement)
{
	statement->plain_digest.bytes[0] ^= 1;
}

static void lie_chunk_digest(struct statement *statement)
{
	statement->chunk_digest.bytes[31] ^= 1;
}

static void lie_closed_early(struct statement *statement)
{
	statement->closed.boot_ns = statement->opened.boot_ns - 1;
}

static void lie_opened_early(struct statement *statement)
{
	statement->opened.boot_ns -= 1;
}

static void lie_other_boot(struct statement *statement)
{
	statement_set(&statement->boot_id, "another-boot");
	statement->opened.boot_ns = 90 * MAKER_SECOND + 9 * MAKER_SECOND + MAKER_SECOND / 2;
	statement->closed.boot_ns = 200 * MAKER_SECOND;
}

static void lie_window_late(struct statement *statement)
{
	statement->opened.boot_ns += 2 * MAKER_SECOND;
}

static void lie_previous(struct statement *statement)
{
	statement->previous.bytes[7] ^= 0x80;
}

static void lie_no_previous(struct statement *statement)
{
	statement->has_previous = false;
}

static void lie_chain(struct statement *statement)
{
	statement_set(&statement->chain_id, CHAIN_B);
}

static void lie_sequence(struct statement *statement)
{
	statement->sequence = 7;
}

static void lie_repeated(struct statement *statement)
{
	statement->sequence = 1;
}

static void lie_name(struct statement *statement)
{
	statement_set(&statement->chunk_name, "chunk-000001.ndjson");
}

static void lie_path(struct statement *statement)
{
	statement_set(&statement->chunk_name, "../../etc/passwd");
}

static void lie_encoding(struct statement *statement)
{
	statement_set(&statement->encoding, strcmp(statement->encoding, "zstd") == 0 ? "identity" : "zstd");
}

static void test_lies(void **state)
{
	static const struct {
		const char *name;
		maker_lie lie;
		enum stella_finding_code code;
		uint64_t total;
		uint64_t line;
	} cases[] = {
		{ "count", lie_count, STELLA_FINDING_COUNT_MISMATCH, 2, 0 },
		{ "kinds", lie_kinds, STELLA_FINDING_COUNT_MISMATCH, 2, 0 },
		{ "more bytes", lie_more_bytes, STELLA_FINDING_CONTENT_MISMATCH, 1, 0 },
		{ "fewer bytes", lie_fewer_bytes, STELLA_FINDING_CONTENT_MISMATCH, 1, 0 },
		{ "plain digest", lie_plain_digest, STELLA_FINDING_CONTENT_MISMATCH, 1, 0 },
		{ "chunk digest", lie_chunk_digest, STELLA_FINDING_CONTENT_MISMATCH, 1, 0 },
		{ "opened early", lie_opened_early, STELLA_FINDING_CLOCK_REGRESSION, 1, 0 },
		{ "window late", lie_window_late, STELLA_FINDING_CLOCK_REGRESSION, 3, 1 },
		{ "previous", lie_previous, STELLA_FINDING_BROKEN_LINK, 1, 0 },
		{ "no previous", lie_no_previous, STELLA_FINDING_BROKEN_LINK, 1, 0 },
		{ "chain", lie_chain, STELLA_FINDING_BROKEN_LINK, 1, 0 },
		{ "sequence", lie_sequence, STELLA_FINDING_BROKEN_LINK, 1, 0 },
		{ "repeated", lie_repeated, STELLA_FINDING_DUPLICATE_SEQUENCE, 1, 0 },
		{ "name", lie_name, STELLA_FINDING_BROKEN_LINK, 1, 0 },
		{ "path", lie_path, STELLA_FINDING_SCHEMA_VIOLATION, 1, 0 },
		{ "encoding", lie_encoding, STELLA_FINDING_SCHEMA_VIOLATION, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		struct maker maker = maker_new(CHAIN_A);

		print_message("lie: %s\n", cases[i / 2].name);
		maker.zstd = i % 2;
		maker_chunk(&maker, 3, NULL);
		maker_chunk(&maker, 3, cases[i / 2].lie);
		assert_codes(verify(&maker), cases[i / 2].code, cases[i / 2].total, cases[i / 2].line);
		maker_remove(&maker);
	}
}

static void test_clock(void **state)
{
	struct maker maker = maker_new(CHAIN_A);

	(void)state;
	maker_chunk(&maker, 2, NULL);
	maker_chunk(&maker, 0, lie_closed_early);
	assert_codes(verify(&maker), STELLA_FINDING_CLOCK_REGRESSION, 1, 0);
	maker_remove(&maker);

	/* Another boot starts its clock anew: nothing to find, even though it lies before the last one's end. */
	maker = maker_new(CHAIN_A);
	maker_chunk(&maker, 0, NULL);
	maker_chunk(&maker, 3, lie_other_boot);
	assert_sound(verify(&maker), 2, 3);
	maker_remove(&maker);
}

static void all_libraries(struct statement *statement)
{
	statement->events[WIRE_KIND_LIBRARY_LOAD] = statement->records;
	statement->events[WIRE_KIND_FILE_OPEN] = 0;
}

/* A snapshot is older than the window that it opens; a folded record ends within it, and after it begins. */
static void test_times_of_records(void **state)
{
	static const uint64_t opened = 100 * MAKER_SECOND, closed = 110 * MAKER_SECOND;
	static const struct {
		uint64_t boot_ns, count, last_boot_ns;
		bool at_start, good;
	} cases[] = {
		{ .boot_ns = opened - 30 * MAKER_SECOND, .at_start = true, .good = true },
		{ .boot_ns = opened - 30 * MAKER_SECOND },
		{ .boot_ns = opened - 61 * MAKER_SECOND, .at_start = true },
		{ .boot_ns = closed + 11 * MAKER_SECOND, .at_start = true },
		{ .boot_ns = opened, .count = 2, .last_boot_ns = closed + 9 * MAKER_SECOND, .good = true },
		{ .boot_ns = opened, .count = 2, .last_boot_ns = closed + 11 * MAKER_SECOND },
		{ .boot_ns = opened + 1, .count = 2, .last_boot_ns = opened },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(buf_done) struct buf lines = BUF_MAX(1u << 20);
		struct maker maker = maker_new(CHAIN_A);
		struct event event = { .kind = WIRE_KIND_LIBRARY_LOAD,
				       .source = WIRE_SOURCE_ITER_TASK_VMA,
				       .boot_ns = cases[i].boot_ns,
				       .count = cases[i].count,
				       .last_boot_ns = cases[i].last_boot_ns,
				       .at_start = cases[i].at_start,
				       .pid = 1,
				       .tid = 1,
				       .comm = STR("init"),
				       .library.path = STR("/l.so") };

		assert_int_equal(record_append(&lines, &event), 0);
		maker_chunk_of(&maker, buf_str(&lines), 1, all_libraries, maker.key);
		if (cases[i].good)
			assert_sound(verify(&maker), 1, 1);
		else
			assert_codes(verify(&maker), STELLA_FINDING_CLOCK_REGRESSION, 1, 1);
		maker_remove(&maker);
	}
}

static void test_first_names_predecessor(void **state)
{
	struct maker maker = maker_new(CHAIN_A);
	struct statement statement = maker_statement(&maker, STR(""), 0);

	(void)state;
	statement.has_previous = true;
	maker_file(&maker, &statement, STR(""));
	maker_seal(&maker, 1, &statement, maker.key, &maker.key_id);
	statement_done(&statement);
	assert_codes(verify(&maker), STELLA_FINDING_BROKEN_LINK, 1, 0);
	maker_remove(&maker);
}

/* ---- lines that a trusted signer signed and must not have ---- */

static void test_bad_lines(void **state)
{
	static const struct {
		const char *from, *to; /* a change of the second line */
		enum stella_finding_code code;
	} cases[] = {
		{ "{\"cgroup_id\"", "{ \"cgroup_id\"", STELLA_FINDING_NOT_CANONICAL },
		{ "\"cgroup_id\":77", "\"cgroup_id\":77.0", STELLA_FINDING_NOT_CANONICAL },
		{ "\"cgroup_id\":77,", "\"cgroup_id\":77,\"cgroup_id\":77,", STELLA_FINDING_NOT_CANONICAL },
		{ "maker", "m\\u0061ker", STELLA_FINDING_NOT_CANONICAL },
		{ "maker",
		  "m\xff"
		  "ker",
		  STELLA_FINDING_MALFORMED },
		{ "maker\"", "maker", STELLA_FINDING_MALFORMED },
		{ "\"pid\":4711", "\"pid\":0", STELLA_FINDING_SCHEMA_VIOLATION },
		{ "\"pid\":4711", "\"pid\":\"4711\"", STELLA_FINDING_SCHEMA_VIOLATION },
		{ "\"src\":\"sched_process_exec\",", "", STELLA_FINDING_SCHEMA_VIOLATION },
		{ "\"type\":\"process_exec\"", "\"type\":\"process_exek\"", STELLA_FINDING_SCHEMA_VIOLATION },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct maker maker = maker_new(CHAIN_A);
		struct buf line = BUF_MAX(65536), lines = BUF_MAX(65536);
		const char *at;

		maker_record(&lines, 0, maker.boot_ns);
		maker_record(&line, 1, maker.boot_ns);
		at = strstr(buf_cstr(&line), cases[i].from);
		assert_non_null(at);
		buf_append(&lines, line.data, (size_t)(at - line.data));
		buf_append_str(&lines, str_of(cases[i].to));
		buf_append_str(&lines, str_of(at + strlen(cases[i].from)));
		maker_record(&lines, 2, maker.boot_ns);
		maker_chunk_of(&maker, buf_str(&lines), 3, NULL, maker.key);
		assert_codes(verify(&maker), cases[i].code, 1, 2);
		buf_done(&line);
		buf_done(&lines);
		maker_remove(&maker);
	}
}

static void test_line_limits(void **state)
{
	struct maker maker = maker_new(CHAIN_A);
	struct buf lines = BUF_MAX(8u << 20);
	char *filler = malloc(3u << 20);

	(void)state;
	assert_non_null(filler);
	memset(filler, 'x', 3u << 20);
	maker_record(&lines, 0, maker.boot_ns);
	buf_append(&lines, filler, 3u << 20);
	buf_append(&lines, "\n", 1);
	maker_record(&lines, 2, maker.boot_ns);
	maker_chunk_of(&maker, buf_str(&lines), 3, NULL, maker.key);
	assert_codes(verify(&maker), STELLA_FINDING_MALFORMED, 1, 2);
	maker_remove(&maker);

	/* Long enough to be refused, short enough to lie whole in one piece. */
	maker = maker_new(CHAIN_A);
	buf_clear(&lines);
	maker_record(&lines, 0, maker.boot_ns);
	buf_append(&lines, filler, RECORD_LINE_MAX + 1);
	buf_append(&lines, "\n", 1);
	maker_record(&lines, 2, maker.boot_ns);
	maker_chunk_of(&maker, buf_str(&lines), 3, NULL, maker.key);
	assert_codes(verify(&maker), STELLA_FINDING_MALFORMED, 1, 2);
	maker_remove(&maker);

	/* The last line has no end. */
	maker = maker_new(CHAIN_A);
	buf_clear(&lines);
	maker_record(&lines, 0, maker.boot_ns);
	lines.len--;
	maker_chunk_of(&maker, buf_str(&lines), 1, NULL, maker.key);
	assert_codes(verify(&maker), STELLA_FINDING_MALFORMED, 1, 1);
	maker_remove(&maker);
	buf_done(&lines);
	free(filler);
}

static void test_findings_have_a_ceiling(void **state)
{
	struct maker maker = maker_new(CHAIN_A);
	struct buf lines = BUF_MAX(1u << 20);
	struct stella_report *report;

	(void)state;
	for (int i = 0; i < 12000; i++)
		buf_append(&lines, "{}\n", 3);
	for (int i = 0; i < 12; i++)
		maker_chunk_of(&maker, buf_str(&lines), 12000, NULL, maker.key);
	report = verify(&maker);
	/* 12,000 bad lines in each of 12 chunks: all counted, 1,000 of each kept, and no more than 10,000 in all. */
	assert_int_equal(stella_report_n_findings(report), 10000);
	assert_int_equal(stella_report_findings_total(report), 12 * 12000);
	assert_null(stella_report_finding(report, 10000));
	assert_int_equal(stella_report_finding(report, 999)->line, 1000);
	assert_int_equal(stella_report_finding(report, 999)->offset, 999 * 3);
	assert_int_equal(stella_report_finding(report, 9999)->sequence, 10);
	stella_report_free(report);
	buf_done(&lines);
	maker_remove(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_honest),
		cmocka_unit_test(test_nobody_trusted),
		cmocka_unit_test(test_trust_input),
		cmocka_unit_test(test_empty_directory),
		cmocka_unit_test(test_expected_head),
		cmocka_unit_test(test_log_required),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_the_first_window),
		cmocka_unit_test(test_holes_and_incidents_are_told),
		cmocka_unit_test(test_losses_are_summed),
		cmocka_unit_test(test_rows_without_room_are_counted),
		cmocka_unit_test(test_containers_are_gathered),
		cmocka_unit_test(test_containers_of_bad_chunks_are_not_complete),
		cmocka_unit_test(test_images_of_containers_do_not_change),
		cmocka_unit_test(test_containers_without_a_row_are_counted),
		cmocka_unit_test(test_unsealed_is_told),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_times_of_records),
		cmocka_unit_test(test_first_names_predecessor),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_line_limits),
		cmocka_unit_test(test_findings_have_a_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
