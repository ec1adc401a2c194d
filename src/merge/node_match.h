/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which node of the graph is a function that a record names? The symbol must be the node's (attributes.symbol, else symbolKey or name),
 * and its file must be said by one of attributes.library, buildId or purl; none of those said may contradict. A name
 * alone is no identity: every program has a main.
 */

#include "merge/callgraph.h"
#include "merge/function_table.h"
#include "packages/package.h"

struct node_name {
	const char *text;
	uint32_t node;
};

struct node_match {
	const struct callgraph *graph;
	const struct package_set *packages;
	struct node_name *names; /* by text, then node */
	size_t n_names;
	uint32_t *
		packages_of; /* by node: index into the set, FUNCTION_NONE = its purl is nobody's, or it has none */
};

int node_match_init(struct node_match *match, const struct callgraph *graph,
		    const struct package_set *packages);
void node_match_done(struct node_match *match);
/*
 * The node, CALLGRAPH_NONE: none. *ret_ambiguous: more than one would do equally, or one has the file but another package;
 * then none, and of none of that name it may be said that it was not called.
 */
uint32_t node_match_find(const struct node_match *match, const struct seen_function *function,
			 bool *ret_ambiguous);
/* Calls with each other node than `found` that the function may be as well, as far as their files are known. */
void node_match_others(const struct node_match *match, const struct seen_function *function, uint32_t found,
		       void (*visit)(void *user, uint32_t node), void *user);
/* "libz.so.1" is the file itself, or the soname of libz.so.1.2.13; a path is a path. */
bool library_means(const char *library, const char *path);
