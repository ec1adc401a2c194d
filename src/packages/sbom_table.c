/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of a document by what they hash to: SipHash-2-4 with 128 bits, so that a million ids of a kilobyte each take no more
 * than short ones. The key is fixed, since the same document must give the same answer; who makes two ids collide has
 * written both, and fools nobody but the reader of his own document. Owns its arrays.
 */

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "packages/sbom_parts.h"

#define SBOM_IDS_MAX (2 * (size_t)PACKAGES_MAX)

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], int count)
{
	while (count-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
}

struct sbom_id sbom_id_of(struct str text)
{
	static const uint64_t k0 = 0x0706050403020100, k1 = 0x0f0e0d0c0b0a0908;
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee, k0 ^ 0x6c7967656e657261,
			  k1 ^ 0x7465646279746573 };
	uint64_t word, last = (uint64_t)text.len << 56;
	size_t i = 0;
	struct sbom_id id;

	for (; text.len - i >= 8; i += 8) {
		memcpy(&word, text.data + i, sizeof(word));
		sip_word(v, le64toh(word));
	}
	for (size_t shift = 0; i < text.len; i++, shift += 8)
		last |= (uint64_t)(unsigned char)text.data[i] << shift;
	sip_word(v, last);
	v[2] ^= 0xee;
	sip_rounds(v, 4);
	id.half[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
	v[1] ^= 0xdd;
	sip_rounds(v, 4);
	id.half[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
	return id;
}

int sbom_ids_add(struct sbom_ids *ids, struct sbom_id id)
{
	struct sbom_id *list;
	size_t max;

	if (ids->count == ids->max) {
		if (ids->count >= PACKAGE_FILES_MAX)
			return -E2BIG;
		max = ids->max ? 2 * ids->max : 16;
		list = reallocarray(ids->list, max, sizeof(*list));
		if (!list)
			return -ENOMEM;
		ids->list = list;
		ids->max = max;
	}
	ids->list[ids->count++] = id;
	return 0;
}

void sbom_ids_done(struct sbom_ids *ids)
{
	free(ids->list);
	*ids = (struct sbom_ids) { .list = NULL };
}

/* ---- ids with one value each ---- */

struct slot {
	struct sbom_id id;
	uint32_t value;
	bool used;
};

struct sbom_table {
	struct slot *slots;
	size_t size, count; /* size: a power of two */
};

int sbom_table_new(struct sbom_table **ret_table)
{
	struct sbom_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	*ret_table = table;
	return 0;
}

void sbom_table_free(struct sbom_table *table)
{
	if (!table)
		return;
	free(table->slots);
	free(table);
}

static bool same_id(struct sbom_id a, struct sbom_id b)
{
	return a.half[0] == b.half[0] && a.half[1] == b.half[1];
}

/* Where it is, or where it would go: there is always an empty slot. */
static struct slot *find_slot(struct slot *slots, size_t size, struct sbom_id id)
{
	size_t at = id.half[0] & (size - 1);

	while (slots[at].used && !same_id(slots[at].id, id))
		at = (at + 1) & (size - 1);
	return &slots[at];
}

static int grow(struct sbom_table *table)
{
	size_t size = table->size ? 2 * table->size : 1024;
	struct slot *slots = calloc(size, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->size; i++)
		if (table->slots[i].used)
			*find_slot(slots, size, table->slots[i].id) = table->slots[i];
	free(table->slots);
	table->slots = slots;
	table->size = size;
	return 0;
}

int sbom_table_add(struct sbom_table *table, struct sbom_id id, uint32_t value)
{
	struct slot *slot;
	int r;

	if (2 * table->count >= table->size) {
		if (table->count >= SBOM_IDS_MAX)
			return -E2BIG;
		r = grow(table);
		if (r < 0)
			return r;
	}
	slot = find_slot(table->slots, table->size, id);
	if (slot->used)
		return -EEXIST;
	*slot = (struct slot) { .id = id, .value = value, .used = true };
	table->count++;
	return 0;
}

bool sbom_table_find(const struct sbom_table *table, struct sbom_id id, uint32_t *ret_value)
{
	const struct slot *slot;

	if (table->size == 0)
		return false;
	slot = find_slot(table->slots, table->size, id);
	if (slot->used)
		*ret_value = slot->value;
	return slot->used;
}

/* ---- files and the packages that contain them ---- */

#define PAIR_ASKED UINT32_MAX

struct pair {
	struct sbom_id file;
	uint32_t package;
};

struct sbom_pairs {
	struct pair *list;
	size_t count, max;
	uint32_t *packages; /* those of one file, for the answer */
	size_t max_packages;
	uint64_t asked;
};

int sbom_pairs_new(struct sbom_pairs **ret_pairs)
{
	struct sbom_pairs *pairs = calloc(1, sizeof(*pairs));

	if (!pairs)
		return -ENOMEM;
	*ret_pairs = pairs;
	return 0;
}

void sbom_pairs_free(struct sbom_pairs *pairs)
{
	if (!pairs)
		return;
	free(pairs->list);
	free(pairs->packages);
	free(pairs);
}

int sbom_pairs_add(struct sbom_pairs *pairs, struct sbom_id file, uint32_t package)
{
	struct pair *list;
	size_t max;

	if (pairs->count == pairs->max) {
		if (pairs->count >= PACKAGE_FILES_MAX)
			return -E2BIG;
		max = pairs->max ? 2 * pairs->max : 256;
		list = reallocarray(pairs->list, max, sizeof(*list));
		if (!list)
			return -ENOMEM;
		pairs->list = list;
		pairs->max = max;
	}
	pairs->list[pairs->count++] = (struct pair) { file, package };
	return 0;
}

static int compare_ids(struct sbom_id a, struct sbom_id b)
{
	int half = a.half[0] == b.half[0];

	return (a.half[half] > b.half[half]) - (a.half[half] < b.half[half]);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int r = compare_ids(x->file, y->file);

	return r ? r : (x->package > y->package) - (x->package < y->package);
}

void sbom_pairs_sort(struct sbom_pairs *pairs)
{
	size_t kept = 0;

	if (pairs->count > 1)
		qsort(pairs->list, pairs->count, sizeof(*pairs->list), compare_pairs);
	for (size_t i = 0; i < pairs->count; i++)
		if (kept == 0 || compare_pairs(&pairs->list[kept - 1], &pairs->list[i]) != 0)
			pairs->list[kept++] = pairs->list[i];
	pairs->count = kept;
}

/* The first pair that is not below. */
static size_t lower_bound(const struct sbom_pairs *pairs, struct sbom_id file)
{
	size_t low = 0, high = pairs->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_ids(pairs->list[middle].file, file) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t sbom_pairs_of(struct sbom_pairs *pairs, struct sbom_id file, const uint32_t **ret_packages,
		     bool *ret_again)
{
	size_t from = lower_bound(pairs, file), n = 0;

	*ret_again = false;
	while (from + n < pairs->count && same_id(pairs->list[from + n].file, file))
		n++;
	if (n == 0)
		return 0;
	if (pairs->list[from].package == PAIR_ASKED) {
		*ret_again = true;
		return 0;
	}
	if (n > pairs->max_packages) {
		uint32_t *packages = reallocarray(pairs->packages, n, sizeof(*packages));

		if (!packages)
			return 0; /* its pairs stay unasked, and counted as such */
		pairs->packages = packages;
		pairs->max_packages = n;
	}
	for (size_t i = 0; i < n; i++) {
		pairs->packages[i] = pairs->list[from + i].package;
		pairs->list[from + i].package = PAIR_ASKED;
	}
	pairs->asked += n;
	*ret_packages = pairs->packages;
	return n;
}

uint64_t sbom_pairs_unasked(const struct sbom_pairs *pairs)
{
	return pairs->count - pairs->asked;
}
