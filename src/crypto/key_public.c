/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys. Promises one encoding each (the SPKI header of RFC 5480 or of RFC 8410 and an uncompressed point), so
 * that one key never has two identities. Refuses other kinds, explicit parameters and anything before or behind the one
 * PEM block.
 */

#include "crypto/key_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "crypto/secret.h"

/* SubjectPublicKeyInfo up to the key's own bytes. */
static const unsigned char p256_spki[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
					   0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
					   0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
static const unsigned char ed25519_spki[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
					      0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

static const struct kind kinds[] = {
	{ "ecdsa-p256", p256_spki, sizeof(p256_spki), sizeof(p256_spki) + 64, "SHA256" },
	{ "ed25519", ed25519_spki, sizeof(ed25519_spki), sizeof(ed25519_spki) + 32, NULL },
};

static void openssl_free(unsigned char **data)
{
	OPENSSL_free(*data);
}

void public_key_free(struct public_key *public)
{
	if (!public)
		return;
	EVP_PKEY_free(public->pkey);
	free(public);
}

static const struct kind *kind_of(const unsigned char *spki, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (len == kinds[i].len && memcmp(spki, kinds[i].spki, kinds[i].header_len) == 0)
			return &kinds[i];
	return NULL;
}

static int public_key_of_spki(const unsigned char *spki, size_t len, const char *name, struct diag *diag,
			      struct public_key **ret_public)
{
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	const struct kind *kind = kind_of(spki, len);
	const unsigned char *at = spki;
	int r;

	if (!kind)
		return diag_error(
			diag, -EINVAL,
			"cannot use public key %s: it is neither ECDSA P-256 (uncompressed) nor Ed25519", name);
	public = calloc(1, sizeof(*public));
	if (!public)
		return -ENOMEM;
	public->kind = kind;
	memcpy(public->spki, spki, len);
	public->pkey = d2i_PUBKEY(NULL, &at, (long)len);
	if (!public->pkey || at != spki + len)
		return diag_error(diag, -EINVAL, "cannot use public key %s: no point of its curve (%s)", name,
				  openssl_reason());
	r = digest_of(spki, len, &public->id);
	if (r < 0)
		return r;
	*ret_public = TAKE(public);
	return 0;
}

int key_public(const struct key *key, struct diag *diag, struct public_key **ret_public)
{
	_cleanup_(openssl_free) unsigned char *spki = NULL;
	int len;

	if (key->public)
		return public_key_copy(key->public, ret_public);
	len = i2d_PUBKEY(key->pkey, &spki);
	if (len < 0)
		return diag_error(diag, -EIO, "cannot encode the public key: %s", openssl_reason());
	return public_key_of_spki(spki, (size_t)len, "of the signing key", diag, ret_public);
}

int public_key_of_point(const char *type, struct str point, const char *name, struct diag *diag,
			struct public_key **ret_public)
{
	unsigned char spki[SPKI_MAX];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct kind *kind = &kinds[i];

		if (strcmp(kind->name, type) != 0 || point.len != kind->len - kind->header_len)
			continue;
		memcpy(spki, kind->spki, kind->header_len);
		memcpy(spki + kind->header_len, point.data, point.len);
		return public_key_of_spki(spki, kind->len, name, diag, ret_public);
	}
	return diag_error(diag, -EINVAL, "cannot use public key %s: it is neither ECDSA P-256 nor Ed25519",
			  name);
}

int public_key_parse(struct str text, const char *name, struct diag *diag, struct public_key **ret_public)
{
	_cleanup_(pem_done) struct pem pem = { 0 };
	int r;

	r = pem_read(text, name, diag, &pem);
	if (r < 0)
		return r;
	if (strstr(pem.name, "PRIVATE KEY"))
		return diag_error(diag, -EINVAL, "%s is a private key; give the public one", name);
	if (strcmp(pem.name, "PUBLIC KEY") != 0)
		return diag_error(diag, -EINVAL, "%s holds \"%s\", and must be a PEM \"PUBLIC KEY\"", name,
				  pem.name);
	r = pem_require_alone(&pem, name, diag);
	if (r < 0)
		return r;
	return public_key_of_spki(pem.data, (size_t)pem.len, name, diag, ret_public);
}

int public_key_parse_spki(struct str der, const char *name, struct diag *diag, struct public_key **ret_public)
{
	return public_key_of_spki((const unsigned char *)der.data, der.len, name, diag, ret_public);
}

struct str public_key_spki(const struct public_key *public)
{
	return (struct str) { (const char *)public->spki, public->kind->len };
}

int public_key_copy(const struct public_key *public, struct public_key **ret_copy)
{
	struct public_key *copy = malloc(sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	*copy = *public;
	EVP_PKEY_up_ref(copy->pkey);
	*ret_copy = copy;
	return 0;
}

int public_key_load(const char *path, struct diag *diag, struct public_key **ret_public)
{
	/* A private key may be given by mistake. */
	_cleanup_(secret_wipe) struct buf text = BUF_MAX(KEY_FILE_MAX);
	int r = file_read_at(AT_FDCWD, path, &text, diag);

	if (r < 0)
		return r;
	return public_key_parse(buf_str(&text), path, diag, ret_public);
}

int public_key_pem(const struct public_key *public, struct buf *out, struct diag *diag)
{
	_cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	if (!bio)
		return -ENOMEM;
	if (PEM_write_bio_PUBKEY(bio, public->pkey) != 1)
		return diag_error(diag, -EIO, "cannot encode the public key: %s", openssl_reason());
	len = BIO_get_mem_data(bio, &text);
	return buf_append(out, text, (size_t)len);
}

const struct digest *public_key_id(const struct public_key *public)
{
	return &public->id;
}

const char *public_key_type(const struct public_key *public)
{
	return public->kind->name;
}

bool public_key_verify(const struct public_key *public, struct str data, struct str signature)
{
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = ctx && EVP_DigestVerifyInit_ex(ctx, NULL, public->kind->md, NULL, NULL, public->pkey, NULL) == 1 &&
	     EVP_DigestVerify(ctx, (const unsigned char *)signature.data, signature.len,
			      (const unsigned char *)data.data, data.len) == 1;
	ERR_clear_error();
	return ok;
}

/* INTEGER: without leading zeros, but for the one that keeps it positive. */
static int append_integer(const unsigned char *number, struct buf *out)
{
	unsigned char head[3] = { 0x02, 0, 0 };
	size_t skip = 0;
	bool pad;
	int r;

	while (skip < 31 && number[skip] == 0)
		skip++;
	pad = number[skip] & 0x80;
	head[1] = (unsigned char)(32 - skip + pad);
	r = buf_append(out, head, pad ? 3 : 2);
	return r < 0 ? r : buf_append(out, number + skip, 32 - skip);
}

int signature_of_raw(struct str raw, struct buf *out)
{
	_cleanup_(buf_done) struct buf numbers = BUF_MAX(80);
	const unsigned char *bytes = (const unsigned char *)raw.data;
	unsigned char head[2] = { 0x30, 0 };
	int r;

	if (raw.len != 64)
		return -EINVAL;
	r = append_integer(bytes, &numbers);
	if (r == 0)
		r = append_integer(bytes + 32, &numbers);
	head[1] = (unsigned char)numbers.len;
	if (r == 0)
		r = buf_append(out, head, sizeof(head));
	return r < 0 ? r : buf_append(out, numbers.data, numbers.len);
}
