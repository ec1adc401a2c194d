/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What one sink remembers: how far it is, and the largest tree of each log that it has seen proved. Behind what is true,
 * never ahead: it is written after the seals.
 */

#include <limits.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/diag.h"
#include "crypto/digest.h"
#include "sigstore/note.h"

#define CURSOR_FILE_MAX (CURSOR_TREES_MAX * 2 * NOTE_MAX)
#define CURSOR_TREES_MAX 8 /* shards of a log have trees of their own; the oldest is forgotten */

struct cursor_tree {
	char origin[NOTE_NAME_MAX + 65];
	uint64_t size;
	struct digest root;
	struct buf checkpoint; /* the signed note that says so */
};

struct cursor {
	uint64_t done; /* all seals up to this one */
	bool has_statement;
	struct digest
		statement; /* of seal `done`: SHA-256 of what it signs, by which another chain is noticed */
	bool has_log_id;
	struct digest log_id;
	struct cursor_tree trees[CURSOR_TREES_MAX];
	size_t n_trees;
};

void cursor_done(struct cursor *cursor);
/* A missing file is an empty cursor. -EBADMSG: it is none of ours. */
int cursor_load(const char *path, struct diag *diag, struct cursor *cursor);
/* The same of a text. */
int cursor_parse(struct str text, const char *name, struct diag *diag, struct cursor *cursor);
/* Appends the file's text, with these instead of what the cursor has; `statement` NULL: not known. */
int cursor_write(const struct cursor *cursor, uint64_t done, const struct digest *statement, struct buf *out);

struct cursor_tree *cursor_tree_find(struct cursor *cursor, struct str origin);
/* Remembers this tree instead of what was known of its origin. */
int cursor_tree_set(struct cursor *cursor, const struct checkpoint *checkpoint, struct str note);
