/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files of the call graph share while it is read. Nobody else includes this. */

#include "format/jsontext.h"
#include "merge/callgraph.h"

struct graph_reader {
	struct callgraph *graph;
	const char *name;
	struct diag *diag;
	struct buf texts; /* strings one after the other; nodes hold offsets until all are there */
	struct buf scratch;
	size_t nodes_room, edges_room;
};

/* -EBADMSG with a line that begins with the file's name. */
int graph_refuse(const struct graph_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A string member into `scratch`; *ret_found false: it is not there, or null. */
int graph_text(struct graph_reader *reader, struct str object, const char *key, const char *where,
	       bool *ret_found);
/* A member that is a flag, `initial` when it is not there. */
int graph_flag(struct graph_reader *reader, struct str object, const char *key, const char *where, bool initial,
	       bool *ret_flag);

/* The edges of the document; nodes are sorted by then. */
int graph_read_edges(struct graph_reader *reader, struct str edges);
