/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What each seal must agree with: its own place, the chain's identity, its predecessor, and the clock. */

#include "verify/listing.h"
#include "verify/seal.h"

struct links {
	bool has_previous; /* the seal before could be read: `previous` is its statement's digest */
	struct digest previous;
	bool has_chain; /* `chain_id` is the chain's */
	bool chain_authentic; /* and was said by a trusted signer */
	char chain_id[128];
	bool has_window; /* of the chunk before */
	struct moment closed;
	char boot_id[128];
};

/*
 * True: the statement stands at its own place in this chain, so that what it says of its chunk can be used.
 * Call for each sequence in order; links_skip where there is no readable seal.
 */
bool links_check(struct links *links, uint64_t sequence, const struct seal *seal, struct listing *listing,
		 struct findings *findings);
void links_skip(struct links *links);
