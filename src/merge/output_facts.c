/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runtime facts for the platform's ingest: {"callgraphId","events":[...],"subject"} a line, a bounded number of events in each. Promises:
 * only what was observed; each event names the line that proves it; hits are summed per symbol, so none is told twice.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "merge/output.h"
#include "merge/output_parts.h"

#define EVENTS_A_LINE 500

static void put_subject(struct canon *canon, const struct merge_result *result)
{
	canon_key(canon, "subject");
	canon_object(canon);
	if (result->image)
		output_key_text(canon, "imageDigest", result->image);
	else
		output_key_text(canon, "scanId", result->chain_id);
	canon_object_end(canon);
}

static void put_event(struct canon *canon, const struct function_verdict *verdict)
{
	char time[CLOCK_TEXT_MAX], first[CLOCK_TEXT_MAX], hex[DIGEST_TEXT_LEN + 1], uri[160];

	clock_format(verdict->seen.last.wall_ns, time);
	clock_format(verdict->seen.first.wall_ns, first);
	digest_hex(&verdict->seen.last_line.digest, hex);
	snprintf(uri, sizeof(uri), "chunk-%06" PRIu64 ".ndjson#line=%" PRIu64 "&sha256=%s",
		 verdict->seen.last_line.sequence, verdict->seen.last_line.line, hex);
	canon_object(canon);
	output_key_text(canon, "buildId", verdict->build_id);
	output_key_text(canon, "codeId", verdict->build_id);
	canon_key_cstr(canon, "evidenceUri", uri);
	canon_key_u64(canon, "hitCount", verdict->seen.count);
	canon_key(canon, "metadata");
	canon_object(canon);
	canon_key_cstr(canon, "firstObservedAt", first);
	output_key_text(canon, "library", verdict->library);
	canon_key_cstr(canon, "state", lattice_name(verdict->state));
	output_key_text(canon, "symbol", verdict->symbol);
	canon_object_end(canon);
	canon_key_cstr(canon, "observedAt", time);
	output_key_text(canon, "purl", verdict->purl);
	output_key_text(canon, "symbolId", verdict->id ? verdict->id : verdict->symbol);
	canon_object_end(canon);
}

/* Events from *at on, as many as one line takes. */
static int put_line(struct output_writer *writer, const struct merge_result *result, size_t *at)
{
	struct canon *canon = &writer->canon;
	char graph[DIGEST_TEXT_LEN + 8] = "sha256:";
	size_t count = 0;
	int r;

	*canon = CANON_INTO(&writer->piece);
	digest_hex(&result->graph.hash, graph + 7);
	canon_object(canon);
	canon_key_cstr(canon, "callgraphId", graph);
	canon_key(canon, "events");
	canon_array(canon);
	for (; *at < result->n_functions && count < EVENTS_A_LINE; (*at)++) {
		if (result->functions[*at].seen.count == 0)
			continue;
		put_event(canon, &result->functions[*at]);
		count++;
	}
	canon_array_end(canon);
	put_subject(canon, result);
	canon_object_end(canon);
	r = canon_done(canon);
	if (r < 0 || count == 0) {
		buf_clear(&writer->piece);
		return r;
	}
	r = buf_append(&writer->piece, "\n", 1);
	return r < 0 ? r : output_all(writer);
}

static bool nothing_seen(const struct merge_result *result)
{
	for (size_t i = 0; i < result->n_functions; i++) {
		if (result->functions[i].seen.count > 0)
			return false;
	}
	return true;
}

int output_facts(const struct merge_result *result, const struct output_sink *sink, struct diag *diag)
{
	struct output_writer writer;
	size_t at = 0;
	int r = 0;

	if (!result->has_graph)
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL,
				 "runtime facts name the call graph that they are for: give --callgraph FILE");
	if (nothing_seen(result))
		return diag_exit(
			diag, EXIT_NOT_FOUND, -ENODATA,
			"no function was observed: there are no runtime facts, and an empty stream is refused");
	output_begin(&writer, sink);
	while (at < result->n_functions && r == 0)
		r = put_line(&writer, result, &at);
	output_done(&writer);
	return r < 0 ? diag_error(diag, r, "cannot write the facts: %s", strerror(-r)) : 0;
}
