/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an inclusion proof tells of its tree beyond its leaf: each hash in it is the root of a known range of leaves.
 * Two proofs together may prove, or refute, that the larger tree is the smaller one with leaves added.
 */

#include "sigstore/merkle.h"

/* The root of the 2^level leaves from index * 2^level on; never one that holds less. */
struct tree_node {
	unsigned int level;
	uint64_t index;
	struct digest hash;
};

#define TREE_NODES_MAX (2 * MERKLE_PROOF_MAX + 1)

struct tree_nodes {
	struct tree_node list[TREE_NODES_MAX];
	size_t count;
};

/* Gives what the proof tells; the root that it leads to is *ret_root. -EBADMSG: no proof of that form; -ENOMEM. */
int tree_nodes_read(const struct digest *leaf, uint64_t index, uint64_t size, const struct digest *hashes,
		    size_t n_hashes, struct tree_nodes *ret_nodes, struct digest *ret_root);

/* Finds a node for tree_root; -ENOENT. */
typedef int tree_find_fn(void *user, unsigned int level, uint64_t index, struct digest *ret_hash);
/* The root of the tree's first `size` leaves (not 0). What `find` returns when a node is not to be had; -ENOMEM. */
int tree_root(uint64_t size, tree_find_fn *find, void *user, struct digest *ret_root);
/* The same from what a proof told. -ENOENT: it did not tell enough. */
int tree_nodes_root(const struct tree_nodes *nodes, uint64_t size, struct digest *ret_root);

/* Is there a node that both know and that differs? Then no tree can have both. */
bool tree_nodes_differ(const struct tree_nodes *a, const struct tree_nodes *b);
