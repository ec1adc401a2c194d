/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From chains made by hand to verdicts: each way in which something may have been missed, one at a time. The chain has a package
 * that is used, one that is not, and one whose file is used in ways that do not count.
 */

#include "merge_world.h"

static void tiers_and_lines(void **state)
{
	struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
	struct lines lines;
	struct outcome outcome;
	const struct package_verdict *verdict;
	struct digest digest;
	struct event event;
	struct buf text;

	(void)state;
	first_chunk(&maker, NULL);
	lines = lines_new(&maker);
	event = opened(&lines, "/usr/lib/libused.so.1", 100);
	put(&lines, &event);
	event.count = 16;
	event.last_boot_ns = event.boot_ns + 5;
	put(&lines, &event);
	chunk(&maker, &lines, NULL);
	outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH });
	assert_int_equal(outcome.r, 0);
	assert_true(outcome.result.complete);
	assert_int_equal(outcome.result.chunks, 2);
	assert_answer(&outcome, "used", ANSWER_OBSERVED, NULL);
	assert_answer(&outcome, "unused", ANSWER_NOT_OBSERVED, NULL);
	verdict = verdict_of(&outcome, "used");
	assert_int_equal(verdict->strongest, TIER_MAPPED);
	assert_int_equal(verdict->tiers[TIER_MAPPED].count, 1);
	/* One record, and one that stands for sixteen, the first among them. */
	assert_int_equal(verdict->tiers[TIER_OPENED].count, 16);
	assert_int_equal(verdict->tiers[TIER_OPENED].first_line.sequence, 2);
	assert_int_equal(verdict->tiers[TIER_OPENED].first_line.line, 1);
	assert_int_equal(verdict->tiers[TIER_OPENED].last_line.line, 2);
	assert_int_equal(verdict->tiers[TIER_OPENED].last.boot_ns, event.last_boot_ns);
	text = maker_get(&maker, "chunk-000002.ndjson");
	assert_int_equal(
		digest_of(text.data, (size_t)((char *)memchr(text.data, '\n', text.len) - text.data), &digest),
		0);
	assert_memory_equal(&digest, &verdict->tiers[TIER_OPENED].first_line.digest, sizeof(digest));
	buf_done(&text);
	assert_int_equal(verdict_of(&outcome, "tool")->strongest, TIER_EXECUTED);
	outcome_done(&outcome);
	maker_remove(&maker);
}

/* ---- each way to have missed something ---- */

static void a_detail_lost(struct statement *s)
{
	a_loss(s);
	assert_int_equal(statement_set(&s->losses[0].effect, "member"), 0);
}

static void a_loss_of_sockets(struct statement *s)
{
	a_loss(s);
	assert_int_equal(statement_set(&s->losses[0].kind, "tcp_state"), 0);
}

static void a_loss_of_who_knows(struct statement *s)
{
	a_loss(s);
	free(s->losses[0].kind);
	s->losses[0].kind = NULL;
}

static void losses_unknown(struct statement *s)
{
	s->losses_known = false;
}

static void a_hole(struct statement *s)
{
	s->probes[1].to_boot_ns -= 1000;
}

static void no_opens(struct statement *s)
{
	free(s->probes[3].kind);
	free(s->probes[3].hook);
	free(s->probes[1].kind);
	free(s->probes[1].hook);
	s->probes[1] = s->probes[2];
	s->n_probes = 2;
}

static void was_recovered(struct statement *s)
{
	s->recovered = true;
}

static void was_replayed(struct statement *s)
{
	assert_int_equal(statement_set(&s->replay_of, "00"), 0);
}

static void an_incident(struct statement *s, const char *what)
{
	s->incidents_known = true;
	s->incidents = calloc(1, sizeof(*s->incidents));
	s->n_incidents = 1;
	s->incidents[0].boot_ns = s->opened.boot_ns;
	assert_int_equal(statement_set(&s->incidents[0].what, what), 0);
	assert_int_equal(statement_set(&s->incidents[0].detail, "it said nothing"), 0);
}

static void was_silent(struct statement *s)
{
	an_incident(s, "probe_silent");
}

static void a_cpu_more(struct statement *s)
{
	an_incident(s, "cpu_online");
}

static void denied_elsewhere(struct statement *s)
{
	one_text(&s->path_denylist, &s->n_path_denylist, "/proc/**");
}

static void allowed_elsewhere(struct statement *s)
{
	one_text(&s->path_allowlist, &s->n_path_allowlist, "/usr/lib/libused*");
}

