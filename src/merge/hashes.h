/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How many different things there were, and was this one among them: a set of 64-bit hashes, for counts and hints only. */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define HASHES_MAX (1u << 20) /* beyond it nothing is added: counts are then "at least" */

struct hashes {
	uint64_t *slots; /* 0 = free */
	size_t room, count;
};

void hashes_done(struct hashes *set);
void hashes_clear(struct hashes *set);
/* -ENOMEM. */
int hashes_add(struct hashes *set, uint64_t hash);
int hashes_fold(struct hashes *set, const struct hashes *from);
bool hashes_has(const struct hashes *set, uint64_t hash);

#define HASH_START UINT64_C(0xcbf29ce484222325)
/* Of bytes in pieces: give what the piece before gave, HASH_START first. Never 0. */
uint64_t hash_of(uint64_t so_far, struct str text);
