/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Merkle trees of RFC 6962, section 2.1: leaf = SHA-256(0x00 || body), node = SHA-256(0x01 || left || right). */

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "crypto/digest.h"

#define MERKLE_PROOF_MAX 63
#define MERKLE_SIZE_MAX ((uint64_t)INT64_MAX)

/* -ENOMEM, as all that hash here. */
int merkle_leaf(struct str body, struct digest *ret_leaf);
int merkle_node(const struct digest *left, const struct digest *right, struct digest *ret_node);
/* The node over `count` neighbours of one level, a power of two: hashes[0] becomes it, the others are used up. */
int merkle_join(struct digest *hashes, size_t count);

/*
 * The root of a tree of `size` leaves that has `leaf` at `index`, by its inclusion proof. -EBADMSG: index not below
 * size, or not exactly as many hashes as such a proof has.
 */
int merkle_root(const struct digest *leaf, uint64_t index, uint64_t size, const struct digest *hashes,
		size_t n_hashes, struct digest *ret_root);

/* Is the tree (new_size, new_root) an extension of (old_size, old_root)? 0, or -EBADMSG. Equal sizes need no hashes. */
int merkle_consistent(uint64_t old_size, const struct digest *old_root, uint64_t new_size,
		      const struct digest *new_root, const struct digest *hashes, size_t n_hashes);