static void by_name(struct statement *s)
{
	one_text(&s->comm_denylist, &s->n_comm_denylist, "cron");
}

static void by_cgroup(struct statement *s)
{
	one_text(&s->cgroups, &s->n_cgroups, "/a");
}

static void only_containers(struct statement *s)
{
	one_text(&s->target_containers, &s->n_target_containers, "web");
	s->host_known = true;
}

static void containers_and_host(struct statement *s)
{
	only_containers(s);
	s->host = true;
}

static void a_harmless_spot(struct statement *s)
{
	blind(s, 1, "renamed_during_open");
}

static void after_sleep(struct statement *s)
{
	after_a_crash(s);
	s->gap = s->sequence < 2 ? GAP_NONE : GAP_SUSPEND;
}

static void ways_to_have_missed_it(void **state)
{
	static const struct {
		maker_lie lie;
		enum answer answer;
		const char *reason;
	} rows[] = {
		{ NULL, ANSWER_NOT_OBSERVED, NULL },
		{ a_loss, ANSWER_NOT_OBSERVED_LOSSY, "3 records of file_open lost in the kernel: ring_full" },
		{ a_detail_lost, ANSWER_NOT_OBSERVED, NULL },
		{ a_loss_of_sockets, ANSWER_NOT_OBSERVED, NULL },
		{ a_loss_of_who_knows, ANSWER_NOT_OBSERVED_LOSSY, "3 records lost" },
		{ losses_unknown, ANSWER_NOT_OBSERVED_LOSSY, "what was lost is not known" },
		{ a_hole, ANSWER_NOT_OBSERVED_LOSSY, "file_open was watched by hook only from" },
		{ no_opens, ANSWER_NOT_MEASURED, "file_open was not watched" },
		{ was_recovered, ANSWER_NOT_OBSERVED_LOSSY, "was recovered after a crash" },
		{ was_replayed, ANSWER_NOT_OBSERVED_LOSSY, "is a replay" },
		{ was_silent, ANSWER_NOT_OBSERVED_LOSSY, "a probe was silent: it said nothing" },
		{ a_cpu_more, ANSWER_NOT_OBSERVED, NULL },
		{ denied, ANSWER_NOT_MEASURED, "filters.path_denylist left out opens of 1 of its 1 files" },
		{ denied_elsewhere, ANSWER_NOT_OBSERVED, NULL },
		{ allowed_elsewhere, ANSWER_NOT_MEASURED, "filters.path_allowlist" },
		{ by_name, ANSWER_NOT_MEASURED, "filters.comm_denylist was in force" },
		{ by_cgroup, ANSWER_NOT_MEASURED, "filters.cgroups was in force" },
		{ only_containers, ANSWER_NOT_MEASURED, "left out what runs in no container" },
		{ containers_and_host, ANSWER_NOT_OBSERVED, NULL },
		{ ran_before, ANSWER_NOT_OBSERVED_LOSSY, "running_before_start" },
		{ mapped_before, ANSWER_NOT_OBSERVED_LOSSY, "mapped_before_start" },
		{ a_harmless_spot, ANSWER_NOT_OBSERVED, NULL },
		{ after_a_crash, ANSWER_NOT_OBSERVED_LOSSY, "nothing was watched: crash" },
		{ after_sleep, ANSWER_NOT_OBSERVED, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
		struct outcome outcome;

		first_chunk(&maker, NULL);
		first_chunk(&maker, rows[i].lie);
		outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH });
		if (outcome.r < 0)
			fail_msg("row %zu: %s", i, outcome.diag.text);
		print_message("row %zu\n", i);
		if (rows[i].lie == no_opens)
			/* In one of two chunks only: something is missing, and it was measured in the other. */
			assert_answer(&outcome, "unused", ANSWER_NOT_OBSERVED_LOSSY,
				      "file_open was not watched in 1 of 2 chunks");
		else
			assert_answer(&outcome, "unused", rows[i].answer, rows[i].reason);
		assert_answer(&outcome, "used", ANSWER_OBSERVED, NULL);
		outcome_done(&outcome);
		maker_remove(&maker);
	}
}

static void kind_off(void **state)
{
	struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
	struct outcome outcome;

	(void)state;
	first_chunk(&maker, no_opens);
	outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH });
	assert_int_equal(outcome.r, 0);
	assert_false(outcome.result.complete);
	assert_answer(&outcome, "unused", ANSWER_NOT_MEASURED, "file_open was not watched");
	assert_answer(&outcome, "used", ANSWER_OBSERVED, NULL);
	outcome_done(&outcome);
	maker_remove(&maker);
}

