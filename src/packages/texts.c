// SPDX-License-Identifier: Apache-2.0
/*
 * Texts lie one behind the other in chunks of 1 MiB (the first one is small) and are never freed singly. An open hash table
 * of numbers finds them. Refuses text with NUL in it. Owns all of it.
 */

#include "packages/texts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"

#define CHUNK_BITS 20
#define CHUNK_BYTES (1u << CHUNK_BITS)
#define CHUNKS_MAX (1u << (32 - CHUNK_BITS))

int texts_init(struct texts *texts)
{
	*texts = (struct texts) { .chunks = NULL };
	/* Without randomness (early in the boot) an address has to do. */
	if (getrandom(texts->key, sizeof(texts->key), GRND_NONBLOCK) != (ssize_t)sizeof(texts->key))
		texts->key[0] = (uint64_t)(uintptr_t)texts;
	return 0;
}

void texts_done(struct texts *texts)
{
	for (size_t i = 0; i < texts->n_chunks; i++)
		free(texts->chunks[i]);
	free(texts->chunks);
	free(texts->places);
	free(texts->slots);
	*texts = (struct texts) { .chunks = NULL };
}

static uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static void round_of(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 */
static uint64_t hash(const struct texts *texts, struct str text)
{
	uint64_t v[4] = { texts->key[0] ^ 0x736f6d6570736575, texts->key[1] ^ 0x646f72616e646f6d,
			  texts->key[0] ^ 0x6c7967656e657261, texts->key[1] ^ 0x7465646279746573 };
	uint64_t word;
	size_t left = text.len;
	const char *at = text.data;

	for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		v[3] ^= word;
		round_of(v);
		v[0] ^= word;
	}
	word = 0;
	if (left > 0)
		memcpy(&word, at, left);
	word |= (uint64_t)text.len << 56;
	v[3] ^= word;
	round_of(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		round_of(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

char *texts_get(const struct texts *texts, uint32_t number)
{
	uint32_t place = texts->places[number];

	return texts->chunks[place >> CHUNK_BITS] + (place & (CHUNK_BYTES - 1));
}

static bool equals(const char *stored, struct str text)
{
	return strncmp(stored, text.data, text.len) == 0 && stored[text.len] == '\0';
}

/* The slot where it is, or where it would go. There is always a free one. */
static size_t slot_of(const struct texts *texts, struct str text)
{
	size_t at = hash(texts, text) & (texts->n_slots - 1);

	while (texts->slots[at] != 0 && !equals(texts_get(texts, texts->slots[at] - 1), text))
		at = (at + 1) & (texts->n_slots - 1);
	return at;
}

bool texts_find(const struct texts *texts, struct str text, uint32_t *ret_number)
{
	size_t at;

	if (texts->n_slots == 0 || text.len > TEXT_MAX || (text.len && memchr(text.data, '\0', text.len)))
		return false;
	if (text.len == 0)
		text = STR("");
	at = slot_of(texts, text);
	if (texts->slots[at] == 0)
		return false;
	*ret_number = texts->slots[at] - 1;
	return true;
}

static int slots_grow(struct texts *texts)
{
	size_t n = texts->n_slots ? texts->n_slots * 2 : 64;
	_cleanup_(freep) uint32_t *old = texts->slots;

	texts->slots = calloc(n, sizeof(*texts->slots));
	if (!texts->slots) {
		texts->slots = TAKE(old);
		return -ENOMEM;
	}
	texts->n_slots = n;
	for (size_t i = 0; i < texts->count; i++)
		texts->slots[slot_of(texts, str_of(texts_get(texts, (uint32_t)i)))] = (uint32_t)i + 1;
	return 0;
}

static int places_grow(struct texts *texts)
{
	size_t n = texts->capacity ? texts->capacity + texts->capacity / 2 : 32;
	uint32_t *places = reallocarray(texts->places, n, sizeof(*places));

	if (!places)
		return -ENOMEM;
	texts->places = places;
	texts->capacity = n;
	return 0;
}

static int chunk_add(struct texts *texts)
{
	char **chunks = reallocarray(texts->chunks, texts->n_chunks + 1, sizeof(*chunks));

	if (!chunks)
		return -ENOMEM;
	texts->chunks = chunks;
	if (texts->n_chunks == CHUNKS_MAX)
		return -E2BIG;
	/* Pages that nobody writes to cost nothing. */
	chunks[texts->n_chunks] = malloc(CHUNK_BYTES);
	if (!chunks[texts->n_chunks])
		return -ENOMEM;
	texts->n_chunks++;
	texts->used = 0;
	return 0;
}

int texts_add(struct texts *texts, struct str text, uint32_t *ret_number, bool *ret_new)
{
	bool is_new = !texts_find(texts, text, ret_number);
	int r = 0;

	if (ret_new)
		*ret_new = is_new;
	if (!is_new)
		return 0;
	if (text.len > TEXT_MAX || (text.len && memchr(text.data, '\0', text.len)))
		return -EINVAL;
	if (texts->count * 4 >= texts->n_slots * 3)
		r = slots_grow(texts);
	if (r >= 0 && texts->count == texts->capacity)
		r = places_grow(texts);
	if (r >= 0 && (texts->n_chunks == 0 || CHUNK_BYTES - texts->used < text.len + 1))
		r = chunk_add(texts);
	if (r < 0)
		return r;
	if (text.len == 0)
		text = STR("");
	memcpy(texts->chunks[texts->n_chunks - 1] + texts->used, text.data, text.len);
	texts->chunks[texts->n_chunks - 1][texts->used + text.len] = '\0';
	texts->places[texts->count] = (uint32_t)((texts->n_chunks - 1) << CHUNK_BITS | texts->used);
	texts->used += text.len + 1;
	texts->slots[slot_of(texts, text)] = (uint32_t)texts->count + 1;
	*ret_number = (uint32_t)texts->count++;
	return 0;
}
