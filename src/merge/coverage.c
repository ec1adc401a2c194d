/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Gathers what seals say of coverage. Promises: whatever may have kept a record from being there becomes a reason, with a ceiling on the
 * reasons' number but none on their effect; a chunk that was not taken is a gap of its own.
 */

#include "merge/coverage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "verify/report.h"

#define LACKS_MORE "more reasons than are kept"

const char *measured_name(enum measured kind)
{
	static const char *const names[MEASURED_END] = { "process_exec", "file_open", "library_load",
							 "function_call" };

	return kind < MEASURED_END ? names[kind] : NULL;
}

unsigned int coverage_kinds_of(const char *kind)
{
	if (!kind)
		return OF_ALL;
	for (int i = 0; i < MEASURED_END; i++) {
		if (strcmp(kind, measured_name((enum measured)i)) == 0)
			return 1u << i;
	}
	return 0;
}

int coverage_init(struct coverage *coverage)
{
	*coverage = (struct coverage) { .since_wall_ns = coverage->since_wall_ns,
					.image = coverage->image,
					.of_host = coverage->of_host,
					.of_root = coverage->of_root };
	coverage->gaps = calloc(COVERAGE_GAPS_MAX, sizeof(*coverage->gaps));
	coverage->losses = calloc(REPORT_LOSSES_MAX, sizeof(*coverage->losses));
	coverage->spans = calloc(COVERAGE_SPANS_MAX, sizeof(*coverage->spans));
	coverage->blind = calloc(COVERAGE_BLIND_MAX, sizeof(*coverage->blind));
	coverage->targets = calloc(COVERAGE_TARGETS_MAX, sizeof(*coverage->targets));
	return coverage->gaps && coverage->losses && coverage->spans && coverage->blind && coverage->targets
		       ? 0
		       : -ENOMEM;
}

static void target_free(struct covered_target *target)
{
	free(target->library);
	free(target->build_id);
	free(target->purl);
	for (size_t i = 0; i < target->n_missing; i++)
		free(target->missing[i]);
	free(target->missing);
}

void coverage_done(struct coverage *coverage)
{
	struct merge_result result = { .gaps = coverage->gaps,
				       .n_gaps = coverage->n_gaps,
				       .losses = coverage->losses,
				       .n_losses = coverage->n_losses,
				       .spans = coverage->spans,
				       .blind = coverage->blind,
				       .n_blind = coverage->n_blind };

	merge_result_done(&result);
	for (size_t i = 0; i < coverage->n_lacks; i++)
		free(coverage->lacks[i].text);
	for (size_t i = 0; i < coverage->n_filters; i++) {
		struct filters *filters = &coverage->filters[i];

		for (size_t k = 0; k < filters->n_path_allowlist; k++)
			free(filters->path_allowlist[k]);
		for (size_t k = 0; k < filters->n_path_denylist; k++)
			free(filters->path_denylist[k]);
		free(filters->path_allowlist);
		free(filters->path_denylist);
	}
	for (size_t i = 0; i < coverage->n_targets; i++)
		target_free(&coverage->targets[i]);
	free(coverage->targets);
	free(coverage->chain_id);
	free(coverage->other_container[0]);
	free(coverage->other_container[1]);
	*coverage = (struct coverage) { 0 };
}

static char *text_of(const char *format, va_list args)
{
	char *text = NULL;

	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

/* What watched nothing must not be crowded out by what watched most; the last place is for what found none. */
static bool lacks_full(const struct coverage *coverage, bool total)
{
	return coverage->n_lacks >= COVERAGE_LACKS_MAX - 1 - (total ? 0 : MEASURED_END + 8);
}

int coverage_lack(struct coverage *coverage, unsigned int kinds, bool total, const char *format, ...)
{
	va_list args;
	char *text;

	if (kinds == 0)
		return 0;
	va_start(args, format);
	text = text_of(format, args);
	va_end(args);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < coverage->n_lacks; i++) {
		struct lack *lack = &coverage->lacks[i];

		if (strcmp(lack->text, text) != 0)
			continue;
		lack->kinds |= kinds;
		lack->total = lack->total || total;
		free(text);
		return 0;
	}
	if (lacks_full(coverage, total) && strcmp(text, LACKS_MORE) != 0) {
		free(text);
		return coverage_lack(coverage, kinds, total, LACKS_MORE);
	}
	coverage->lacks[coverage->n_lacks++] = (struct lack) { kinds, total, text };
	return 0;
}

