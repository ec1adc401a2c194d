/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A C2SP witness (c2sp.org/tlog-witness): it remembers our log's largest tree and signs that a larger one extends it.
 * What it signs is proved by who knows its key; here only lines are joined.
 */

#include "transparency/ask.h"
#include "transparency/local_log.h"

/*
 * Sends the checkpoint (of `size` leaves) to the witness at the client's URL with the proof from what it knows, and
 * appends the lines it signs. *known_size: what it is thought to know, corrected by what it says.
 */
int witness_cosign(struct client *client, struct local_log *log, struct str checkpoint, uint64_t size,
		   uint64_t *known_size, struct diag *diag, struct buf *lines);
