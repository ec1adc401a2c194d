// SPDX-License-Identifier: Apache-2.0
/*
 * Levenshtein distance on one row. Promises: bounded work (64 x 64), no allocation. A candidate counts as near
 * when at most a third of the word, and at least one letter, would have to change, or when the word is its
 * beginning; further away a suggestion confuses more than it helps.
 */

#include "base/nearest.h"

#define NEAREST_WORD_MAX 64

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

static size_t distance_of(struct str a, struct str b)
{
	size_t row[NEAREST_WORD_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 0; i < a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < b.len; j++) {
			size_t above = row[j + 1];

			row[j + 1] = smallest(above + 1, row[j] + 1, diagonal + (a.data[i] != b.data[j]));
			diagonal = above;
		}
	}
	return row[b.len];
}

void nearest_try(struct nearest *nearest, const char *candidate)
{
	struct str other = str_of(candidate);
	size_t limit =
		nearest->word.len > 4 ? (nearest->word.len + 1) / 3 : 1; /* of five letters, two swapped */
	size_t distance;

	if (nearest->word.len == 0 || nearest->word.len > NEAREST_WORD_MAX || other.len > NEAREST_WORD_MAX)
		return;
	if (nearest->word.len >= 3 && other.len > nearest->word.len &&
	    memcmp(other.data, nearest->word.data, nearest->word.len) == 0)
		distance = 1;
	else
		distance = distance_of(nearest->word, other);
	if (distance > limit || (nearest->best && distance >= nearest->distance))
		return;
	nearest->best = candidate;
	nearest->distance = distance;
}
