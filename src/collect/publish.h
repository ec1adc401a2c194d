/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One closed chunk on its way to becoming evidence, a step at a time. Each step can be tried again after it failed
 * (the disk was full), and each is durable before the next begins. Knows no threads.
 */

#include "base/diag.h"
#include "collect/chain.h"
#include "format/statement.h"
#include "signer/signer.h"

enum publish_stage {
	PUBLISH_SYNC, /* the chunk's data on disk */
	PUBLISH_COMPRESS, /* into a temporary beside it, on disk; nothing for a plain chunk */
	PUBLISH_SIGN, /* the only stage that uses the signer: nothing, or seconds, or -EAGAIN */
	PUBLISH_SEAL,
	PUBLISH_RENAME,
	PUBLISH_CLEAN, /* draft, and what was compressed, removed */
	PUBLISH_DONE
};

struct publish_context {
	int dir; /* borrowed */
	struct signer *signer; /* used by PUBLISH_SIGN only */
	enum chain_compression compression;
};

struct publish_job {
	struct publish_job *next;
	enum publish_stage stage;
	int fd; /* chunk-NNNNNN.ndjson.open, read and write */
	bool rewrite; /* a sync failed: the kernel may have dropped what it could not write */
	/* All but chain.previous, subject and encoding, which publishing fills in. */
	struct statement statement;
	struct digest statement_digest; /* known from PUBLISH_SEAL on */
	struct buf seal;
};

/* Takes the descriptor, on success only; the statement is the caller's to fill. */
int publish_job_new(int *fd, struct publish_job **ret_job);
void publish_job_free(struct publish_job *job);
DEFINE_FREEP(publish_job, publish_job_free)

/* Does job->stage and goes to the next. `previous`: digest of the statement before, NULL at sequence 1. */
int publish_step(const struct publish_context *context, struct publish_job *job, const struct digest *previous,
		 struct diag *diag);

/* The name of the compressed chunk while its seal is not yet there. A start that finds the seal finishes it. */
int publish_compressed_name(uint64_t sequence, char out[CHUNK_NAME_MAX]);

/* Renames and syncs; 0 too when that had happened already. */
int publish_rename(int dir, const char *from, const char *to, struct diag *diag);
/* Removes; 0 too when it is gone already. */
int publish_remove(int dir, const char *name, struct diag *diag);

/* SHA-256 of a file from its first byte to its last, and how many that were. -EFBIG: more than `limit`. */
int publish_digest_fd(int fd, uint64_t limit, struct digest *ret_digest, uint64_t *ret_bytes);
