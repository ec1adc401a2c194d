/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Static graph and run time together: which edges were seen, which were seen only, and the six numbers of it. An edge that was seen has
 * confidence 1.0, one that is in no graph 0.9, the others keep theirs.
 */

#include "merge/callgraph.h"
#include "merge/verdict.h"

#define UNION_OBSERVED_PPM 1000000
#define UNION_RUNTIME_ONLY_PPM 900000

struct union_options {
	uint64_t min_count; /* an edge counts from so many events on; 1 by default */
	uint64_t
		freshness_ns; /* and when the last is not older than this, counted back from the window's end; 7 days */
	uint64_t end_wall_ns; /* the window's end */
};

#define UNION_OPTIONS_DEFAULT \
	((struct union_options) { .min_count = 1, .freshness_ns = UINT64_C(604800000000000) })

/* Who called whom, nodes by number; sorted by source, then target; each pair once. */
struct observed_edge {
	uint32_t source, target;
	struct sighting seen;
};

struct graph_union {
	struct callgraph_edge *runtime_only; /* by source, then target */
	size_t n_runtime_only;
	struct merge_edge *edges; /* all that counted, in the same order */
	size_t n_edges;
	struct graph_facts facts;
};

/* -ENOMEM. */
int graph_union_make(const struct callgraph *graph, const struct observed_edge *observed, size_t n_observed,
		     const struct union_options *options, struct graph_union *ret_union);
void graph_union_done(struct graph_union *result);
