/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What was answered so far about one container, as far as it takes to judge the next answer: which fields were told, and
 * the digest with whose word it is. Zeroed to begin with; owns nothing.
 */

#include "resolve/engines.h"

struct engine_said {
	char digest[ENGINE_DIGEST_LEN + 1]; /* "" = nobody said one */
	bool of_root; /* somebody of root's did */
};

struct engine_memory {
	unsigned int told; /* a bit a field */
	struct engine_said repository, config;
	char told_digest[ENGINE_DIGEST_LEN + 1]; /* "" = none yet */
	bool conflict; /* two of the same standing disagree: the digest stays unknown */
};

/*
 * Takes out of `facts` what was told already and what another one's word stands against, and puts digest_conflict
 * there. True: something is left that is new. *ret_conflict: this answer disagrees with an earlier one.
 */
bool engine_memory_add(struct engine_memory *memory, bool of_root, struct container_facts *facts,
		       bool *ret_conflict);
/* Everything counts as new again; the digest stays remembered, to compare with. */
void engine_memory_tell_again(struct engine_memory *memory);
/* Was it told, or will it never be? */
bool engine_memory_has_digest(const struct engine_memory *memory);
