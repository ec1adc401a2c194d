/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Losses by cgroup, beside the ledger's totals: who lost how much, since the collector started and in the current
 * chunk. Bounded by LOSERS_MAX rows; what finds no room is in the totals only.
 */

#include "format/statement.h"

#define LOSERS_MAX 4096 /* as many as the kernel half keeps */

struct loser {
	struct wire_loss_key key;
	struct wire_loss_count total, before; /* now, and when the current chunk opened */
};

struct losers {
	struct loser *rows; /* sorted by key; owned */
	size_t count, room;
};

void losers_done(struct losers *losers);
/* A source_loss_fn's work: what this cgroup lost so far. -ENOMEM; the totals are not touched by it. */
int losers_note(struct losers *losers, const struct wire_loss_key *key, const struct wire_loss_count *total);
void losers_cut(struct losers *losers);
/*
 * Fills row->cgroups of one kind and cause; `part` tells what of total and before counts. Their sum is never above
 * row->count, which was read at another moment.
 */
int losers_rows(const struct losers *losers, uint32_t kind, uint32_t cause, bool since_start,
		uint64_t opened_boot_ns, struct statement_loss *row);
