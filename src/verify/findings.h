/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the evidence is found guilty of, in the order found. At most FINDINGS_MAX are kept, all are counted; a
 * failure to remember (-ENOMEM) sticks in `error` and ends the verification, so callers need not check each one.
 */

#include "base/buf.h"
#include "stella/verify.h"

#define FINDINGS_MAX 10000
/* Of these at most so many are of one chunk's lines, or of foreign files: a flood of one must not hide the others. */
#define FINDINGS_FLOOD_MAX 1000
#define FINDING_SENTENCE_MAX 600

/* Where it is. Zero and NULL are "no such thing". */
struct place {
	uint64_t sequence;
	const char *file;
	uint64_t line;
	uint64_t offset;
	bool has_offset;
};

struct findings {
	struct stella_finding *list;
	size_t count, capacity;
	uint64_t total;
	uint64_t line_sequence, lines_kept; /* of the chunk whose lines are being read */
	int error;
};

void findings_done(struct findings *findings);

/* The sentence is made printable, whatever the arguments hold. */
void findings_add(struct findings *findings, enum stella_finding_code code, const struct place *place,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));
