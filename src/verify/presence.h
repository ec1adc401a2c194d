/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Does a log have an entry now? The verifier makes no connection: who can ask is given by the caller, and what it
 * answers is told in the report.
 */

#include "base/buf.h"
#include "sigstore/trusted_root.h"

struct presence_question {
	const struct log_key *log;
	bool v1; /* Rekor v1's API, else tiles */
	struct digest leaf; /* of the entry */
	uint64_t index, size; /* in the tree in which it was proved */
	struct digest root;
};

enum presence {
	PRESENCE_PRESENT, /* the log's tree of now has it, and extends the tree of then */
	PRESENCE_ABSENT, /* the log says that it has no such entry */
	PRESENCE_CHANGED, /* what the log signs now contradicts the proof */
	PRESENCE_UNKNOWN, /* could not be asked, or its answer proves nothing */
};

/* Asks; appends a sentence to `detail`. Positive: nobody can be asked for that log. Errors end the verification. */
typedef int presence_ask_fn(void *user, const struct presence_question *question, struct buf *detail,
			    enum presence *ret_presence);