/* ---- records that do not count ---- */

static struct event upper(struct lines *lines)
{
	struct event event = opened(lines, "/usr/lib/libunused.so.1", 9);

	event.open.layer = LAYER_UPPER;
	return event;
}

static struct event outside(struct lines *lines)
{
	struct event event = opened(lines, "/usr/lib/libunused.so.1", 9);

	event.open.unreachable = true;
	return event;
}

static struct event another_inode(struct lines *lines)
{
	return opened(lines, "/usr/lib/libunused.so.1", 9);
}

/* Of a script no inode is known; its interpreter's tells whose root it is in. */
static struct event script(struct lines *lines)
{
	struct event event = executed(lines, "/usr/lib/libunused.so.1", 0);

	event.exec.interpreter = STR("/usr/bin/python3.11");
	event.exec.inode = 500;
	return event;
}

static struct event script_by_another(struct lines *lines)
{
	struct event event = script(lines);

	event.exec.inode = 9;
	return event;
}

/* From outside: the root's own interpreter, and a script of another root. */
static struct event script_elsewhere(struct lines *lines)
{
	struct event event = script(lines);

	event.exec.interpreter = STR("/srv/root/usr/bin/python3.11");
	return event;
}

static struct event another_python_at_start(struct lines *lines)
{
	struct event event = python_at_start(lines);

	event.exec.filename = STR("/opt/python3.11");
	event.exec.inode = 9;
	return event;
}

static void records_that_do_not_count(void **state)
{
	static const struct {
		struct event (*make)(struct lines *lines);
		enum evidence_join join;
		const char *package;
		enum answer answer;
		const char *reason;
	} rows[] = {
		{ lower, JOIN_PATH, "unused", ANSWER_OBSERVED, NULL },
		{ upper, JOIN_PATH, "unused", ANSWER_NOT_MEASURED, "layer upper" },
		{ outside, JOIN_PATH, "unused", ANSWER_NOT_OBSERVED, NULL },
		{ twin, JOIN_PATH, "twin-a", ANSWER_NOT_MEASURED, "shares with another" },
		{ twin, JOIN_PATH, "twin-b", ANSWER_NOT_MEASURED, "shares with another" },
		{ in_container, JOIN_PATH, "unused", ANSWER_NOT_MEASURED, "--image" },
		{ in_container, JOIN_HOST, "unused", ANSWER_NOT_OBSERVED, NULL },
		{ another_inode, JOIN_HOST, "unused", ANSWER_OBSERVED, NULL },
		{ another_inode, JOIN_ROOT, "unused", ANSWER_NOT_OBSERVED, NULL },
		{ script, JOIN_ROOT, "unused", ANSWER_OBSERVED, NULL },
		{ script_by_another, JOIN_ROOT, "unused", ANSWER_NOT_OBSERVED, NULL },
		{ script_elsewhere, JOIN_ROOT, "unused", ANSWER_NOT_OBSERVED, NULL },
		{ python_at_start, JOIN_PATH, "module", ANSWER_NOT_OBSERVED_LOSSY,
		  "Python ran before coverage opened" },
		{ python_at_start, JOIN_PATH, "unused", ANSWER_NOT_OBSERVED, NULL },
		{ another_python_at_start, JOIN_PATH, "module", ANSWER_NOT_OBSERVED, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
		struct outcome outcome;

		print_message("row %zu\n", i);
		first_chunk(&maker, NULL);
		one_event(&maker, rows[i].make);
		outcome = merge(&maker, (struct merge_inputs) { .join = rows[i].join });
		assert_int_equal(outcome.r, 0);
		assert_answer(&outcome, rows[i].package, rows[i].answer, rows[i].reason);
		outcome_done(&outcome);
		maker_remove(&maker);
	}
}

/* Not one device and inode fits: the root is not the one that ran, and nothing may be said of what was not seen. */
static void a_root_that_did_not_run(void **state)
{
	struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
	struct outcome outcome;

	(void)state;
	one_event(&maker, another_inode);
	outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_ROOT });
	assert_int_equal(outcome.r, 0);
	assert_answer(&outcome, "unused", ANSWER_NOT_MEASURED, "another device and inode");
	assert_answer(&outcome, "tool", ANSWER_NOT_MEASURED, "no record has a device and inode of the root");
	outcome_done(&outcome);
	maker_remove(&maker);
}

