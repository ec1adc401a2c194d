/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The key that signing.key_id names. */

#include "crypto/key.h"
#include "daemon/config.h"

struct signing_key {
	struct key *key;
	char id[DIGEST_TEXT_LEN + 1]; /* SHA-256 of the public key: what verify-chain prints */
	char *file;
	char *trusted; /* the public half in the host's trust directory; NULL for file: keys */
	bool generated; /* made just now */
};

/*
 * local: STATE/keys/local.pem, made at the first start, its public half published as
 * STATE/trust/local-<first 16 digits of the id>.pem. file:PATH: loaded as it is, trusted by nobody because of us.
 */
int signing_key_open(const struct config *config, struct diag *diag, struct signing_key *ret_key);
void signing_key_done(struct signing_key *key);
