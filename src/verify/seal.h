/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One seal, read and judged on its own; what it must agree with (the chunk, its neighbours) is judged elsewhere. */

#include "format/bundle.h"
#include "format/statement.h"
#include "sigstore/judge.h"
#include "verify/findings.h"
#include "verify/signers.h"

struct seal {
	bool has_digest; /* the envelope could be read: `digest` is of the statement's bytes */
	struct digest digest;
	bool authentic; /* signed by who is trusted: the signers' number `signer` */
	size_t signer;
	bool parsed; /* `statement` is filled; it may be a lie unless authentic */
	struct statement statement;
	bool judged; /* `judgement` is filled: what anchors it outside of this directory */
	struct judgement judgement;
	struct bundle bundle; /* what the judgement's views are of */
	bool wrong_anchor; /* something of the log's or the clock's in it is wrong: a finding says what */
};

void seal_done(struct seal *seal);

/* Findings say what is wrong with it; only the world's failures are errors. *ret_seal is always to be seal_done. */
int seal_read(int dir, uint64_t sequence, const struct trust *trust, const struct signers *signers,
	      struct findings *findings, struct diag *diag, struct seal *ret_seal);

/* An entry of a trusted log is proved. */
bool seal_is_logged(const struct seal *seal);

/* Is this error of a file of the evidence a fact about the evidence (gone, a link, a device, too large)? */
bool evidence_error(int error);
