/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From chains made by hand to verdicts: each way in which something may have been missed, one at a time. The chain has a package
 * that is used, one that is not, and one whose file is used in ways that do not count.
 */

#include "chain_maker.h"

#include "merge/merge.h"
#include "merge/output.h"
#include "verify/verifier.h"

#define IMAGE "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CONTAINER "docker://cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static struct package_set *packages(void)
{
	static const struct {
		const char *purl, *file;
		uint64_t inode;
	} rows[] = {
		{ "pkg:deb/debian/used@1", "/usr/lib/libused.so.1", 100 },
		{ "pkg:deb/debian/unused@1", "/usr/lib/libunused.so.1", 200 },
		{ "pkg:deb/debian/tool@1", "/usr/bin/tool", 300 },
		{ "pkg:pypi/module@1", "/usr/lib/python3/dist-packages/module/__init__.py", 400 },
		{ "pkg:deb/debian/python3@3", "/usr/bin/python3.11", 500 },
		{ "pkg:deb/debian/twin-a@1", "/usr/share/twin", 600 },
		{ "pkg:deb/debian/twin-b@1", "/usr/share/twin", 600 },
	};
	struct package_set *set = NULL;

	assert_int_equal(package_set_new(&set), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t index;

		assert_int_equal(
			package_set_add(set, &(struct package) { .purl = (char *)rows[i].purl }, &index), 0);
		assert_int_equal(package_set_add_file(set, index, str_of(rows[i].file)), 0);
		assert_int_equal(package_set_add_inode(set, index, 8, 1, rows[i].inode), 0);
	}
	assert_int_equal(package_set_finish(set), 0);
	return set;
}

/* ---- chunks ---- */

struct lines {
	struct buf text;
	uint64_t count, boot_ns;
	uint64_t events[WIRE_KIND_END];
};

static struct lines lines_new(const struct maker *maker)
{
	return (struct lines) { .text = BUF_MAX(16u << 20), .boot_ns = maker->boot_ns };
}

static struct event event_new(struct lines *lines, enum wire_kind kind, enum wire_source source)
{
	return (struct event) { .kind = kind,
				.source = source,
				.boot_ns = lines->boot_ns + lines->count,
				.pid = 7,
				.tid = 7,
				.comm = STR("test") };
}

static void put(struct lines *lines, const struct event *event)
{
	assert_int_equal(record_append(&lines->text, event), 0);
	lines->count++;
	lines->events[event->kind]++;
}

static struct event opened(struct lines *lines, const char *path, uint64_t inode)
{
	struct event event = event_new(lines, WIRE_KIND_FILE_OPEN, WIRE_SOURCE_SYS_EXIT_OPENAT);

	event.open = (struct event_file_open) {
		.path = str_of(path), .inode = inode, .dev_major = 8, .dev_minor = 1, .access = ACCESS_READ
	};
	return event;
}

static struct event mapped(struct lines *lines, const char *path, uint64_t inode)
{
	struct event event = event_new(lines, WIRE_KIND_LIBRARY_LOAD, WIRE_SOURCE_SYS_EXIT_MMAP);

	event.library =
		(struct event_library) { .path = str_of(path), .inode = inode, .dev_major = 8, .dev_minor = 1 };
	return event;
}

static struct event executed(struct lines *lines, const char *path, uint64_t inode)
{
	struct event event = event_new(lines, WIRE_KIND_PROCESS_EXEC, WIRE_SOURCE_SCHED_PROCESS_EXEC);

	event.exec = (struct event_exec) {
		.filename = str_of(path), .inode = inode, .dev_major = 8, .dev_minor = 1, .ppid = 1
	};
	return event;
}

/* All four kinds are watched; the counts are those of the lines. */
static uint64_t counts_now[WIRE_KIND_END];
static maker_lie lie_now;