int coverage_gap(struct coverage *coverage, struct moment from, struct moment to, const char *format, ...)
{
	va_list args;
	char *text;

	if (coverage->n_gaps == COVERAGE_GAPS_MAX)
		return 0;
	va_start(args, format);
	text = text_of(format, args);
	va_end(args);
	if (!text)
		return -ENOMEM;
	coverage->gaps[coverage->n_gaps++] = (struct merge_gap) { from, to, text };
	return 0;
}

static struct moment moment_of(const struct statement *statement, uint64_t boot_ns)
{
	return (struct moment) { boot_ns, statement->opened.wall_ns - statement->opened.boot_ns + boot_ns };
}

static bool same_text(const char *a, const char *b)
{
	return report_same_text(a, b);
}

static int take_loss(struct coverage *coverage, const struct statement *statement,
		     const struct statement_loss *loss)
{
	struct merge_loss *row = NULL;
	int r = 0;

	if (loss->count == 0)
		return 0;
	for (size_t i = 0; i < coverage->n_losses && !row; i++) {
		struct merge_loss *at = &coverage->losses[i];

		if (same_text(at->kind, loss->kind) && same_text(at->layer, loss->layer) &&
		    same_text(at->cause, loss->cause) && same_text(at->effect, loss->effect))
			row = at;
	}
	if (!row && coverage->n_losses == REPORT_LOSSES_MAX)
		return coverage_lack(coverage, OF_ALL, false, "more causes of losses than are kept");
	if (!row) {
		row = &coverage->losses[coverage->n_losses++];
		row->first = moment_of(statement, loss->first_boot_ns);
		if (loss->kind)
			r = statement_set(&row->kind, loss->kind);
		r = r < 0 ? r : statement_set(&row->layer, loss->layer);
		r = r < 0 ? r : statement_set(&row->cause, loss->cause);
		r = r < 0 ? r : statement_set(&row->effect, loss->effect);
	}
	if (__builtin_add_overflow(row->count, loss->count, &row->count))
		row->count = UINT64_MAX;
	row->last = moment_of(statement, loss->last_boot_ns);
	if (r == 0 && coverage_kinds_of(loss->kind) != 0 && strcmp(loss->effect, "record") == 0)
		r = coverage_gap(coverage, moment_of(statement, loss->first_boot_ns), row->last,
				 "chunk %" PRIu64 ": %" PRIu64 " record%s%s%s lost: %s", statement->sequence,
				 loss->count, loss->count == 1 ? "" : "s", loss->kind ? " of " : "",
				 loss->kind ? loss->kind : "", loss->cause);
	return r;
}

static int take_losses(struct coverage *coverage, const struct statement *statement)
{
	int r = 0;

	if (!statement->losses_known) {
		r = coverage_lack(coverage, OF_ALL, false,
				  "chunk %" PRIu64
				  ": what was lost is not known, its counters went with a killed "
				  "collector",
				  statement->sequence);
		r = r < 0 ? r
			  : coverage_gap(coverage, statement->opened, statement->closed,
					 "chunk %" PRIu64 ": losses are not known", statement->sequence);
	}
	for (size_t i = 0; i < statement->n_losses && r == 0; i++)
		r = take_loss(coverage, statement, &statement->losses[i]);
	return r;
}

int coverage_take_blind(struct coverage *coverage, const struct statement_probe *probe, const char *spot)
{
	struct merge_blind_spot *row;
	int r;

	if (coverage_kinds_of(probe->kind) == 0)
		return 0;
	for (size_t i = 0; i < coverage->n_blind; i++) {
		row = &coverage->blind[i];
		if (same_text(row->kind, probe->kind) && same_text(row->hook, probe->hook) &&
		    same_text(row->spot, spot))
			return 0;
	}
	if (coverage->n_blind == COVERAGE_BLIND_MAX)
		return coverage_lack(coverage, coverage_kinds_of(probe->kind), false,
				     "more blind spots than are kept");
	row = &coverage->blind[coverage->n_blind++];
	r = statement_set(&row->kind, probe->kind);
	r = r < 0 ? r : statement_set(&row->hook, probe->hook);
	return r < 0 ? r : statement_set(&row->spot, spot);
}

