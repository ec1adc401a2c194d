/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Signing keys and the public keys they are checked with: ECDSA P-256 with SHA-256, ASN.1 DER signatures
 * (Sigstore's default), and Ed25519. OpenSSL 3 behind an opaque type.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/digest.h"

struct key; /* a private key */
struct public_key;

#define KEY_FILE_MAX 65536
#define KEY_SIGNATURE_MAX 256

int key_generate(struct diag *diag, struct key **ret_key); /* P-256 */
int key_generate_ed25519(struct diag *diag, struct key **ret_key);
/*
 * Reads PKCS#8 PEM, P-256 or Ed25519. Refuses a file that group or others can read or write (-EPERM, exit 3), that
 * is no regular file, or is larger than KEY_FILE_MAX.
 */
int key_load(const char *path, struct diag *diag, struct key **ret_key);
/* The same; when it is encrypted (PKCS#8), with the one line in passphrase_file, which nobody else may read either. */
int key_load_encrypted(const char *path, const char *passphrase_file, struct diag *diag, struct key **ret_key);
/* Writes PKCS#8 PEM with mode 0600, durable; never overwrites (-EEXIST). */
int key_save(const struct key *key, const char *path, struct diag *diag);
/* The same, encrypted (PBES2, AES-256) with the one line in passphrase_file; NULL: not encrypted. */
int key_save_encrypted(const struct key *key, const char *path, const char *passphrase_file, struct diag *diag);
int key_public(const struct key *key, struct diag *diag, struct public_key **ret_public);
/*
 * Signs SHA-256(data) with P-256 and appends the DER signature; with Ed25519 the data itself and 64 bytes. -EACCES: a TPM
 * refused the PIN, which must not be tried again: it counts.
 */
int key_sign(const struct key *key, const void *data, size_t len, struct buf *out, struct diag *diag);
void key_free(struct key *key);
DEFINE_FREEP(key, key_free)

/* SPKI PEM ("-----BEGIN PUBLIC KEY-----"), one key, nothing behind it but white space. */
int public_key_parse(struct str pem, const char *name, struct diag *diag, struct public_key **ret_public);
int public_key_load(const char *path, struct diag *diag, struct public_key **ret_public);
/* SPKI in DER, nothing behind it. */
int public_key_parse_spki(struct str der, const char *name, struct diag *diag, struct public_key **ret_public);
/* Of a type ("ecdsa-p256", "ed25519"), by the coordinates X and Y (64 bytes), or the 32 bytes alone. */
int public_key_of_point(const char *type, struct str point, const char *name, struct diag *diag,
			struct public_key **ret_public);
/* SPKI in DER; lives with the key. */
struct str public_key_spki(const struct public_key *public);
int public_key_copy(const struct public_key *public, struct public_key **ret_copy); /* -ENOMEM */
/* Appends SPKI PEM. */
int public_key_pem(const struct public_key *public, struct buf *out, struct diag *diag);
/* SHA-256 of the SPKI in DER: what names a key everywhere in this project. */
const struct digest *public_key_id(const struct public_key *public);
/* "ecdsa-p256" or "ed25519" */
const char *public_key_type(const struct public_key *public);
/* Is `signature` this key's over data? False for anything else, malformed signatures included. */
bool public_key_verify(const struct public_key *public, struct str data, struct str signature);
void public_key_free(struct public_key *public);
DEFINE_FREEP(public_key, public_key_free)

/* Appends the DER form of an ECDSA P-256 signature that is r and s, 32 bytes each; -EINVAL for any other length. */
int signature_of_raw(struct str raw, struct buf *out);

/* Fills with the operating system's randomness; -EIO. */
int random_bytes(void *data, size_t len);
