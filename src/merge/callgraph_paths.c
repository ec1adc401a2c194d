/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ways through a call graph: breadth first from all entry points at once. Promises: linear; the path of a node is a shortest
 * one, and of those the first in order of ids, since nodes, edges and the queue are in that order.
 */

#include <errno.h>
#include <stdlib.h>

#include "merge/callgraph.h"

uint32_t callgraph_find(const struct callgraph *graph, const char *id)
{
	size_t low = 0, high = graph->n_nodes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(graph->nodes[middle].id, id);

		if (order == 0)
			return (uint32_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return CALLGRAPH_NONE;
}

static size_t first_leaving(const struct callgraph_edge *edges, size_t count, uint32_t node)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (edges[middle].source < node)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void callgraph_paths_done(struct callgraph_paths *paths)
{
	free(paths->previous);
	free(paths->length);
	*paths = (struct callgraph_paths) { 0 };
}

/* One node's edges, in order. */
struct leaving {
	const struct callgraph_edge *at, *end;
};

static struct leaving leaving_of(const struct callgraph_edge *edges, size_t count, uint32_t node)
{
	if (count == 0)
		return (struct leaving) { NULL, NULL };
	return (struct leaving) { edges + first_leaving(edges, count, node), edges + count };
}

/* Over edges that only run time has seen, unless wanted. */
static bool leaving_any(struct leaving *leaving, uint32_t node, bool observed)
{
	while (leaving->at < leaving->end && leaving->at->source == node && leaving->at->kind == EDGE_RUNTIME &&
	       !observed)
		leaving->at++;
	return leaving->at < leaving->end && leaving->at->source == node;
}

/* The next target of a node out of two sorted runs of edges, or CALLGRAPH_NONE. */
static uint32_t next_target(struct leaving *a, struct leaving *b, uint32_t node, bool observed)
{
	bool has_a = leaving_any(a, node, observed), has_b = leaving_any(b, node, observed);

	if (!has_a && !has_b)
		return CALLGRAPH_NONE;
	if (has_a && (!has_b || a->at->target <= b->at->target))
		return a->at++->target;
	return b->at++->target;
}

static int find(const struct callgraph *graph, bool observed, const struct callgraph_edge *more, size_t n_more,
		const uint8_t *roots, struct callgraph_paths *ret_paths)
{
	struct callgraph_paths paths = { 0 };
	uint32_t *queue = calloc(graph->n_nodes + 1, sizeof(*queue));
	size_t begin = 0, end = 0;

	paths.previous = malloc((graph->n_nodes + 1) * sizeof(*paths.previous));
	paths.length = calloc(graph->n_nodes + 1, sizeof(*paths.length));
	if (!queue || !paths.previous || !paths.length) {
		free(queue);
		callgraph_paths_done(&paths);
		return -ENOMEM;
	}
	for (size_t i = 0; i < graph->n_nodes; i++) {
		bool begins = graph->nodes[i].entry || (roots && roots[i]);

		paths.previous[i] = begins ? (uint32_t)i : CALLGRAPH_NONE;
		if (begins)
			queue[end++] = (uint32_t)i;
	}
	while (begin < end) {
		uint32_t node = queue[begin++], target;
		struct leaving a = leaving_of(graph->edges, graph->n_edges, node);
		struct leaving b = leaving_of(more, n_more, node);

		while ((target = next_target(&a, &b, node, observed)) != CALLGRAPH_NONE) {
			if (paths.previous[target] != CALLGRAPH_NONE)
				continue;
			paths.previous[target] = node;
			paths.length[target] = paths.length[node] + 1;
			queue[end++] = target;
		}
	}
	free(queue);
	*ret_paths = paths;
	return 0;
}

int callgraph_paths_find(const struct callgraph *graph, bool observed, const struct callgraph_edge *more,
			 size_t n_more, struct callgraph_paths *ret_paths)
{
	return find(graph, observed, more, n_more, NULL, ret_paths);
}

int callgraph_reached(const struct callgraph *graph, const struct callgraph_edge *more, size_t n_more,
		      const uint8_t *roots, uint8_t **ret_reached)
{
	struct callgraph_paths paths = { 0 };
	uint8_t *reached = calloc(graph->n_nodes + 1, 1);
	int r = reached ? find(graph, true, more, n_more, roots, &paths) : -ENOMEM;

	for (size_t i = 0; i < graph->n_nodes && r == 0; i++)
		reached[i] = paths.previous[i] != CALLGRAPH_NONE;
	callgraph_paths_done(&paths);
	if (r < 0) {
		free(reached);
		return r;
	}
	*ret_reached = reached;
	return 0;
}

bool callgraph_knows_unreachable(const struct callgraph *graph, const struct callgraph_paths *paths)
{
	if (graph->n_entries == 0)
		return false;
	for (size_t i = 0; graph->unresolved > 0 && i < graph->n_nodes; i++) {
		if (graph->open_end[i] && paths->previous[i] != CALLGRAPH_NONE)
			return false;
	}
	return true;
}
