/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Static graph and run time together. Promises: the six numbers add up (matched + unmatched = static), ratios are whole millionths and 0
 * where there is nothing to divide by; the same edges in any order give the same result.
 */

#include "merge/union.h"

#include <errno.h>
#include <stdlib.h>

void graph_union_done(struct graph_union *result)
{
	for (size_t i = 0; i < result->n_edges; i++) {
		free(result->edges[i].source);
		free(result->edges[i].target);
	}
	free(result->edges);
	free(result->runtime_only);
	*result = (struct graph_union) { 0 };
}

static bool counts(const struct observed_edge *edge, const struct union_options *options)
{
	uint64_t last = edge->seen.last.wall_ns;

	if (edge->seen.count < options->min_count)
		return false;
	return last >= options->end_wall_ns || options->end_wall_ns - last <= options->freshness_ns;
}

static const struct callgraph_edge *edge_find(const struct callgraph *graph, uint32_t source, uint32_t target)
{
	size_t low = 0, high = graph->n_edges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct callgraph_edge *edge = &graph->edges[middle];

		if (edge->source == source && edge->target == target)
			return edge;
		if (edge->source < source || (edge->source == source && edge->target < target))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int edge_add(const struct callgraph *graph, const struct observed_edge *observed, bool is_static,
		    struct graph_union *result)
{
	struct merge_edge *edge = &result->edges[result->n_edges];

	*edge = (struct merge_edge) { .is_static = is_static,
				      .confidence_ppm = is_static ? UNION_OBSERVED_PPM : UNION_RUNTIME_ONLY_PPM,
				      .count = observed->seen.count,
				      .first = observed->seen.first,
				      .last = observed->seen.last };
	edge->source = strdup(graph->nodes[observed->source].id);
	edge->target = strdup(graph->nodes[observed->target].id);
	result->n_edges++;
	if (!is_static)
		result->runtime_only[result->n_runtime_only++] =
			(struct callgraph_edge) { observed->source, observed->target, UNION_RUNTIME_ONLY_PPM,
						  EDGE_RUNTIME };
	return edge->source && edge->target ? 0 : -ENOMEM;
}

int graph_union_make(const struct callgraph *graph, const struct observed_edge *observed, size_t n_observed,
		     const struct union_options *options, struct graph_union *ret_union)
{
	struct graph_union result = { .facts.hash = graph->hash };
	struct graph_facts *facts = &result.facts;
	int r = 0;

	result.runtime_only = calloc(n_observed + 1, sizeof(*result.runtime_only));
	result.edges = calloc(n_observed + 1, sizeof(*result.edges));
	if (!result.runtime_only || !result.edges)
		r = -ENOMEM;
	for (size_t i = 0; i < graph->n_edges; i++)
		facts->static_edges += graph->edges[i].kind != EDGE_RUNTIME;
	for (size_t i = 0; i < n_observed && r == 0; i++) {
		const struct callgraph_edge *edge = edge_find(graph, observed[i].source, observed[i].target);
		bool is_static = edge && edge->kind != EDGE_RUNTIME;

		if (!counts(&observed[i], options))
			continue;
		if (__builtin_add_overflow(facts->runtime_events, observed[i].seen.count,
					   &facts->runtime_events))
			facts->runtime_events = UINT64_MAX;
		facts->matched_edges += is_static;
		facts->runtime_only_edges += !is_static;
		r = edge_add(graph, &observed[i], is_static, &result);
	}
	facts->unmatched_static_edges = facts->static_edges - facts->matched_edges;
	if (facts->static_edges > 0)
		facts->coverage_ppm = (unsigned int)(facts->matched_edges * 1000000 / facts->static_edges);
	if (r < 0) {
		graph_union_done(&result);
		return r;
	}
	*ret_union = result;
	return 0;
}