bool coverage_is_blind(const struct coverage *coverage, enum measured kind, const char *spot)
{
	for (size_t i = 0; i < coverage->n_blind; i++) {
		if (same_text(coverage->blind[i].kind, measured_name(kind)) &&
		    same_text(coverage->blind[i].spot, spot))
			return true;
	}
	return false;
}

/* The kind's own span goes on, or a new one begins. */
static void take_span(struct coverage *coverage, const struct statement *statement, enum measured kind,
		      uint64_t from_boot_ns, uint64_t to_boot_ns)
{
	size_t open = coverage->open_span[kind];
	struct merge_span *span = open ? &coverage->spans[open - 1] : NULL;
	struct moment from = moment_of(statement, from_boot_ns), to = moment_of(statement, to_boot_ns);

	if (to_boot_ns <= from_boot_ns)
		return;
	/* A clock that was stepped moves the time of day, so the same boot time is what goes on. */
	if (span && span->to.boot_ns == from.boot_ns && coverage->last_sequence + 1 == statement->sequence) {
		span->to = to;
		return;
	}
	if (coverage->n_spans == COVERAGE_SPANS_MAX)
		return;
	coverage->spans[coverage->n_spans++] = (struct merge_span) { measured_name(kind), from, to };
	coverage->open_span[kind] = coverage->n_spans;
}

static int take_probe(struct coverage *coverage, const struct statement *statement,
		      const struct statement_probe *probe)
{
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	unsigned int kinds = coverage_kinds_of(probe->kind);
	int r = 0;

	for (size_t i = 0; i < probe->n_blind_spots && r == 0; i++)
		r = coverage_take_blind(coverage, probe, probe->blind_spots[i]);
	if (r < 0 || kinds == 0 ||
	    (probe->from_boot_ns <= report_coverage_begin(statement) &&
	     probe->to_boot_ns >= statement->closed.boot_ns))
		return r;
	clock_format(moment_of(statement, probe->from_boot_ns).wall_ns, from);
	clock_format(moment_of(statement, probe->to_boot_ns).wall_ns, to);
	if (probe->to_boot_ns <= probe->from_boot_ns)
		r = coverage_lack(coverage, kinds, false, "chunk %" PRIu64 ": %s was not watched by %s at all",
				  statement->sequence, probe->kind, probe->hook);
	else
		r = coverage_lack(coverage, kinds, false,
				  "chunk %" PRIu64 ": %s was watched by %s only from %s to %s",
				  statement->sequence, probe->kind, probe->hook, from, to);
	return r < 0 ? r
		     : coverage_gap(coverage, statement->opened, statement->closed,
				    "chunk %" PRIu64 ": %s was not watched by %s all the time",
				    statement->sequence, probe->kind, probe->hook);
}

static int take_probes(struct coverage *coverage, const struct statement *statement)
{
	int r = 0;

	for (int kind = 0; kind < MEASURED_END; kind++) {
		uint64_t from = 0, to = UINT64_MAX;
		bool there = false;

		for (size_t i = 0; i < statement->n_probes; i++) {
			const struct statement_probe *probe = &statement->probes[i];

			if (!same_text(probe->kind, measured_name((enum measured)kind)))
				continue;
			there = true;
			from = probe->from_boot_ns > from ? probe->from_boot_ns : from;
			to = probe->to_boot_ns < to ? probe->to_boot_ns : to;
		}
		if (there && to > from)
			coverage->watched[kind]++;
		if (there)
			take_span(coverage, statement, (enum measured)kind, from, to);
	}
	for (size_t i = 0; i < statement->n_probes && r == 0; i++)
		r = take_probe(coverage, statement, &statement->probes[i]);
	for (size_t i = 0; i < statement->n_incidents && r == 0; i++) {
		const struct statement_incident *incident = &statement->incidents[i];
		struct moment at = moment_of(statement, incident->boot_ns);

		if (!same_text(incident->what, "probe_silent"))
			continue;
		r = coverage_lack(coverage, OF_ALL, false, "chunk %" PRIu64 ": a probe was silent: %s",
				  statement->sequence, incident->detail);
		r = r < 0 ? r
			  : coverage_gap(coverage, at, at, "chunk %" PRIu64 ": a probe was silent: %s",
					 statement->sequence, incident->detail);
	}
	return r;
}

void coverage_left_out(struct coverage *coverage, uint64_t first, uint64_t last, struct moment from,
		       struct moment to)
{
	struct left_out *row = &coverage->left_out[coverage->n_left_out];

