/* SPDX-License-Identifier: Apache-2.0 */

/* The graph's part of the verdicts on functions: edges that were seen, and the ways through both. */

#include <errno.h>
#include <stdlib.h>

#include "merge/functions.h"

static int by_ends(const void *a, const void *b)
{
	const struct observed_edge *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return 0;
}

/* In the chain's order the earlier is the first, whichever of two files it was in. */
void sighting_merge(struct sighting *sighting, const struct sighting *other)
{
	const struct evidence_line *a = &sighting->first_line, *b = &other->first_line;
	struct sighting merged = *other;

	if (sighting->count == 0 || a->sequence < b->sequence ||
	    (a->sequence == b->sequence && a->line <= b->line)) {
		merged.first = sighting->count ? sighting->first : other->first;
		merged.first_line = sighting->count ? sighting->first_line : other->first_line;
	}
	a = &sighting->last_line;
	b = &other->last_line;
	if (sighting->count > 0 &&
	    (a->sequence > b->sequence || (a->sequence == b->sequence && a->line > b->line))) {
		merged.last = sighting->last;
		merged.last_line = sighting->last_line;
	}
	if (__builtin_add_overflow(sighting->count, other->count, &merged.count))
		merged.count = UINT64_MAX;
	*sighting = merged;
}

/* Between nodes, each pair once. */
static int observed_edges(const struct functions_work *functions, struct observed_edge **ret_edges,
			  size_t *ret_count)
{
	const struct sightings *edges = &functions->work->evidence.all.edges;
	struct observed_edge *list = calloc(edges->count + 1, sizeof(*list));
	size_t count = 0, kept = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < edges->room; i++) {
		uint64_t key = edges->keys[i] - 1;
		uint32_t source, target;

		if (edges->keys[i] == 0)
			continue;
		source = functions->node_of[key >> 32];
		target = functions->node_of[(uint32_t)key];
		if (source != CALLGRAPH_NONE && target != CALLGRAPH_NONE)
			list[count++] = (struct observed_edge) { source, target, edges->values[i] };
	}
	if (count > 0)
		qsort(list, count, sizeof(*list), by_ends);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && by_ends(&list[kept - 1], &list[i]) == 0)
			sighting_merge(&list[kept - 1].seen, &list[i].seen);
		else
			list[kept++] = list[i];
	}
	*ret_edges = list;
	*ret_count = kept;
	return 0;
}

/* What ran, whatever the graph says of it, leads on. So does what may have run. */
static int find_reached(struct functions_work *functions)
{
	const struct callgraph *graph = functions->graph;
	uint8_t *roots = calloc(graph->n_nodes + 1, 1);
	int r;

	if (!roots)
		return -ENOMEM;
	for (size_t i = 0; i < graph->n_nodes; i++)
		roots[i] = functions->hit[i] || functions->list[i].ambiguous || functions->list[i].before;
	r = callgraph_reached(graph, functions->united.runtime_only, functions->united.n_runtime_only, roots,
			      &functions->reached);
	free(roots);
	return r;
}

/* ---- files of which the graph has functions ---- */

static uint64_t file_hash(char kind, struct str text)
{
	return hash_of(hash_of(HASH_START, (struct str) { &kind, 1 }), text);
}

static uint64_t package_hash(uint32_t package)
{
	return file_hash('p', (struct str) { (const char *)&package, sizeof(package) });
}

int functions_files_init(struct functions_work *functions)
{
	const struct callgraph *graph = functions->graph;
	int r = 0;

	for (size_t i = 0; i < graph->n_nodes && r == 0; i++) {
		const struct callgraph_node *node = &graph->nodes[i];

		if (node->library)
			r = hashes_add(&functions->files, file_hash('l', str_of(node->library)));
		if (r == 0 && node->build_id)
			r = hashes_add(&functions->files, file_hash('b', str_of(node->build_id)));
		if (r == 0 && functions->match.packages_of[i] != FUNCTION_NONE)
			r = hashes_add(&functions->files, package_hash(functions->match.packages_of[i]));
	}
	return r;
}

/* As library_means has it: the whole path, the name, or the name up to a dot. */
bool functions_file_known(const struct functions_work *functions, const struct seen_function *seen)
{
	const char *slash = seen->library ? strrchr(seen->library, '/') : NULL;
	struct str name = str_of(slash ? slash + 1 : seen->library ? seen->library : "");

	if ((seen->build_id && hashes_has(&functions->files, file_hash('b', str_of(seen->build_id)))) ||
	    (seen->package != FUNCTION_NONE && hashes_has(&functions->files, package_hash(seen->package))) ||
	    (seen->library && hashes_has(&functions->files, file_hash('l', str_of(seen->library)))))
		return true;
	while (name.len > 0) {
		const char *dot;

		if (hashes_has(&functions->files, file_hash('l', name)))
			return true;
		dot = memrchr(name.data, '.', name.len);
		name.len = dot ? (size_t)(dot - name.data) : 0;
	}
	return false;
}

int functions_graph(struct functions_work *functions)
{
	const struct callgraph *graph = functions->graph;
	struct merge_result *result = functions->work->result;
	struct union_options options = functions->work->inputs->graph_options;
	struct graph_union *united = &functions->united;
	struct observed_edge *observed = NULL;
	size_t n_observed = 0;
	int r;

	options.end_wall_ns = functions->work->evidence.coverage.to.wall_ns;
	r = observed_edges(functions, &observed, &n_observed);
	r = r < 0 ? r : graph_union_make(graph, observed, n_observed, &options, united);
	free(observed);
	r = r < 0 ? r : callgraph_paths_find(graph, false, NULL, 0, &functions->static_paths);
	r = r < 0 ? r
		  : callgraph_paths_find(graph, true, united->runtime_only, united->n_runtime_only,
					 &functions->paths);
	functions->hit = calloc(graph->n_nodes + 1, 1);
	if (r < 0 || !functions->hit)
		return r < 0 ? r : -ENOMEM;
	for (size_t i = 0; i < graph->n_nodes; i++)
		functions->hit[i] = functions->list[i].verdict.seen.count > 0;
	r = find_reached(functions);
	if (r < 0)
		return r;
	functions->knows_unreachable =
		!functions->lacks && callgraph_knows_unreachable(graph, &functions->static_paths);
	for (size_t i = 0; graph->unresolved > 0 && i < graph->n_nodes; i++) {
		if (graph->open_end[i] && functions->reached[i])
			functions->knows_unreachable = false;
	}
	result->has_graph = true;
	result->graph = united->facts;
	result->edges = united->edges;
	result->n_edges = united->n_edges;
	united->edges = NULL;
	united->n_edges = 0;
	return 0;
}
