/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merkle trees of RFC 6962. Promises: a proof is taken only when it has exactly the hashes that a tree of this shape
 * needs, so that no two sizes or indices share a proof by accident of its length. Owns nothing.
 */

#include "sigstore/merkle.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int merkle_leaf(struct str body, struct digest *ret_leaf)
{
	_cleanup_(digest_stream_freep) struct digest_stream *stream = NULL;
	int r = digest_stream_new(&stream);

	if (r == 0)
		r = digest_stream_add(stream, "\x00", 1);
	if (r == 0)
		r = digest_stream_add(stream, body.data, body.len);
	return r < 0 ? r : digest_stream_value(stream, ret_leaf);
}

int merkle_node(const struct digest *left, const struct digest *right, struct digest *ret_node)
{
	uint8_t pair[1 + 2 * DIGEST_LEN] = { 0x01 };

	memcpy(pair + 1, left->bytes, DIGEST_LEN);
	memcpy(pair + 1 + DIGEST_LEN, right->bytes, DIGEST_LEN);
	return digest_of(pair, sizeof(pair), ret_node);
}

int merkle_join(struct digest *hashes, size_t count)
{
	for (; count > 1; count /= 2) {
		for (size_t i = 0; i < count / 2; i++) {
			struct digest node;
			int r = merkle_node(&hashes[2 * i], &hashes[2 * i + 1], &node);

			if (r < 0)
				return r;
			hashes[i] = node;
		}
	}
	return 0;
}

static unsigned int bit_length(uint64_t value)
{
	return value == 0 ? 0 : 64 - (unsigned int)__builtin_clzll(value);
}

/*
 * On its way up the leaf first meets siblings on either side, as long as its subtree is not the last of its level
 * (`inner` of them, the bits in which the index differs from the last leaf's); from there on the right border of the
 * tree, where only left siblings exist: one for each further 1 of the index.
 */
int merkle_root(const struct digest *leaf, uint64_t index, uint64_t size, const struct digest *hashes,
		size_t n_hashes, struct digest *ret_root)
{
	struct digest at = *leaf;
	unsigned int inner;
	uint64_t border;
	int r;

	if (size > MERKLE_SIZE_MAX || index >= size)
		return -EBADMSG;
	inner = bit_length(index ^ (size - 1));
	border = index >> inner;
	if (n_hashes != inner + (unsigned int)__builtin_popcountll(border))
		return -EBADMSG;
	for (size_t i = 0; i < n_hashes; i++) {
		bool from_left = i >= inner || ((index >> i) & 1) != 0;

		r = from_left ? merkle_node(&hashes[i], &at, &at) : merkle_node(&at, &hashes[i], &at);
		if (r < 0)
			return r;
	}
	*ret_root = at;
	return 0;
}

static bool same(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_LEN) == 0;
}

/* The roots of both trees as the proof has them; RFC 9162, 2.1.4.2. -EBADMSG: not as long as it must be. */
static int rebuild(uint64_t old_size, const struct digest *old_root, uint64_t new_size,
		   const struct digest *hashes, size_t n_hashes, struct digest *ret_old, struct digest *ret_new)
{
	uint64_t fn = old_size - 1, sn = new_size - 1;
	/* An old tree that is one whole subtree of the new one is itself the first hash. */
	bool whole = (old_size & (old_size - 1)) == 0;
	struct digest fr, sr;
	int r = 0;

	if (n_hashes == 0 || n_hashes > 2 * MERKLE_PROOF_MAX)
		return -EBADMSG;
	fr = sr = whole ? *old_root : hashes[0];
	for (; fn & 1; fn >>= 1)
		sn >>= 1;
	for (size_t i = whole ? 0 : 1; r == 0 && i < n_hashes; i++) {
		if (sn == 0)
			return -EBADMSG;
		if ((fn & 1) != 0 || fn == sn) {
			r = merkle_node(&hashes[i], &fr, &fr);
			if (r == 0)
				r = merkle_node(&hashes[i], &sr, &sr);
			for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
				sn >>= 1;
		} else {
			r = merkle_node(&sr, &hashes[i], &sr);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (r < 0)
		return r;
	*ret_old = fr;
	*ret_new = sr;
	return sn == 0 ? 0 : -EBADMSG;
}

int merkle_consistent(uint64_t old_size, const struct digest *old_root, uint64_t new_size,
		      const struct digest *new_root, const struct digest *hashes, size_t n_hashes)
{
	struct digest first, second;
	int r;

	if (old_size > new_size || new_size > MERKLE_SIZE_MAX)
		return -EBADMSG;
	if (old_size == new_size)
		return n_hashes == 0 && same(old_root, new_root) ? 0 : -EBADMSG;
	if (old_size == 0) {
		r = digest_of("", 0, &first);
		if (r < 0)
			return r;
		return n_hashes == 0 && same(old_root, &first) ? 0 : -EBADMSG;
	}
	r = rebuild(old_size, old_root, new_size, hashes, n_hashes, &first, &second);
	if (r < 0)
		return r;
	return same(old_root, &first) && same(new_root, &second) ? 0 : -EBADMSG;
}
