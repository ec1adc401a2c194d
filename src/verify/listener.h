/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who wants to read the evidence while it is verified, so that each byte is read once. Lines are told before it is known
 * whether their chunk is sound: what they say must be kept apart until its end, and forgotten when it is not.
 */

#include "format/canon.h"
#include "format/statement.h"

/* A negative result ends the verification and is its result. None may be NULL. */
struct verify_listener {
	void *user;
	/* A chunk whose seal is authentic and stands at its place. The statement lives until `end`. */
	int (*begin)(void *user, const struct statement *statement);
	/* A record that is canonical and keeps to the schema, in order; number is 1-based, members are its own. */
	int (*line)(void *user, uint64_t number, struct str line, const struct canon_member *members,
		    size_t count);
	/* Sound: nothing at all was found against this chunk and its seal. */
	int (*end)(void *user, bool sound);
};

struct stella_verifier;
/* Borrowed until the verification is over; NULL: nobody listens. */
void verifier_listen(struct stella_verifier *verifier, const struct verify_listener *listener);
