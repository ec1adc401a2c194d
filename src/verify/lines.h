/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Plain text in pieces -> lines, each checked and counted. */

#include "format/statement.h"
#include "verify/findings.h"
#include "verify/listener.h"

struct lines {
	struct findings *findings;
	struct place place; /* of the chunk; line and offset are of the line being read */
	const struct statement *statement;
	struct buf carry; /* a line's beginning whose end has not come yet */
	bool skipping; /* inside a line that is too long */
	uint64_t records;
	uint64_t events[WIRE_KIND_END]; /* [0]: types that this version cannot produce */
	uint64_t unknown; /* lines whose kind could not be told */
	const struct verify_listener *listener; /* NULL = nobody */
	int error; /* of the listener: sticks */
};

int lines_init(struct lines *lines);
void lines_done(struct lines *lines);

/* Begins a chunk. */
void lines_start(struct lines *lines, const struct place *place, const struct statement *statement,
		 struct findings *findings);
/* -ENOMEM. */
int lines_feed(struct lines *lines, const char *data, size_t len);
/* The chunk's end: the last line's LF, and the counts if `whole` (all of the text was read). */
void lines_end(struct lines *lines, bool whole);
