/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The report as canonical JSON (contract, section 4). Promises: members stand in canonical order and every string is
 * printable, so that the text can be shown, compared and signed as it is.
 */

#include "base/text.h"
#include "format/canon.h"
#include "verify/report.h"

static void json_digest(struct canon *w, const char *key, const struct digest *digest)
{
	char hex[DIGEST_TEXT_LEN + 1];

	digest_hex(digest, hex);
	canon_key_cstr(w, key, hex);
}

/* Text of a statement is of a trusted signer, but that makes it no friend of terminals. */
void report_json_word(struct canon *w, const char *text)
{
	_cleanup_(buf_done) struct buf shown = BUF_MAX(65536);

	if (text_printable_append(&shown, str_of(text)) < 0) {
		if (w->error == 0)
			w->error = -ENOMEM;
		return;
	}
	canon_string(w, shown.data ? buf_str(&shown) : STR(""));
}

static void json_text(struct canon *w, const char *key, const char *text)
{
	canon_key(w, key);
	report_json_word(w, text);
}

static void json_text_or_null(struct canon *w, const char *key, const char *text)
{
	if (text) {
		json_text(w, key, text);
		return;
	}
	canon_key(w, key);
	canon_null(w);
}

static void json_moment(struct canon *w, const char *key, const struct moment *moment)
{
	char time[CLOCK_TEXT_MAX];

	clock_format(moment->wall_ns, time);
	canon_key(w, key);
	canon_object(w);
	canon_key_u64(w, "boot_ns", moment->boot_ns);
	canon_key_cstr(w, "time", time);
	canon_object_end(w);
}

static void json_blind(struct canon *w, const struct stella_report *report)
{
	canon_key(w, "blind_spots");
	canon_array(w);
	for (size_t i = 0; i < report->n_blind; i++) {
		canon_object(w);
		json_text(w, "blind_spot", report->blind[i].spot);
		json_text_or_null(w, "hook", report->blind[i].hook);
		json_text_or_null(w, "kind", report->blind[i].kind);
		canon_object_end(w);
	}
	canon_array_end(w);
	canon_key_u64(w, "blind_spots_total", report->n_blind + report->blind_more);
}

static void json_containers(struct canon *w, const struct stella_report *report)
{
	canon_key(w, "containers");
	canon_array(w);
	for (size_t i = 0; i < report->n_containers; i++) {
		const struct report_container *container = &report->containers[i];

		canon_object(w);
		canon_key_bool(w, "complete", container->complete);
		json_moment(w, "from", &container->from);
		json_text(w, "id", container->id);
		json_text_or_null(w, "image_digest", container->image_digest);
		canon_key(w, "incomplete");
		canon_array(w);
		for (size_t k = 0; k < container->n_incomplete; k++)
			report_json_word(w, container->incomplete[k]);
		canon_array_end(w);
		canon_key_u64(w, "records", container->records);
		json_moment(w, "to", &container->to);
		canon_object_end(w);
	}
	canon_array_end(w);
	canon_key_u64(w, "containers_total",
		      report->containers_more > UINT64_MAX - report->n_containers
			      ? UINT64_MAX
			      : report->n_containers + report->containers_more);
}

static void json_expected(struct canon *w, const struct stella_report *report)
{
	if (!report->expected_given)
		return;
	canon_key(w, "expected_head");
	canon_object(w);
	canon_key_bool(w, "found", report->expected_sequence > 0);
	canon_key(w, "sequence");
	if (report->expected_sequence > 0)
		canon_u64(w, report->expected_sequence);
	else
		canon_null(w);
	json_digest(w, "sha256", &report->expected);
	canon_object_end(w);
}

static void json_findings(struct canon *w, const struct stella_report *report)
{
	canon_key(w, "findings");
	canon_array(w);
	for (size_t i = 0; i < report->findings.count; i++) {
		const struct stella_finding *finding = &report->findings.list[i];

		canon_object(w);
		canon_key(w, "chunk");
		if (finding->sequence > 0)
			canon_u64(w, finding->sequence);
		else
			canon_null(w);
		canon_key_cstr(w, "code", stella_finding_name(finding->code));
		if (finding->file)
			canon_key_cstr(w, "file", finding->file);
		if (finding->line > 0)
			canon_key_u64(w, "line", finding->line);
		if (finding->has_offset)
			canon_key_u64(w, "offset", finding->offset);
		canon_key_cstr(w, "sentence", finding->sentence);
		canon_object_end(w);
	}
	canon_array_end(w);
	canon_key_u64(w, "findings_total", report->findings.total);
}

static void json_gaps(struct canon *w, const struct stella_report *report)
{
	canon_key(w, "gaps");
	canon_array(w);
	for (size_t i = 0; i < report->n_gaps; i++) {
		canon_object(w);
		json_moment(w, "from", &report->gaps[i].from);
		canon_key_cstr(w, "kind", statement_gap_names[report->gaps[i].kind]);
		canon_key_u64(w, "sequence", report->gaps[i].sequence);
		json_moment(w, "to", &report->gaps[i].to);
		canon_object_end(w);
	}
	canon_array_end(w);
	canon_key_u64(w, "gaps_total", report->gaps_total);
}

