/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * For tests of verdicts: a set of packages, chunks made by hand of a few events each, and what merging them says. For cmocka
 * programs, one file each.
 */

#include "chain_maker.h"

#include "merge/merge.h"
#include "merge/output.h"
#include "verify/verifier.h"

#define IMAGE "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CONTAINER "docker://cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static inline struct package_set *packages(void)
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

static inline struct lines lines_new(const struct maker *maker)
{
	return (struct lines) { .text = BUF_MAX(16u << 20), .boot_ns = maker->boot_ns };
}

static inline struct event event_new(struct lines *lines, enum wire_kind kind, enum wire_source source)
{
	return (struct event) { .kind = kind,
				.source = source,
				.boot_ns = lines->boot_ns + lines->count,
				.pid = 7,
				.tid = 7,
				.comm = STR("test") };
}

static inline void put(struct lines *lines, const struct event *event)
{
	assert_int_equal(record_append(&lines->text, event), 0);
	lines->count++;
	lines->events[event->kind]++;
}

static inline struct event opened(struct lines *lines, const char *path, uint64_t inode)
{
	struct event event = event_new(lines, WIRE_KIND_FILE_OPEN, WIRE_SOURCE_SYS_EXIT_OPENAT);

	event.open = (struct event_file_open) {
		.path = str_of(path), .inode = inode, .dev_major = 8, .dev_minor = 1, .access = ACCESS_READ
	};
	return event;
}

static inline struct event mapped(struct lines *lines, const char *path, uint64_t inode)
{
	struct event event = event_new(lines, WIRE_KIND_LIBRARY_LOAD, WIRE_SOURCE_SYS_EXIT_MMAP);

	event.library =
		(struct event_library) { .path = str_of(path), .inode = inode, .dev_major = 8, .dev_minor = 1 };
	return event;
}

static inline struct event executed(struct lines *lines, const char *path, uint64_t inode)
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

static inline void watch_all(struct statement *statement)
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

static inline void chunk(struct maker *maker, struct lines *lines, maker_lie lie)
{
	memcpy(counts_now, lines->events, sizeof(counts_now));
	lie_now = lie;
	maker_chunk_of(maker, buf_str(&lines->text), lines->count, watch_all, maker->key);
	buf_done(&lines->text);
}

/* What every chain here begins with: the used library is mapped. */
static inline void first_chunk(struct maker *maker, maker_lie lie)
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

static inline struct outcome merge(const struct maker *maker, struct merge_inputs inputs)
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

static inline void outcome_done(struct outcome *outcome)
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

static inline void assert_answer(const struct outcome *outcome, const char *name, enum answer answer,
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

static inline void a_loss(struct statement *s)
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

static inline void one_text(char ***list, size_t *count, const char *text)
{
	*list = calloc(1, sizeof(**list));
	*count = 1;
	assert_int_equal(statement_set(&(*list)[0], text), 0);
}

static inline void denied(struct statement *s)
{
	one_text(&s->path_denylist, &s->n_path_denylist, "/usr/lib/libun*");
}

static inline void blind(struct statement *s, size_t probe, const char *spot)
{
	one_text(&s->probes[probe].blind_spots, &s->probes[probe].n_blind_spots, spot);
}

static inline void ran_before(struct statement *s)
{
	blind(s, 0, "running_before_start");
}

static inline void mapped_before(struct statement *s)
{
	blind(s, 2, "mapped_before_start");
}

static inline void after_a_crash(struct statement *s)
{
	if (s->sequence < 2)
		return;
	s->gap = GAP_CRASH;
	s->gap_from = s->opened;
	s->gap_to = s->opened;
}

static inline void one_event_of(struct maker *maker, struct event (*make)(struct lines *lines), maker_lie lie)
{
	struct lines lines = lines_new(maker);
	struct event event = make(&lines);

	put(&lines, &event);
	chunk(maker, &lines, lie);
}

static inline void one_event(struct maker *maker, struct event (*make)(struct lines *lines))
{
	one_event_of(maker, make, NULL);
}

static inline struct event lower(struct lines *lines)
{
	struct event event = opened(lines, "/usr/lib/libunused.so.1", 9);

	event.open.layer = LAYER_LOWER;
	return event;
}

static inline struct event twin(struct lines *lines)
{
	return opened(lines, "/usr/share/twin", 600);
}

static inline struct event in_container(struct lines *lines)
{
	struct event event = opened(lines, "/usr/lib/libunused.so.1", 9);

	event.container_id = STR(CONTAINER);
	return event;
}

static inline struct event python_at_start(struct lines *lines)
{
	struct event event = executed(lines, "/usr/bin/python3.11", 500);

	event.source = WIRE_SOURCE_ITER_TASK;
	event.at_start = true;
	return event;
}

static inline void container_row(struct statement *s, const char *image, bool complete)
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

static inline void of_image(struct statement *s)
{
	container_row(s, IMAGE, true);
}

static inline void of_nobody(struct statement *s)
{
	container_row(s, NULL, true);
}
