/* SPDX-License-Identifier: Apache-2.0 */

/* A set of hashes with open addressing. Promises a ceiling; that two things of one hash are one is what its callers can bear. */

#include "merge/hashes.h"

#include <errno.h>
#include <stdlib.h>

void hashes_done(struct hashes *set)
{
	free(set->slots);
	*set = (struct hashes) { 0 };
}

void hashes_clear(struct hashes *set)
{
	if (set->count > 0)
		memset(set->slots, 0, set->room * sizeof(*set->slots));
	set->count = 0;
}

static size_t slot_of(const struct hashes *set, uint64_t hash)
{
	size_t slot = (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 24) & (set->room - 1);

	while (set->slots[slot] != 0 && set->slots[slot] != hash)
		slot = (slot + 1) & (set->room - 1);
	return slot;
}

static int grow(struct hashes *set)
{
	struct hashes grown = { .room = set->room ? 2 * set->room : 64, .count = set->count };

	grown.slots = calloc(grown.room, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->room; i++) {
		if (set->slots[i] != 0)
			grown.slots[slot_of(&grown, set->slots[i])] = set->slots[i];
	}
	free(set->slots);
	*set = grown;
	return 0;
}

int hashes_add(struct hashes *set, uint64_t hash)
{
	size_t slot;
	int r = 2 * (set->count + 1) > set->room ? grow(set) : 0;

	if (r < 0)
		return r;
	slot = slot_of(set, hash);
	if (set->slots[slot] == 0 && set->count < HASHES_MAX) {
		set->slots[slot] = hash;
		set->count++;
	}
	return 0;
}

int hashes_fold(struct hashes *set, const struct hashes *from)
{
	int r = 0;

	for (size_t i = 0; i < from->room && from->count > 0 && r == 0; i++) {
		if (from->slots[i] != 0)
			r = hashes_add(set, from->slots[i]);
	}
	return r;
}

bool hashes_has(const struct hashes *set, uint64_t hash)
{
	return set->count > 0 && set->slots[slot_of(set, hash)] != 0;
}

uint64_t hash_of(uint64_t so_far, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		so_far = (so_far ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
	return so_far ? so_far : 1;
}
