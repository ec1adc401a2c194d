/* SPDX-License-Identifier: Apache-2.0 */

/* Static graph and run time: the six numbers, what counts as seen, scores; and which node a called function is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "merge/node_match.h"
#include "merge/score.h"
#include "merge/union.h"

#define DAY UINT64_C(86400000000000)
#define GOLDEN "tests/golden/merge/callgraph.json"

static struct callgraph *golden(void)
{
	struct callgraph *graph = NULL;
	struct diag diag = { 0 };

	if (callgraph_load(GOLDEN, &diag, &graph) < 0)
		fail_msg("%s", diag.text);
	return graph;
}

static struct observed_edge edge(const struct callgraph *graph, const char *source, const char *target,
				 uint64_t count, uint64_t last_wall_ns)
{
	struct observed_edge observed = { callgraph_find(graph, source), callgraph_find(graph, target), { 0 } };

	observed.seen.count = count;
	observed.seen.last.wall_ns = last_wall_ns;
	return observed;
}

static void six_numbers(void **state)
{
	struct callgraph *graph = golden();
	struct union_options options = UNION_OPTIONS_DEFAULT;
	/* In order of node: a, b, c, d, dead, main. */
	struct observed_edge observed[] = {
		edge(graph, "a", "c", 5, 100 * DAY), /* static */
		edge(graph, "a", "d", 2, 100 * DAY), /* run time only */
		edge(graph, "b", "c", 9, 92 * DAY), /* too long ago */
		edge(graph, "main", "a", 1, 93 * DAY), /* static, just young enough */
	};
	struct graph_union united;

	(void)state;
	options.end_wall_ns = 100 * DAY;
	assert_int_equal(graph_union_make(graph, observed, 4, &options, &united), 0);
	assert_int_equal(united.facts.static_edges, 6);
	assert_int_equal(united.facts.runtime_events, 8);
	assert_int_equal(united.facts.matched_edges, 2);
	assert_int_equal(united.facts.runtime_only_edges, 1);
	assert_int_equal(united.facts.unmatched_static_edges, 4);
	assert_int_equal(united.facts.coverage_ppm, 333333);
	assert_int_equal(united.n_edges, 3);
	assert_string_equal(united.edges[0].source, "a");
	assert_int_equal(united.edges[0].confidence_ppm, 1000000);
	assert_true(united.edges[0].is_static);
	assert_int_equal(united.edges[1].confidence_ppm, 900000);
	assert_false(united.edges[1].is_static);
	assert_int_equal(united.n_runtime_only, 1);
	graph_union_done(&united);

	options.min_count = 3;
	options.freshness_ns = 8 * DAY;
	assert_int_equal(graph_union_make(graph, observed, 4, &options, &united), 0);
	assert_int_equal(united.facts.matched_edges, 2);
	assert_int_equal(united.facts.runtime_only_edges, 0);
	assert_int_equal(united.facts.runtime_events, 14);
	graph_union_done(&united);

	graph->n_edges = 0;
	assert_int_equal(graph_union_make(graph, NULL, 0, &options, &united), 0);
	assert_int_equal(united.facts.coverage_ppm, 0);
	graph_union_done(&united);
	callgraph_free(graph);
}

static void scores(void **state)
{
	static const struct {
		const char *node, *hit;
		enum bucket bucket;
		unsigned int confidence, weight, score;
	} rows[] = {
		{ "main", NULL, BUCKET_ENTRYPOINT, 750000, 1000000, 750000 },
		{ "main", "main", BUCKET_ENTRYPOINT, 900000, 1000000, 900000 },
		{ "a", NULL, BUCKET_DIRECT, 750000, 850000, 637500 },
		{ "c", NULL, BUCKET_DIRECT, 750000, 850000, 637500 },
		{ "d", NULL, BUCKET_UNKNOWN, 750000, 500000, 375000 },
		{ "d", "d", BUCKET_RUNTIME, 900000, 450000, 405000 },
		/* A hit on the way is one; beside it, none. */
		{ "d", "a", BUCKET_RUNTIME, 900000, 450000, 405000 },
		{ "d", "b", BUCKET_UNKNOWN, 750000, 500000, 375000 },
		{ "dead", NULL, BUCKET_UNREACHABLE, 250000, 0, 0 },
		{ "dead", "dead", BUCKET_UNREACHABLE, 400000, 0, 0 },
	};
	struct callgraph *graph = golden();
	struct callgraph_paths paths;

	(void)state;
	assert_int_equal(callgraph_paths_find(graph, true, NULL, 0, &paths), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t hit[7] = { 0 };
		struct score score;

		if (rows[i].hit)
			hit[callgraph_find(graph, rows[i].hit)] = 1;
		score = score_of(graph, &paths, hit, callgraph_find(graph, rows[i].node));
		print_message("row %zu\n", i);
		assert_int_equal(score.bucket, rows[i].bucket);
		assert_int_equal(score.confidence_ppm, rows[i].confidence);
		assert_int_equal(score.weight_ppm, rows[i].weight);
		assert_int_equal(score.score_ppm, rows[i].score);
	}
	callgraph_paths_done(&paths);
	callgraph_free(graph);
}