/* ---- containers ---- */

static void of_image_and_lossy_elsewhere(struct statement *s)
{
	container_row(s, IMAGE, true);
	a_loss(s);
}

static void of_image_from_the_middle(struct statement *s)
{
	container_row(s, IMAGE, false);
}

static void of_other(struct statement *s)
{
	container_row(s, OTHER, true);
}

static void targeted_by_name(struct statement *s)
{
	container_row(s, IMAGE, true);
	one_text(&s->target_containers, &s->n_target_containers, "web");
}

static void targeted_by_digest(struct statement *s)
{
	container_row(s, IMAGE, true);
	one_text(&s->target_containers, &s->n_target_containers, "image:" IMAGE);
}

static void containers_of_an_image(void **state)
{
	static const struct {
		maker_lie lie;
		int r;
		enum answer unused, module;
		const char *reason;
	} rows[] = {
		{ of_image, 0, ANSWER_OBSERVED, ANSWER_NOT_OBSERVED, NULL },
		{ of_image_and_lossy_elsewhere, 0, ANSWER_OBSERVED, ANSWER_NOT_OBSERVED, NULL },
		{ of_image_from_the_middle, 0, ANSWER_OBSERVED, ANSWER_NOT_OBSERVED_LOSSY,
		  "it ran before coverage opened" },
		{ targeted_by_name, 0, ANSWER_OBSERVED, ANSWER_NOT_MEASURED,
		  "does not name the image by its digest" },
		{ targeted_by_digest, 0, ANSWER_OBSERVED, ANSWER_NOT_OBSERVED, NULL },
		{ of_other, -ENOENT, 0, 0, NULL },
		{ of_nobody, -ENOENT, 0, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
		struct lines lines = lines_new(&maker);
		struct event event = in_container(&lines);
		struct outcome outcome;

		print_message("row %zu\n", i);
		put(&lines, &event);
		event = opened(&lines, "/usr/lib/libused.so.1", 100);
		put(&lines, &event);
		chunk(&maker, &lines, rows[i].lie);
		outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH, .image = IMAGE });
		assert_int_equal(outcome.r, rows[i].r);
		if (rows[i].r < 0)
			assert_int_equal(outcome.diag.code, EXIT_NOT_FOUND);
		else {
			assert_answer(&outcome, "unused", rows[i].unused, NULL);
			assert_answer(&outcome, "module", rows[i].module, rows[i].reason);
			/* The host's own opens are not the image's. */
			assert_int_not_equal(verdict_of(&outcome, "used")->answer, ANSWER_OBSERVED);
			assert_int_equal(outcome.result.records, 1);
		}
		outcome_done(&outcome);
		maker_remove(&maker);
	}
}

/* ---- chunks that are not sound ---- */

static void spoil(const struct maker *maker, const char *name)
{
	struct buf text = maker_get(maker, name);

	text.data[text.len / 2] ^= 1;
	maker_put(maker, name, buf_str(&text));
	buf_done(&text);
}

static void unsound_chunks_are_gaps(void **state)
{
	struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
	struct outcome outcome;

	(void)state;
	first_chunk(&maker, NULL);
	one_event(&maker, lower);
	first_chunk(&maker, NULL);
	first_chunk(&maker, NULL);
	spoil(&maker, "chunk-000002.ndjson");
	assert_int_equal(unlinkat(maker.dir, "chunk-000004.ndjson", 0), 0);
	outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH });
	assert_int_equal(outcome.r, 0);
	assert_int_equal(outcome.result.chunks, 2);
	assert_int_equal(outcome.result.chunks_left_out, 2);
	/* What only the spoilt chunk says is not known. */
	assert_answer(&outcome, "unused", ANSWER_NOT_OBSERVED_LOSSY, "chunk 2 was left out");
	assert_answer(&outcome, "unused", ANSWER_NOT_OBSERVED_LOSSY, "chunk 4 was left out: missing_chunk");
	assert_int_equal(outcome.result.n_gaps, 2);
	assert_int_equal(outcome.result.gaps[0].from.boot_ns, 110 * MAKER_SECOND);
	assert_int_equal(outcome.result.gaps[0].to.boot_ns, 120 * MAKER_SECOND);
	outcome_done(&outcome);
	spoil(&maker, "chunk-000001.ndjson");
	spoil(&maker, "chunk-000003.ndjson");
	outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH });
	assert_int_equal(outcome.r, -EBADMSG);
	assert_int_equal(outcome.diag.code, EXIT_UNSOUND);
	outcome_done(&outcome);
	maker_remove(&maker);
}

