/* SPDX-License-Identifier: Apache-2.0 */

/*
 * All verdicts as one canonical JSON document (RFC 8785; integers exact). Promises: each verdict stands with the lines of the evidence
 * that it rests on, or with why not more can be said. Ratios and scores are whole millionths.
 */

#include "merge/output.h"
#include "merge/output_parts.h"

static void put_tiers(struct canon *canon, const struct package_verdict *verdict)
{
	static const enum tier order[] = { TIER_EXECUTED, TIER_FUNCTION, TIER_MAPPED, TIER_OPENED };

	canon_key(canon, "tiers");
	canon_object(canon);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (verdict->tiers[order[i]].count > 0)
			output_key_sighting(canon, tier_name(order[i]), &verdict->tiers[order[i]]);
	}
	canon_object_end(canon);
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
		output_key_text(canon, "arch", package->arch);
		canon_key_u64(canon, "files", package->n_files);
		output_key_text(canon, "name", package->name);
		output_key_text(canon, "purl", package->purl);
		output_key_texts(canon, "reasons", verdict->reasons, verdict->n_reasons);
		output_key_text(canon, "ref", package->ref);
		if (verdict->strongest != TIER_NONE)
			canon_key_cstr(canon, "tier", tier_name(verdict->strongest));
		put_tiers(canon, verdict);
		output_key_text(canon, "type", package->type);
		canon_key_cstr(canon, "verdict", answer_name(verdict->answer));
		output_key_text(canon, "version", package->version);
		canon_object_end(canon);
		r = output_some(writer);
	}
	canon_array_end(canon);
	return r;
}

static void put_function(struct canon *canon, const struct function_verdict *verdict)
{
	canon_object(canon);
	if (verdict->id)
		canon_key_cstr(canon, "bucket", bucket_name(verdict->bucket));
	output_key_text(canon, "build_id", verdict->build_id);
	if (verdict->id)
		canon_key_u64(canon, "confidence_ppm", verdict->confidence_ppm);
	output_key_text(canon, "id", verdict->id);
	output_key_text(canon, "library", verdict->library);
	if (verdict->id)
		output_key_texts(canon, "path", verdict->path, verdict->n_path);
	output_key_text(canon, "purl", verdict->purl);
	output_key_texts(canon, "reasons", verdict->reasons, verdict->n_reasons);
	if (verdict->id)
		canon_key_u64(canon, "score_ppm", verdict->score_ppm);
	if (verdict->seen.count > 0)
		output_key_sighting(canon, "seen", &verdict->seen);
	canon_key_cstr(canon, "state", lattice_name(verdict->state));
	output_key_text(canon, "symbol", verdict->symbol);
	canon_key_cstr(canon, "verdict", answer_name(verdict->answer));
	if (verdict->id)
		canon_key_u64(canon, "weight_ppm", verdict->weight_ppm);
	canon_object_end(canon);
}

static int put_functions(struct output_writer *writer, const struct merge_result *result)
{
	int r = 0;

	canon_key(&writer->canon, "functions");
	canon_array(&writer->canon);
	for (size_t i = 0; i < result->n_functions && r == 0; i++) {
		put_function(&writer->canon, &result->functions[i]);
		r = output_some(writer);
	}
	canon_array_end(&writer->canon);
	return r;
}

static int put_edges(struct output_writer *writer, const struct merge_result *result)
{
	struct canon *canon = &writer->canon;
	int r = 0;

	canon_key(canon, "edges");
	canon_array(canon);
	for (size_t i = 0; i < result->n_edges && r == 0; i++) {
		const struct merge_edge *edge = &result->edges[i];

		canon_object(canon);
		canon_key_u64(canon, "confidence_ppm", edge->confidence_ppm);
		canon_key_u64(canon, "count", edge->count);
		output_key_moment(canon, "first", edge->first);
		canon_key_cstr(canon, "kind", edge->is_static ? "static" : "runtime");
		output_key_moment(canon, "last", edge->last);
		canon_key_bool(canon, "observed", true);
		output_key_text(canon, "sourceId", edge->source);
		output_key_text(canon, "targetId", edge->target);
		canon_object_end(canon);
		r = output_some(writer);
	}
	canon_array_end(canon);
	return r;
}

