/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes as a call graph. graphHash cannot be guessed, so the input is what stands inside a document whose hash is then made
 * right; the bare input is tried too. What is read must have paths that end at an entry point.
 */

#include <assert.h>
#include <stdlib.h>

#include "format/jsontext.h"
#include "merge/callgraph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(struct str text)
{
	struct callgraph *graph = NULL;
	struct callgraph_paths paths;

	if (callgraph_parse(text, "fuzz", NULL, &graph) < 0)
		return;
	assert(callgraph_paths_find(graph, true, NULL, 0, &paths) == 0);
	for (size_t i = 0; i < graph->n_nodes; i++) {
		uint32_t node = (uint32_t)i;

		assert(callgraph_find(graph, graph->nodes[i].id) == node);
		if (paths.previous[i] == CALLGRAPH_NONE)
			continue;
		for (uint32_t left = paths.length[i]; left > 0; left--)
			node = paths.previous[node];
		assert(graph->nodes[node].entry);
	}
	callgraph_paths_done(&paths);
	callgraph_free(graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = BUF_MAX(8u << 20);
	struct digest digest;
	char hex[DIGEST_TEXT_LEN + 1];
	const char *why;
	size_t offset;

	try((struct str) { (const char *)data, size });
	if (size > 1u << 20 || buf_printf(&text, "{\"schema\":\"stella.callgraph.v1\",") < 0 ||
	    buf_append(&text, data, size) < 0 || buf_append(&text, "}", 1) < 0)
		abort();
	if (jsontext_check(buf_str(&text), &offset, &why) == 0 &&
	    jsontext_canonical_digest(buf_str(&text), NULL, &digest, &why) == 0) {
		digest_hex(&digest, hex);
		text.len--;
		if (buf_printf(&text, ",\"graphHash\":\"%s\"}", hex) < 0)
			abort();
		try(buf_str(&text));
	}
	buf_done(&text);
	return 0;
}