static struct callgraph_node node(const char *id, const char *name, const char *library, const char *build_id,
				  const char *purl)
{
	return (struct callgraph_node) {
		.id = id, .name = name, .library = library, .build_id = build_id, .purl = purl
	};
}

static void which_node(void **state)
{
	struct callgraph_node nodes[] = {
		node("0", "inflate", "libz.so.1", NULL, NULL),
		node("1", "inflate", "libz.so.1", "aa", NULL),
		node("2", "main", NULL, NULL, NULL),
		node("3", "twice", "libtwo.so", NULL, NULL),
		node("4", "twice", "libtwo.so", NULL, NULL),
		node("5", "by_purl", NULL, NULL, "pkg:deb/debian/x@1"),
		node("6", "crc32", "libz.so.1", NULL, "pkg:deb/debian/zlib"),
		node("7", "adler32", "libz.so.1", NULL, "pkg:deb/debian/zlib"),
		node("8", "adler32", "libz.so.1", NULL, "pkg:deb/debian/zlib1g"),
	};
	static const struct {
		const char *symbol, *library, *build_id, *purl;
		uint32_t node;
		bool ambiguous;
	} rows[] = {
		{ "inflate", "/usr/lib/libz.so.1.2.13", NULL, NULL, 0, false },
		{ "inflate", "/usr/lib/libz.so.1.2.13", "aa", NULL, 1, false },
		{ "inflate", "/usr/lib/libz.so.1.2.13", "bb", NULL, 0, false },
		{ "inflate", "/usr/lib/libz.so.11", NULL, NULL, CALLGRAPH_NONE, false },
		{ "inflate", "/usr/lib/mylibz.so.1", NULL, NULL, CALLGRAPH_NONE, false },
		{ "main", "/usr/bin/ls", NULL, NULL, CALLGRAPH_NONE, false },
		{ "twice", "/lib/libtwo.so", NULL, NULL, CALLGRAPH_NONE, true },
		{ "by_purl", "/lib/x", NULL, "pkg:deb/debian/x@1", 5, false },
		{ "by_purl", "/lib/x", NULL, "pkg:deb/debian/x@2", CALLGRAPH_NONE, false },
		{ "by_purl", "/lib/x", NULL, NULL, CALLGRAPH_NONE, false },
		{ "nobody", "/lib/x", NULL, NULL, CALLGRAPH_NONE, false },
		/* The same file under another package's name is no other file. */
		{ "crc32", "/usr/lib/libz.so.1.2.13", NULL, "pkg:deb/debian/zlib1g", CALLGRAPH_NONE, true },
		{ "crc32", "/usr/lib/libz.so.2", NULL, "pkg:deb/debian/zlib1g", CALLGRAPH_NONE, false },
		{ "crc32", "/usr/lib/libz.so.1.2.13", NULL, NULL, 6, false },
		{ "adler32", "/usr/lib/libz.so.1.2.13", NULL, "pkg:deb/debian/zlib1g", 8, false },
	};
	struct callgraph graph = { .nodes = nodes, .n_nodes = ARRAY_LEN(nodes) };
	struct node_match match;

	(void)state;
	assert_int_equal(node_match_init(&match, &graph, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct seen_function seen = { .symbol = (char *)rows[i].symbol,
					      .library = (char *)rows[i].library,
					      .build_id = (char *)rows[i].build_id,
					      .purl = (char *)rows[i].purl,
					      .package = FUNCTION_NONE };
		bool ambiguous;

		print_message("row %zu\n", i);
		assert_int_equal(node_match_find(&match, &seen, &ambiguous), rows[i].node);
		assert_int_equal(ambiguous, rows[i].ambiguous);
	}
	node_match_done(&match);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(six_numbers),
		cmocka_unit_test(scores),
		cmocka_unit_test(which_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
