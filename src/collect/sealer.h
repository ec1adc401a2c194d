/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The thread that publishes closed chunks, one after the other, so that the writer never waits for the disk or for a
 * signature. What fails is tried again and never skipped: the chain has no holes. A full disk is asked every second, a
 * signer outside of our memory after growing pauses of up to a minute.
 */

#include "collect/head.h"
#include "collect/publish.h"

struct sealer;

/*
 * Duplicates `dir`, and holds a reference to the signer. sealed_sequence 0: nothing sealed yet, `head` is not read. Takes *memory, which may be NULL, on
 * success: the head is remembered there after each publication.
 */
int sealer_new(int dir, struct signer *signer, enum chain_compression compression, uint64_t sealed_sequence,
	       const struct digest *head, struct head_memory **memory, struct diag *diag,
	       struct sealer **ret_sealer);

/* Hands over a job; in order of sequence. */
void sealer_push(struct sealer *sealer, struct publish_job *job);

/* All of chain_state but chain_id. */
void sealer_state(struct sealer *sealer, struct chain_state *state);

/* Tries at once what is waiting for its retry; 0 when nothing waits any more, -EAGAIN after wait_ms. */
int sealer_wait(struct sealer *sealer, uint32_t wait_ms);

/*
 * Ends the thread and frees. What waits is left to the next start. A thread that hangs in the disk for longer than
 * a second is left behind and frees itself (and with it the directory's lock) when the disk lets go; it begins no
 * further step. NULL is fine.
 */
void sealer_stop(struct sealer *sealer);
