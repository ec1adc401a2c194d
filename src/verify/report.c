/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Collects the report. Promises: sums never wrap (they stay at their maximum), lists have ceilings and a true total
 * beside, and `complete` needs every reason against it to be absent, not a flag that somebody forgot to clear.
 */

#include "verify/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

void stella_report_free(struct stella_report *report)
{
	if (!report)
		return;
	findings_done(&report->findings);
	for (size_t i = 0; i < report->n_losses; i++) {
		free(report->losses[i].kind);
		free(report->losses[i].layer);
		free(report->losses[i].cause);
		free(report->losses[i].effect);
	}
	for (size_t i = 0; i < report->n_blind; i++) {
		free(report->blind[i].kind);
		free(report->blind[i].hook);
		free(report->blind[i].spot);
	}
	for (size_t i = 0; i < report->n_holes; i++) {
		free(report->holes[i].kind);
		free(report->holes[i].hook);
	}
	for (size_t i = 0; i < report->n_incidents; i++) {
		free(report->incidents[i].what);
		free(report->incidents[i].detail);
	}
	for (size_t i = 0; i < report->n_unmeasured; i++) {
		free(report->unmeasured[i].kind);
		free(report->unmeasured[i].library);
		free(report->unmeasured[i].build_id);
	}
	report_containers_done(report);
	for (size_t i = 0; i < report->n_reasons; i++)
		free(report->reasons[i]);
	free(report->holes);
	free(report->incidents);
	free(report->unmeasured);
	free(report->losses);
	free(report->gaps);
	free(report->blind);
	free(report->reasons);
	signers_done(&report->signers);
	anchors_done(&report->anchors);
	buf_done(&report->json);
	free(report);
}

DEFINE_FREEP(stella_report, stella_report_free)

struct stella_report *report_new(const struct trust *trust)
{
	_cleanup_(stella_report_freep) struct stella_report *report = calloc(1, sizeof(*report));

	if (!report)
		return NULL;
	report->json = BUF_MAX(64u << 20);
	report->losses = calloc(REPORT_LOSSES_MAX, sizeof(*report->losses));
	report->gaps = calloc(REPORT_GAPS_MAX, sizeof(*report->gaps));
	report->blind = calloc(REPORT_BLIND_MAX, sizeof(*report->blind));
	report->holes = calloc(REPORT_HOLES_MAX, sizeof(*report->holes));
	report->incidents = calloc(REPORT_INCIDENTS_MAX, sizeof(*report->incidents));
	report->unmeasured = calloc(REPORT_UNMEASURED_MAX, sizeof(*report->unmeasured));
	report->containers = calloc(REPORT_CONTAINERS_MAX, sizeof(*report->containers));
	report->reasons = calloc(REPORT_REASONS_MAX, sizeof(*report->reasons));
	if (!report->losses || !report->gaps || !report->blind || !report->holes || !report->incidents ||
	    !report->unmeasured || !report->containers || !report->reasons ||
	    signers_init(&report->signers, trust) < 0 || anchors_init(&report->anchors) < 0)
		return NULL;
	return TAKE(report);
}

int report_reason(struct stella_report *report, const char *format, ...)
{
	_cleanup_(buf_done) struct buf shown = BUF_MAX(4096);
	char text[512];
	const char *line;
	va_list args;
	int r;

	report->reasons_total++;
	if (report->n_reasons >= REPORT_REASONS_MAX)
		return 0;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r = text_printable_append(&shown, str_of(text));
	if (r < 0)
		return r;
	line = buf_cstr(&shown);
	report->reasons[report->n_reasons] = line ? strdup(line) : NULL;
	if (!report->reasons[report->n_reasons])
		return -ENOMEM;
	report->n_reasons++;
	return 0;
}

bool report_same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct report_loss *loss_find(struct stella_report *report, const struct statement_loss *loss)
{
	for (size_t i = 0; i < report->n_losses; i++) {
		struct report_loss *row = &report->losses[i];

		if (report_same_text(row->kind, loss->kind) && report_same_text(row->layer, loss->layer) &&
		    report_same_text(row->cause, loss->cause) && report_same_text(row->effect, loss->effect))
			return row;
	}
	return NULL;
}

static int report_loss(struct stella_report *report, const struct statement *statement,
		       const struct statement_loss *loss)
{
	struct report_loss *row = loss_find(report, loss);
	int r;

	if (!row && report->n_losses < REPORT_LOSSES_MAX) {
		row = &report->losses[report->n_losses++];
		r = statement_set(&row->kind, loss->kind);
		r = r < 0 ? r : statement_set(&row->layer, loss->layer);
		r = r < 0 ? r : statement_set(&row->cause, loss->cause);
		r = r < 0 ? r : statement_set(&row->effect, loss->effect);
		if (r < 0)
			return r;
	}
	if (!row)
		report->losses_more++;
	else if (__builtin_add_overflow(row->count, loss->count, &row->count))
		row->count = UINT64_MAX;
	if (loss->count == 0 || report_same_text(loss->effect, "member"))
		return 0;
	return report_reason(report, "chunk %" PRIu64 ": %" PRIu64 " record%s%s%s lost in the %s: %s",
			     statement->sequence, loss->count, loss->count == 1 ? "" : "s",
			     loss->kind ? " of " : "", loss->kind ? loss->kind : "", loss->layer, loss->cause);
}

