/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The layout of a log of tiles (c2sp.org/tlog-tiles): a tile holds up to 256 hashes of one level of the tree; the level above
 * it has the roots of full tiles, 8 levels of the tree higher.
 */

#include "crypto/digest.h"

#define TILE_HEIGHT 8u
#define TILE_WIDTH (1u << TILE_HEIGHT)
#define TILE_BYTES (TILE_WIDTH * DIGEST_LEN)
#define TILE_ENTRIES UINT32_MAX /* instead of a level: the bodies of the leaves */
#define TILE_ENTRY_MAX 65535u /* bytes of one body */
#define TILE_ENTRIES_BYTES (TILE_WIDTH * (2u + TILE_ENTRY_MAX))
#define TILE_PATH_MAX 64

/* How many hashes a tile has in a tree of `size` leaves: TILE_WIDTH is a full tile, less a partial one, 0 none. */
unsigned int tile_width(uint64_t size, unsigned int level, uint64_t number);
/* Where it is below the log's directory or URL: "tile/0/000", "tile/0/x001/234.p/5". */
void tile_path(unsigned int level, uint64_t number, unsigned int width, char out[TILE_PATH_MAX]);
