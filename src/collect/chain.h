/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The evidence directory as its one writer sees it. Opening takes the directory's lock (a second collector gets
 * -EBUSY), finishes what a killed predecessor left (publication cut short, open chunks: sealed as recovered, the
 * gap recorded), and continues the chain; or begins one.
 *
 * Lines go into chunk-NNNNNN.ndjson.open; chain_rotate closes it and hands it to the sealer's thread, which
 * syncs, signs and publishes in order (seal and chunk under their final names), while the next chunk fills.
 * Beside the open chunk lies a draft (chunk-NNNNNN.json.open) with the statement so far, signed as a draft, rewritten
 * atomically by chain_checkpoint, so that a later start knows what was covered and lost up to that moment.
 *
 * Order of publication, each step durable before the next: chunk data, seal under a temporary name, seal
 * renamed, chunk renamed, directory synced, draft removed. A crash between any two is finished by the next start.
 */

#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/key.h"
#include "format/statement.h"
#include "signer/signer.h"

struct chain;

enum chain_compression { CHAIN_PLAIN, CHAIN_ZSTD };

struct chain_options {
	struct signer *signer; /* of the seals; the chain holds a reference of its own */
	/* Of the drafts; borrowed until chain_close. NULL: the signer's key, which then must lie in our memory. */
	const struct key *draft_key;
	/* Where the chain's head is remembered (head.h); NULL: nowhere. Borrowed by chain_open only. */
	const char *heads_directory;
	enum chain_compression compression;
	/*
	 * Fill in what the chain does not know itself; strings by statement_set; 0 or negative errno. Both are
	 * called on the writer's thread. `identify`: collector and host, of this process. `describe`: probes,
	 * filters, losses of the current chunk up to `closed` (window.opened is already set).
	 */
	int (*identify)(void *user, struct statement *statement);
	int (*describe)(void *user, const struct moment *closed, struct statement *statement);
	void *user;
};

/* What chain_open found and did, for the person who started it. */
struct chain_recovery {
	uint64_t recovered_chunks;
	uint64_t recovered_records;
	uint64_t torn_bytes; /* of an unfinished last line, cut off and counted as torn_tail */
	uint64_t finished; /* publications cut short and finished */
};

/*
 * -EBUSY (exit 10): another collector has it; -EBADMSG: what lies there is no chain of ours, or less than the
 * remembered head (exit 2), the line says why: nothing is changed then. A missing directory is made (0750).
 */
int chain_open(const char *directory, const struct chain_options *options, struct diag *diag,
	       struct chain_recovery *ret_recovery, struct chain **ret_chain);

/*
 * Opens the first chunk: coverage is open since `now`. The gap to what was there before (restart, or crash when
 * something was recovered; none at sequence 1) is recorded in it. Before this, chain_append is a programming error.
 */
int chain_begin(struct chain *chain, struct moment now, struct diag *diag);

/*
 * Appends whole lines (each ends in LF, `records` of them) of one kind-count: events[kind] is how many of each.
 * -ENOSPC, -EIO, ...: nothing of it was kept; the caller counts the loss and goes on.
 */
int chain_append(struct chain *chain, struct str lines, const uint64_t events[WIRE_KIND_END]);

/* Bytes and records in the open chunk, and when it was opened. */
void chain_current(const struct chain *chain, uint64_t *ret_sequence, uint64_t *ret_bytes,
		   uint64_t *ret_records, struct moment *ret_opened);

/* Rewrites the draft (unsynced). Cheap; about once a second when something changed. */
int chain_checkpoint(struct chain *chain, struct moment now, struct diag *diag);

/*
 * Closes the open chunk at `now` and opens the next one. The sealer works behind; its failures show in
 * chain_state. When the disk is full the open chunk stays as it is and -ENOSPC is returned: try again later.
 */
int chain_rotate(struct chain *chain, struct moment now, struct diag *diag);

/* Marks the gap that the next chunk begins with (suspend); by default none. */
void chain_gap(struct chain *chain, enum statement_gap_kind kind, struct moment from, struct moment to);

struct chain_state {
	char chain_id[33];
	uint64_t sealed_sequence; /* last published, 0 = none */
	struct digest sealed_head; /* SHA-256 of its statement */
	uint64_t sealed_chunks; /* by this process */
	uint64_t waiting; /* closed, not yet published */
	int error; /* negative errno that the sealer is retrying on, 0 = well */
	char error_text[DIAG_MAX];
	int head_error; /* negative errno of the last try to remember the head; evidence goes on. 0 = well */
	bool compression_on;
};
void chain_state(struct chain *chain, struct chain_state *ret_state);

/*
 * Tries at once what the sealer is waiting to retry. 0 when nothing waits to be sealed any more, -EAGAIN when
 * something still does after wait_ms (0: does not wait).
 */
int chain_wait(struct chain *chain, uint32_t wait_ms);

/*
 * Closes the last chunk as final, waits for the sealer (at most wait_ms, then -EAGAIN with what is unsealed left
 * for the next start to recover), releases the directory. Always frees.
 */
int chain_close(struct chain *chain, struct moment now, uint32_t wait_ms, struct diag *diag);

/*
 * Gives up the open chunk: its file and its draft are removed, as if it had never begun; what was closed before is
 * sealed as chain_close does it, with the same result. Always frees. For replays: a live chunk is never given up.
 */
int chain_drop(struct chain *chain, uint32_t wait_ms, struct diag *diag);