static void watch_all(struct statement *statement)
{
	static const char *const kinds[] = { "process_exec", "file_open", "library_load", "function_call" };

	free(statement->probes[0].kind);
	free(statement->probes[0].hook);
	free(statement->probes);
	statement->probes = calloc(ARRAY_LEN(kinds), sizeof(*statement->probes));
	statement->n_probes = ARRAY_LEN(kinds);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		statement->probes[i].from_boot_ns = statement->opened.boot_ns;
		statement->probes[i].to_boot_ns = statement->closed.boot_ns;
		assert_int_equal(statement_set(&statement->probes[i].kind, kinds[i]), 0);
		assert_int_equal(statement_set(&statement->probes[i].hook, "hook"), 0);
	}
	memcpy(statement->events, counts_now, sizeof(counts_now));
	if (lie_now)
		lie_now(statement);
}

static void chunk(struct maker *maker, struct lines *lines, maker_lie lie)
{
	memcpy(counts_now, lines->events, sizeof(counts_now));
	lie_now = lie;
	maker_chunk_of(maker, buf_str(&lines->text), lines->count, watch_all, maker->key);
	buf_done(&lines->text);
}

/* What every chain here begins with: the used library is mapped. */
static void first_chunk(struct maker *maker, maker_lie lie)
{
	struct lines lines = lines_new(maker);
	struct event event = mapped(&lines, "/usr/lib/libused.so.1", 100);

	put(&lines, &event);
	event = executed(&lines, "/usr/bin/tool", 300);
	put(&lines, &event);
	chunk(maker, &lines, lie);
}

/* ---- verdicts ---- */

struct outcome {
	struct merge_result result;
	struct stella_report *report;
	struct diag diag;
	int r;
};

static struct outcome merge(const struct maker *maker, struct merge_inputs inputs)
{
	struct outcome outcome = { 0 };
	struct stella_verifier *verifier = NULL;

	assert_int_equal(stella_verifier_new(&verifier), 0);
	assert_int_equal(stella_verifier_trust_key(verifier, maker->key_path), 0);
	verifier->publish_wait_ms = 0;
	inputs.directory = maker->path;
	inputs.verifier = verifier;
	if (!inputs.packages)
		inputs.packages = packages();
	inputs.graph_options = UNION_OPTIONS_DEFAULT;
	outcome.r = merge_run(&inputs, &outcome.diag, &outcome.result, &outcome.report);
	stella_verifier_free(verifier);
	return outcome;
}

static void outcome_done(struct outcome *outcome)
{
	if (outcome->r == 0)
		merge_result_done(&outcome->result);
	stella_report_free(outcome->report);
}

static const struct package_verdict *verdict_of(const struct outcome *outcome, const char *name)
{
	for (size_t i = 0; i < outcome->result.n_package_verdicts; i++) {
		const struct package_verdict *verdict = &outcome->result.package_verdicts[i];

		if (strcmp(package_set_get(outcome->result.packages, verdict->package)->name, name) == 0)
			return verdict;
	}
	fail_msg("no package %s", name);
	return NULL;
}

static void assert_answer(const struct outcome *outcome, const char *name, enum answer answer,
			  const char *reason)
{
	const struct package_verdict *verdict = verdict_of(outcome, name);
	bool found = reason == NULL;

	if (verdict->answer != answer)
		fail_msg("%s: %s%s%s", name, answer_name(verdict->answer), verdict->n_reasons ? ": " : "",
			 verdict->n_reasons ? verdict->reasons[0] : "");
	for (size_t i = 0; i < verdict->n_reasons && !found; i++)
		found = strstr(verdict->reasons[i], reason) != NULL;
	if (!found)
		fail_msg("%s: no reason like \"%s\" but %s", name, reason,
			 verdict->n_reasons ? verdict->reasons[0] : "none");
}

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

