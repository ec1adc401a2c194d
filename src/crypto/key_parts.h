/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the files about keys share: what a key is made of, and how PEM and OpenSSL's errors are read. */

#include <openssl/bio.h>
#include <openssl/evp.h>

#include "crypto/key.h"

#define SPKI_MAX 128

/* One library context a key of a token or a TPM: what its provider does stays there. */
struct key_store;

struct key {
	EVP_PKEY *pkey;
	struct key_store *store; /* NULL: the key lies in our memory */
	struct public_key *public; /* of a store's key, learned when it was opened; else NULL */
};

struct kind {
	const char *name;
	const unsigned char *spki;
	size_t header_len, len; /* of the SPKI: up to the key, and in all */
	const char *md; /* hashed first with this; NULL: the algorithm hashes by itself */
};

struct public_key {
	EVP_PKEY *pkey;
	const struct kind *kind;
	struct digest id;
	unsigned char spki[SPKI_MAX];
};

DEFINE_FREEP(bio_st, BIO_free_all)
DEFINE_FREEP(evp_pkey_st, EVP_PKEY_free)
DEFINE_FREEP(evp_md_ctx_st, EVP_MD_CTX_free)
DEFINE_FREEP(evp_pkey_ctx_st, EVP_PKEY_CTX_free)

/* Takes *pkey on success. */
int key_new(EVP_PKEY **pkey, struct key **ret_key);
/* P-256 whose halves belong together, or Ed25519. */
int key_require_kind(EVP_PKEY *pkey, const char *name, struct diag *diag);
void key_store_free(struct key_store *store);
/* Why it did not sign, out of OpenSSL's queue: -EACCES (exit 3) when it refused the PIN, else -EIO. */
int key_store_refusal(const struct key_store *store, struct diag *diag);
/* For signing with the key where it is; NULL and 0 on failure. */
EVP_PKEY_CTX *key_context(const struct key *key);
int key_sign_init(const struct key *key, EVP_MD_CTX *ctx);

/* One block of PEM, as OpenSSL's reader gives it; the memory is wiped since it may hold a private key. */
struct pem {
	char *name, *header;
	unsigned char *data;
	long len;
	bool followed; /* by more than white space */
};

void pem_done(struct pem *pem);
/* The first block, which must begin the text: OpenSSL itself would skip over anything before it. */
int pem_read(struct str text, const char *name, struct diag *diag, struct pem *ret_pem);
/* No header lines, nothing behind it. */
int pem_require_alone(const struct pem *pem, const char *name, struct diag *diag);

/* Why OpenSSL said no; its queue is empty afterwards, so that an old reason never explains a new failure. */
const char *openssl_reason(void);
