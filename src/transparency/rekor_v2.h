/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rekor v2: hashedrekord 0.0.2 in a log of tiles. The URL is the server's, without /api; its tiles are read below
 * URL/api/v2. What it answers is believed in nothing; that is for entry_verify.
 */

#include "format/bundle.h"
#include "sigstore/trusted_root.h"
#include "transparency/ask.h"
#include "transparency/tile_tree.h"

/*
 * Sends the seal; of one that is there already the proof is made from the log's tiles. `verifier` as entry_body takes it;
 * ECDSA P-256 only (-EINVAL). -EAGAIN: the log has it, and no checkpoint covers it yet.
 */
int rekor_v2_submit(struct client *client, const struct bundle *bundle, struct str verifier,
		    const struct trusted_root *root, struct diag *diag, struct bundle_entry *entry);

/* Appends the log's checkpoint of now. */
int rekor_v2_checkpoint(struct client *client, struct diag *diag, struct buf *out);
/* The log's tiles; `client` must outlive it. */
int rekor_v2_tiles(struct client *client, uint64_t size, struct tile_tree **ret_tree);