static void since(void **state)
{
	struct maker maker = maker_new("0123456789abcdef0123456789abcdef");
	struct outcome outcome;

	(void)state;
	first_chunk(&maker, a_loss);
	one_event(&maker, lower);
	/* Both windows are ten seconds; the first one's loss is outside. */
	outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH,
							.since_wall_ns = MAKER_WALL + 111 * MAKER_SECOND });
	assert_int_equal(outcome.r, 0);
	assert_int_equal(outcome.result.chunks, 1);
	assert_true(outcome.result.complete);
	assert_int_equal(outcome.result.from.boot_ns, 111 * MAKER_SECOND);
	/* The one open was at the second chunk's beginning, and what was mapped in the first one may be so still. */
	assert_answer(&outcome, "unused", ANSWER_NOT_OBSERVED_LOSSY, "it was used before --since");
	assert_answer(&outcome, "used", ANSWER_NOT_OBSERVED_LOSSY, "it was used before --since");
	assert_answer(&outcome, "module", ANSWER_NOT_OBSERVED, NULL);
	outcome_done(&outcome);
	outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH,
							.since_wall_ns = MAKER_WALL + 1000 * MAKER_SECOND });
	assert_int_equal(outcome.r, -ENOENT);
	outcome_done(&outcome);
	maker_remove(&maker);
}

/* ---- outputs ---- */

static int gather(void *user, struct str piece)
{
	return buf_append_str(user, piece);
}

static int fail_later(void *user, struct str piece)
{
	(void)user;
	(void)piece;
	return -ENOSPC;
}

static void outputs_are_the_same_and_hold_no_markup(void **state)
{
	static int (*const writers[])(const struct merge_result *, const struct output_sink *,
				      struct diag *) = { output_json, output_intoto, output_html };
	struct maker maker = maker_new("0123456789abcdef0123456789abcdef");

	(void)state;
	first_chunk(&maker, a_loss);
	for (size_t i = 0; i < ARRAY_LEN(writers); i++) {
		struct buf texts[2] = { BUF_MAX(16u << 20), BUF_MAX(16u << 20) };

		for (int round = 0; round < 2; round++) {
			struct package_set *set = packages();
			struct output_sink sink = { gather, &texts[round] }, full = { fail_later, NULL };
			struct outcome outcome;
			uint32_t index;

			assert_int_equal(
				package_set_add(
					set,
					&(struct package) {
						.name = (char *)"<script>alert(\"1\")</script>&'\xe2\x80\xae",
						.version = (char *)"</td>",
						.type = (char *)"generic" },
					&index),
				0);
			assert_int_equal(package_set_finish(set), 0);
			outcome = merge(&maker, (struct merge_inputs) { .join = JOIN_PATH, .packages = set });
			assert_int_equal(outcome.r, 0);
			assert_int_equal(writers[i](&outcome.result, &sink, NULL), 0);
			assert_int_equal(writers[i](&outcome.result, &full, NULL), -ENOSPC);
			outcome_done(&outcome);
		}
		assert_int_equal(texts[0].len, texts[1].len);
		assert_memory_equal(texts[0].data, texts[1].data, texts[0].len);
		assert_non_null(buf_cstr(&texts[0]));
		if (writers[i] == output_html) {
			assert_null(strstr(texts[0].data, "<script>alert"));
			assert_null(strstr(texts[0].data, "</td></td>"));
			assert_null(strstr(texts[0].data, "\xe2\x80\xae"));
			assert_null(strstr(texts[0].data, "{{"));
			assert_non_null(strstr(texts[0].data,
					       "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;"));
		} else {
			struct canon_member members[32];
			size_t count, offset;

			assert_int_equal(canon_scan_object((struct str) { texts[0].data, texts[0].len - 1 },
							   members, 32, &count, &offset),
					 CANON_OK);
		}
		buf_done(&texts[0]);
		buf_done(&texts[1]);
	}
	maker_remove(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiers_and_lines),
		cmocka_unit_test(ways_to_have_missed_it),
		cmocka_unit_test(kind_off),
		cmocka_unit_test(records_that_do_not_count),
		cmocka_unit_test(a_root_that_did_not_run),
		cmocka_unit_test(containers_of_an_image),
		cmocka_unit_test(unsound_chunks_are_gaps),
		cmocka_unit_test(since),
		cmocka_unit_test(outputs_are_the_same_and_hold_no_markup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
