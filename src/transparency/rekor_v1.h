/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rekor v1: entries of kind dsse 0.0.1. What it answers is parsed strictly and believed in nothing; that is for
 * entry_verify. The URL is the server's, without /api.
 */

#include "crypto/key.h"
#include "format/bundle.h"
#include "sigstore/merkle.h"
#include "transparency/ask.h"

/*
 * Sends the bundle's envelope; what is there already is fetched. `verifier`: SPKI of the key, or the certificate when the
 * bundle's identity is one. `entry` is from bundle_entry_init.
 */
int rekor_v1_submit(struct client *client, const struct bundle *bundle, struct str verifier, struct diag *diag,
		    struct bundle_entry *entry);

/* The entry with this leaf hash; -ENOENT: the log says that it has none. */
int rekor_v1_find(struct client *client, const struct digest *leaf, struct diag *diag,
		  struct bundle_entry *entry);

/* The hashes of a consistency proof within the tree whose checkpoints have this first line ("NAME - TREE"). */
int rekor_v1_consistency(struct client *client, struct str origin, uint64_t old_size, uint64_t new_size,
			 struct diag *diag, struct digest hashes[MERKLE_PROOF_MAX + 1], size_t *ret_n);

/* What /api/v1/log/entries answers, for fuzzing too. */
int rekor_v1_parse(struct str text, struct diag *diag, struct bundle_entry *entry);
