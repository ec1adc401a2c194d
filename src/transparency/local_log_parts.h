/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The local log as its two files share it; nobody else includes this. */

#include <pthread.h>

#include "transparency/leaf_table.h"
#include "transparency/local_log.h"

struct local_log {
	pthread_mutex_t mutex; /* of all below */
	int dir, lock;
	char *path; /* for lines */
	struct key *key;
	struct public_key *public;
	char *origin;
	struct digest id;
	uint64_t size;
	struct digest root;
	struct buf checkpoint;
	struct tile_tree *tree; /* of `size` */
	struct leaf_table known; /* the first known_size leaves; made when something is added first */
	uint64_t known_size;
};

/* A tile_tree of the directory's tiles, of that size. */
int local_log_tree(struct local_log *log, uint64_t size, struct tile_tree **ret_tree);

/* Reads and checks the checkpoint: signature, and that the tiles are what it says. */
int local_log_load(struct local_log *log, struct diag *diag);

/* What lies there now, after a failure of ours or an addition by another process; it must extend what we know. */
int local_log_refresh(struct local_log *log, struct diag *diag);

/* Appends leaves, writes tiles, signs and publishes the checkpoint, loads it. With mutex and lock. */
int local_log_append(struct local_log *log, const struct str *bodies, const struct digest *leaves, size_t count,
		     struct diag *diag);