	if (coverage->n_left_out == COVERAGE_LEFT_OUT_MAX) {
		row[-1].last = last;
		row[-1].to = to;
		return;
	}
	coverage->n_left_out++;
	*row = (struct left_out) { first, last, from, to };
}

/* Between two chunks that were taken: chunks that were not, and what the later one says of the time between. */
static int take_gap(struct coverage *coverage, const struct statement *statement)
{
	uint64_t first = coverage->last_sequence + 1, last = statement->sequence - 1;
	struct moment before = first > 1 ? coverage->last_closed : statement->opened;
	int r;

	if (first <= last)
		coverage_left_out(coverage, first, last, before, statement->opened);
	if (statement->gap == GAP_NONE ||
	    (statement->gap_to.wall_ns < coverage->since_wall_ns && !coverage->has_window))
		return 0;
	if (statement->gap == GAP_SUSPEND)
		return coverage_gap(coverage, statement->gap_from, statement->gap_to, "the machine slept");
	r = coverage_lack(coverage, OF_ALL, false, "before chunk %" PRIu64 " nothing was watched: %s",
			  statement->sequence, statement_gap_names[statement->gap]);
	return r < 0 ? r
		     : coverage_gap(coverage, statement->gap_from, statement->gap_to, "nothing was watched: %s",
				    statement_gap_names[statement->gap]);
}

static int take_kind_of_chunk(struct coverage *coverage, const struct statement *statement)
{
	int r = 0;

	if (statement->recovered)
		r = coverage_lack(coverage, OF_ALL, false,
				  "chunk %" PRIu64
				  " was recovered after a crash: its last records may be missing",
				  statement->sequence);
	if (r == 0 && statement->replay_of)
		r = coverage_lack(coverage, OF_ALL, false,
				  "chunk %" PRIu64 " is a replay of a raw capture, which nobody signed",
				  statement->sequence);
	return r;
}

/* When the first probe stood, not when the chunk's file was made; and not before what is asked for. */
static struct moment window_begin(const struct coverage *coverage, const struct statement *statement)
{
	uint64_t begin = report_coverage_begin(statement);
	struct moment from = begin > statement->opened.boot_ns && begin < statement->closed.boot_ns
				     ? moment_of(statement, begin)
				     : statement->opened;

	if (from.wall_ns >= coverage->since_wall_ns)
		return from;
	return moment_of(statement, from.boot_ns + (coverage->since_wall_ns - from.wall_ns));
}

/* Of the image that is asked for, or of another one, and which kind of digest told so. */
static int take_containers(struct coverage *coverage, const struct statement *statement)
{
	int r = 0;

	for (size_t i = 0; i < statement->n_containers && coverage->image && r == 0; i++) {
		const struct statement_container *container = &statement->containers[i];
		size_t kind = container->image_is_config ? 1 : 0;

		if (!container->image_digest)
			continue;
		if (strcmp(container->image_digest, coverage->image) == 0) {
			coverage->image_kinds |= 1u << kind;
			continue;
		}
		coverage->other_kinds |= 1u << kind;
		if (!coverage->other_container[kind])
			r = statement_set(&coverage->other_container[kind], container->id);
	}
	return r;
}

bool coverage_in_window(const struct coverage *coverage, const struct statement *statement)
{
	return coverage->has_window || statement->closed.wall_ns >= coverage->since_wall_ns;
}

int coverage_take(struct coverage *coverage, const struct statement *statement, const struct hashes *at_start)
{
	int r = 0;

	if (!coverage_in_window(coverage, statement)) {
		r = coverage_take_before(coverage, statement);
	} else {
		r = take_gap(coverage, statement);
		r = r < 0 ? r : take_kind_of_chunk(coverage, statement);
		r = r < 0 ? r : take_probes(coverage, statement);
		r = r < 0 ? r : take_losses(coverage, statement);
		r = r < 0 ? r : coverage_filters(coverage, statement);
		r = r < 0 ? r : coverage_targets(coverage, statement, at_start);
		r = r < 0 ? r : take_containers(coverage, statement);
		if (!coverage->has_window)
			coverage->from = window_begin(coverage, statement);
		coverage->has_window = true;
		coverage->to = statement->closed;
		coverage->chunks++;
	}
	coverage->last_sequence = statement->sequence;
	coverage->last_closed = statement->closed;
	if (r == 0 && !coverage->chain_id)
		r = statement_set(&coverage->chain_id, statement->chain_id);
	return r;
}
