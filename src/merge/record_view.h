/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the merger asks of one record: a verified line taken apart, views into it or into the reader's own buffers. */

#include "format/canon.h"

#define RECORD_CALLERS_MAX 2

/* A file that the record speaks of. */
struct record_file {
	struct str path; /* exact bytes; empty = the record names none */
	bool has_inode;
	uint32_t dev_major, dev_minor;
	uint64_t inode;
	bool on_overlay, upper; /* layer is said; it is the upper one */
	bool path_is_name; /* unreachable, deleted or cut: the path does not lead to this file */
	bool path_cut; /* of these: its beginning is missing, and it could be a file's */
	bool script; /* the kernel did not open it by itself: nothing but its path is known here */
};

/* A function in a file. Empty = unknown. */
struct record_function {
	struct str symbol, library, build_id, purl;
};

enum record_kind { RECORD_OTHER, RECORD_OPEN, RECORD_EXEC, RECORD_LIBRARY, RECORD_FUNCTION };

struct record_view_of {
	enum record_kind kind;
	uint64_t ts_ns, last_ts_ns; /* the same when it stands for one event */
	uint64_t events; /* that no record before it stood for */
	uint64_t pid;
	bool at_start;
	struct str container_id, image_digest; /* empty = none */
	struct record_file file; /* exec: the program, of a script the script */
	struct record_file interpreter; /* exec of a script */
	struct record_function function;
	struct record_function callers[RECORD_CALLERS_MAX]; /* the innermost first; without symbol = unknown */
	size_t n_callers;
};

/* Buffers for what is escaped or in base64; reused from line to line. */
struct record_reader {
	struct buf texts[16];
	size_t used;
};

void record_reader_init(struct record_reader *reader);
void record_reader_done(struct record_reader *reader);
/* `members` are those of a record that passed the schema. -ENOMEM. */
int record_view_read(struct record_reader *reader, const struct canon_member *members, size_t count,
		     struct record_view_of *ret_view);
