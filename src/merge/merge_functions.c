/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Verdicts of functions: the nodes of the graph, what was called beyond them, and what the map asks for. Promises: RU is said only of
 * what was watched through a complete window; a contradiction of graph and run time is a state of its own, X.
 */

#include <errno.h>
#include <stdlib.h>

#include "merge/functions.h"

static int text_copy(const char *from, char **ret_to)
{
	*ret_to = from ? strdup(from) : NULL;
	return from && !*ret_to ? -ENOMEM : 0;
}

struct function_work *function_new(struct functions_work *functions)
{
	if (functions->count == functions->room) {
		size_t room = functions->room ? 2 * functions->room : 256;
		struct function_work *grown = reallocarray(functions->list, room, sizeof(*grown));

		if (!grown)
			return NULL;
		functions->list = grown;
		functions->room = room;
	}
	functions->list[functions->count] =
		(struct function_work) { .node = CALLGRAPH_NONE, .package = FUNCTION_NONE };
	return &functions->list[functions->count++];
}

int function_name(struct function_work *function, const char *symbol, const char *library, const char *build_id,
		  const char *purl)
{
	struct function_verdict *verdict = &function->verdict;
	int r = text_copy(symbol, &verdict->symbol);

	r = r < 0 ? r : text_copy(library, &verdict->library);
	r = r < 0 ? r : text_copy(build_id, &verdict->build_id);
	return r < 0 ? r : text_copy(purl, &verdict->purl);
}

/* All nodes, in the graph's order: the node's number is the place in the list. */
static int add_nodes(struct functions_work *functions)
{
	const struct callgraph *graph = functions->graph;

	for (uint32_t i = 0; graph && i < graph->n_nodes; i++) {
		const struct callgraph_node *node = &graph->nodes[i];
		struct function_work *function = function_new(functions);
		int r;

		if (!function)
			return -ENOMEM;
		function->node = i;
		function->package = functions->match.packages_of[i];
		r = text_copy(node->id, &function->verdict.id);
		r = r < 0 ? r
			  : function_name(function,
					  node->symbol	     ? node->symbol
					  : node->symbol_key ? node->symbol_key
							     : node->name,
					  node->library, node->build_id, node->purl);
		if (r < 0)
			return r;
	}
	return 0;
}

static void mark_ambiguous(void *user, uint32_t node)
{
	struct functions_work *functions = user;

	functions->list[node].ambiguous = true;
}

/* What was called: its node's, or a verdict of its own. */
static int add_seen(struct functions_work *functions, uint32_t number)
{
	const struct evidence *evidence = &functions->work->evidence;
	const struct seen_function *seen = &evidence->functions.list[number];
	const struct sighting *sighting = sightings_find(&evidence->all.functions, number);
	const struct sighting *called = sightings_find(&evidence->all.callers, number);
	bool before = sightings_find(&evidence->all.before, number) != NULL;
	struct function_work *function;
	bool ambiguous = false;
	uint32_t node = CALLGRAPH_NONE;

	if (functions->graph)
		node = node_match_find(&functions->match, seen, &ambiguous);
	functions->node_of[number] = node;
	if (functions->graph)
		node_match_others(&functions->match, seen, node, mark_ambiguous, functions);
	if (node != CALLGRAPH_NONE) {
		/* A caller ran, whether its own entry is probed or not. */
		if (called)
			sighting_merge(&functions->list[node].verdict.seen, called);
		if (sighting)
			sighting_merge(&functions->list[node].verdict.seen, sighting);
		functions->list[node].before = functions->list[node].before || before;
		if (functions->list[node].package == FUNCTION_NONE)
			functions->list[node].package = seen->package;
		return 0;
	}
	if (!sighting && !before)
		return 0;
	functions->lacks =
		functions->lacks || (functions->graph && !ambiguous && functions_file_known(functions, seen));
	function = function_new(functions);
	if (!function)
		return -ENOMEM;
	function->package = seen->package;
	function->before = before;
	if (sighting)
		function->verdict.seen = *sighting;
	return function_name(function, seen->symbol, seen->library, seen->build_id, seen->purl);
}

static enum lattice static_state(const struct functions_work *functions, uint32_t node)
{
	if (node == CALLGRAPH_NONE || functions->graph->n_entries == 0)
		return LATTICE_U;
	if (functions->static_paths.previous[node] != CALLGRAPH_NONE)
		return LATTICE_SR;
	/* Of what ran against its word the graph does not know where it leads. */
	if (functions->reached[node] && !functions->hit[node])
		return LATTICE_U;
	return functions->knows_unreachable ? LATTICE_SU : LATTICE_U;
}

static int add_path(const struct functions_work *functions, struct function_work *function)
{
	const struct callgraph_paths *paths = &functions->paths;
	struct function_verdict *verdict = &function->verdict;
	uint32_t node = function->node;

	if (paths->previous[node] == CALLGRAPH_NONE)
		return 0;
	verdict->n_path = (size_t)paths->length[node] + 1;
	verdict->path = calloc(verdict->n_path, sizeof(*verdict->path));
	if (!verdict->path)
		return -ENOMEM;
	for (size_t i = verdict->n_path; i > 0; i--) {
		verdict->path[i - 1] = (char *)functions->graph->nodes[node].id;
		node = paths->previous[node];
	}
	return 0;
}

