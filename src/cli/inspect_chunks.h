/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The chunks of a directory, sealed and open, and the newest records in them. Nothing is verified here. */

#include <sys/stat.h>

#include "cli/inspect_containers.h"
#include "cli/inspect_match.h"
#include "cli/inspect_read.h"
#include "format/statement.h"

/* A record that was asked for. Its texts are owned by who holds it. */
struct found_record {
	uint64_t chunk;
	uint64_t line;
	bool sealed;
	int64_t wall_minus_boot_ns;
	char *text;
	size_t len;
	char *container; /* a name of its container, by seal or draft; NULL = not known */
	char *image; /* the reference of its image, by the same; NULL = not known */
	char *image_digest; /* that only seal or draft knows; NULL = the record has its own, or nobody knows */
};

/* Sets the three that come from the seal. -ENOMEM. */
int found_learn(struct found_record *record, const struct record_view *view);
void found_forget(struct found_record *record);

/*
 * The newest `limit` records of all chunks, which are read from the newest backwards: the ring holds the newest of
 * the chunk being read, the list's end what was found before.
 */
struct found {
	struct found_record *ring, *list; /* both of `limit` */
	size_t limit;
	size_t room; /* of the ring: what is still wanted */
	size_t count, next; /* in the ring */
	size_t listed; /* at the list's end */
	size_t bytes;
	uint64_t lines; /* of the chunk read last */
	uint64_t unreadable; /* lines that are no canonical record */
	bool full; /* older records were left out: the limit, or too many bytes */
};

int found_init(struct found *found, size_t limit);
void found_done(struct found *found);
/* Index 0 is the oldest of `listed`. */
const struct found_record *found_at(const struct found *found, size_t index);

/* What of a chunk lies in the directory. */
struct chunk_view {
	enum chunk_file file; /* CHUNK_PLAIN, CHUNK_ZSTD, CHUNK_OPEN; CHUNK_FOREIGN = nothing */
	bool sealed;
	int64_t wall_minus_boot_ns; /* by its seal's or draft's own word, else by this machine's clocks now */
	struct container_table containers; /* the same word */
	uint64_t told; /* bytes of an open chunk that its draft speaks of; else no limit */
	uint64_t until; /* no further is read by chunk_find; no limit unless the caller sets one */
	struct stat said_by; /* the seal or draft that was read; zeros = none */
};

/* Sealed or open. */
bool chunk_is_there(int dir, uint64_t sequence);
struct chunk_view chunk_look(int dir, uint64_t sequence);
void chunk_view_done(struct chunk_view *view);
/* Has the seal or draft of this view been replaced since? */
bool chunk_said_more(int dir, uint64_t sequence, const struct chunk_view *view);
/* The highest number with a chunk, sealed or open; 0 = none. Negative errno. */
int chunk_newest(int dir, uint64_t *ret_sequence);

/* Puts the newest wanted records of one chunk before those found already. -ENOENT when it went away. */
int chunk_find(int dir, uint64_t sequence, const struct chunk_view *view, const struct match *match,
	       struct diag *diag, struct found *found);
