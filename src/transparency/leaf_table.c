// SPDX-License-Identifier: Apache-2.0
/* A hash table with linear probing, at most half full; 16 bytes a slot. Owns its slots. */

#include "transparency/leaf_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define CAPACITY_MIN 64

struct leaf_slot {
	uint64_t prefix, index_1; /* index + 1; 0 = free */
};

void leaf_table_done(struct leaf_table *table)
{
	free(table->slots);
	*table = (struct leaf_table) { .slots = NULL };
}

/* The bytes of a digest are as good as random. */
static uint64_t prefix_of(const struct digest *leaf)
{
	uint64_t prefix;

	memcpy(&prefix, leaf->bytes, sizeof(prefix));
	return prefix;
}

static void put(struct leaf_table *table, uint64_t prefix, uint64_t index_1)
{
	size_t at = prefix & (table->capacity - 1);

	while (table->slots[at].index_1 > 0)
		at = (at + 1) & (table->capacity - 1);
	table->slots[at] = (struct leaf_slot) { prefix, index_1 };
	table->count++;
}

static int grow(struct leaf_table *table)
{
	struct leaf_table larger = { .capacity = table->capacity ? 2 * table->capacity : CAPACITY_MIN };

	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->capacity; i++)
		if (table->slots[i].index_1 > 0)
			put(&larger, table->slots[i].prefix, table->slots[i].index_1);
	free(table->slots);
	*table = larger;
	return 0;
}

int leaf_table_add(struct leaf_table *table, const struct digest *leaf, uint64_t index)
{
	int r = 2 * table->count >= table->capacity ? grow(table) : 0;

	if (r >= 0)
		put(table, prefix_of(leaf), index + 1);
	return r;
}

uint64_t leaf_table_next(const struct leaf_table *table, const struct digest *leaf, size_t *cursor)
{
	uint64_t prefix = prefix_of(leaf);

	while (*cursor < table->capacity) {
		size_t at = (prefix + (*cursor)++) & (table->capacity - 1);

		if (table->slots[at].index_1 == 0)
			return UINT64_MAX;
		if (table->slots[at].prefix == prefix)
			return table->slots[at].index_1 - 1;
	}
	return UINT64_MAX;
}
