/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Nodes of Merkle trees as RFC 6962 builds them. Promises: only roots of whole ranges of 2^level leaves are kept, for
 * these stay what they are when the tree grows; what cannot be told is said to be unknown, never guessed.
 */

#include "verify/tree.h"

#include <errno.h>

static void keep(struct tree_nodes *nodes, unsigned int level, uint64_t index, uint64_t size,
		 const struct digest *hash)
{
	/* Whole: its last leaf is in the tree. index + 1 <= size >> level, without overflow. */
	if (level < 64 && index < size >> level && nodes->count < TREE_NODES_MAX)
		nodes->list[nodes->count++] = (struct tree_node) { level, index, *hash };
}

/* The place of the subtree that holds the leaf while the proof is walked, as RFC 9162, 2.1.3.2 does it. */
struct place {
	uint64_t at, last; /* its number at this level, and that of the last one */
	unsigned int level;
};

static void place_up(struct place *place)
{
	place->at >>= 1;
	place->last >>= 1;
	place->level++;
}

static int step(struct place *place, const struct digest *hash, uint64_t size, struct tree_nodes *nodes,
		struct digest *value)
{
	struct digest joined = { 0 };
	int r;

	if (place->last == 0)
		return -EBADMSG;
	if ((place->at & 1) == 0 && place->at < place->last) {
		keep(nodes, place->level, place->at + 1, size, hash);
		r = merkle_node(value, hash, &joined);
	} else {
		/* The right edge without a sibling is carried up as it is. */
		while ((place->at & 1) == 0 && place->at != 0)
			place_up(place);
		keep(nodes, place->level, place->at - 1, size, hash);
		r = merkle_node(hash, value, &joined);
	}
	place_up(place);
	*value = joined;
	if (r == 0)
		keep(nodes, place->level, place->at, size, value);
	return r;
}

int tree_nodes_read(const struct digest *leaf, uint64_t index, uint64_t size, const struct digest *hashes,
		    size_t n_hashes, struct tree_nodes *ret_nodes, struct digest *ret_root)
{
	struct place place = { .at = index, .last = size - 1 };
	struct tree_nodes *nodes = ret_nodes;
	struct digest value = *leaf;
	int r;

	nodes->count = 0;
	if (index >= size || size > MERKLE_SIZE_MAX || n_hashes > MERKLE_PROOF_MAX)
		return -EBADMSG;
	keep(nodes, 0, index, size, &value);
	for (size_t i = 0; i < n_hashes; i++) {
		r = step(&place, &hashes[i], size, nodes, &value);
		if (r < 0)
			return r;
	}
	if (place.last != 0)
		return -EBADMSG;
	*ret_root = value;
	return 0;
}

int tree_root(uint64_t size, tree_find_fn *find, void *user, struct digest *ret_root)
{
	bool begun = false;
	int r;

	/* The ranges of the set bits, the smallest (and last) first: each is joined to the left of what is behind it. */
	for (unsigned int level = 0; level < 64 && size >> level > 0; level++) {
		struct digest hash = { 0 }, joined;

		if (!(size >> level & 1))
			continue;
		r = find(user, level, (size >> level) - 1, &hash);
		joined = hash;
		if (r == 0 && begun)
			r = merkle_node(&hash, ret_root, &joined);
		if (r < 0)
			return r;
		*ret_root = joined;
		begun = true;
	}
	return begun ? 0 : -ENOENT;
}

static int find_node(void *user, unsigned int level, uint64_t index, struct digest *ret_hash)
{
	const struct tree_nodes *nodes = user;

	for (size_t i = 0; i < nodes->count; i++) {
		if (nodes->list[i].level == level && nodes->list[i].index == index) {
			*ret_hash = nodes->list[i].hash;
			return 0;
		}
	}
	return -ENOENT;
}

int tree_nodes_root(const struct tree_nodes *nodes, uint64_t size, struct digest *ret_root)
{
	return tree_root(size, find_node, (void *)nodes, ret_root);
}

bool tree_nodes_differ(const struct tree_nodes *a, const struct tree_nodes *b)
{
	for (size_t i = 0; i < a->count; i++) {
		struct digest other;

		if (find_node((void *)b, a->list[i].level, a->list[i].index, &other) == 0 &&
		    memcmp(other.bytes, a->list[i].hash.bytes, DIGEST_LEN) != 0)
			return true;
	}
	return false;
}
