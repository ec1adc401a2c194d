/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who signs the seals: a key in a file, a token, a TPM, a key service or a plugin, or (fulcio) a new key for each
 * signature with a certificate for who we are. One interface; the kinds are in files of their own.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/diag.h"
#include "crypto/key.h"
#include "format/bundle.h"
#include "net/http.h"

struct signer;

/* Strings are copied by signer_open; NULL or "" = not set. */
struct signer_settings {
	const char *
		key_id; /* as the configuration has it: local, file:/PATH, pkcs11:..., tpm2:..., fulcio, awskms://... */
	const char *local_key; /* path of the key that "local" means; made when missing */
	const char *passphrase_file; /* of an encrypted key file */
	const char *pin_file; /* of a PKCS#11 token, or authorisation value of a TPM key */
	const char *pkcs11_module; /* path of the token's library */
	const char *fulcio_url;
	const char *identity_token_file; /* NULL: $SIGSTORE_ID_TOKEN */
	const char *vault_token_file; /* hashivault, openbao; NULL: $VAULT_TOKEN */
	struct http_settings http;
};

/*
 * NULL when the form of the key_id is one that this program knows, else why not: a sentence. Opens and asks nothing, so
 * that a configuration can be checked anywhere.
 */
const char *signer_check(const char *key_id);

/*
 * Opens the key and, where one can be asked, learns its public half. Exit 3: a file that others can read; 4: no such
 * key; 10: the service cannot be reached now. Keys other than P-256 and Ed25519 are refused.
 */
int signer_open(const struct signer_settings *settings, struct diag *diag, struct signer **ret_signer);
/*
 * A signer over a key that somebody else holds, borrowed until the last reference is gone: for tests and for replays.
 */
int signer_of_key(const struct key *key, struct diag *diag, struct signer **ret_signer);
/* The public half of another key with the same settings, opened for that alone: what a chain announces. */
int signer_public_of(const struct signer_settings *settings, const char *key_id, struct diag *diag,
		     struct public_key **ret_public);
/* One more holder; each of them calls signer_free. Returns `signer`. */
struct signer *signer_ref(struct signer *signer);
void signer_free(struct signer *signer);
DEFINE_FREEP(signer, signer_free)

/* The public half; NULL: there is none that lasts (fulcio). Lives with the signer. */
const struct public_key *signer_public(const struct signer *signer);
/* The private key when it lies in our memory (local, file:), else NULL. */
const struct key *signer_key(const struct signer *signer);
/* Made just now, by this open? */
bool signer_generated(const struct signer *signer);
/* For status and logs: "local", "pkcs11", "fulcio", ...; never a secret. */
const char *signer_kind(const struct signer *signer);

/*
 * Signs the PAE of the bundle's payload: sets its signature and identity, and clears entries and timestamps. May take
 * as long as the settings' timeout. -EAGAIN (exit 10): try again later; -ECANCELED after signer_cancel. From any thread:
 * one signature is made after the other.
 */
int signer_sign(struct signer *signer, struct bundle *bundle, struct diag *diag);
/* From any thread: what is being signed ends soon, and all later signing fails. */
void signer_cancel(struct signer *signer);

/* A certificate that ends soon needs a trusted time before that: seconds since 1970; INT64_MAX: this bundle does not end. */
int64_t signer_deadline(const struct bundle *bundle);
