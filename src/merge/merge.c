/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The whole of it: verify and read, then judge. Promises: what is handed out comes from sound chunks only, and says how complete they are;
 * the same inputs give the same result.
 */

#include "merge/merge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "verify/report.h"
#include "verify/verifier.h"

DEFINE_FREEP(stella_report, stella_report_free)

static int text_copy(const char *from, char **ret_to)
{
	*ret_to = from ? strdup(from) : NULL;
	return from && !*ret_to ? -ENOMEM : 0;
}

/* Which kinds of records the verdicts that were asked for hang on. */
static unsigned int asked_kinds(const struct merge_inputs *inputs, const struct merge_result *result)
{
	unsigned int kinds = 0;

	if (package_set_count(result->packages) > 0)
		kinds |= OF_FILES;
	if (inputs->graph || inputs->map)
		kinds |= OF_FUNCTION;
	return kinds ? kinds : OF_ALL;
}

static int take_reasons(struct merge_work *work)
{
	struct coverage *coverage = &work->evidence.coverage;
	struct merge_result *result = work->result;
	unsigned int kinds = asked_kinds(work->inputs, result);

	result->reasons = calloc(coverage->n_lacks + 1, sizeof(*result->reasons));
	if (!result->reasons)
		return -ENOMEM;
	for (size_t i = 0; i < coverage->n_lacks; i++) {
		if (coverage->lacks[i].kinds & kinds)
			result->reasons[result->n_reasons++] = TAKE(coverage->lacks[i].text);
	}
	result->complete = result->n_reasons == 0;
	return 0;
}

/* When the verdicts are made: the lists change hands. */
static int take_coverage(struct merge_work *work, const struct stella_report *report)
{
	struct coverage *coverage = &work->evidence.coverage;
	struct merge_result *result = work->result;
	int r = take_reasons(work);

	result->gaps = TAKE(coverage->gaps);
	result->n_gaps = coverage->n_gaps;
	result->losses = TAKE(coverage->losses);
	result->n_losses = coverage->n_losses;
	result->spans = TAKE(coverage->spans);
	result->n_spans = coverage->n_spans;
	result->blind = TAKE(coverage->blind);
	result->n_blind = coverage->n_blind;
	coverage->n_gaps = coverage->n_losses = coverage->n_spans = coverage->n_blind = 0;
	result->chunks = coverage->chunks;
	result->records = work->evidence.all.records;
	for (size_t i = 0; i < coverage->n_left_out; i++)
		result->chunks_left_out += coverage->left_out[i].last - coverage->left_out[i].first + 1;
	result->from = coverage->from;
	result->to = coverage->to;
	result->head_sequence = report->head_sequence;
	memcpy(result->head_sha256, report->head_sha256, sizeof(result->head_sha256));
	r = r < 0 ? r : text_copy(coverage->chain_id, &result->chain_id);
	r = r < 0 ? r : text_copy(work->inputs->image, &result->image);
	return r < 0 ? r : text_copy(work->inputs->directory, &result->evidence_name);
}

/* Facts about the window that vulnerabilities quote before the lists change hands. */
static int quote_window(struct merge_work *work, const struct stella_report *report)
{
	struct merge_result *result = work->result;

	result->from = work->evidence.coverage.from;
	result->to = work->evidence.coverage.to;
	result->chunks = work->evidence.coverage.chunks;
	result->head_sequence = report->head_sequence;
	memcpy(result->head_sha256, report->head_sha256, sizeof(result->head_sha256));
	return text_copy(work->evidence.coverage.chain_id, &result->chain_id);
}

static int judge_all(struct merge_work *work, const struct stella_report *report)
{
	int r = evidence_unplaced(&work->evidence, report);

	r = r < 0 ? r : coverage_finish(&work->evidence.coverage, report);
	r = r < 0 ? r : quote_window(work, report);
	r = r < 0 ? r : merge_packages(work);
	r = r < 0 ? r : merge_functions(work);
	r = r < 0 ? r : merge_vulnerabilities(work);
	free(work->result->chain_id);
	work->result->chain_id = NULL;
	return r < 0 ? r : take_coverage(work, report);
}

static int nothing_there(const struct merge_work *work, const struct stella_report *report, struct diag *diag)
{
	const struct merge_inputs *inputs = work->inputs;

	if (work->evidence.coverage.chunks == 0 && report->chunks == 0 && report->findings.total == 0)
		return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT,
				 "%s: there is no chain of evidence in this directory", inputs->directory);
	if (work->evidence.coverage.chunks == 0 && work->evidence.coverage.last_sequence > 0)
		return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT, "%s: no chunk is as young as --since asks for",
				 inputs->directory);
	if (work->evidence.coverage.chunks == 0)
		return diag_exit(
			diag, EXIT_UNSOUND, -EBADMSG,
			"%s: not one chunk is sound, so there is nothing to be said; see `stella signals "
			"verify-chain` for why",
			inputs->directory);
	if (!inputs->image || work->evidence.all.images > 0)
		return 0;
	for (size_t i = 0; i < report->n_containers; i++) {
		if (report->containers[i].image_digest &&
		    strcmp(report->containers[i].image_digest, inputs->image) == 0)
			return 0;
	}
	return diag_exit(
		diag, EXIT_NOT_FOUND, -ENOENT,
		"%s: no container of the image %s is in this evidence; `stella signals inspect` shows the "
		"digests that engines told",
		inputs->directory, inputs->image);
}

static int run(struct merge_work *work, struct diag *diag, struct stella_report **ret_report)
{
	_cleanup_(stella_report_freep) struct stella_report *report = NULL;
	const struct merge_inputs *inputs = work->inputs;
	struct evidence_options options = { work->result->packages, inputs->join, inputs->image,
					    inputs->since_wall_ns };
	struct verify_listener listener;
	int r = evidence_init(&work->evidence, &options);

	r = r < 0 ? r : vulnerability_list_resolve(&work->result->vulnerabilities, work->result->packages);
	if (r < 0)
		return diag_error(diag, r, "cannot prepare the verdicts: %s", strerror(-r));
	listener = evidence_listener(&work->evidence);
	verifier_listen(inputs->verifier, &listener);
	r = stella_verify_directory(inputs->verifier, inputs->directory, &report);
	verifier_listen(inputs->verifier, NULL);
	if (r < 0)
		return diag_error(diag, r, "%s", stella_verifier_error(inputs->verifier));
	*ret_report = report;
	r = nothing_there(work, report, diag);
	if (r == 0) {
		r = judge_all(work, report);
		if (r < 0)
			diag_error(diag, r, "%s: cannot put the verdicts together: %s", inputs->directory,
				   strerror(-r));
	}
	report = NULL;
	return r;
}

int merge_run(struct merge_inputs *inputs, struct diag *diag, struct merge_result *ret_result,
	      struct stella_report **ret_report)
{
	struct merge_result result = { 0 };
	struct merge_work work = { .inputs = inputs, .result = &result };
	int r;

	result.packages = TAKE(inputs->packages);
	result.callgraph = inputs->graph;
	result.vulnerabilities = inputs->vulnerabilities;
	inputs->vulnerabilities = (struct vulnerability_list) { 0 };
	*ret_report = NULL;
	r = run(&work, diag, ret_report);
	evidence_done(&work.evidence);
	free(work.function_packages);
	inputs->graph = NULL;
	if (r < 0) {
		merge_result_done(&result);
		return r;
	}
	*ret_result = result;
	return 0;
}
