/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files that judge a seal share. */

#include "sigstore/judge.h"

struct court {
	const struct judge_request *request;
	const struct trusted_root *root; /* never NULL */
	judge_wrong_fn *wrong;
	void *user;
	struct judgement *judgement;
	struct certificate *leaf; /* owned; NULL: none, or not readable */
	struct public_key *key; /* the signer's, owned; NULL: not known */
	struct str verifier; /* as entries have it */
};

void court_wrong(struct court *court, enum judge_kind kind, const char *sentence);
/* What a lower room said no to is wrong; what failed for want of memory is passed up. */
int court_fault(struct court *court, enum judge_kind kind, int error, const struct diag *diag);

/* The leaf, at the proven times that the judgement has. *ret_trusted: who signed may be trusted. */
int court_judge_certificate(struct court *court, bool *ret_trusted);
