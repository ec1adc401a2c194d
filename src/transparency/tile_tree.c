// SPDX-License-Identifier: Apache-2.0
/*
 * Roots and proofs out of tiles. Promises that only hashes of complete subtrees within the tree's size are used. Refuses
 * tiles of another length than their name says. Owns a small cache of tiles, so that neighbours are not read twice.
 */

#include "transparency/tile_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int tile_tree_new(int (*read)(void *user, const char *path, struct diag *diag, struct buf *out), void *user,
		  uint64_t size, struct tile_tree **ret_tree)
{
	struct tile_tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return -ENOMEM;
	tree->read = read;
	tree->user = user;
	tree->size = size;
	*ret_tree = tree;
	return 0;
}

/* ---- tiles ---- */

/* A partial tile may have been taken away when the full one came. *ret_width: what the file's name says. */
static int tile_read(struct tile_tree *tree, unsigned int level, uint64_t number, unsigned int width,
		     struct diag *diag, struct buf *out, unsigned int *ret_width)
{
	char path[TILE_PATH_MAX];
	int r;

	*ret_width = width;
	tile_path(level, number, width, path);
	r = tree->read(tree->user, path, diag, out);
	if (r == -ENOENT && width < TILE_WIDTH) {
		*ret_width = TILE_WIDTH;
		tile_path(level, number, TILE_WIDTH, path);
		r = tree->read(tree->user, path, diag, out);
	}
	if (r == -ENOENT)
		return diag_error(diag, -EBADMSG, "the log has no %s though its tree has %llu leaves", path,
				  (unsigned long long)tree->size);
	return r;
}

static int tile_load(struct tile_tree *tree, unsigned int level, uint64_t number, unsigned int width,
		     struct diag *diag, struct tile_cached **ret_tile)
{
	_cleanup_(buf_done) struct buf bytes = BUF_MAX(TILE_BYTES);
	struct tile_cached *tile = &tree->cache[tree->next];
	unsigned int told;
	int r = tile_read(tree, level, number, width, diag, &bytes, &told);

	if (r < 0)
		return r;
	if (bytes.len != (size_t)told * DIGEST_LEN)
		return diag_error(diag, -EBADMSG, "tile %u/%llu of the log has %zu bytes, %u are right", level,
				  (unsigned long long)number, bytes.len, told * DIGEST_LEN);
	*tile = (struct tile_cached) { .used = true, .level = level, .number = number, .width = width };
	memcpy(tile->hashes, bytes.data, (size_t)width * DIGEST_LEN);
	tree->next = (tree->next + 1) % TILE_CACHE;
	*ret_tile = tile;
	return 0;
}

static int tile_get(struct tile_tree *tree, unsigned int level, uint64_t number, struct diag *diag,
		    struct tile_cached **ret_tile)
{
	unsigned int width = tile_width(tree->size, level, number);

	for (size_t i = 0; i < TILE_CACHE; i++) {
		struct tile_cached *tile = &tree->cache[i];

		if (tile->used && tile->level == level && tile->number == number && tile->width >= width) {
			*ret_tile = tile;
			return 0;
		}
	}
	return tile_load(tree, level, number, width, diag, ret_tile);
}

/* The hash of the complete subtree of 2^level leaves at index * 2^level. */
static int node_get(struct tile_tree *tree, unsigned int level, uint64_t index, struct diag *diag,
		    struct digest *ret_hash)
{
	unsigned int row = level / TILE_HEIGHT, above = level % TILE_HEIGHT;
	uint64_t first = index << above;
	struct digest hashes[TILE_WIDTH / 2];
	struct tile_cached *tile = NULL;
	size_t n = (size_t)1 << above;
	int r = tile_get(tree, row, first / TILE_WIDTH, diag, &tile);

	if (r < 0)
		return r;
	if (first % TILE_WIDTH + n > tile->width)
		return diag_error(diag, -EINVAL, "a node beyond the log's tree was asked for");
	memcpy(hashes, tile->hashes + first % TILE_WIDTH * DIGEST_LEN, n * DIGEST_LEN);
	r = merkle_join(hashes, n);
	if (r < 0)
		return r;
	*ret_hash = hashes[0];
	return 0;
}

/* ---- ranges ---- */