static int report_gap(struct stella_report *report, const struct statement *statement)
{
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];

	if (statement->gap == GAP_NONE)
		return 0;
	report->gaps_total++;
	if (report->n_gaps < REPORT_GAPS_MAX)
		report->gaps[report->n_gaps++] = (struct report_gap) {
			.sequence = statement->sequence,
			.kind = statement->gap,
			.from = statement->gap_from,
			.to = statement->gap_to,
		};
	clock_format(statement->gap_from.wall_ns, from);
	clock_format(statement->gap_to.wall_ns, to);
	if (statement->sequence <= 1)
		return report_reason(report, "before chunk %" PRIu64 " nothing was watched: %s, from %s to %s",
				     statement->sequence, statement_gap_names[statement->gap], from, to);
	return report_reason(
		report,
		"between chunk %" PRIu64 " and chunk %" PRIu64 " nothing was watched: %s, from %s to %s",
		statement->sequence - 1, statement->sequence, statement_gap_names[statement->gap], from, to);
}

int report_take(struct stella_report *report, const struct statement *statement, const struct digest *digest,
		size_t signer)
{
	int r = 0;

	report->verified++;
	report->signers.list[signer].chunks++;
	report->head_sequence = statement->sequence;
	digest_hex(digest, report->head_sha256);
	report->head_final = statement->final;
	if (!report->has_window)
		report->from = statement->opened;
	report->to = statement->closed;
	report->has_window = true;
	r = report_gap(report, statement);
	if (r == 0 && statement->replay_of && report->replayed++ == 0)
		r = report_reason(report,
				  "chunk %" PRIu64 " and maybe more were replayed from a raw capture: what a "
				  "replay signs was never watched by it",
				  statement->sequence);
	if (r == 0 && statement->recovered)
		r = report_reason(report,
				  "chunk %" PRIu64
				  " was recovered: the collector that wrote it ended without sealing it",
				  statement->sequence);
	if (r == 0 && !statement->losses_known)
		r = report_reason(report, "chunk %" PRIu64 ": what was lost is not known", statement->sequence);
	for (size_t i = 0; statement->losses_known && i < statement->n_losses && r == 0; i++)
		r = report_loss(report, statement, &statement->losses[i]);
	if (r == 0)
		r = report_coverage(report, statement);
	return r < 0 ? r : report_containers(report, statement);
}

int report_finish(struct stella_report *report)
{
	int r;

	if (report->chunks == 0)
		r = report_reason(report, "there is no sealed chunk");
	else if (report->verified < report->chunks)
		r = report_reason(report, "%" PRIu64 " of %" PRIu64 " seals say nothing that can be relied on",
				  report->chunks - report->verified, report->chunks);
	else
		r = 0;
	if (r < 0)
		return r;
	if (report->findings.error < 0)
		return report->findings.error;
	/* Unsound evidence is never complete: what is missing from it is not known. */
	report->complete = report->findings.total == 0 && report->reasons_total == 0;
	report->sound = report->findings.total == 0 && report->chunks > 0 &&
			(report->complete || !report->require_complete);
	r = report_json(report, &report->json);
	if (r < 0)
		return r;
	return buf_cstr(&report->json) ? 0 : -ENOMEM;
}

bool stella_report_sound(const struct stella_report *report)
{
	return report->sound;
}

bool stella_report_complete(const struct stella_report *report)
{
	return report->complete;
}

uint64_t stella_report_chunks(const struct stella_report *report)
{
	return report->chunks;
}

uint64_t stella_report_records(const struct stella_report *report)
{
	return report->records;
}

size_t stella_report_n_findings(const struct stella_report *report)
{
	return report->findings.count;
}

uint64_t stella_report_findings_total(const struct stella_report *report)
{
	return report->findings.total;
}

const struct stella_finding *stella_report_finding(const struct stella_report *report, size_t index)
{
	return index < report->findings.count ? &report->findings.list[index] : NULL;
}

size_t stella_report_n_reasons(const struct stella_report *report)
{
	return report->n_reasons;
}

const char *stella_report_reason(const struct stella_report *report, size_t index)
{
	return index < report->n_reasons ? report->reasons[index] : NULL;
}

uint64_t stella_report_head_sequence(const struct stella_report *report)
{
	return report->head_sequence;
}

const char *stella_report_head_sha256(const struct stella_report *report)
{
	return report->head_sha256;
}

const char *stella_report_json(const struct stella_report *report)
{
	return report->json.data;
}
