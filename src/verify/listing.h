/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What lies in the evidence directory, as one byte for each possible sequence: memory does not grow with the
 * number of files. Files that are none of ours, and ours that are no regular files, become findings at once.
 */

#include "format/statement.h"
#include "verify/findings.h"

/* Bits of listing.present[sequence]. */
#define LISTED_PLAIN 1
#define LISTED_ZSTD 2
#define LISTED_SEAL 4
#define LISTED_OPEN 8
#define LISTED_DRAFT 16
#define LISTED_STATED 32 /* a statement that says it is this one was read; set while walking */

struct listing {
	uint8_t *present; /* [STATEMENT_SEQUENCE_MAX + 1] */
	uint64_t head; /* the highest sequence with a seal or a chunk, 0 = none */
	uint64_t bytes; /* of seals and chunks */
};

void listing_done(struct listing *listing);

/* Lists the open directory `dir`. Only the world's failures are errors. */
int listing_read(int dir, const char *path, struct findings *findings, struct diag *diag,
		 struct listing *ret_listing);
