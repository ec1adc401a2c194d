/* SPDX-License-Identifier: Apache-2.0 */

/* Numbers and names of tiles. Promises a name for every number and level. Owns nothing. */

#include "sigstore/tile.h"

#include <stdio.h>

unsigned int tile_width(uint64_t size, unsigned int level, uint64_t number)
{
	uint64_t hashes = level * TILE_HEIGHT < 64 ? size >> (level * TILE_HEIGHT) : 0;

	/* number * TILE_WIDTH could overflow. */
	if (number > hashes / TILE_WIDTH)
		return 0;
	return number < hashes / TILE_WIDTH ? TILE_WIDTH : (unsigned int)(hashes % TILE_WIDTH);
}

/* Groups of three digits, all but the last with an x before them. */
void tile_path(unsigned int level, uint64_t number, unsigned int width, char out[TILE_PATH_MAX])
{
	uint64_t groups[7];
	size_t n = 0, len;

	do
		groups[n++] = number % 1000;
	while ((number /= 1000) > 0);
	len = level == TILE_ENTRIES ? (size_t)snprintf(out, TILE_PATH_MAX, "tile/entries")
				    : (size_t)snprintf(out, TILE_PATH_MAX, "tile/%u", level);
	while (n-- > 0)
		len += (size_t)snprintf(out + len, TILE_PATH_MAX - len, n > 0 ? "/x%03u" : "/%03u",
					(unsigned int)groups[n]);
	if (width < TILE_WIDTH)
		snprintf(out + len, TILE_PATH_MAX - len, ".p/%u", width);
}
