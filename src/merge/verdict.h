/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What may be said (contract, section 5), and from which line of the evidence. Filled by merge/, written by its outputs. All
 * lists are in a fixed order; the same inputs give the same bytes.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "crypto/digest.h"
#include "merge/lattice.h"
#include "packages/package.h"
#include "packages/vulnerability.h"

struct callgraph;

enum tier { TIER_NONE, TIER_OPENED, TIER_MAPPED, TIER_FUNCTION, TIER_EXECUTED, TIER_END };
const char *tier_name(enum tier tier); /* "opened", "mapped", "function", "executed" */

enum answer { ANSWER_OBSERVED, ANSWER_NOT_OBSERVED, ANSWER_NOT_OBSERVED_LOSSY, ANSWER_NOT_MEASURED };
const char *answer_name(enum answer answer); /* as the contract has them */

/* An auditor opens this line. */
struct evidence_line {
	uint64_t sequence, line; /* of the chunk; 1-based */
	struct digest digest; /* SHA-256 of the record's bytes, without LF */
};

struct sighting {
	uint64_t count; /* events, folded ones included; 0 = none */
	struct moment first, last;
	struct evidence_line first_line, last_line;
};

struct package_verdict {
	uint32_t package; /* index into the set */
	enum answer answer;
	enum tier strongest;
	struct sighting tiers[TIER_END];
	char **reasons; /* why not more can be said; sorted; none with ANSWER_OBSERVED and ANSWER_NOT_OBSERVED */
	size_t n_reasons;
};

enum bucket { BUCKET_UNKNOWN, BUCKET_UNREACHABLE, BUCKET_ENTRYPOINT, BUCKET_RUNTIME, BUCKET_DIRECT };
const char *bucket_name(enum bucket bucket);

/* A function: of the call graph, of the function map, or both. */
struct function_verdict {
	char *id; /* node id; NULL = not in the graph */
	char *symbol, *library, *build_id, *purl; /* NULL = unknown */
	enum answer answer;
	struct sighting seen;
	enum lattice state;
	enum bucket bucket;
	unsigned int confidence_ppm, weight_ppm, score_ppm; /* millionths: no float in the output's bytes */
	char **path; /* node ids (the graph's own, borrowed) from an entry point to it, the shortest; the first in order among equals */
	size_t n_path;
	char **reasons;
	size_t n_reasons;
};

struct vulnerability_verdict {
	size_t vulnerability; /* index into the list */
	enum package_match match;
	uint32_t package; /* with PACKAGE_ONE */
	enum { VEX_AFFECTED, VEX_NOT_AFFECTED, VEX_UNDER_INVESTIGATION } status;
	char *impact; /* with NOT_AFFECTED: window, coverage, chain head */
	char **missing; /* with UNDER_INVESTIGATION: what would have to be known */
	size_t n_missing;
	bool has_line; /* with AFFECTED: */
	struct evidence_line line;
	enum tier tier;
	char *function; /* the vulnerable function that decided; NULL = the package did */
};

struct graph_facts {
	uint64_t static_edges, runtime_events, matched_edges, runtime_only_edges, unmatched_static_edges;
	unsigned int coverage_ppm;
	struct digest hash; /* graphHash, checked */
};

struct merge_gap {
	struct moment from, to; /* boot_ns 0 = not known */
	char *why;
};

/* Summed over the chain; only causes that struck. */
struct merge_loss {
	char *kind; /* record type; NULL = the layer does not know it */
	char *layer, *cause, *effect;
	uint64_t count;
	struct moment first, last;
};

/* A kind of record was watched without interruption. */
struct merge_span {
	const char *kind; /* record type */
	struct moment from, to;
};

/* What a hook could not see at least once; neither record nor loss tells of it. */
struct merge_blind_spot {
	char *kind, *hook, *spot;
};

/* Who called whom at run time, as far as both are nodes of the graph. */
struct merge_edge {
	char *source, *target; /* node ids */
	bool is_static; /* the graph has it; else it was seen at run time only */
	unsigned int confidence_ppm;
	uint64_t count;
	struct moment first, last;
};

struct merge_result {
	struct package_set *packages;
	struct vulnerability_list vulnerabilities;
	struct package_verdict *package_verdicts; /* in order of purl, then name */
	size_t n_package_verdicts;
	struct function_verdict *functions; /* in order of id, then library and symbol */
	size_t n_functions;
	struct vulnerability_verdict *vulnerability_verdicts;
	size_t n_vulnerability_verdicts;
	bool has_graph;
	struct callgraph *callgraph; /* owns the ids in paths; NULL without a graph */
	struct graph_facts graph;
	struct merge_edge *edges; /* observed ones, by source, then target */
	size_t n_edges;

	/* what the evidence covers */
	char *chain_id;
	uint64_t head_sequence;
	char head_sha256[DIGEST_TEXT_LEN + 1];
	struct moment from, to;
	bool complete; /* no loss, no gap, all that was asked for was watched */
	char **reasons; /* why not */
	size_t n_reasons;
	struct merge_gap *gaps; /* losses, holes, gaps, chunks left out: in order of time */
	size_t n_gaps;
	struct merge_loss *losses; /* by kind, cause, layer */
	size_t n_losses;
	struct merge_span *spans; /* by kind, then time */
	size_t n_spans;
	struct merge_blind_spot *blind; /* by kind, hook, spot */
	size_t n_blind;
	uint64_t chunks, chunks_left_out, records;
	uint64_t ambiguous_files, unowned_files,
		upper_layer_files; /* files that count for no package, and why */
	uint64_t other_roots; /* records of containers that were left out since no --image was given */
	char *image; /* --image; NULL = all */
	char *evidence_name; /* the directory as it was given */
};

void merge_result_done(struct merge_result *result);
