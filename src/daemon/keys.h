/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who signs the seals, as signing.key_id says, and who the drafts. */

#include "crypto/key.h"
#include "daemon/config.h"
#include "format/statement.h"
#include "signer/signer.h"

struct signing_key {
	struct signer *signer;
	struct public_key *next; /* to be announced; NULL: none */
	struct signer *drafts; /* NULL: the signer's own key, which lies in our memory */
	char id[DIGEST_TEXT_LEN +
		1]; /* SHA-256 of the public key: what verify-chain prints; "" = no key lasts */
	char *file; /* of a key in our memory, else NULL */
	char *trusted; /* the public half in the host's trust directory; only that of the local key */
	char *public_file; /* where else the public half lies, trusted by nobody; NULL: of local and file: keys */
	bool generated; /* made just now */
};

/*
 * local: STATE/keys/local.pem, made at the first start, its public half published as
 * STATE/trust/local-<first 16 digits of the id>.pem. Others are used as they are, trusted by nobody because of us;
 * the public half of a key that lies elsewhere is kept as STATE/signers/<kind>-<first 16 digits of the id>.pem.
 * Of signing.next_key_id only the public half is read, once.
 * Where the key does not lie in our memory, drafts are signed with STATE/keys/drafts.pem, made when it is missing.
 */
int signing_key_open(const struct config *config, struct diag *diag, struct signing_key *ret_key);
/* Puts the announcement of the next key, if there is one, into a statement. */
int signing_key_announce(const struct signing_key *key, struct statement *statement);
void signing_key_done(struct signing_key *key);
