/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What can only be told when all chunks were walked: sums over the chain, chunks that were left out and why, and whether the image's
 * containers were covered. Promises: every chunk up to the chain's highest number is either taken or named.
 */

#include "merge/coverage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "verify/report.h"

static int finish_kinds(struct coverage *coverage)
{
	int r = 0;

	for (int kind = 0; kind < MEASURED_END && r == 0; kind++) {
		uint64_t watched = coverage->watched[kind];
		const char *name = measured_name((enum measured)kind);

		if (watched == coverage->chunks)
			continue;
		if (watched == 0)
			r = coverage_lack(coverage, 1u << kind, true, "%s was not watched", name);
		else
			r = coverage_lack(coverage, 1u << kind, false,
					  "%s was not watched in %" PRIu64 " of %" PRIu64 " chunks", name,
					  coverage->chunks - watched, coverage->chunks);
	}
	return r;
}

/* Where a loss is known to be others' than the image's containers, their rows say so; here only the whole counts. */
static int finish_losses(struct coverage *coverage)
{
	int r = 0;

	for (size_t i = 0; i < coverage->n_losses && r == 0; i++) {
		const struct merge_loss *loss = &coverage->losses[i];
		unsigned int kinds = loss->kind ? 0 : OF_ALL;

		for (int kind = 0; kind < MEASURED_END && loss->kind; kind++)
			kinds |= strcmp(loss->kind, measured_name((enum measured)kind)) == 0 ? 1u << kind : 0;
		if (strcmp(loss->effect, "record") == 0)
			r = coverage_lack(coverage, kinds, false, "%" PRIu64 " record%s%s%s lost in the %s: %s",
					  loss->count, loss->count == 1 ? "" : "s", loss->kind ? " of " : "",
					  loss->kind ? loss->kind : "", loss->layer, loss->cause);
	}
	return r;
}

/* What hooks cannot see and everybody does; what only few do is told beside the verdicts. */
static int finish_blind(struct coverage *coverage)
{
	static const struct {
		enum measured kind;
		const char *spot, *words;
	} rows[] = {
		{ MEASURED_EXEC, "running_before_start",
		  "which programs ran when coverage opened is not known" },
		{ MEASURED_LIBRARY, "mapped_before_start",
		  "what was mapped when coverage opened is not known" },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows) && r == 0; i++) {
		if (coverage_is_blind(coverage, rows[i].kind, rows[i].spot))
			r = coverage_lack(coverage, 1u << rows[i].kind, false, "%s (%s)", rows[i].words,
					  rows[i].spot);
	}
	return r;
}

static int codes_of(const struct stella_report *report, const struct left_out *row, struct buf *out)
{
	bool told[STELLA_FINDING_END] = { false };
	int r = 0;

	for (size_t i = 0; i < report->findings.count; i++) {
		const struct stella_finding *finding = &report->findings.list[i];

		if (finding->sequence >= row->first && finding->sequence <= row->last)
			told[finding->code] = true;
	}
	for (int code = 0; code < STELLA_FINDING_END && r == 0; code++) {
		if (told[code])
			r = buf_printf(out, "%s%s", out->len ? ", " : "",
				       stella_finding_name((enum stella_finding_code)code));
	}
	if (r == 0 && out->len == 0)
		r = buf_printf(out, "not there");
	return r;
}

static int finish_left_out(struct coverage *coverage, const struct stella_report *report)
{
	for (size_t i = 0; i < coverage->n_left_out; i++) {
		_cleanup_(buf_done) struct buf codes = BUF_MAX(4096), which = BUF_MAX(128);
		const struct left_out *row = &coverage->left_out[i];
		int r = codes_of(report, row, &codes);

		if (r == 0 && row->first == row->last)
			r = buf_printf(&which, "chunk %" PRIu64 " was left out", row->first);
		else if (r == 0)
			r = buf_printf(&which, "chunks %" PRIu64 " to %" PRIu64 " were left out", row->first,
				       row->last);
		if (r < 0 || !buf_cstr(&which) || !buf_cstr(&codes))
			return -ENOMEM;
		r = coverage_lack(coverage, OF_ALL, false, "%s: %s", which.data, codes.data);
		r = r < 0 ? r : coverage_gap(coverage, row->from, row->to, "%s: %s", which.data, codes.data);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Found only when all was walked: against a log's tree, say. The chunk was taken by then. */
static int finish_late(struct coverage *coverage, const struct stella_report *report)
{
	int r = 0;

	for (size_t i = 0; i < report->findings.count && r == 0; i++) {
		const struct stella_finding *finding = &report->findings.list[i];
		bool taken = finding->sequence > 0;

		for (size_t k = 0; k < coverage->n_left_out && taken; k++)
			taken = finding->sequence < coverage->left_out[k].first ||
				finding->sequence > coverage->left_out[k].last;
		if (taken)
			r = coverage_lack(coverage, OF_ALL, false, "chunk %" PRIu64 ": %s", finding->sequence,
					  stella_finding_name(finding->code));
	}
	if (r == 0 && report->findings.total > report->findings.count)
		r = coverage_lack(coverage, OF_ALL, false, "more findings against the chain than are kept");
	return r;
}

/* The highest number that somebody signed, or that lies there. */
static uint64_t highest(const struct stella_report *report)
{
	uint64_t sequence = report->head_sequence;

	for (size_t i = 0; i < report->findings.count; i++) {
		if (report->findings.list[i].sequence > sequence)
			sequence = report->findings.list[i].sequence;
	}
	return sequence;
}

static const char *incomplete_words(const char *word)
{
	static const struct {
		const char *word, *words;
	} rows[] = {
		{ "at_start", "it ran before coverage opened" },
		{ "io_uring", "it used io_uring, which hooks cannot follow" },
		{ "losses", "records of it, or of nobody known, were lost" },
		{ "losses_unknown", "what was lost is not known" },
		{ "probe_silent", "a probe was silent" },
		{ "recovered", "a chunk of it was recovered after a crash" },
		{ "replayed", "a chunk of it is a replay" },
		{ "undecided", "it was not decided in time whether the filters mean it" },
		{ "unlisted", "the seals lost sight of it" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].word, word) == 0)
			return rows[i].words;
	}
	return word;
}

