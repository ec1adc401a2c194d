/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads a call graph. Promises: memory of a few times the document's size, whatever it holds; the same graph whatever the order of
 * its nodes and edges; the hash is that of the document as it was read. Refuses what is doubled or dangling: a
 * verdict about the wrong function is worse than none.
 */

#include "merge/callgraph.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/file.h"
#include "merge/callgraph_read.h"

void callgraph_free(struct callgraph *graph)
{
	if (!graph)
		return;
	free(graph->nodes);
	free(graph->edges);
	free(graph->open_end);
	free(graph->language);
	free(graph->texts);
	free(graph);
}

int graph_refuse(const struct graph_reader *reader, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return diag_exit(reader->diag, EXIT_UNSOUND, -EBADMSG, "%s: %s", reader->name, text);
}

int graph_text(struct graph_reader *reader, struct str object, const char *key, const char *where,
	       bool *ret_found)
{
	struct canon_value value;
	bool twice;
	int r;

	buf_clear(&reader->scratch);
	*ret_found = jsontext_find(object, key, &value, &twice);
	if (!*ret_found)
		return 0;
	if (twice)
		return graph_refuse(reader, "%s: %s stands there twice", where, key);
	if (value.type == CANON_NULL) {
		*ret_found = false;
		return 0;
	}
	if (value.type != CANON_STRING || value.raw.len > 6 * CALLGRAPH_TEXT_MAX)
		return graph_refuse(reader, "%s: %s must be a string of at most %d bytes", where, key,
				    CALLGRAPH_TEXT_MAX);
	r = jsontext_string(&value, &reader->scratch);
	if (r < 0)
		return r;
	if (reader->scratch.len > CALLGRAPH_TEXT_MAX ||
	    (reader->scratch.len > 0 && memchr(reader->scratch.data, '\0', reader->scratch.len)))
		return graph_refuse(reader, "%s: %s must be a string of at most %d bytes without NUL", where,
				    key, CALLGRAPH_TEXT_MAX);
	return 0;
}

int graph_flag(struct graph_reader *reader, struct str object, const char *key, const char *where, bool initial,
	       bool *ret_flag)
{
	struct canon_value value;

	*ret_flag = initial;
	if (!jsontext_find(object, key, &value, NULL) || value.type == CANON_NULL)
		return 0;
	if (value.type != CANON_TRUE && value.type != CANON_FALSE)
		return graph_refuse(reader, "%s: %s must be true or false", where, key);
	*ret_flag = value.type == CANON_TRUE;
	return 0;
}

/* Keeps what is in `scratch`: *field holds 1 + its offset, until the texts have their last place. */
static int keep_text(struct graph_reader *reader, const char **field)
{
	size_t offset = reader->texts.len;
	int r = buf_append(&reader->texts, reader->scratch.data, reader->scratch.len);

	r = r < 0 ? r : buf_append(&reader->texts, "", 1);
	if (r == 0)
		*field = (const char *)(uintptr_t)(offset + 1);
	return r;
}

