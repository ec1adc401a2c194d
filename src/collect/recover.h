/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a predecessor left in the directory, judged as a whole before anything is changed, then finished. The caller
 * holds the directory's lock.
 */

#include "collect/head.h"
#include "collect/publish.h"

struct recovery {
	char chain_id[33]; /* empty: no chain here yet */
	uint64_t sealed_sequence;
	struct digest sealed_head;
	/* Left unsealed, in order, ready for the sealer. */
	struct publish_job *jobs;
	/* The last chunk, sealed or about to be: what the next one's gap is measured from. */
	uint64_t last_sequence;
	struct moment last_closed;
	char *last_boot_id; /* NULL: unknown */
	bool last_final;
	struct chain_recovery report;
};

/* Gives a chain without an id a new one. */
int recovery_name_chain(struct recovery *recovery, struct diag *diag);
void recovery_done(struct recovery *recovery);

/*
 * -EBADMSG with a line: nothing was changed. `name` is the directory's, for messages; `memory` may be NULL.
 */
int recover_directory(int dir, const char *name, const struct chain_options *options,
		      const struct head_memory *memory, struct diag *diag, struct recovery *ret_recovery);
