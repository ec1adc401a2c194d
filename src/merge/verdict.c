/* SPDX-License-Identifier: Apache-2.0 */

/* The words of verdicts, and their end. */

#include "merge/verdict.h"

#include <stdlib.h>

#include "merge/callgraph.h"

const char *tier_name(enum tier tier)
{
	static const char *const names[TIER_END] = { "none", "opened", "mapped", "function", "executed" };

	return tier < TIER_END ? names[tier] : NULL;
}

const char *answer_name(enum answer answer)
{
	static const char *const names[] = { "observed", "not_observed", "not_observed_lossy", "not_measured" };

	return answer <= ANSWER_NOT_MEASURED ? names[answer] : NULL;
}

const char *bucket_name(enum bucket bucket)
{
	static const char *const names[] = { "unknown", "unreachable", "entrypoint", "runtime", "direct" };

	return bucket <= BUCKET_DIRECT ? names[bucket] : NULL;
}

static void texts_free(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void verdicts_free(struct merge_result *result)
{
	for (size_t i = 0; i < result->n_package_verdicts; i++)
		texts_free(result->package_verdicts[i].reasons, result->package_verdicts[i].n_reasons);
	for (size_t i = 0; i < result->n_functions; i++) {
		struct function_verdict *verdict = &result->functions[i];

		free(verdict->id);
		free(verdict->symbol);
		free(verdict->library);
		free(verdict->build_id);
		free(verdict->purl);
		free(verdict->path);
		texts_free(verdict->reasons, verdict->n_reasons);
	}
	for (size_t i = 0; i < result->n_vulnerability_verdicts; i++) {
		free(result->vulnerability_verdicts[i].impact);
		free(result->vulnerability_verdicts[i].function);
		texts_free(result->vulnerability_verdicts[i].missing,
			   result->vulnerability_verdicts[i].n_missing);
	}
	free(result->package_verdicts);
	free(result->functions);
	free(result->vulnerability_verdicts);
}

static void coverage_free(struct merge_result *result)
{
	for (size_t i = 0; i < result->n_gaps; i++)
		free(result->gaps[i].why);
	for (size_t i = 0; i < result->n_losses; i++) {
		free(result->losses[i].kind);
		free(result->losses[i].layer);
		free(result->losses[i].cause);
		free(result->losses[i].effect);
	}
	for (size_t i = 0; i < result->n_blind; i++) {
		free(result->blind[i].kind);
		free(result->blind[i].hook);
		free(result->blind[i].spot);
	}
	for (size_t i = 0; i < result->n_edges; i++) {
		free(result->edges[i].source);
		free(result->edges[i].target);
	}
	free(result->gaps);
	free(result->losses);
	free(result->blind);
	free(result->spans);
	free(result->edges);
}

void merge_result_done(struct merge_result *result)
{
	verdicts_free(result);
	coverage_free(result);
	texts_free(result->reasons, result->n_reasons);
	vulnerability_list_done(&result->vulnerabilities);
	package_set_free(result->packages);
	callgraph_free(result->callgraph);
	free(result->chain_id);
	free(result->image);
	free(result->evidence_name);
	*result = (struct merge_result) { 0 };
}
