/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How often, when, and in which lines something was seen, by a 64-bit key. Two of them make a chunk's own, which is folded into the
 * chain's when the chunk turned out sound, or emptied when not.
 */

#include "merge/verdict.h"

#define SIGHTINGS_MAX (1u << 24)

struct sightings {
	uint64_t *keys; /* key + 1; 0 = free */
	struct sighting *values;
	size_t room, count;
};

void sightings_done(struct sightings *sightings);
/* Forgets all, keeps the room. */
void sightings_clear(struct sightings *sightings);
/* The place of a key, made when missing (count 0 then); valid until the next call. NULL: no memory, or SIGHTINGS_MAX of them. */
struct sighting *sightings_at(struct sightings *sightings, uint64_t key);
/* NULL: never seen. */
const struct sighting *sightings_find(const struct sightings *sightings, uint64_t key);
/* Adds all of `from`, which is later in the chain. -ENOMEM, -E2BIG. */
int sightings_fold(struct sightings *sightings, const struct sightings *from);

/* One more line: `count` events of it are new. */
void sighting_add(struct sighting *sighting, uint64_t count, struct moment first, struct moment last,
		  const struct evidence_line *line);
