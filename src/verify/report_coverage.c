/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the seals say of coverage, gathered over the chain: blind spots once each, and with their time the holes and
 * what happened meanwhile; and which functions were asked for in vain. Promises that a hole is a reason against completeness, whatever the lists have room for.
 */

#include "verify/report.h"

#include <inttypes.h>

static int report_blind_spot(struct stella_report *report, const struct statement_probe *probe,
			     const char *spot)
{
	struct report_blind *row;
	int r;

	for (size_t i = 0; i < report->n_blind; i++) {
		row = &report->blind[i];
		if (report_same_text(row->kind, probe->kind) && report_same_text(row->hook, probe->hook) &&
		    report_same_text(row->spot, spot))
			return 0;
	}
	if (report->n_blind >= REPORT_BLIND_MAX) {
		report->blind_more++;
		return 0;
	}
	row = &report->blind[report->n_blind++];
	r = statement_set(&row->kind, probe->kind);
	r = r < 0 ? r : statement_set(&row->hook, probe->hook);
	return r < 0 ? r : statement_set(&row->spot, spot);
}

uint64_t report_coverage_begin(const struct statement *statement)
{
	uint64_t begin = UINT64_MAX;

	if (statement->sequence > 1 && statement->gap != GAP_RESTART && statement->gap != GAP_CRASH)
		return statement->opened.boot_ns;
	for (size_t i = 0; i < statement->n_probes; i++)
		begin = statement->probes[i].from_boot_ns < begin ? statement->probes[i].from_boot_ns : begin;
	return begin;
}

/* A probe that came late or died early leaves a hole in the window, with nothing else to show for it. */
static int report_hole(struct stella_report *report, const struct statement *statement,
		       const struct statement_probe *probe)
{
	uint64_t boot_to_wall = statement->opened.wall_ns - statement->opened.boot_ns;
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	struct report_hole *row;
	int r;

	if (probe->from_boot_ns <= report_coverage_begin(statement) &&
	    probe->to_boot_ns >= statement->closed.boot_ns)
		return 0;
	report->holes_total++;
	if (report->n_holes < REPORT_HOLES_MAX) {
		row = &report->holes[report->n_holes++];
		row->sequence = statement->sequence;
		row->from = (struct moment) { probe->from_boot_ns, boot_to_wall + probe->from_boot_ns };
		row->to = (struct moment) { probe->to_boot_ns, boot_to_wall + probe->to_boot_ns };
		r = statement_set(&row->kind, probe->kind);
		r = r < 0 ? r : statement_set(&row->hook, probe->hook);
		if (r < 0)
			return r;
	}
	if (probe->to_boot_ns <= probe->from_boot_ns)
		return report_reason(report, "chunk %" PRIu64 ": %s was not watched by %s at all",
				     statement->sequence, probe->kind, probe->hook);
	clock_format(boot_to_wall + probe->from_boot_ns, from);
	clock_format(boot_to_wall + probe->to_boot_ns, to);
	return report_reason(report, "chunk %" PRIu64 ": %s was watched by %s only from %s to %s",
			     statement->sequence, probe->kind, probe->hook, from, to);
}

/* Most of them explain times; a probe that saw nothing of the collector's own acts may have missed others' too. */
static int report_incident(struct stella_report *report, const struct statement *statement,
			   const struct statement_incident *incident)
{
	uint64_t boot_to_wall = statement->opened.wall_ns - statement->opened.boot_ns;
	struct report_incident *row;
	int r;

	report->incidents_total++;
	if (report->n_incidents < REPORT_INCIDENTS_MAX) {
		row = &report->incidents[report->n_incidents++];
		row->sequence = statement->sequence;
		row->at = (struct moment) { incident->boot_ns, boot_to_wall + incident->boot_ns };
		r = statement_set(&row->what, incident->what);
		r = r < 0 ? r : statement_set(&row->detail, incident->detail);
		if (r < 0)
			return r;
	}
	if (!report_same_text(incident->what, "probe_silent"))
		return 0;
	return report_reason(report, "chunk %" PRIu64 ": a probe was silent: %s", statement->sequence,
			     incident->detail);
}

/* No reason against completeness: what was watched was watched, and what was not is said. */
static int report_unmeasured(struct stella_report *report, const struct statement_target *target)
{
	struct report_unmeasured *row;
	int r;

	for (size_t i = 0; i < report->n_unmeasured; i++) {
		row = &report->unmeasured[i];
		if (!report_same_text(row->kind, target->kind) ||
		    !report_same_text(row->library, target->library) ||
		    !report_same_text(row->build_id, target->build_id))
			continue;
		row->count = target->missing_count > row->count ? target->missing_count : row->count;
		return 0;
	}
	if (report->n_unmeasured >= REPORT_UNMEASURED_MAX) {
		report->unmeasured_more++;
		return 0;
	}
	row = &report->unmeasured[report->n_unmeasured++];
	row->count = target->missing_count;
	r = statement_set(&row->kind, target->kind);
	r = r < 0 ? r : statement_set(&row->library, target->library);
	return r < 0 ? r : statement_set(&row->build_id, target->build_id);
}

int report_coverage(struct stella_report *report, const struct statement *statement)
{
	int r = 0;

	if (statement->n_probes == 0)
		r = report_reason(report, "chunk %" PRIu64 ": no probe is said to have watched anything",
				  statement->sequence);

	for (size_t i = 0; i < statement->n_probes && r == 0; i++) {
		const struct statement_probe *probe = &statement->probes[i];

		r = report_hole(report, statement, probe);
		for (size_t k = 0; k < probe->n_blind_spots && r == 0; k++)
			r = report_blind_spot(report, probe, probe->blind_spots[k]);
	}
	for (size_t i = 0; i < statement->n_incidents && r == 0; i++)
		r = report_incident(report, statement, &statement->incidents[i]);
	for (size_t i = 0; i < statement->n_targets && r == 0; i++) {
		if (statement->targets[i].missing_count > 0)
			r = report_unmeasured(report, &statement->targets[i]);
	}
	if (__builtin_add_overflow(report->unmeasured_more, statement->targets_more, &report->unmeasured_more))
		report->unmeasured_more = UINT64_MAX;
	return r;
}
