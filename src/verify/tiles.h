/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A log as a directory of tiles (c2sp.org/tlog-tiles): `checkpoint`, tile/LEVEL/NUMBER. Only hashes are read; what they
 * add up to is compared with checkpoints that the log signed, so that nothing of the directory need be believed.
 */

#include "sigstore/trusted_root.h"
#include "verify/tree.h"

struct tiles;

/*
 * Opens the directory of a log of `root`, which must have signed its checkpoint. -EINVAL: it is no log's, or not of one
 * that is trusted; -EBADMSG: its tiles do not add up to its own checkpoint.
 */
int tiles_open(const char *path, const struct trusted_root *root, struct diag *diag, struct tiles **ret_tiles);
void tiles_free(struct tiles *tiles);
DEFINE_FREEP(tiles, tiles_free)

const struct log_key *tiles_log(const struct tiles *tiles); /* one of `root` */
uint64_t tiles_size(const struct tiles *tiles);

/* The root of the log's first `size` leaves. -ENOENT: not there, as far as these tiles go; else the world's failures. */
int tiles_root(struct tiles *tiles, uint64_t size, struct diag *diag, struct digest *ret_root);

/*
 * What a proof told of a tree that is larger than the log's: PROVED when it names the log's root, REFUTED when it or a hash
 * that both name differs, else UNPROVED.
 */
enum consistency { CONSISTENCY_PROVED, CONSISTENCY_UNPROVED, CONSISTENCY_REFUTED };
int tiles_compare(struct tiles *tiles, const struct tree_nodes *nodes, struct diag *diag,
		  enum consistency *ret_consistency);
