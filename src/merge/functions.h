/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files that judge functions share. Nobody else includes this. */

#include "merge/merge.h"
#include "merge/node_match.h"
#include "merge/score.h"

struct function_work {
	struct function_verdict verdict;
	uint32_t node, package; /* CALLGRAPH_NONE, FUNCTION_NONE = none, not known */
	bool ambiguous; /* calls were seen that may be its, or another's */
	bool before; /* it was called in what is older than the window */
};

struct functions_work {
	struct merge_work *work;
	const struct callgraph *graph; /* NULL = none */
	struct node_match match;
	uint32_t *node_of; /* by number in the table of seen functions */
	struct function_work *list; /* the graph's nodes first, in their order */
	size_t count, room;

	struct hashes files; /* that nodes are in: libraries, build ids, packages */
	struct callgraph_paths static_paths, paths; /* of the graph; of graph and run time together */
	bool knows_unreachable;
	uint8_t *hit; /* by node */
	uint8_t *
		reached; /* by node: it may run, for an entry point or a node that ran leads to it, as was seen or as the graph says */
	bool lacks; /* a function ran that the graph does not have, in a file of which it has others */
	struct graph_union united;
};

struct function_work *function_new(struct functions_work *functions);
int function_name(struct function_work *function, const char *symbol, const char *library, const char *build_id,
		  const char *purl);
/* Functions of the map that are neither a node nor were called. */
int functions_of_map(struct functions_work *functions);
/* Does the graph have functions of the file of this one? */
int functions_files_init(struct functions_work *functions);
bool functions_file_known(const struct functions_work *functions, const struct seen_function *seen);
/* Union, paths and hits; takes the edges and facts into the result. */
int functions_graph(struct functions_work *functions);
/* Adds `other` to it, in whatever order. */
void sighting_merge(struct sighting *sighting, const struct sighting *other);
/* Why a function that was not called may have been. */
int function_reasons(const struct functions_work *functions, const struct function_work *function,
		     struct reasons *reasons);
