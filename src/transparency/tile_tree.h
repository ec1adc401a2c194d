/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A Merkle tree that lies in tiles (c2sp.org/tlog-tiles), wherever they are: in a directory or behind HTTP. What the
 * tiles add up to is for the caller to compare with a signed checkpoint; nothing here is believed.
 */

#include "base/buf.h"
#include "base/diag.h"
#include "sigstore/merkle.h"
#include "sigstore/tile.h"

#define TILE_CACHE 16
#define TILE_PROOF_MAX (MERKLE_PROOF_MAX + 1) /* of consistency; of inclusion one less */

struct tile_cached {
	bool used;
	unsigned int level;
	uint64_t number;
	size_t width; /* hashes that are here */
	uint8_t hashes[TILE_BYTES];
};

struct tile_tree {
	/* Appends the file at this path ("tile/0/000", "tile/0/x001/234.p/5"); -ENOENT: there is none. */
	int (*read)(void *user, const char *path, struct diag *diag, struct buf *out);
	void *user;
	uint64_t size; /* leaves; what is behind them is never read */
	struct tile_cached cache[TILE_CACHE];
	unsigned int next; /* to be replaced */
};

/* A new one; freed with free(). -ENOMEM. */
int tile_tree_new(int (*read)(void *user, const char *path, struct diag *diag, struct buf *out), void *user,
		  uint64_t size, struct tile_tree **ret_tree);

/* index < size. -EBADMSG: a tile is not of the form, or is not there though it must be; else what `read` says. */
int tile_tree_leaf(struct tile_tree *tree, uint64_t index, struct diag *diag, struct digest *ret_leaf);
/* The root of the first `size` leaves, at most tree->size. */
int tile_tree_root(struct tile_tree *tree, uint64_t size, struct diag *diag, struct digest *ret_root);
int tile_tree_inclusion(struct tile_tree *tree, uint64_t index, uint64_t size, struct diag *diag,
			struct digest hashes[TILE_PROOF_MAX], size_t *ret_n);
/* old_size 0 needs no hashes. */
int tile_tree_consistency(struct tile_tree *tree, uint64_t old_size, uint64_t new_size, struct diag *diag,
			  struct digest hashes[TILE_PROOF_MAX], size_t *ret_n);