static int read_texts(struct graph_reader *reader, struct str object, const char *where,
		      const char *const *keys, const char ***fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool found;
		int r = graph_text(reader, object, keys[i], where, &found);

		if (r == 0 && found && reader->scratch.len > 0)
			r = keep_text(reader, fields[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_node(struct graph_reader *reader, const struct canon_value *value, size_t index)
{
	struct callgraph_node *node = &reader->graph->nodes[index];
	static const char *const keys[] = { "id", "name", "kind", "namespace", "symbolKey" };
	const char **fields[] = { &node->id, &node->name, &node->kind, &node->namespace_, &node->symbol_key };
	static const char *const inner[] = { "symbol", "library", "buildId", "purl" };
	const char **inner_fields[] = { &node->symbol, &node->library, &node->build_id, &node->purl };
	struct canon_value attributes;
	char where[48];
	int r;

	snprintf(where, sizeof(where), "nodes[%zu]", index);
	if (value->type != CANON_OBJECT)
		return graph_refuse(reader, "%s must be an object", where);
	r = read_texts(reader, value->raw, where, keys, fields, ARRAY_LEN(keys));
	if (r < 0)
		return r;
	if (!node->id)
		return graph_refuse(reader, "%s: id is missing", where);
	r = graph_flag(reader, value->raw, "isEntrypointCandidate", where, false, &node->candidate);
	if (r < 0 || !jsontext_find(value->raw, "attributes", &attributes, NULL) ||
	    attributes.type == CANON_NULL)
		return r;
	if (attributes.type != CANON_OBJECT)
		return graph_refuse(reader, "%s: attributes must be an object", where);
	return read_texts(reader, attributes.raw, where, inner, inner_fields, ARRAY_LEN(inner));
}

static int by_id(const void *a, const void *b)
{
	const struct callgraph_node *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static void place(const char *texts, const char **field)
{
	if (*field)
		*field = texts + ((uintptr_t)*field - 1);
}

static int finish_nodes(struct graph_reader *reader)
{
	struct callgraph *graph = reader->graph;

	graph->texts = TAKE(reader->texts.data);
	reader->texts.len = reader->texts.capacity = 0;
	for (size_t i = 0; i < graph->n_nodes; i++) {
		struct callgraph_node *node = &graph->nodes[i];

		place(graph->texts, &node->id);
		place(graph->texts, &node->name);
		place(graph->texts, &node->kind);
		place(graph->texts, &node->namespace_);
		place(graph->texts, &node->symbol_key);
		place(graph->texts, &node->symbol);
		place(graph->texts, &node->library);
		place(graph->texts, &node->build_id);
		place(graph->texts, &node->purl);
	}
	if (graph->n_nodes > 0)
		qsort(graph->nodes, graph->n_nodes, sizeof(*graph->nodes), by_id);
	for (size_t i = 1; i < graph->n_nodes; i++) {
		if (strcmp(graph->nodes[i - 1].id, graph->nodes[i].id) == 0)
			return graph_refuse(reader, "two nodes have the id %s", graph->nodes[i].id);
	}
	graph->open_end = calloc(graph->n_nodes + 1, 1);
	return graph->open_end ? 0 : -ENOMEM;
}

static int read_nodes(struct graph_reader *reader, struct str nodes)
{
	struct callgraph *graph = reader->graph;
	struct canon_value value;
	struct str rest = nodes;
	int r;

	while (jsontext_element_next(&rest, &value)) {
		if (graph->n_nodes == CALLGRAPH_NODES_MAX)
			return diag_exit(reader->diag, EXIT_UNSOUND, -E2BIG, "%s: more than %d nodes",
					 reader->name, CALLGRAPH_NODES_MAX);
		if (graph->n_nodes == reader->nodes_room) {
			size_t room = reader->nodes_room ? 2 * reader->nodes_room : 256;
			struct callgraph_node *grown = reallocarray(graph->nodes, room, sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			graph->nodes = grown;
			reader->nodes_room = room;
		}
		graph->nodes[graph->n_nodes] = (struct callgraph_node) { 0 };
		r = read_node(reader, &value, graph->n_nodes++);
		if (r < 0)
			return r;
	}
	return finish_nodes(reader);
}

/* An id, or an object with nodeId or id. */
static int read_entry(struct graph_reader *reader, const struct canon_value *value, size_t index)
{
	char where[48];
	uint32_t node;
	bool found = true;
	int r = 0;

	snprintf(where, sizeof(where), "entrypoints[%zu]", index);
	buf_clear(&reader->scratch);
	if (value->type == CANON_OBJECT) {
		r = graph_text(reader, value->raw, "nodeId", where, &found);
		if (r == 0 && !found)
			r = graph_text(reader, value->raw, "id", where, &found);
	} else if (value->type == CANON_STRING && value->raw.len <= CALLGRAPH_TEXT_MAX) {
		r = jsontext_string(value, &reader->scratch);
	} else {
		found = false;
	}
	if (r < 0)
		return r;
	if (!found || !buf_cstr(&reader->scratch))
		return graph_refuse(reader, "%s must be a node's id, or an object with nodeId", where);
	node = callgraph_find(reader->graph, reader->scratch.data);
	if (node == CALLGRAPH_NONE)
		return graph_refuse(reader, "%s: there is no node %s", where, reader->scratch.data);
	reader->graph->nodes[node].entry = true;
	return 0;
}

/* Without any, whoever is a candidate is one. */
static int read_entries(struct graph_reader *reader, struct str entries)
{
	struct callgraph *graph = reader->graph;
	struct canon_value value;
	struct str rest = entries;
	size_t count = 0;

	while (jsontext_element_next(&rest, &value)) {
		int r = read_entry(reader, &value, count++);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < graph->n_nodes; i++) {
		if (count == 0)
			graph->nodes[i].entry = graph->nodes[i].candidate;
		graph->n_entries += graph->nodes[i].entry;
	}
	return 0;
}

static int list_of(struct graph_reader *reader, struct str document, const char *key, bool needed,
		   struct str *ret_list)
{
	struct canon_value value;
	bool twice = false;

	*ret_list = STR("[]");
	if (!jsontext_find(document, key, &value, &twice) || value.type == CANON_NULL)
		return needed ? graph_refuse(reader, "%s is missing", key) : 0;
	if (twice || value.type != CANON_ARRAY)
		return graph_refuse(reader, "%s must be a list, and stand there once", key);
	*ret_list = value.raw;
	return 0;
}

static int check_hash(struct graph_reader *reader, struct str document)
{
	char found_text[DIGEST_TEXT_LEN + 1];
	struct str said;
	const char *why;
	bool found;
	struct digest digest;
	int r;

	r = graph_text(reader, document, "schema", "the document", &found);
	if (r < 0)
		return r;
	if (!found || !str_equal(buf_str(&reader->scratch), STR(CALLGRAPH_SCHEMA)))
		return graph_refuse(reader, "its schema is not " CALLGRAPH_SCHEMA);
	r = graph_text(reader, document, "graphHash", "the document", &found);
	if (r < 0)
		return r;
	said = buf_str(&reader->scratch);
	if (said.len == DIGEST_TEXT_LEN + 7 && memcmp(said.data, "sha256:", 7) == 0)
		said = (struct str) { said.data + 7, said.len - 7 };
	found = found && digest_parse(said, &reader->graph->hash) == 0;
	r = jsontext_canonical_digest(document, "graphHash", &digest, &why);
	if (r == -EBADMSG)
		return graph_refuse(reader, "it has no canonical form to be hashed: %s", why);
	if (r < 0)
		return r;
	digest_hex(&digest, found_text);
	if (!found)
		return graph_refuse(reader,
				    "graphHash must be 64 hex digits: without it nobody can tell which graph a "
				    "verdict is made from; of this document it is %s",
				    found_text);
	if (memcmp(&digest, &reader->graph->hash, sizeof(digest)) == 0)
		return 0;
	return graph_refuse(reader, "graphHash names another document: the SHA-256 of its canonical form is %s",
			    found_text);
}

static int read_language(struct graph_reader *reader, struct str document)
{
	struct canon_value metadata;
	bool found;
	int r;

	if (!jsontext_find(document, "metadata", &metadata, NULL) || metadata.type != CANON_OBJECT)
		return 0;
	r = graph_text(reader, metadata.raw, "language", "metadata", &found);
	if (r < 0 || !found)
		return r;
	reader->graph->language = str_copy(buf_str(&reader->scratch));
	return reader->graph->language ? 0 : -ENOMEM;
}

static int read_document(struct graph_reader *reader, struct str text)
{
	struct str document, nodes, edges, entries;
	const char *why;
	size_t offset;
	int r = jsontext_check(text, &offset, &why);

	if (r < 0)
		return graph_refuse(reader, "at byte %zu: %s", offset, why);
	if (jsontext_value(text).type != CANON_OBJECT)
		return graph_refuse(reader, "it is no object");
	document = jsontext_value(text).raw;
	r = check_hash(reader, document);
	r = r < 0 ? r : list_of(reader, document, "nodes", true, &nodes);
	r = r < 0 ? r : list_of(reader, document, "edges", true, &edges);
	r = r < 0 ? r : list_of(reader, document, "entrypoints", false, &entries);
	r = r < 0 ? r : read_language(reader, document);
	r = r < 0 ? r : read_nodes(reader, nodes);
	r = r < 0 ? r : graph_read_edges(reader, edges);
	return r < 0 ? r : read_entries(reader, entries);
}

int callgraph_parse(struct str text, const char *name, struct diag *diag, struct callgraph **ret_graph)
{
	_cleanup_(callgraph_freep) struct callgraph *graph = calloc(1, sizeof(*graph));
	struct graph_reader reader = { .graph = graph,
				       .name = name,
				       .diag = diag,
				       .texts = BUF_MAX(CALLGRAPH_FILE_MAX + 1),
				       .scratch = BUF_MAX(6 * CALLGRAPH_TEXT_MAX + 1) };
	int r;

	if (!graph)
		return diag_error(diag, -ENOMEM, "%s: no memory", name);
	r = read_document(&reader, text);
	buf_done(&reader.texts);
	buf_done(&reader.scratch);
	if (r < 0)
		return diag_error(diag, r, "%s: %s", name, strerror(-r));
	*ret_graph = TAKE(graph);
	return 0;
}

int callgraph_load(const char *path, struct diag *diag, struct callgraph **ret_graph)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(CALLGRAPH_FILE_MAX);
	int r = file_read_at(AT_FDCWD, path, &text, diag);

	return r < 0 ? r : callgraph_parse(buf_str(&text), path, diag, ret_graph);
}
