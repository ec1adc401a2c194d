/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A transparency log of our own in a directory: C2SP tlog-tiles, leaves as Rekor v2 writes them (hashedrekord 0.0.2),
 * checkpoints signed with an Ed25519 key of its own. Never two checkpoints of which one is not the other's beginning.
 *
 * What it is worth: it shows that seals were logged in this order, to whoever kept an older checkpoint (a witness, an
 * auditor, a copy). It proves nothing against somebody who has its key and whose checkpoints nobody else has.
 *
 * The first leaf is about the log itself: programs there are that take the index 0 for "no index".
 * May be used by several threads.
 */

#include "format/bundle.h"
#include "sigstore/trusted_root.h"
#include "transparency/tile_tree.h"

#define LOCAL_LOG_BATCH_MAX 256

struct local_log;

/*
 * Opens it, or begins it: directory 0755, key at key_path (made when both are missing; the directory without its key is
 * -ENOENT). `origin`: NULL or "" = the host's name when it begins, and what it has then; another one than it has is
 * -EINVAL. -EBADMSG: its tiles are not what its checkpoint says; nothing is written then. Several processes may have it
 * open; a lock lets one after the other add.
 */
int local_log_open(const char *directory, const char *key_path, const char *origin, struct diag *diag,
		   struct local_log **ret_log);
void local_log_close(struct local_log *log);
DEFINE_FREEP(local_log, local_log_close)

const char *local_log_origin(const struct local_log *log);
/* Its directory, open. */
int local_log_dir(const struct local_log *log);
/* logId.keyId of its entries. */
const struct digest *local_log_id(const struct local_log *log);
const struct public_key *local_log_key(const struct local_log *log);
/* Appends its newest checkpoint; *ret_size: the leaves it covers. */
int local_log_checkpoint(struct local_log *log, struct buf *out, uint64_t *ret_size);
/* As root of trust: adds the log to `root`. */
int local_log_trust(const struct local_log *log, struct trusted_root *root, struct diag *diag);

/*
 * Logs each body that is not in the log yet; durable when it returns. *indices: where each is. All or nothing, but for a
 * crash, after which they may be in the log: adding them again finds them. count: 1 to LOCAL_LOG_BATCH_MAX.
 */
int local_log_add(struct local_log *log, const struct str *bodies, size_t count, struct diag *diag,
		  uint64_t *indices);

/* Fills an entry (from bundle_entry_init) that proves `index` in the tree of this checkpoint of the log. */
int local_log_prove(struct local_log *log, uint64_t index, struct str body, struct str checkpoint,
		    uint64_t size, struct diag *diag, struct bundle_entry *entry);

/* Proof that the tree of old_size is the beginning of that of new_size. */
/* Is the tree of this size and root a beginning of the log's? -EBADMSG: it was set back, or is another one. */
int local_log_holds(struct local_log *log, uint64_t size, const struct digest *root, struct diag *diag);
int local_log_consistency(struct local_log *log, uint64_t old_size, uint64_t new_size, struct diag *diag,
			  struct digest hashes[TILE_PROOF_MAX], size_t *ret_n);
