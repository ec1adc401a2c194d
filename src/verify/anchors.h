/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What anchors the chain outside of its directory, summed over the seals: entries of logs, and whether their
 * checkpoints are of one tree; proven times. Only what was verified, of seals that are authentic and at their place.
 */

#include "verify/presence.h"
#include "verify/seal.h"
#include "verify/tiles.h"
#include "verify/tree.h"

#define ANCHORS_TIMES_MAX 256 /* rows by who proved the time */
#define ANCHORS_TILES_MAX 16
#define ANCHORS_TREES_MAX 64 /* of one log: Rekor v1 begins a new one now and then */

/* A tree of a log that proved entries. */
struct anchor_log {
	char *name; /* the log's origin, its URL, or its id; of a further tree the tree's origin */
	char *origin; /* the first line of the tree's checkpoints */
	const struct log_key *key; /* the trust's */
	struct tiles *tiles; /* NULL: only the proofs tell of its tree */
	uint64_t entries, first, last; /* seals */
	uint64_t promises, cosignatures; /* good ones; of trusted witnesses */
	uint64_t size; /* the largest tree that it signed, */
	struct digest root;
	struct tree_nodes nodes; /* and what a proof in it told */
	uint64_t proved, unproved; /* checkpoints shown to be of one tree with those before, or not */
	uint64_t present, absent, unknown, unasked; /* entries, when the log was asked */
};

/* Who proved a time: the time is that of its last seal. */
struct anchor_time {
	enum judge_prover by;
	char *name;
	uint64_t count, first, last; /* seals */
	int64_t time;
};

struct anchors {
	struct anchor_log *logs;
	size_t n_logs;
	struct anchor_time *times; /* [ANCHORS_TIMES_MAX] */
	size_t n_times;
	uint64_t times_more; /* proven times that no row was left for */
	uint64_t unknown_logs,
		unknown_timestamps; /* entries and tokens of nobody who is trusted: neither right nor wrong */
	struct tiles *tiles[ANCHORS_TILES_MAX];
	size_t n_tiles;
	presence_ask_fn *ask; /* NULL: logs are not asked */
	void *ask_user;
};

/* -ENOMEM. */
int anchors_init(struct anchors *anchors);
void anchors_done(struct anchors *anchors);

/* Takes in what anchors an authentic seal that stands at its place. The world's failures. */
int anchors_take(struct anchors *anchors, uint64_t sequence, const struct seal *seal, struct findings *findings,
		 struct diag *diag);
