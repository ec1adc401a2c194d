/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What was observed as an in-toto statement: the image, or the chain's head, is its subject; coverage and losses stand beside what they
 * qualify. Promises: canonical, and small enough for a bundle that every reader takes, or an error.
 */

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "merge/output.h"
#include "merge/output_parts.h"

#define STATEMENT_BYTES_MAX (5u << 20) /* in base64 and a bundle still below BUNDLE_FILE_MAX */

struct bounded {
	const struct output_sink *sink;
	uint64_t bytes;
};

static int bounded_write(void *user, struct str piece)
{
	struct bounded *bounded = user;

	bounded->bytes += piece.len;
	return bounded->bytes > STATEMENT_BYTES_MAX ? -E2BIG : bounded->sink->write(bounded->sink->user, piece);
}

static int put_functions(struct output_writer *writer, const struct merge_result *result)
{
	struct canon *canon = &writer->canon;
	int r = 0;

	canon_key(canon, "functions");
	canon_array(canon);
	for (size_t i = 0; i < result->n_functions && r == 0; i++) {
		const struct function_verdict *verdict = &result->functions[i];

		if (verdict->answer == ANSWER_NOT_MEASURED && verdict->state == LATTICE_U)
			continue;
		canon_object(canon);
		output_key_text(canon, "build_id", verdict->build_id);
		output_key_text(canon, "library", verdict->library);
		output_key_text(canon, "purl", verdict->purl);
		if (verdict->seen.count > 0)
			output_key_sighting(canon, "seen", &verdict->seen);
		canon_key_cstr(canon, "state", lattice_name(verdict->state));
		output_key_text(canon, "symbol", verdict->symbol);
		output_key_text(canon, "symbolId", verdict->id);
		canon_key_cstr(canon, "verdict", answer_name(verdict->answer));
		canon_object_end(canon);
		r = output_some(writer);
	}
	canon_array_end(canon);
	return r;
}

static int put_packages(struct output_writer *writer, const struct merge_result *result)
{
	struct canon *canon = &writer->canon;
	int r = 0;

	canon_key(canon, "packages");
	canon_array(canon);
	for (size_t i = 0; i < result->n_package_verdicts && r == 0; i++) {
		const struct package_verdict *verdict = &result->package_verdicts[i];
		const struct package *package = package_set_get(result->packages, verdict->package);

		canon_object(canon);
		output_key_text(canon, "name", package->name);
		output_key_text(canon, "purl", package->purl);
		if (verdict->strongest != TIER_NONE) {
			output_key_sighting(canon, "seen", &verdict->tiers[verdict->strongest]);
			canon_key_cstr(canon, "tier", tier_name(verdict->strongest));
		}
		canon_key_cstr(canon, "verdict", answer_name(verdict->answer));
		output_key_text(canon, "version", package->version);
		canon_object_end(canon);
		r = output_some(writer);
	}
	canon_array_end(canon);
	return r;
}

static void put_subject(struct canon *canon, const struct merge_result *result)
{
	char name[128];

	canon_key(canon, "subject");
	canon_array(canon);
	canon_object(canon);
	canon_key(canon, "digest");
	canon_object(canon);
	canon_key_cstr(canon, "sha256", result->image ? result->image + 7 : result->head_sha256);
	canon_object_end(canon);
	snprintf(name, sizeof(name), "%s%s", result->image ? "image" : "head of the chain ",
		 result->image ? "" : result->chain_id);
	canon_key_cstr(canon, "name", name);
	canon_object_end(canon);
	canon_array_end(canon);
}

static int put_statement(struct output_writer *writer, const struct merge_result *result)
{
	struct canon *canon = &writer->canon;
	char graph[DIGEST_TEXT_LEN + 1];
	int r;

	canon_object(canon);
	canon_key_cstr(canon, "_type", "https://in-toto.io/Statement/v1");
	canon_key(canon, "predicate");
	canon_object(canon);
	if (result->has_graph) {
		digest_hex(&result->graph.hash, graph);
		canon_key_cstr(canon, "callgraph", graph);
	}
	canon_key(canon, "coverage");
	canon_object(canon);
	r = output_coverage(writer, result);
	if (r < 0)
		return r;
	canon_object_end(canon);
	output_key_evidence(canon, "evidence", result);
	r = put_functions(writer, result);
	r = r < 0 ? r : put_packages(writer, result);
	if (r < 0)
		return r;
	canon_object_end(canon);
	canon_key_cstr(canon, "predicateType", RUNTIME_TRACE_PREDICATE);
	put_subject(canon, result);
	canon_object_end(canon);
	r = canon_done(canon);
	return r < 0 ? r : buf_append(&writer->piece, "\n", 1);
}

int output_intoto(const struct merge_result *result, const struct output_sink *sink, struct diag *diag)
{
	struct bounded bounded = { sink, 0 };
	struct output_sink inner = { bounded_write, &bounded };
	struct output_writer writer;
	int r;

	output_begin(&writer, &inner);
	r = put_statement(&writer, result);
	r = r < 0 ? r : output_all(&writer);
	output_done(&writer);
	if (r == -E2BIG)
		return diag_exit(
			diag, EXIT_UNSOUND, r,
			"the statement is larger than the %u MiB that readers of bundles take: merge fewer "
			"packages, or a part of the call graph",
			STATEMENT_BYTES_MAX >> 20);
	return r < 0 ? diag_error(diag, r, "cannot write the statement: %s", strerror(-r)) : 0;
}
