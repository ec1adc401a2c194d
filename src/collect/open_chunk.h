/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The file that is being written, and its running digest, which is always that of the first `bytes` of it. */

#include "base/cleanup.h"
#include "base/diag.h"
#include "format/statement.h"

struct gap {
	enum statement_gap_kind kind;
	struct moment from, to;
	char *from_boot_id; /* owned; NULL: the same boot */
};

struct open_chunk {
	uint64_t sequence;
	int fd;
	uint64_t bytes, records, events[WIRE_KIND_END];
	struct digest_stream *digest;
	struct moment opened;
	struct gap gap;
	bool tail_dirty; /* a failed write could not be taken back yet */
};

/* Never through a name that is there already (-EEXIST). Not synced. `directory` is for messages. */
int open_chunk_create(int dir, const char *directory, uint64_t sequence, struct moment now, struct diag *diag,
		      struct open_chunk **ret_chunk);
/* Takes the file away again; before anything was appended. */
void open_chunk_remove(int dir, const struct open_chunk *chunk);
void open_chunk_free(struct open_chunk *chunk);
DEFINE_FREEP(open_chunk, open_chunk_free)

/* All of the lines or nothing. */
int open_chunk_append(struct open_chunk *chunk, struct str lines, const uint64_t events[WIRE_KIND_END]);

/* Makes the file end at `bytes`; needed when an append failed and could not even be taken back. */
int open_chunk_settle(struct open_chunk *chunk);
