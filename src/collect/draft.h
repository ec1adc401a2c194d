/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The draft beside an open chunk: its statement so far, unsigned. The subject's digest tells how far it is: all
 * zeros while the chunk fills (the file it names does not exist yet), that of the plain text in the last draft,
 * written when the chunk is closed. A chunk that still matches its closed draft can be sealed by a later start as
 * if nothing had happened.
 */

#include <stdbool.h>

#include "base/diag.h"
#include "format/statement.h"

/* Atomic, not synced. The statement's subject must be set. */
int draft_write(int dir, const struct statement *statement, struct diag *diag);

/*
 * 0, -ENOENT when there is none, -EBADMSG when it can't be used (a power cut may leave it empty or torn). What it
 * says is not signed: the caller compares it with the file. On failure *ret_statement is untouched.
 */
int draft_read(int dir, uint64_t sequence, struct statement *ret_statement);

/* Sets the subject: see above. */
void draft_mark(struct statement *draft, bool closed);
bool draft_is_closed(const struct statement *draft);

/* A deep copy, by writing and reading it. */
int statement_copy(const struct statement *statement, struct statement *ret_copy);