static int put_graph(struct output_writer *writer, const struct merge_result *result)
{
	const struct graph_facts *facts = &result->graph;
	struct canon *canon = &writer->canon;
	char hex[DIGEST_TEXT_LEN + 1];
	int r;

	canon_key(canon, "callgraph");
	if (!result->has_graph) {
		canon_null(canon);
		return 0;
	}
	digest_hex(&facts->hash, hex);
	canon_object(canon);
	canon_key_u64(canon, "CoverageRatioPpm", facts->coverage_ppm);
	canon_key_u64(canon, "MatchedEdgeCount", facts->matched_edges);
	canon_key_u64(canon, "RuntimeEventCount", facts->runtime_events);
	canon_key_u64(canon, "RuntimeOnlyEdgeCount", facts->runtime_only_edges);
	canon_key_u64(canon, "StaticEdgeCount", facts->static_edges);
	canon_key_u64(canon, "UnmatchedStaticEdgeCount", facts->unmatched_static_edges);
	r = put_edges(writer, result);
	canon_key_cstr(canon, "graphHash", hex);
	canon_object_end(canon);
	return r;
}

static int put_vulnerabilities(struct output_writer *writer, const struct merge_result *result)
{
	static const char *const statuses[] = { "affected", "not_affected", "under_investigation" };
	struct canon *canon = &writer->canon;
	int r = 0;

	canon_key(canon, "vulnerabilities");
	canon_array(canon);
	for (size_t i = 0; i < result->n_vulnerability_verdicts && r == 0; i++) {
		const struct vulnerability_verdict *verdict = &result->vulnerability_verdicts[i];
		const struct vulnerability *vulnerability =
			&result->vulnerabilities.list[verdict->vulnerability];

		canon_object(canon);
		output_key_text(canon, "function", verdict->function);
		output_key_text(canon, "id", vulnerability->id);
		output_key_text(canon, "impact", verdict->impact);
		if (verdict->has_line)
			output_key_line(canon, "line", &verdict->line);
		output_key_texts(canon, "missing", verdict->missing, verdict->n_missing);
		if (verdict->match == PACKAGE_ONE)
			output_key_text(canon, "package",
					package_set_get(result->packages, verdict->package)->purl);
		output_key_text(canon, "purl", vulnerability->purl);
		output_key_text(canon, "severity", vulnerability->severity);
		canon_key_cstr(canon, "status", statuses[verdict->status]);
		if (verdict->has_line)
			canon_key_cstr(canon, "tier", tier_name(verdict->tier));
		canon_object_end(canon);
		r = output_some(writer);
	}
	canon_array_end(canon);
	return r;
}

static void put_files(struct canon *canon, const struct merge_result *result)
{
	canon_key(canon, "files");
	canon_object(canon);
	canon_key_u64(canon, "ambiguous", result->ambiguous_files);
	canon_key_u64(canon, "records_of_other_roots", result->other_roots);
	canon_key_u64(canon, "unowned", result->unowned_files);
	canon_key_u64(canon, "upper_layer", result->upper_layer_files);
	canon_object_end(canon);
}

static int put_document(struct output_writer *writer, const struct merge_result *result)
{
	struct canon *canon = &writer->canon;
	int r;

	canon_object(canon);
	r = put_graph(writer, result);
	if (r < 0)
		return r;
	canon_key(canon, "coverage");
	canon_object(canon);
	r = output_coverage(writer, result);
	canon_object_end(canon);
	output_key_evidence(canon, "evidence", result);
	put_files(canon, result);
	r = r < 0 ? r : put_functions(writer, result);
	r = r < 0 ? r : put_packages(writer, result);
	canon_key_cstr(canon, "schema", "stella.merge.v1");
	r = r < 0 ? r : put_vulnerabilities(writer, result);
	if (r < 0)
		return r;
	canon_object_end(canon);
	r = canon_done(canon);
	return r < 0 ? r : buf_append(&writer->piece, "\n", 1);
}

int output_json(const struct merge_result *result, const struct output_sink *sink, struct diag *diag)
{
	struct output_writer writer;
	int r;

	output_begin(&writer, sink);
	r = put_document(&writer, result);
	r = r < 0 ? r : output_all(&writer);
	output_done(&writer);
	return r < 0 ? diag_error(diag, r, "cannot write the verdicts: %s", strerror(-r)) : 0;
}
