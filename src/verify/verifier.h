/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the caller asked for; the walk reads it. */

#include "base/diag.h"
#include "verify/anchors.h"
#include "verify/trust.h"
#include "stella/verify.h"

/* How long the head's chunk may be in the middle of its publication before it is said to be missing. */
#define VERIFIER_PUBLISH_WAIT_MS 1000

struct stella_verifier {
	struct trust trust;
	struct diag diag;
	bool has_expected_head;
	struct digest expected_head;
	bool require_complete, require_log, seals_only;
	char *tiles[ANCHORS_TILES_MAX]; /* directories of logs, opened when the verification begins */
	size_t n_tiles;
	presence_ask_fn *ask; /* NULL: logs are not asked */
	void *ask_user;
	int publish_wait_ms;
	void (*progress)(void *user, uint64_t done_bytes, uint64_t total_bytes);
	void *progress_user;
};

/* Asks the logs for each entry that was proved. For `stella`, which runs a program for it; libstella has no network. */
void verifier_ask_logs(struct stella_verifier *verifier, presence_ask_fn *ask, void *user);