/* The largest power of two below n; n > 1. */
static uint64_t split_at(uint64_t n)
{
	return 1ull << (63 - __builtin_clzll(n - 1));
}

/* MTH of the n leaves from `from` on, where `from` is a multiple of the smallest power of two that is not below n. */
static int range_root(struct tile_tree *tree, uint64_t from, uint64_t n, struct diag *diag,
		      struct digest *ret_root)
{
	struct digest roots[64] = { { { 0 } } };
	size_t depth = 0;
	int r;

	/* Complete subtrees from left to right; they are then joined from the right. */
	while (n > 0) {
		unsigned int level = 63 - (unsigned int)__builtin_clzll(n);

		r = node_get(tree, level, from >> level, diag, &roots[depth]);
		if (r < 0)
			return r;
		depth++;
		from += 1ull << level;
		n -= 1ull << level;
	}
	for (*ret_root = roots[--depth]; depth > 0;) {
		r = merkle_node(&roots[--depth], ret_root, ret_root);
		if (r < 0)
			return r;
	}
	return 0;
}

int tile_tree_leaf(struct tile_tree *tree, uint64_t index, struct diag *diag, struct digest *ret_leaf)
{
	if (index >= tree->size)
		return diag_error(diag, -EINVAL, "leaf %llu is beyond the log's tree",
				  (unsigned long long)index);
	return node_get(tree, 0, index, diag, ret_leaf);
}

static int size_check(const struct tile_tree *tree, uint64_t size, struct diag *diag)
{
	return size <= tree->size && size <= MERKLE_SIZE_MAX
		       ? 0
		       : diag_error(diag, -EINVAL, "a tree of %llu leaves is larger than the log's",
				    (unsigned long long)size);
}

int tile_tree_root(struct tile_tree *tree, uint64_t size, struct diag *diag, struct digest *ret_root)
{
	int r = size_check(tree, size, diag);

	if (r < 0)
		return r;
	return size == 0 ? digest_of("", 0, ret_root) : range_root(tree, 0, size, diag, ret_root);
}

static void reverse(struct digest *hashes, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct digest other = hashes[i];

		hashes[i] = hashes[n - 1 - i];
		hashes[n - 1 - i] = other;
	}
}

int tile_tree_inclusion(struct tile_tree *tree, uint64_t index, uint64_t size, struct diag *diag,
			struct digest hashes[TILE_PROOF_MAX], size_t *ret_n)
{
	uint64_t from = 0, n = size;
	size_t count = 0;
	int r = size_check(tree, size, diag);

	if (r >= 0 && index >= size)
		r = diag_error(diag, -EINVAL, "leaf %llu is beyond the log's tree", (unsigned long long)index);
	while (r >= 0 && n > 1) { /* from the root down; a proof is told from the leaf up */
		uint64_t k = split_at(n);

		if (index - from < k) {
			r = range_root(tree, from + k, n - k, diag, &hashes[count]);
			n = k;
		} else {
			r = range_root(tree, from, k, diag, &hashes[count]);
			from += k;
			n -= k;
		}
		count++;
	}
	if (r < 0)
		return r;
	reverse(hashes, count);
	*ret_n = count;
	return 0;
}

int tile_tree_consistency(struct tile_tree *tree, uint64_t old_size, uint64_t new_size, struct diag *diag,
			  struct digest hashes[TILE_PROOF_MAX], size_t *ret_n)
{
	uint64_t from = 0, m = old_size, n = new_size;
	bool whole = true; /* the old tree is a prefix of this range that starts where the tree does */
	size_t count = 0;
	int r = size_check(tree, new_size, diag);

	if (r >= 0 && old_size > new_size)
		r = diag_error(diag, -EINVAL, "the older tree is the larger one");
	while (r >= 0 && m > 0 && m < n) {
		uint64_t k = split_at(n);

		if (m <= k) {
			r = range_root(tree, from + k, n - k, diag, &hashes[count++]);
			n = k;
		} else {
			r = range_root(tree, from, k, diag, &hashes[count++]);
			from += k;
			m -= k;
			n -= k;
			whole = false;
		}
	}
	if (r >= 0 && m > 0 && !whole)
		r = range_root(tree, from, n, diag, &hashes[count++]);
	if (r < 0)
		return r;
	reverse(hashes, count);
	*ret_n = count;
	return 0;
}
