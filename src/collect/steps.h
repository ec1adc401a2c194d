/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The places between which a kill or a power cut may fall. A test sets the hook and dies at one of them; the next
 * start must finish what was begun. Called on the thread that did the step, right after it; NULL in production.
 */

enum chain_step {
	STEP_NEXT_CREATED, /* rotation: the next open file exists, nothing else has changed */
	STEP_CLOSED_DRAFTED, /* rotation: the closed chunk's draft is its last */
	STEP_NEXT_DRAFTED, /* rotation: the next chunk has its first draft */
	STEP_DATA_SYNCED,
	STEP_COMPRESSED,
	STEP_SIGNED,
	STEP_SEAL_PUBLISHED,
	STEP_CHUNK_RENAMED,
	STEP_DRAFT_REMOVED,
	STEP_PLAIN_REMOVED,
	CHAIN_STEPS
};

extern void (*chain_step_hook)(enum chain_step step);

static inline void chain_step_done(enum chain_step step)
{
	if (chain_step_hook)
		chain_step_hook(step);
}