static int judge(struct functions_work *functions, struct function_work *function)
{
	struct function_verdict *verdict = &function->verdict;
	enum lattice known = static_state(functions, function->node), seen = LATTICE_U;
	struct reasons reasons = { 0 };
	struct score score;
	int r = 0;

	if (verdict->seen.count > 0)
		seen = LATTICE_RO;
	else
		r = function_reasons(functions, function, &reasons);
	verdict->answer = seen == LATTICE_RO ? ANSWER_OBSERVED : reasons_answer(&reasons);
	if (verdict->answer == ANSWER_NOT_OBSERVED)
		seen = LATTICE_RU;
	verdict->state = lattice_join(known, seen);
	if (r == 0 && verdict->state == LATTICE_X)
		r = reasons_add(&reasons, false, "the call graph says that %s",
				seen == LATTICE_RO ? "nothing leads to it, but it ran"
						   : "something leads to it, but it was not called");
	if (r == 0 && known == LATTICE_U && function->node != CALLGRAPH_NONE && verdict->seen.count == 0 &&
	    functions->static_paths.previous[function->node] == CALLGRAPH_NONE &&
	    functions->reached[function->node])
		r = reasons_add(&reasons, false,
				"the call graph does not lead to it, but what ran against its word may");
	reasons_finish(&reasons);
	verdict->reasons = reasons.list;
	verdict->n_reasons = reasons.count;
	if (r < 0)
		return r;
	if (function->node == CALLGRAPH_NONE)
		return 0;
	score = score_of(functions->graph, &functions->paths, functions->hit, function->node);
	verdict->bucket = score.bucket;
	verdict->confidence_ppm = score.confidence_ppm;
	verdict->weight_ppm = score.weight_ppm;
	verdict->score_ppm = score.score_ppm;
	return add_path(functions, function);
}

static int text_order(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

/* Nodes by id, then the others. */
static int by_name(const void *a, const void *b)
{
	const struct function_verdict *x = &((const struct function_work *)a)->verdict;
	const struct function_verdict *y = &((const struct function_work *)b)->verdict;
	int order = !x->id - !y->id;

	order = order ? order : text_order(x->id, y->id);
	order = order ? order : text_order(x->library, y->library);
	order = order ? order : text_order(x->symbol, y->symbol);
	order = order ? order : text_order(x->build_id, y->build_id);
	return order ? order : text_order(x->purl, y->purl);
}

static int finish(struct functions_work *functions)
{
	struct merge_result *result = functions->work->result;

	result->functions = calloc(functions->count + 1, sizeof(*result->functions));
	functions->work->function_packages = calloc(functions->count + 1, sizeof(uint32_t));
	if (!result->functions || !functions->work->function_packages)
		return -ENOMEM;
	if (functions->count > 0)
		qsort(functions->list, functions->count, sizeof(*functions->list), by_name);
	for (size_t i = 0; i < functions->count; i++) {
		result->functions[i] = functions->list[i].verdict;
		functions->work->function_packages[i] = functions->list[i].package;
	}
	result->n_functions = functions->count;
	functions->count = 0;
	return 0;
}

static void work_done(struct functions_work *functions)
{
	struct merge_result rest = { 0 };

	/* What did not get into the result. */
	rest.functions = calloc(functions->count + 1, sizeof(*rest.functions));
	for (size_t i = 0; rest.functions && i < functions->count; i++)
		rest.functions[rest.n_functions++] = functions->list[i].verdict;
	merge_result_done(&rest);
	node_match_done(&functions->match);
	callgraph_paths_done(&functions->static_paths);
	callgraph_paths_done(&functions->paths);
	graph_union_done(&functions->united);
	hashes_done(&functions->files);
	free(functions->hit);
	free(functions->reached);
	free(functions->node_of);
	free(functions->list);
}

static int add_all(struct functions_work *functions)
{
	const struct function_table *table = &functions->work->evidence.functions;
	int r;

	functions->node_of = calloc(table->count + 1, sizeof(*functions->node_of));
	if (!functions->node_of)
		return -ENOMEM;
	r = functions->graph
		    ? node_match_init(&functions->match, functions->graph, functions->work->result->packages)
		    : 0;
	r = r < 0 || !functions->graph ? r : functions_files_init(functions);
	r = r < 0 ? r : add_nodes(functions);
	for (uint32_t i = 0; i < table->count && r == 0; i++)
		r = add_seen(functions, i);
	r = r < 0 ? r : functions_of_map(functions);
	return r < 0 || !functions->graph ? r : functions_graph(functions);
}

int merge_functions(struct merge_work *work)
{
	struct functions_work functions = { .work = work, .graph = work->inputs->graph };
	int r = add_all(&functions);

	for (size_t i = 0; i < functions.count && r == 0; i++)
		r = judge(&functions, &functions.list[i]);
	r = r < 0 ? r : finish(&functions);
	work_done(&functions);
	return r;
}
