/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One chunk that was not sealed when its collector died: judged first, then made ready for the sealer. Its draft
 * says what was covered and lost up to the last checkpoint, if our key signed it; the file says what was recorded.
 */

#include "collect/recover.h"

struct leftover {
	struct leftover *next;
	struct statement statement; /* as it will be sealed, but for previous and subject */
	int fd; /* the open file; -1: it is missing */
	uint64_t torn_bytes; /* to be cut off behind statement.bytes */
	bool empty; /* nothing was ever covered: to be removed */
	bool exact; /* closed in order, only the seal is missing */
};

void leftover_free(struct leftover *leftover); /* and those behind it */
DEFINE_FREEP(leftover, leftover_free)

/*
 * Changes nothing on disk. recovery: the chunk before; its chain_id is filled in when this is the first chunk.
 * `last`: no chunk follows. -EBADMSG with a line: this is not what a collector of ours left.
 */
int leftover_look(int dir, uint64_t sequence, const struct chain_options *options, struct recovery *recovery,
		  bool last, struct diag *diag, struct leftover **ret_leftover);

/* Removes it (*ret_job NULL), or cuts its torn tail and hands it over; takes statement and descriptor then. */
int leftover_take(int dir, struct leftover *leftover, const struct key *key, struct diag *diag,
		  struct publish_job **ret_job);
