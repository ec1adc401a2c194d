/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who signs the seals, as signing.key_id says, and who the drafts. */

#include "crypto/key.h"
#include "daemon/config.h"
#include "signer/signer.h"

struct signing_key {
	struct signer *signer;
	struct key *drafts; /* NULL: the signer's own, which lies in our memory */
	char id[DIGEST_TEXT_LEN +
		1]; /* SHA-256 of the public key: what verify-chain prints; "" = no key lasts */
	char *file; /* of a key in our memory, else NULL */
	char *trusted; /* the public half in the host's trust directory; only that of the local key */
	bool generated; /* made just now */
};

/*
 * local: STATE/keys/local.pem, made at the first start, its public half published as
 * STATE/trust/local-<first 16 digits of the id>.pem. Others are used as they are, trusted by nobody because of us.
 * Where the key does not lie in our memory, drafts are signed with STATE/keys/drafts.pem, made when it is missing.
 */
int signing_key_open(const struct config *config, struct diag *diag, struct signing_key *ret_key);
void signing_key_done(struct signing_key *key);
