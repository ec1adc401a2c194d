/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Raw capture: the ring's records as they came, and where chunks were cut, so that a replay with the same
 * configuration writes the same bytes. Format (host order; a reader of the other order refuses):
 *
 *   header   "STLRAW1\n", u32 WIRE_VERSION, u32 byte order mark 0x01020304
 *   entries  u32 type, u32 length of the body, body, NULs up to a multiple of 8
 *     RAW_RECORD  one ring record (wire/records.h)
 *     RAW_BEGIN   coverage opened: u64 boot_ns, u64 wall_ns
 *     RAW_CUT     a chunk ended here: the statement as described at that moment (format/statement.h), unsigned
 *     RAW_LEARNED what was learned of a container at this place (collect/learned.h)
 *     RAW_END     the capture was closed on purpose; without it, it is incomplete
 */

#include <stdint.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/str.h"
#include "crypto/digest.h"

enum raw_type { RAW_RECORD = 1, RAW_BEGIN = 2, RAW_CUT = 3, RAW_END = 4, RAW_LEARNED = 5 };

struct raw_writer;

/* Makes the file anew (0600); -EEXIST when it is there. */
int raw_writer_open(const char *path, struct diag *diag, struct raw_writer **ret_writer);
/*
 * Appends. The first failure ends the capture (the file is cut back to its last whole entry) and is returned
 * then and ever after; evidence goes on without it.
 */
int raw_writer_add(struct raw_writer *writer, enum raw_type type, const void *data, size_t len);
int raw_writer_begin(struct raw_writer *writer, struct moment now);
/* Writes what is buffered; the first failure so far. */
int raw_writer_flush(struct raw_writer *writer);
/* RAW_END, sync. 0, or the first failure of its life. Always frees. */
int raw_writer_close(struct raw_writer *writer);
static inline void raw_writer_closep(struct raw_writer **writer)
{
	if (*writer)
		raw_writer_close(*writer);
}

struct raw_reader;

struct raw_entry {
	enum raw_type type;
	struct str body; /* until the next call */
	struct moment moment; /* RAW_BEGIN */
};

/* -EBADMSG: not a raw capture, another wire version, another byte order. */
int raw_reader_open(const char *path, struct diag *diag, struct raw_reader **ret_reader);
/* 1: *ret_entry; 0: RAW_END was reached; -ENODATA: the file ends without it; -EBADMSG: damaged, the line says where. */
int raw_reader_next(struct raw_reader *reader, struct diag *diag, struct raw_entry *ret_entry);
/* SHA-256 of the whole file, read once more. */
int raw_reader_digest(struct raw_reader *reader, struct digest *ret_digest);
void raw_reader_free(struct raw_reader *reader);
DEFINE_FREEP(raw_reader, raw_reader_free)
