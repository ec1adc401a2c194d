/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the verification found, as it is handed out. What it says of coverage (losses, gaps, windows, head) is
 * taken only from statements whose signature is good and that stand at their own place: nobody vouches for others.
 */

#include "format/canon.h"
#include "format/statement.h"
#include "verify/anchors.h"
#include "verify/findings.h"
#include "verify/signers.h"

#define REPORT_LOSSES_MAX 1024 /* rows by kind, layer and cause; the wire table has fewer than 50 */
#define REPORT_GAPS_MAX 10000
#define REPORT_REASONS_MAX 1000
#define REPORT_BLIND_MAX 256
#define REPORT_HOLES_MAX 1000
#define REPORT_INCIDENTS_MAX 1000
#define REPORT_UNMEASURED_MAX 256
#define REPORT_CONTAINERS_MAX 1000
#define REPORT_REWRITING_MAX 64
#define REPORT_WORDS_MAX 32 /* why a container is not complete: the seals' words and ours */

/* Summed over the chain. */
struct report_loss {
	char *kind, *layer, *cause, *effect;
	uint64_t count;
};

struct report_gap {
	uint64_t sequence;
	enum statement_gap_kind kind;
	struct moment from, to;
};

/* What a hook could not see at least once in the chain. */
struct report_blind {
	char *kind, *hook, *spot;
};

/* A probe that did not cover its chunk's whole window: when it did; `to` at or before `from`: never. */
struct report_hole {
	uint64_t sequence;
	char *kind, *hook;
	struct moment from, to;
};

struct report_incident {
	uint64_t sequence;
	char *what, *detail;
	struct moment at;
};

/* A file of which functions were asked for that it does not have, or that could not be probed. */
struct report_unmeasured {
	char *kind, *library, *build_id; /* build_id NULL = unknown */
	uint64_t count; /* the most in one chunk */
};

/* A container through all the chunks in which it lived. */
struct report_container {
	char *id, *image_digest; /* digest NULL = unknown, or disputed */
	bool disputed; /* engines, or seals, say different things of its image */
	struct moment from, to; /* first and last covered */
	uint64_t records;
	bool complete;
	char *incomplete[REPORT_WORDS_MAX]; /* why not, sorted */
	size_t n_incomplete;
	uint64_t sequence; /* the last chunk with a row of it */
	bool lives; /* when that one closed: the next must have a row too */
};

struct stella_report {
	struct findings findings;
	bool sound, complete;
	bool require_complete, require_log, seals_only;
	uint64_t chunks, records;
	uint64_t replayed; /* of them, made from a raw capture by a replay */
	uint64_t verified; /* chunks whose seal is good and at its place */

	uint64_t head_sequence;
	char head_sha256[DIGEST_TEXT_LEN + 1];
	bool head_final;
	bool expected_given;
	struct digest expected;
	uint64_t expected_sequence; /* where the expected head was found, 0 = nowhere */

	uint64_t unsealed; /* the first number above the head that lies there unsealed, 0 = none; no evidence */

	bool has_window;
	struct moment from, to; /* first opened, last closed */

	struct report_loss *losses;
	size_t n_losses;
	uint64_t losses_more; /* entries of seals that no row was left for; the same may count once a chunk */
	struct report_gap *gaps;
	size_t n_gaps;
	uint64_t gaps_total;
	struct report_blind *blind;
	size_t n_blind;
	uint64_t blind_more; /* as losses_more */
	struct report_hole *holes;
	size_t n_holes;
	uint64_t holes_total;
	struct report_incident *incidents;
	size_t n_incidents;
	uint64_t incidents_total;
	struct report_unmeasured *unmeasured;
	size_t n_unmeasured;
	struct report_container *containers;
	size_t n_containers;
	uint64_t
		containers_more; /* rows of seals that no row was left for, and what the seals had no room for */
	uint64_t unmeasured_more; /* as losses_more; and files that the seals themselves had no room for */
	char **reasons;
	size_t n_reasons;
	uint64_t reasons_total;
	struct signers signers; /* also those with no chunk */
	struct anchors anchors;
	uint64_t logged; /* chunks with a proved entry of a trusted log */
	struct buf json;
};

struct stella_report *report_new(const struct trust *trust);

/* Takes in what a good statement says. -ENOMEM. */
int report_take(struct stella_report *report, const struct statement *statement, const struct digest *digest,
		size_t signer);

/* The part of it that is coverage. -ENOMEM. */
int report_coverage(struct stella_report *report, const struct statement *statement);
/* The part that is the containers'. -ENOMEM. */
int report_containers(struct stella_report *report, const struct statement *statement);
void report_containers_done(struct stella_report *report);
/* Of two texts that may be unknown. */
bool report_same_text(const char *a, const char *b);

/* What anchors the chain outside of its directory: the members `log` and `signers`, and what follows from them. */
void report_json_log(struct canon *w, const struct stella_report *report);
void report_json_signers(struct canon *w, const struct stella_report *report);
/* A string as it may be shown, whoever wrote it. */
void report_json_word(struct canon *w, const char *text);

/* Why the chain is not complete, one line each; the first REPORT_REASONS_MAX are kept. -ENOMEM. */
int report_reason(struct stella_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The verdict, and the JSON of it all. -ENOMEM, -E2BIG. */
int report_finish(struct stella_report *report);
int report_json(const struct stella_report *report, struct buf *out);
