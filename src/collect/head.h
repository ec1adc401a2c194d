/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How far the chain in an evidence directory had come, remembered outside it: HEADS/NAME.json, NAME being the first 16
 * hex digits of the SHA-256 of the directory's real path. Whoever can write the directory, and no more, can cut its
 * tail or empty it; the next start then finds that less is there than was sealed.
 *
 * The memory is written after each publication and not synced: it may be behind the directory, never ahead of it.
 */

#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/digest.h"

struct head {
	char chain_id[33];
	uint64_t sequence; /* 0: no chain */
	struct digest digest; /* SHA-256 of its statement */
};

struct head_memory;

/* `directory` must exist. Nothing is read or made yet. */
int head_memory_new(const char *heads_directory, const char *directory, struct diag *diag,
		    struct head_memory **ret_memory);
void head_memory_free(struct head_memory *memory);
DEFINE_FREEP(head_memory, head_memory_free)

/*
 * Does `found`, the last seal in `dir`, continue what is remembered? -EBADMSG (exit 2) with a line: files that were
 * sealed are missing or others, or the memory is damaged. 0 too when nothing is remembered.
 */
int head_check(const struct head_memory *memory, int dir, const struct head *found, struct diag *diag);

/* Atomic. Makes the heads directory (0700). */
int head_remember(const struct head_memory *memory, const struct head *head);
