/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A static call graph, stella.callgraph.v1 (docs/merge.md): functions, who calls whom, and where it all begins. The document's graphHash is
 * checked, so that a verdict names the graph it was made from.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/str.h"
#include "crypto/digest.h"

#define CALLGRAPH_SCHEMA "stella.callgraph.v1"
#define CALLGRAPH_FILE_MAX (512u << 20)
#define CALLGRAPH_NODES_MAX 1000000
#define CALLGRAPH_EDGES_MAX 1000000 /* candidates of unresolved calls included */
#define CALLGRAPH_TEXT_MAX 4096 /* bytes of one id or name */
#define CALLGRAPH_NONE UINT32_MAX

/* Strings live with the graph; NULL = not said. */
struct callgraph_node {
	const char *id, *name, *kind, *namespace_, *symbol_key;
	/* attributes that say which file of the machine's holds it: what joins it with run time. */
	const char *symbol, *library, *build_id, *purl;
	bool entry; /* among the entry points */
	bool candidate; /* isEntrypointCandidate */
};

enum callgraph_edge_kind { EDGE_STATIC, EDGE_HEURISTIC, EDGE_RUNTIME };

struct callgraph_edge {
	uint32_t source, target; /* indices of nodes */
	uint32_t weight_ppm; /* what the graph gives; 1 when it gives none */
	uint8_t kind; /* enum callgraph_edge_kind */
};

struct callgraph {
	struct callgraph_node *nodes; /* by id */
	size_t n_nodes;
	struct callgraph_edge *edges; /* by source, then target; each pair once */
	size_t n_edges;
	size_t n_entries;
	uint64_t
		unresolved; /* calls that may lead anywhere: no target, and no candidate, or one that is no node */
	uint8_t *open_end; /* by node: it makes such a call */
	struct digest hash; /* graphHash */
	char *language; /* metadata.language; NULL = not said */
	char *texts; /* owns the strings */
};

/*
 * -EBADMSG with a line: what is not JSON, has another schema, lacks a member, names an unknown node, has two nodes of one id, or whose
 * graphHash is another. -E2BIG beyond the limits above.
 */
int callgraph_load(const char *path, struct diag *diag, struct callgraph **ret_graph);
int callgraph_parse(struct str text, const char *name, struct diag *diag, struct callgraph **ret_graph);
void callgraph_free(struct callgraph *graph);
DEFINE_FREEP(callgraph, callgraph_free)

/* Index of the node with this id, or CALLGRAPH_NONE. */
uint32_t callgraph_find(const struct callgraph *graph, const char *id);

/* Shortest paths from the entry points, the first in order of ids among equals. */
struct callgraph_paths {
	uint32_t *previous; /* by node: the one before it, itself for an entry point, CALLGRAPH_NONE: no path */
	uint32_t *length; /* by node: edges from an entry point */
};

/*
 * Over the graph's own edges (with `observed` also those of kind EDGE_RUNTIME) and `more` (sorted as they are, may be none).
 * -ENOMEM.
 */
int callgraph_paths_find(const struct callgraph *graph, bool observed, const struct callgraph_edge *more,
			 size_t n_more, struct callgraph_paths *ret_paths);
/*
 * Which nodes may run: those behind the entry points, and behind the nodes in `roots`, which ran, over all edges that were ever seen.
 * The graph is not right about what it says nothing leads to. -ENOMEM; the list is the caller's to free.
 */
int callgraph_reached(const struct callgraph *graph, const struct callgraph_edge *more, size_t n_more,
		      const uint8_t *roots, uint8_t **ret_reached);
void callgraph_paths_done(struct callgraph_paths *paths);
/*
 * Is what has no path unreachable? False when nothing is an entry point, or when what is reached makes calls that may lead
 * anywhere.
 */
bool callgraph_knows_unreachable(const struct callgraph *graph, const struct callgraph_paths *paths);
