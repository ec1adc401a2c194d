/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How reachable is a function? Bucket, weight, confidence and score, in millionths: whole numbers have one way to be written. */

#include "merge/callgraph.h"
#include "merge/verdict.h"

#define SCORE_REACHABLE_PPM 750000
#define SCORE_UNREACHABLE_PPM 250000
#define SCORE_RUNTIME_BONUS_PPM 150000
#define SCORE_MIN_PPM 50000
#define SCORE_MAX_PPM 990000
#define SCORE_DIRECT_LENGTH 2 /* edges */

struct score {
	enum bucket bucket;
	unsigned int confidence_ppm, weight_ppm, score_ppm;
};

/* `hit`: by node, was it observed? `paths`: over the merged graph. */
struct score score_of(const struct callgraph *graph, const struct callgraph_paths *paths, const uint8_t *hit,
		      uint32_t node);
