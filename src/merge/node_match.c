/* SPDX-License-Identifier: Apache-2.0 */

/* Joins run time with the graph. Promises: of several nodes that would do equally well none is taken. */

#include "merge/node_match.h"

#include <errno.h>
#include <stdlib.h>

bool library_means(const char *library, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t len = strlen(library);

	if (library[0] == '/' || len == 0)
		return strcmp(library, path) == 0;
	return strncmp(base, library, len) == 0 && (base[len] == '\0' || base[len] == '.');
}

static int by_text(const void *a, const void *b)
{
	const struct node_name *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order ? order : (x->node > y->node) - (x->node < y->node);
}

static void name_add(struct node_match *match, const char *text, uint32_t node)
{
	if (text)
		match->names[match->n_names++] = (struct node_name) { text, node };
}

int node_match_init(struct node_match *match, const struct callgraph *graph, const struct package_set *packages)
{
	*match = (struct node_match) { .graph = graph, .packages = packages };
	match->names = calloc(2 * graph->n_nodes + 1, sizeof(*match->names));
	match->packages_of = calloc(graph->n_nodes + 1, sizeof(*match->packages_of));
	if (!match->names || !match->packages_of)
		return -ENOMEM;
	for (uint32_t i = 0; i < graph->n_nodes; i++) {
		const struct callgraph_node *node = &graph->nodes[i];

		match->packages_of[i] = FUNCTION_NONE;
		if (node->purl && packages &&
		    package_set_find_purl(packages, str_of(node->purl), &match->packages_of[i]) < 0)
			match->packages_of[i] = FUNCTION_NONE;
		if (node->symbol) {
			name_add(match, node->symbol, i);
			continue;
		}
		name_add(match, node->symbol_key, i);
		if (!node->symbol_key || !node->name || strcmp(node->symbol_key, node->name) != 0)
			name_add(match, node->name, i);
	}
	if (match->n_names > 0)
		qsort(match->names, match->n_names, sizeof(*match->names), by_text);
	return 0;
}

void node_match_done(struct node_match *match)
{
	free(match->names);
	free(match->packages_of);
	*match = (struct node_match) { 0 };
}

static size_t first_of(const struct node_match *match, const char *symbol)
{
	size_t low = 0, high = match->n_names;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(match->names[middle].text, symbol) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#define OTHER_FILE -1
#define OTHER_PACKAGE \
	-2 /* the file agrees, and the package is called something else: a typing error, or another file */

/* How much of what the node says of its file agrees; below 0: something contradicts. */
static int agreement(const struct node_match *match, uint32_t index, const struct seen_function *function)
{
	const struct callgraph_node *node = &match->graph->nodes[index];
	uint32_t package = match->packages_of[index];
	int agreed = 0;

	if (node->build_id) {
		if (!function->build_id || strcmp(node->build_id, function->build_id) != 0)
			return OTHER_FILE;
		agreed += 4;
	}
	if (node->library) {
		if (!function->library || !library_means(node->library, function->library))
			return OTHER_FILE;
		agreed += 2;
	}
	if (node->purl && function->purl && strcmp(node->purl, function->purl) == 0)
		return agreed + 1;
	if (package != FUNCTION_NONE && function->package != FUNCTION_NONE) {
		if (package == function->package)
			return agreed + 1;
	} else if (!node->purl || !function->purl) {
		return agreed;
	}
	return agreed > 0 ? OTHER_PACKAGE : OTHER_FILE;
}

uint32_t node_match_find(const struct node_match *match, const struct seen_function *function,
			 bool *ret_ambiguous)
{
	uint32_t found = CALLGRAPH_NONE;
	bool doubt = false;
	int most = 0;

	*ret_ambiguous = false;
	for (size_t i = first_of(match, function->symbol);
	     i < match->n_names && strcmp(match->names[i].text, function->symbol) == 0; i++) {
		int agreed = agreement(match, match->names[i].node, function);

		doubt = doubt || agreed == OTHER_PACKAGE;
		if (agreed <= 0 || agreed < most)
			continue;
		*ret_ambiguous = agreed == most;
		most = agreed;
		found = match->names[i].node;
	}
	if (found == CALLGRAPH_NONE)
		*ret_ambiguous = doubt;
	return *ret_ambiguous ? CALLGRAPH_NONE : found;
}

/* Nothing says that they lie in different files. A purl alone does not: one may be written in several ways. */
static bool may_be(const struct node_match *match, uint32_t index, const struct seen_function *function)
{
	const struct callgraph_node *node = &match->graph->nodes[index];
	uint32_t package = match->packages_of[index];

	if (node->build_id && function->build_id)
		return strcmp(node->build_id, function->build_id) == 0;
	if (node->library && function->library)
		return library_means(node->library, function->library);
	return package == FUNCTION_NONE || function->package == FUNCTION_NONE || package == function->package;
}

void node_match_others(const struct node_match *match, const struct seen_function *function, uint32_t found,
		       void (*visit)(void *user, uint32_t node), void *user)
{
	for (size_t i = first_of(match, function->symbol);
	     i < match->n_names && strcmp(match->names[i].text, function->symbol) == 0; i++) {
		uint32_t node = match->names[i].node;

		if (node != found && may_be(match, node, function) &&
		    (found == CALLGRAPH_NONE || agreement(match, node, function) >= 0))
			visit(user, node);
	}
}
