/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The published buckets and weights. Precedence: unreachable, entrypoint, runtime, direct, unknown. The bonus of run time is for a hit
 * anywhere on the path, or, where there is no path, for a hit of the function itself.
 */

#include "merge/score.h"

static const unsigned int weights[] = {
	[BUCKET_UNKNOWN] = 500000, [BUCKET_UNREACHABLE] = 0, [BUCKET_ENTRYPOINT] = 1000000,
	[BUCKET_RUNTIME] = 450000, [BUCKET_DIRECT] = 850000,
};

/* The first of the path has itself before it. */
static bool hit_on_path(const struct callgraph_paths *paths, const uint8_t *hit, uint32_t node)
{
	while (!hit[node] && paths->previous[node] != node)
		node = paths->previous[node];
	return hit[node];
}

static unsigned int within(unsigned int ppm)
{
	if (ppm < SCORE_MIN_PPM)
		return SCORE_MIN_PPM;
	return ppm > SCORE_MAX_PPM ? SCORE_MAX_PPM : ppm;
}

struct score score_of(const struct callgraph *graph, const struct callgraph_paths *paths, const uint8_t *hit,
		      uint32_t node)
{
	bool reachable = paths->previous[node] != CALLGRAPH_NONE;
	bool runtime = reachable ? hit_on_path(paths, hit, node) : hit[node];
	struct score score = { .bucket = BUCKET_UNKNOWN };

	if (!reachable)
		score.bucket = BUCKET_UNREACHABLE;
	else if (graph->nodes[node].entry)
		score.bucket = BUCKET_ENTRYPOINT;
	else if (runtime)
		score.bucket = BUCKET_RUNTIME;
	else if (paths->length[node] <= SCORE_DIRECT_LENGTH)
		score.bucket = BUCKET_DIRECT;
	score.weight_ppm = weights[score.bucket];
	score.confidence_ppm = within((reachable ? SCORE_REACHABLE_PPM : SCORE_UNREACHABLE_PPM) +
				      (runtime ? SCORE_RUNTIME_BONUS_PPM : 0));
	score.score_ppm = (unsigned int)((uint64_t)score.confidence_ppm * score.weight_ppm / 1000000);
	return score;
}
