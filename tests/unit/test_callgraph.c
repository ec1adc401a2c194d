/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Call graphs: what is read, what is refused, and the shortest paths. The golden one was hashed by another
 * implementation of RFC 8785 (Python's json, whose text of 1e-7 was put right by hand).
 */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "format/jsontext.h"
#include "merge/callgraph.h"

#define GOLDEN "tests/golden/merge/callgraph.json"

static int parse(const char *text, struct diag *diag, struct callgraph **ret_graph)
{
	return callgraph_parse(str_of(text), "graph", diag, ret_graph);
}

/* The members of a document, and a graphHash that is right. */
static int parse_hashed(const char *members, struct diag *diag, struct callgraph **ret_graph)
{
	struct buf text = BUF_MAX(64u << 20);
	struct digest digest = { 0 };
	char hex[DIGEST_TEXT_LEN + 1];
	const char *why;
	int r;

	assert_int_equal(buf_printf(&text, "{\"schema\":\"stella.callgraph.v1\",%s}", members), 0);
	if (jsontext_canonical_digest(buf_str(&text), NULL, &digest, &why) < 0)
		memset(&digest, 0, sizeof(digest));
	digest_hex(&digest, hex);
	text.len--;
	assert_int_equal(buf_printf(&text, ",\"graphHash\":\"%s\"}", hex), 0);
	r = parse(buf_cstr(&text), diag, ret_graph);
	buf_done(&text);
	return r;
}

static void golden(void **state)
{
	struct callgraph *graph = NULL;
	struct callgraph_paths paths;
	struct diag diag = { 0 };
	uint32_t main_node, c, d, dead;
	size_t leaving = 0;

	(void)state;
	if (callgraph_load(GOLDEN, &diag, &graph) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(graph->n_nodes, 7);
	/* c -> d is there twice and one edge, dead -> d is a candidate's, "elsewhere" is nobody: so it may lead anywhere. */
	assert_int_equal(graph->n_edges, 6);
	assert_int_equal(graph->unresolved, 1);
	assert_int_equal(graph->n_entries, 1);
	assert_string_equal(graph->language, "c");
	main_node = callgraph_find(graph, "main");
	c = callgraph_find(graph, "c");
	d = callgraph_find(graph, "d");
	dead = callgraph_find(graph, "dead");
	assert_true(graph->nodes[main_node].entry);
	assert_string_equal(graph->nodes[callgraph_find(graph, "a")].purl, "pkg:deb/debian/demo@1");
	assert_string_equal(graph->nodes[dead].symbol_key, "demo_unused");
	assert_null(graph->nodes[main_node].library);
	assert_int_equal(callgraph_find(graph, "nobody"), CALLGRAPH_NONE);
	for (size_t i = 0; i < graph->n_edges; i++) {
		assert_int_not_equal(graph->edges[i].source, d);
		if (graph->edges[i].source != c)
			continue;
		leaving++;
		assert_int_equal(graph->edges[i].target, d);
		assert_int_equal(graph->edges[i].kind, EDGE_STATIC);
		assert_int_equal(graph->edges[i].weight_ppm, 750000);
	}
	assert_int_equal(leaving, 1);

	assert_int_equal(callgraph_paths_find(graph, true, NULL, 0, &paths), 0);
	assert_int_equal(paths.length[d], 3);
	assert_int_equal(paths.previous[d], c);
	/* a and b are as short: a comes first. */
	assert_int_equal(paths.previous[c], callgraph_find(graph, "a"));
	assert_int_equal(paths.previous[main_node], main_node);
	assert_int_equal(paths.previous[dead], CALLGRAPH_NONE);
	assert_true(callgraph_knows_unreachable(graph, &paths));
	callgraph_paths_done(&paths);
	callgraph_free(graph);
}

#define NODES "\"nodes\":[{\"id\":\"m\"},{\"id\":\"n\"},{\"id\":\"o\"}],"

static void edges_of_run_time(void **state)
{
	struct callgraph_edge more[] = { { 1, 2, 900000, EDGE_RUNTIME } };
	struct callgraph_paths paths;
	struct callgraph *graph = NULL;

	(void)state;
	assert_int_equal(
		parse_hashed(NODES "\"edges\":[{\"sourceId\":\"m\",\"targetId\":\"n\",\"kind\":\"runtime\"}],"
				   "\"entrypoints\":[\"m\"]",
			     NULL, &graph),
		0);
	assert_int_equal(callgraph_paths_find(graph, false, NULL, 0, &paths), 0);
	assert_int_equal(paths.previous[1], CALLGRAPH_NONE);
	callgraph_paths_done(&paths);
	assert_int_equal(callgraph_paths_find(graph, true, more, 1, &paths), 0);
	assert_int_equal(paths.previous[1], 0);
	assert_int_equal(paths.previous[2], 1);
	assert_int_equal(paths.length[2], 2);
	callgraph_paths_done(&paths);
	callgraph_free(graph);
}

/* A call that may lead anywhere: nothing is unreachable any more, but only if the call itself is reached. */
static void unresolved_calls(void **state)
{
	static const struct {
		const char *source;
		bool knows;
	} rows[] = { { "m", false }, { "o", true } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct callgraph_paths paths;
		struct callgraph *graph = NULL;
		char text[512];

		snprintf(text, sizeof(text),
			 NODES "\"edges\":[{\"sourceId\":\"%s\",\"isResolved\":false,\"targetId\":null}],"
			       "\"entrypoints\":[\"m\"]",
			 rows[i].source);
		assert_int_equal(parse_hashed(text, NULL, &graph), 0);
		assert_int_equal(graph->unresolved, 1);
		assert_int_equal(callgraph_paths_find(graph, false, NULL, 0, &paths), 0);
		assert_int_equal(callgraph_knows_unreachable(graph, &paths), rows[i].knows);
		callgraph_paths_done(&paths);
		callgraph_free(graph);
	}
}

static void no_entry_points(void **state)
{
	struct callgraph_paths paths;
	struct callgraph *graph = NULL;

	(void)state;
	assert_int_equal(parse_hashed("\"nodes\":[{\"id\":\"m\"}],\"edges\":[]", NULL, &graph), 0);
	assert_int_equal(graph->n_entries, 0);
	assert_int_equal(callgraph_paths_find(graph, false, NULL, 0, &paths), 0);
	assert_false(callgraph_knows_unreachable(graph, &paths));
	callgraph_paths_done(&paths);
	callgraph_free(graph);
	graph = NULL;
	assert_int_equal(parse_hashed("\"nodes\":[{\"id\":\"m\",\"isEntrypointCandidate\":true}],\"edges\":[]",
				      NULL, &graph),
			 0);
	assert_int_equal(graph->n_entries, 1);
	callgraph_free(graph);
}

static void refused(void **state)
{
	static const struct {
		const char *members, *line;
	} rows[] = {
		{ "\"nodes\":[]", "graph: edges is missing" },
		{ "\"edges\":[]", "graph: nodes is missing" },
		{ "\"nodes\":{},\"edges\":[]", "graph: nodes must be a list, and stand there once" },
		{ "\"nodes\":[1],\"edges\":[]", "graph: nodes[0] must be an object" },
		{ "\"nodes\":[{\"name\":\"x\"}],\"edges\":[]", "graph: nodes[0]: id is missing" },
		{ "\"nodes\":[{\"id\":7}],\"edges\":[]",
		  "graph: nodes[0]: id must be a string of at most 4096 bytes" },
		{ "\"nodes\":[{\"id\":\"a\\u0000b\"}],\"edges\":[]",
		  "graph: nodes[0]: id must be a string of at most 4096 bytes without NUL" },
		{ "\"nodes\":[{\"id\":\"a\"},{\"id\":\"a\"}],\"edges\":[]", "graph: two nodes have the id a" },
		{ NODES "\"edges\":[{\"targetId\":\"m\"}]", "graph: edges[0]: sourceId is missing" },
		{ NODES "\"edges\":[{\"sourceId\":\"m\"}]", "graph: edges[0]: targetId is missing" },
		{ NODES "\"edges\":[{\"sourceId\":\"m\",\"targetId\":\"z\"}]",
		  "graph: edges[0]: there is no node z" },
		{ NODES "\"edges\":[{\"sourceId\":\"m\",\"targetId\":\"n\",\"weight\":1.5}]",
		  "graph: edges[0]: weight must be a number from 0 to 1" },
		{ NODES "\"edges\":[{\"sourceId\":\"m\",\"targetId\":\"n\",\"kind\":\"guess\"}]",
		  "graph: edges[0]: kind must be static, heuristic or runtime" },
		{ NODES "\"edges\":[],\"entrypoints\":[\"z\"]", "graph: entrypoints[0]: there is no node z" },
		{ NODES "\"edges\":[],\"entrypoints\":[7]",
		  "graph: entrypoints[0] must be a node's id, or an object with nodeId" },
		{ "\"nodes\":[{\"id\":\"a\",\"id\":\"b\"}],\"edges\":[]",
		  "graph: it has no canonical form to be hashed: an object with a key twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct callgraph *graph = NULL;
		struct diag diag = { 0 };

		assert_int_equal(parse_hashed(rows[i].members, &diag, &graph), -EBADMSG);
		assert_string_equal(diag.text, rows[i].line);
		assert_int_equal(diag.code, EXIT_UNSOUND);
	}
}

/* One byte of the document changed: the hash no longer fits, and nothing else is believed. */
static void another_document(void **state)
{
	struct buf text = BUF_MAX(1u << 20);
	struct callgraph *graph = NULL;
	struct diag diag = { 0 };
	char *at;

	(void)state;
	assert_int_equal(file_read_at(AT_FDCWD, GOLDEN, &text, NULL), 0);
	at = strstr(buf_cstr(&text), "\"unused\"");
	at[1] = 'U';
	assert_int_equal(parse(text.data, &diag, &graph), -EBADMSG);
	assert_non_null(strstr(diag.text, "graphHash names another document"));
	buf_done(&text);
	assert_int_equal(parse("{\"schema\":\"stella.callgraph.v1\",\"nodes\":[],\"edges\":[]}", NULL, &graph),
			 -EBADMSG);
	assert_int_equal(parse("{\"schema\":\"stella.callgraph.v2\"}", NULL, &graph), -EBADMSG);
	assert_int_equal(parse("[]", NULL, &graph), -EBADMSG);
	assert_int_equal(parse("", NULL, &graph), -EBADMSG);
}

/* As many edges as are allowed, and one more. */
static void limits(void **state)
{
	struct buf members = BUF_MAX(64u << 20);
	struct callgraph *graph = NULL;
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(buf_printf(&members, "\"nodes\":["), 0);
	for (int i = 0; i <= 1000; i++)
		assert_int_equal(buf_printf(&members, "%s{\"id\":\"%04d\"}", i ? "," : "", i), 0);
	assert_int_equal(buf_printf(&members, "],\"edges\":["), 0);
	for (int i = 0; i < CALLGRAPH_EDGES_MAX; i++)
		assert_int_equal(buf_printf(&members, "%s{\"sourceId\":\"%04d\",\"targetId\":\"%04d\"}",
					    i ? "," : "", i / 1000, i % 1000),
				 0);
	assert_int_equal(buf_printf(&members, "]"), 0);
	assert_int_equal(parse_hashed(buf_cstr(&members), &diag, &graph), 0);
	assert_int_equal(graph->n_edges, CALLGRAPH_EDGES_MAX);
	callgraph_free(graph);
	members.len--;
	assert_int_equal(buf_printf(&members, ",{\"sourceId\":\"1000\",\"targetId\":\"0000\"}]"), 0);
	assert_int_equal(parse_hashed(buf_cstr(&members), &diag, &graph), -E2BIG);
	assert_string_equal(diag.text, "graph: more than 1000000 edges");
	buf_done(&members);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),	    cmocka_unit_test(edges_of_run_time),
		cmocka_unit_test(unresolved_calls), cmocka_unit_test(no_entry_points),
		cmocka_unit_test(refused),	    cmocka_unit_test(another_document),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
