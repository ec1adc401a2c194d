/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lines of a chunk file, sealed or still growing, one call each. The text is whatever lies there: unverified. */

#include "base/buf.h"
#include "base/diag.h"

/* `line` counts from 1; `text` is without its LF and lives until the call returns. */
typedef void (*line_take)(void *user, uint64_t line, struct str text);

/* A growing file, read again and again. */
struct line_tail {
	int fd; /* owned */
	struct buf carry; /* the unfinished last line */
	uint64_t line; /* lines taken */
	uint64_t offset, until; /* bytes read so far, and the end of what may be: the caller moves it on */
	bool skipping; /* inside a line that is longer than any record: not taken */
};

#define LINE_TAIL_NONE ((struct line_tail) { .fd = -1 })

/* Takes over *fd. */
void line_tail_init(struct line_tail *tail, int *fd);
void line_tail_done(struct line_tail *tail);
/* Takes each line that is whole by now, and not beyond `until`. */
int line_tail_read(struct line_tail *tail, struct diag *diag, line_take take, void *user);

/* A compressed chunk from its beginning to its end. Exit 2 when it is damaged. */
int lines_read_zstd(int fd, const char *name, struct diag *diag, line_take take, void *user);
