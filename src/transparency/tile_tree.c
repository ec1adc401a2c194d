// SPDX-License-Identifier: Apache-2.0
/*
 * Roots and proofs out of tiles: a tile holds 256 hashes of one level of the tree, 8 levels apart. Promises that only
 * hashes of complete subtrees within the tree's size are used. Refuses tiles of another length than their name says.
 * Owns a small cache of tiles, so that neighbours are not read twice.
 */

#include "transparency/tile_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define HEIGHT 8u

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

/* ---- names ---- */

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

/* How many of the tile's hashes belong to the tree. */
static unsigned int tile_width(const struct tile_tree *tree, unsigned int level, uint64_t number)
{
	uint64_t hashes = tree->size >> (HEIGHT * level), before = number * TILE_WIDTH;

	if (hashes <= before)
		return 0;
	return hashes - before < TILE_WIDTH ? (unsigned int)(hashes - before) : TILE_WIDTH;
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
	unsigned int width = tile_width(tree, level, number);

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
	unsigned int row = level / HEIGHT, above = level % HEIGHT;
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
	for (; n > 1; n /= 2)
		for (size_t i = 0; i < n / 2; i++) {
			r = merkle_node(&hashes[2 * i], &hashes[2 * i + 1], &hashes[i]);
			if (r < 0)
				return r;
		}
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

/* ---- bodies ---- */

static int body_find(struct str bundle, unsigned int position, struct str *ret_body)
{
	size_t at = 0;

	for (unsigned int i = 0;; i++) {
		size_t len;

		if (bundle.len - at < 2)
			return -EBADMSG;
		len = (size_t)(unsigned char)bundle.data[at] << 8 | (unsigned char)bundle.data[at + 1];
		if (bundle.len - at - 2 < len)
			return -EBADMSG;
		*ret_body = (struct str) { bundle.data + at + 2, len };
		if (i == position)
			return 0;
		at += 2 + len;
	}
}

int tile_tree_body(struct tile_tree *tree, uint64_t index, struct diag *diag, struct buf *out)
{
	_cleanup_(buf_done) struct buf bundle = BUF_MAX(TILE_ENTRIES_BYTES);
	struct digest leaf, hash;
	struct str body;
	unsigned int told;
	int r = tile_tree_leaf(tree, index, diag, &leaf);

	if (r >= 0)
		r = tile_read(tree, TILE_ENTRIES, index / TILE_WIDTH, tile_width(tree, 0, index / TILE_WIDTH),
			      diag, &bundle, &told);
	if (r >= 0 && body_find(buf_str(&bundle), index % TILE_WIDTH, &body) < 0)
		r = diag_error(diag, -EBADMSG, "the log's entries end before entry %llu",
			       (unsigned long long)index);
	if (r >= 0)
		r = merkle_leaf(body, &hash);
	if (r >= 0 && memcmp(&hash, &leaf, sizeof(hash)) != 0)
		r = diag_error(diag, -EBADMSG, "entry %llu of the log is not what its tree has",
			       (unsigned long long)index);
	return r < 0 ? r : buf_append_str(out, body);
}