static void json_head(struct canon *w, const struct stella_report *report)
{
	canon_key(w, "head");
	if (report->head_sequence == 0) {
		canon_null(w);
		return;
	}
	canon_object(w);
	canon_key_bool(w, "final", report->head_final);
	canon_key_u64(w, "sequence", report->head_sequence);
	canon_key_cstr(w, "sha256", report->head_sha256);
	canon_object_end(w);
}

static void json_holes(struct canon *w, const struct stella_report *report)
{
	canon_key(w, "holes");
	canon_array(w);
	for (size_t i = 0; i < report->n_holes; i++) {
		canon_object(w);
		json_moment(w, "from", &report->holes[i].from);
		json_text(w, "hook", report->holes[i].hook);
		json_text(w, "kind", report->holes[i].kind);
		canon_key_u64(w, "sequence", report->holes[i].sequence);
		json_moment(w, "to", &report->holes[i].to);
		canon_object_end(w);
	}
	canon_array_end(w);
	canon_key_u64(w, "holes_total", report->holes_total);
}

static void json_incidents(struct canon *w, const struct stella_report *report)
{
	canon_key(w, "incidents");
	canon_array(w);
	for (size_t i = 0; i < report->n_incidents; i++) {
		canon_object(w);
		json_moment(w, "at", &report->incidents[i].at);
		json_text(w, "detail", report->incidents[i].detail);
		canon_key_u64(w, "sequence", report->incidents[i].sequence);
		json_text(w, "what", report->incidents[i].what);
		canon_object_end(w);
	}
	canon_array_end(w);
	canon_key_u64(w, "incidents_total", report->incidents_total);
}

static void json_losses(struct canon *w, const struct stella_report *report)
{
	canon_key(w, "losses");
	canon_array(w);
	for (size_t i = 0; i < report->n_losses; i++) {
		const struct report_loss *loss = &report->losses[i];

		canon_object(w);
		json_text(w, "cause", loss->cause);
		canon_key_u64(w, "count", loss->count);
		json_text(w, "effect", loss->effect);
		json_text_or_null(w, "kind", loss->kind);
		json_text(w, "layer", loss->layer);
		canon_object_end(w);
	}
	canon_array_end(w);
	canon_key_u64(w, "losses_total", report->n_losses + report->losses_more);
}

static void json_unmeasured(struct canon *w, const struct stella_report *report)
{
	canon_key(w, "not_measured");
	canon_array(w);
	for (size_t i = 0; i < report->n_unmeasured; i++) {
		const struct report_unmeasured *row = &report->unmeasured[i];

		canon_object(w);
		json_text_or_null(w, "build_id", row->build_id);
		canon_key_u64(w, "functions", row->count);
		json_text(w, "kind", row->kind);
		json_text(w, "library", row->library);
		canon_object_end(w);
	}
	canon_array_end(w);
	canon_key_u64(w, "not_measured_total",
		      report->unmeasured_more > UINT64_MAX - report->n_unmeasured
			      ? UINT64_MAX
			      : report->n_unmeasured + report->unmeasured_more);
}

static void json_reasons(struct canon *w, const struct stella_report *report)
{
	canon_key(w, "reasons");
	canon_array(w);
	for (size_t i = 0; i < report->n_reasons; i++)
		canon_string(w, str_of(report->reasons[i]));
	canon_array_end(w);
	canon_key_u64(w, "reasons_total", report->reasons_total);
}

int report_json(const struct stella_report *report, struct buf *out)
{
	struct canon w = CANON_INTO(out);

	canon_object(&w);
	json_blind(&w, report);
	canon_key_u64(&w, "chunks", report->chunks);
	canon_key_bool(&w, "complete", report->complete);
	json_containers(&w, report);
	json_expected(&w, report);
	json_findings(&w, report);
	json_gaps(&w, report);
	json_head(&w, report);
	json_holes(&w, report);
	json_incidents(&w, report);
	canon_key_bool(&w, "lines_checked", !report->seals_only);
	report_json_log(&w, report);
	json_losses(&w, report);
	json_unmeasured(&w, report);
	json_reasons(&w, report);
	canon_key_u64(&w, "records", report->records);
	canon_key_u64(&w, "replayed", report->replayed);
	canon_key_bool(&w, "require_complete", report->require_complete);
	report_json_signers(&w, report);
	canon_key_bool(&w, "sound", report->sound);
	canon_key(&w, "unsealed");
	if (report->unsealed > 0)
		canon_u64(&w, report->unsealed);
	else
		canon_null(&w);
	canon_key(&w, "window");
	if (report->has_window) {
		canon_object(&w);
		json_moment(&w, "from", &report->from);
		json_moment(&w, "to", &report->to);
		canon_object_end(&w);
	} else {
		canon_null(&w);
	}
	canon_object_end(&w);
	return canon_done(&w);
}
