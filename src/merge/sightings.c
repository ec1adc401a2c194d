/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A table of sightings with open addressing. Promises: memory by what was seen, not by what there is to see; sums stay at their
 * maximum; first and last are those of the chain's order, so that two runs name the same lines.
 */

#include "merge/sightings.h"

#include <errno.h>
#include <stdlib.h>

void sightings_done(struct sightings *sightings)
{
	free(sightings->keys);
	free(sightings->values);
	*sightings = (struct sightings) { 0 };
}

void sightings_clear(struct sightings *sightings)
{
	if (sightings->count > 0)
		memset(sightings->keys, 0, sightings->room * sizeof(*sightings->keys));
	sightings->count = 0;
}

static size_t slot_of(const struct sightings *sightings, uint64_t key)
{
	uint64_t hash = (key + 1) * UINT64_C(0x9e3779b97f4a7c15);
	size_t slot = (size_t)(hash >> 20) & (sightings->room - 1);

	while (sightings->keys[slot] != 0 && sightings->keys[slot] != key + 1)
		slot = (slot + 1) & (sightings->room - 1);
	return slot;
}

static int grow(struct sightings *sightings)
{
	struct sightings grown = { .room = sightings->room ? 2 * sightings->room : 64 };

	if (sightings->count >= SIGHTINGS_MAX)
		return -E2BIG;
	grown.keys = calloc(grown.room, sizeof(*grown.keys));
	grown.values = calloc(grown.room, sizeof(*grown.values));
	if (!grown.keys || !grown.values) {
		sightings_done(&grown);
		return -ENOMEM;
	}
	for (size_t i = 0; i < sightings->room; i++) {
		size_t slot;

		if (sightings->keys[i] == 0)
			continue;
		slot = slot_of(&grown, sightings->keys[i] - 1);
		grown.keys[slot] = sightings->keys[i];
		grown.values[slot] = sightings->values[i];
		grown.count++;
	}
	sightings_done(sightings);
	*sightings = grown;
	return 0;
}

struct sighting *sightings_at(struct sightings *sightings, uint64_t key)
{
	size_t slot;

	if (4 * (sightings->count + 1) > 3 * sightings->room && grow(sightings) < 0)
		return NULL;
	slot = slot_of(sightings, key);
	if (sightings->keys[slot] == 0) {
		sightings->keys[slot] = key + 1;
		sightings->values[slot] = (struct sighting) { 0 };
		sightings->count++;
	}
	return &sightings->values[slot];
}

const struct sighting *sightings_find(const struct sightings *sightings, uint64_t key)
{
	size_t slot;

	if (sightings->count == 0)
		return NULL;
	slot = slot_of(sightings, key);
	return sightings->keys[slot] ? &sightings->values[slot] : NULL;
}

/* `later` behind `sighting`. */
static void sighting_join(struct sighting *sighting, const struct sighting *later)
{
	uint64_t sum;

	if (later->count == 0)
		return;
	if (sighting->count == 0) {
		*sighting = *later;
		return;
	}
	if (__builtin_add_overflow(sighting->count, later->count, &sum))
		sum = UINT64_MAX;
	sighting->count = sum;
	sighting->last = later->last;
	sighting->last_line = later->last_line;
}

void sighting_add(struct sighting *sighting, uint64_t count, struct moment first, struct moment last,
		  const struct evidence_line *line)
{
	struct sighting one = { count, first, last, *line, *line };

	sighting_join(sighting, &one);
}

int sightings_fold(struct sightings *sightings, const struct sightings *from)
{
	for (size_t i = 0; i < from->room && from->count > 0; i++) {
		struct sighting *sighting;

		if (from->keys[i] == 0)
			continue;
		sighting = sightings_at(sightings, from->keys[i] - 1);
		if (!sighting)
			return sightings->count >= SIGHTINGS_MAX ? -E2BIG : -ENOMEM;
		sighting_join(sighting, &from->values[i]);
	}
	return 0;
}