static void a_loss(struct statement *s)
{
	s->losses = calloc(1, sizeof(*s->losses));
	s->n_losses = 1;
	s->losses[0] = (struct statement_loss) { .count = 3,
						 .first_boot_ns = s->opened.boot_ns,
						 .last_boot_ns = s->closed.boot_ns };
	assert_int_equal(statement_set(&s->losses[0].kind, "file_open"), 0);
	assert_int_equal(statement_set(&s->losses[0].layer, "kernel"), 0);
	assert_int_equal(statement_set(&s->losses[0].cause, "ring_full"), 0);
	assert_int_equal(statement_set(&s->losses[0].effect, "record"), 0);
}

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

static void one_text(char ***list, size_t *count, const char *text)
{
	*list = calloc(1, sizeof(**list));
	*count = 1;
	assert_int_equal(statement_set(&(*list)[0], text), 0);
}

static void denied(struct statement *s)
{
	one_text(&s->path_denylist, &s->n_path_denylist, "/usr/lib/libun*");
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

static void blind(struct statement *s, size_t probe, const char *spot)
{
	one_text(&s->probes[probe].blind_spots, &s->probes[probe].n_blind_spots, spot);
}

static void ran_before(struct statement *s)
{
	blind(s, 0, "running_before_start");
}

static void mapped_before(struct statement *s)
{
	blind(s, 2, "mapped_before_start");
}

static void a_harmless_spot(struct statement *s)
{
	blind(s, 1, "renamed_during_open");
}

static void after_a_crash(struct statement *s)
{
	if (s->sequence < 2)
		return;
	s->gap = GAP_CRASH;
	s->gap_from = s->opened;
	s->gap_to = s->opened;
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

static void one_event(struct maker *maker, struct event (*make)(struct lines *lines))
{
	struct lines lines = lines_new(maker);
	struct event event = make(&lines);

	put(&lines, &event);
	chunk(maker, &lines, NULL);
}

static struct event upper(struct lines *lines)
{
	struct event event = opened(lines, "/usr/lib/libunused.so.1", 9);

	event.open.layer = LAYER_UPPER;
	return event;
}

static struct event lower(struct lines *lines)
{
	struct event event = opened(lines, "/usr/lib/libunused.so.1", 9);

	event.open.layer = LAYER_LOWER;
	return event;
}

static struct event outside(struct lines *lines)
{
	struct event event = opened(lines, "/usr/lib/libunused.so.1", 9);

	event.open.unreachable = true;
	return event;
}

static struct event twin(struct lines *lines)
{
	return opened(lines, "/usr/share/twin", 600);
}

static struct event in_container(struct lines *lines)
{
	struct event event = opened(lines, "/usr/lib/libunused.so.1", 9);

	event.container_id = STR(CONTAINER);
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

static struct event python_at_start(struct lines *lines)
{
	struct event event = executed(lines, "/usr/bin/python3.11", 500);

	event.source = WIRE_SOURCE_ITER_TASK;
	event.at_start = true;
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

static void container_row(struct statement *s, const char *image, bool complete)
{
	s->containers = calloc(1, sizeof(*s->containers));
	s->n_containers = 1;
	assert_int_equal(statement_set(&s->containers[0].id, CONTAINER), 0);
	if (image)
		assert_int_equal(statement_set(&s->containers[0].image_digest, image), 0);
	s->container_coverage = calloc(1, sizeof(*s->container_coverage));
	s->n_container_coverage = 1;
	s->container_coverage[0].from_boot_ns = s->opened.boot_ns;
	s->container_coverage[0].to_boot_ns = s->closed.boot_ns;
	s->container_coverage[0].complete = complete;
	assert_int_equal(statement_set(&s->container_coverage[0].id, CONTAINER), 0);
	if (!complete)
		one_text(&s->container_coverage[0].incomplete, &s->container_coverage[0].n_incomplete,
			 "at_start");
}

static void of_image(struct statement *s)
{
	container_row(s, IMAGE, true);
}

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

static void of_nobody(struct statement *s)
{
	container_row(s, NULL, true);
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
	/* The one open was at the second chunk's beginning. */
	assert_answer(&outcome, "unused", ANSWER_NOT_OBSERVED, NULL);
	assert_answer(&outcome, "used", ANSWER_NOT_OBSERVED, NULL);
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
