/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Edges of a call graph. Promises: each pair once, the surest kind and the highest weight of those given. A call whose target is
 * not known leads to each of its candidates; without any, or with one that is no node, it may lead anywhere, and that is
 * counted.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "merge/callgraph_read.h"

static int edge_add(struct graph_reader *reader, uint32_t source, uint32_t target, uint32_t weight_ppm,
		    enum callgraph_edge_kind kind)
{
	struct callgraph *graph = reader->graph;

	if (graph->n_edges == CALLGRAPH_EDGES_MAX)
		return diag_exit(reader->diag, EXIT_UNSOUND, -E2BIG, "%s: more than %d edges", reader->name,
				 CALLGRAPH_EDGES_MAX);
	if (graph->n_edges == reader->edges_room) {
		size_t room = reader->edges_room ? 2 * reader->edges_room : 1024;
		struct callgraph_edge *grown = reallocarray(graph->edges, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		graph->edges = grown;
		reader->edges_room = room;
	}
	graph->edges[graph->n_edges++] = (struct callgraph_edge) { source, target, weight_ppm, (uint8_t)kind };
	return 0;
}

static int read_weight(struct graph_reader *reader, struct str object, const char *where, uint32_t *ret_ppm)
{
	struct canon_value value;
	char text[64];
	double weight;

	*ret_ppm = 1000000;
	if (!jsontext_find(object, "weight", &value, NULL) || value.type == CANON_NULL)
		return 0;
	if ((value.type != CANON_INTEGER && value.type != CANON_NUMBER) || value.raw.len >= sizeof(text))
		return graph_refuse(reader, "%s: weight must be a number from 0 to 1", where);
	memcpy(text, value.raw.data, value.raw.len);
	text[value.raw.len] = '\0';
	weight = strtod(text, NULL);
	if (!(weight >= 0 && weight <= 1))
		return graph_refuse(reader, "%s: weight must be a number from 0 to 1", where);
	*ret_ppm = (uint32_t)(weight * 1000000 + 0.5);
	return 0;
}

static int read_kind(struct graph_reader *reader, struct str object, const char *where,
		     enum callgraph_edge_kind *ret_kind)
{
	static const char *const words[] = { "static", "heuristic", "runtime" };
	bool found;
	int r = graph_text(reader, object, "kind", where, &found);

	*ret_kind = EDGE_STATIC;
	if (r < 0 || !found)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!str_equal(buf_str(&reader->scratch), str_of(words[i])))
			continue;
		*ret_kind = (enum callgraph_edge_kind)i;
		return 0;
	}
	return graph_refuse(reader, "%s: kind must be static, heuristic or runtime", where);
}

static int read_candidates(struct graph_reader *reader, struct str object, const char *where, uint32_t source,
			   uint32_t weight_ppm, size_t *ret_known, bool *ret_elsewhere)
{
	struct canon_value list, value;
	struct str rest;
	int r = 0;

	if (!jsontext_find(object, "candidates", &list, NULL) || list.type == CANON_NULL)
		return 0;
	if (list.type != CANON_ARRAY)
		return graph_refuse(reader, "%s: candidates must be a list", where);
	rest = list.raw;
	while (r == 0 && jsontext_element_next(&rest, &value)) {
		uint32_t target;

		buf_clear(&reader->scratch);
		if (value.type != CANON_STRING || value.raw.len > CALLGRAPH_TEXT_MAX)
			return graph_refuse(reader, "%s: candidates must be ids of nodes", where);
		r = jsontext_string(&value, &reader->scratch);
		if (r < 0 || !buf_cstr(&reader->scratch))
			return -ENOMEM;
		target = callgraph_find(reader->graph, reader->scratch.data);
		if (target == CALLGRAPH_NONE) {
			*ret_elsewhere = true;
			continue;
		}
		(*ret_known)++;
		r = edge_add(reader, source, target, weight_ppm, EDGE_HEURISTIC);
	}
	return r;
}

static int read_node_of(struct graph_reader *reader, struct str object, const char *key, const char *where,
			bool needed, uint32_t *ret_node)
{
	bool found;
	int r = graph_text(reader, object, key, where, &found);

	*ret_node = CALLGRAPH_NONE;
	if (r < 0)
		return r;
	if (!found)
		return needed ? graph_refuse(reader, "%s: %s is missing", where, key) : 0;
	if (!buf_cstr(&reader->scratch))
		return -ENOMEM;
	*ret_node = callgraph_find(reader->graph, reader->scratch.data);
	if (*ret_node == CALLGRAPH_NONE && needed)
		return graph_refuse(reader, "%s: there is no node %s", where, reader->scratch.data);
	return 0;
}

static int read_edge(struct graph_reader *reader, const struct canon_value *value, size_t index)
{
	enum callgraph_edge_kind kind = EDGE_STATIC;
	uint32_t source = 0, target = 0, weight_ppm = 0;
	bool resolved = true, elsewhere = false;
	size_t known = 0;
	char where[48];
	int r;

	snprintf(where, sizeof(where), "edges[%zu]", index);
	if (value->type != CANON_OBJECT)
		return graph_refuse(reader, "%s must be an object", where);
	r = graph_flag(reader, value->raw, "isResolved", where, true, &resolved);
	r = r < 0 ? r : read_kind(reader, value->raw, where, &kind);
	r = r < 0 ? r : read_weight(reader, value->raw, where, &weight_ppm);
	r = r < 0 ? r : read_node_of(reader, value->raw, "sourceId", where, true, &source);
	r = r < 0 ? r : read_node_of(reader, value->raw, "targetId", where, resolved, &target);
	if (r == 0 && target != CALLGRAPH_NONE) {
		known++;
		r = edge_add(reader, source, target, weight_ppm, kind);
	}
	if (r == 0 && !resolved)
		r = read_candidates(reader, value->raw, where, source, weight_ppm, &known, &elsewhere);
	if (r == 0 && (known == 0 || elsewhere)) {
		reader->graph->unresolved++;
		reader->graph->open_end[source] = 1;
	}
	return r;
}

static int by_ends(const void *a, const void *b)
{
	const struct callgraph_edge *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->weight_ppm < y->weight_ppm) - (x->weight_ppm > y->weight_ppm);
}

int graph_read_edges(struct graph_reader *reader, struct str edges)
{
	struct callgraph *graph = reader->graph;
	struct canon_value value;
	struct str rest = edges;
	size_t index = 0, kept = 0;

	while (jsontext_element_next(&rest, &value)) {
		int r = read_edge(reader, &value, index++);

		if (r < 0)
			return r;
	}
	if (graph->n_edges == 0)
		return 0;
	qsort(graph->edges, graph->n_edges, sizeof(*graph->edges), by_ends);
	for (size_t i = 0; i < graph->n_edges; i++) {
		struct callgraph_edge *last = kept ? &graph->edges[kept - 1] : NULL;

		if (!last || last->source != graph->edges[i].source || last->target != graph->edges[i].target)
			graph->edges[kept++] = graph->edges[i];
		else if (graph->edges[i].weight_ppm > last->weight_ppm)
			last->weight_ppm = graph->edges[i].weight_ppm;
	}
	graph->n_edges = kept;
	return 0;
}
