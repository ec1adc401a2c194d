/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The draft beside an open chunk: its statement so far, in a bundle like the seal's, under a payload type of its own.
 * It is signed by the seals' key when that lies in our memory, else by a key of the host's made for drafts: once a
 * second is no token's and no service's task. The subject's digest tells how far it is: all zeros while the chunk fills (the file it
 * names does not exist yet), that of the plain text in the last draft, written when the chunk is closed.
 *
 * The signature keeps out what our key never said of this chunk. It can't tell an older draft of the same chunk from
 * the newest one: what a later start seals with a draft's help is therefore always marked as recovered.
 */

#include <stdbool.h>

#include "base/diag.h"
#include "crypto/key.h"
#include "format/statement.h"

#define DRAFT_PAYLOAD_TYPE "application/vnd.stella.runtime-evidence-draft+json"

/* Atomic, not synced. The statement's subject must be set. */
int draft_write(int dir, const struct statement *statement, const struct key *key, struct diag *diag);

/*
 * 0, -ENOENT when there is none, -EBADMSG when it can't be used: torn by a power cut, not signed by this key, not a
 * draft, or that of another sequence. Whose chain it is, and whether the file still is what it says, the caller
 * compares. Other errors: could not find out. On failure *ret_statement is untouched.
 */
int draft_read(int dir, uint64_t sequence, const struct key *key, struct statement *ret_statement);

/* Sets the subject: see above. */
void draft_mark(struct statement *draft, bool closed);
bool draft_is_closed(const struct statement *draft);

/* A deep copy, by writing and reading it. */
int statement_copy(const struct statement *statement, struct statement *ret_copy);
