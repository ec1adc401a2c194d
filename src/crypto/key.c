/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys in use. Promises that only P-256 and Ed25519 sign, that a key whose halves do not belong together never
 * does, and that its secret number is wiped when it is freed. Where keys come from is told in key_file.c and key_store.c.
 */

#include "crypto/key_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/ec.h>
#include <openssl/err.h>

const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return reason ? reason : "no reason given";
}

void key_free(struct key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey); /* wipes the secret number */
	public_key_free(key->public);
	key_store_free(key->store);
	free(key);
}

int key_new(EVP_PKEY **pkey, struct key **ret_key)
{
	struct key *key = calloc(1, sizeof(*key));

	if (!key)
		return -ENOMEM;
	key->pkey = TAKE(*pkey);
	*ret_key = key;
	return 0;
}

int key_generate(struct diag *diag, struct key **ret_key)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = EVP_EC_gen("P-256");

	if (!pkey)
		return diag_error(diag, -EIO, "cannot generate a P-256 key: %s", openssl_reason());
	return key_new(&pkey, ret_key);
}

int key_generate_ed25519(struct diag *diag, struct key **ret_key)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	if (!pkey)
		return diag_error(diag, -EIO, "cannot generate an Ed25519 key: %s", openssl_reason());
	return key_new(&pkey, ret_key);
}

static bool is_p256(EVP_PKEY *pkey)
{
	char group[64] = "";

	return EVP_PKEY_is_a(pkey, "EC") == 1 &&
	       EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

int key_require_kind(EVP_PKEY *pkey, const char *name, struct diag *diag)
{
	EVP_PKEY_CTX *ctx;
	int pair;

	if (EVP_PKEY_is_a(pkey, "ED25519") == 1)
		return 0; /* the public half is always made from the private one */
	if (!is_p256(pkey))
		return diag_error(diag, -EINVAL,
				  "cannot use key %s: it is neither an ECDSA P-256 nor an Ed25519 key; 'stella "
				  "signals keygen' makes one",
				  name);
	/* A file whose public half belongs to another key would sign what nobody can verify. */
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (!ctx)
		return -ENOMEM;
	pair = EVP_PKEY_pairwise_check(ctx);
	EVP_PKEY_CTX_free(ctx);
	if (pair == 1)
		return 0;
	return diag_error(diag, -EINVAL, "cannot use key %s: its halves do not belong together (%s)", name,
			  openssl_reason());
}

/* The digest is made here: a token or a TPM gets its 32 bytes, not megabytes of statement. */
static int sign_digest(const struct key *key, struct str data, unsigned char *out, size_t *out_len)
{
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = key_context(key);
	struct digest digest;
	int r = digest_of(data.data, data.len, &digest);

	if (r < 0)
		return r;
	if (!ctx || EVP_PKEY_sign_init(ctx) != 1 || EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_sign(ctx, out, out_len, digest.bytes, DIGEST_LEN) != 1)
		return -EIO;
	return 0;
}

static int sign_whole(const struct key *key, struct str data, unsigned char *out, size_t *out_len)
{
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || key_sign_init(key, ctx) != 1 ||
	    EVP_DigestSign(ctx, out, out_len, (const unsigned char *)data.data, data.len) != 1)
		return -EIO;
	return 0;
}

int key_sign(const struct key *key, const void *data, size_t len, struct buf *out, struct diag *diag)
{
	unsigned char signature[KEY_SIGNATURE_MAX];
	size_t signature_len = sizeof(signature);
	struct str bytes = { data, len };
	int r;

	if (EVP_PKEY_is_a(key->pkey, "ED25519") == 1)
		r = sign_whole(key, bytes, signature, &signature_len);
	else
		r = sign_digest(key, bytes, signature, &signature_len);
	if (r == -EIO && key->store)
		return key_store_refusal(key->store, diag);
	if (r < 0)
		return diag_error(diag, r, "cannot sign: %s", openssl_reason());
	return buf_append(out, signature, signature_len);
}

int random_bytes(void *data, size_t len)
{
	char *at = data;

	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -EIO;
		at += got;
		len -= (size_t)got;
	}
	return 0;
}