static int finish_container(struct coverage *coverage, const struct report_container *container)
{
	int r = 0;

	if (container->disputed)
		return coverage_lack(coverage, OF_ALL, false, "engines disagree about the image of %s",
				     container->id);
	if (!container->image_digest)
		return coverage_lack(coverage, OF_ALL, false,
				     "the image of %s is not known: it may be this one", container->id);
	if (strcmp(container->image_digest, coverage->image) != 0)
		return 0;
	for (size_t i = 0; i < container->n_incomplete && r == 0; i++)
		r = coverage_lack(coverage, OF_ALL, false, "%s: %s (%s)", container->id,
				  incomplete_words(container->incomplete[i]), container->incomplete[i]);
	if (r == 0 && !container->complete && container->n_incomplete == 0)
		r = coverage_lack(coverage, OF_ALL, false, "%s was not covered completely", container->id);
	return r;
}

static int finish_containers(struct coverage *coverage, const struct stella_report *report)
{
	int r = 0;

	for (size_t i = 0; i < report->n_containers && r == 0; i++) {
		if (report->containers[i].to.wall_ns >= coverage->since_wall_ns)
			r = finish_container(coverage, &report->containers[i]);
	}
	if (r == 0 && report->containers_more > 0)
		r = coverage_lack(coverage, OF_ALL, false,
				  "of %" PRIu64 " containers nothing is known: there was no room for them",
				  report->containers_more);
	return r;
}

/* One image has a digest of each kind, and nobody told that of the other one. */
static int finish_digests(struct coverage *coverage)
{
	static const char *const names[] = { "manifest", "config" };
	int r = 0;

	for (size_t kind = 0; kind < 2 && r == 0; kind++) {
		if (coverage->image_kinds != 0 && coverage->other_kinds & ~coverage->image_kinds & 1u << kind)
			r = coverage_lack(
				coverage, OF_ALL, false,
				"the image of %s is known by the digest of its %s, that of --image is another "
				"kind: it may be the same one",
				coverage->other_container[kind], names[kind]);
	}
	return r;
}

static int by_time(const void *a, const void *b)
{
	const struct merge_gap *x = a, *y = b;

	if (x->from.wall_ns != y->from.wall_ns)
		return x->from.wall_ns < y->from.wall_ns ? -1 : 1;
	if (x->to.wall_ns != y->to.wall_ns)
		return x->to.wall_ns < y->to.wall_ns ? -1 : 1;
	return strcmp(x->why, y->why);
}

static int text_order(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_loss(const void *a, const void *b)
{
	const struct merge_loss *x = a, *y = b;
	int order = text_order(x->kind, y->kind);

	order = order ? order : strcmp(x->cause, y->cause);
	order = order ? order : strcmp(x->layer, y->layer);
	return order ? order : strcmp(x->effect, y->effect);
}

static int by_blind(const void *a, const void *b)
{
	const struct merge_blind_spot *x = a, *y = b;
	int order = strcmp(x->kind, y->kind);

	order = order ? order : strcmp(x->hook, y->hook);
	return order ? order : strcmp(x->spot, y->spot);
}

static int by_span(const void *a, const void *b)
{
	const struct merge_span *x = a, *y = b;
	int order = strcmp(x->kind, y->kind);

	if (order || x->from.wall_ns == y->from.wall_ns)
		return order;
	return x->from.wall_ns < y->from.wall_ns ? -1 : 1;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct lack *)a)->text, ((const struct lack *)b)->text);
}

int coverage_finish(struct coverage *coverage, const struct stella_report *report)
{
	uint64_t head = highest(report);
	int r;

	if (head > coverage->last_sequence)
		coverage_left_out(coverage, coverage->last_sequence + 1, head, coverage->last_closed,
				  coverage->last_closed);
	r = finish_kinds(coverage);
	if (r == 0 && !coverage->image)
		r = finish_losses(coverage);
	if (r == 0 && coverage->image)
		r = finish_containers(coverage, report);
	if (r == 0 && coverage->image)
		r = finish_digests(coverage);
	r = r < 0 ? r : finish_blind(coverage);
	r = r < 0 ? r : finish_left_out(coverage, report);
	r = r < 0 ? r : finish_late(coverage, report);
	if (r == 0 && coverage->before_unknown)
		r = coverage_lack(
			coverage, OF_EXEC | OF_LIBRARY, false,
			"something is missing before --since: what ran or was mapped then is not all known");
	qsort(coverage->gaps, coverage->n_gaps, sizeof(*coverage->gaps), by_time);
	qsort(coverage->losses, coverage->n_losses, sizeof(*coverage->losses), by_loss);
	qsort(coverage->blind, coverage->n_blind, sizeof(*coverage->blind), by_blind);
	qsort(coverage->spans, coverage->n_spans, sizeof(*coverage->spans), by_span);
	qsort(coverage->lacks, coverage->n_lacks, sizeof(*coverage->lacks), by_text);
	return r;
}
