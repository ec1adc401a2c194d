/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys. Promises: a private key comes only from a file that its owner alone can touch, holds P-256 or Ed25519
 * and nothing else, and its text is wiped from our memory; a public key has one encoding (the SPKI header of RFC 5480 or of
 * RFC 8410 and an uncompressed point), so that one key never has two identities. Refuses encrypted keys, other
 * kinds, explicit parameters and anything before or behind the one PEM block.
 */

#include "crypto/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/file.h"

/* SubjectPublicKeyInfo up to the key's own bytes. */
static const unsigned char p256_spki[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
					   0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
					   0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
static const unsigned char ed25519_spki[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
					      0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

static const struct kind {
	const char *name;
	const unsigned char *spki;
	size_t header_len, len; /* of the SPKI: up to the key, and in all */
	const char *md; /* hashed first with this; NULL: the algorithm hashes by itself */
} kinds[] = {
	{ "ecdsa-p256", p256_spki, sizeof(p256_spki), sizeof(p256_spki) + 64, "SHA256" },
	{ "ed25519", ed25519_spki, sizeof(ed25519_spki), sizeof(ed25519_spki) + 32, NULL },
};

struct key {
	EVP_PKEY *pkey;
};

#define SPKI_MAX 128

struct public_key {
	EVP_PKEY *pkey;
	const struct kind *kind;
	struct digest id;
	unsigned char spki[SPKI_MAX];
};

DEFINE_FREEP(bio_st, BIO_free_all)
DEFINE_FREEP(evp_pkey_st, EVP_PKEY_free)
DEFINE_FREEP(evp_md_ctx_st, EVP_MD_CTX_free)
DEFINE_FREEP(pkcs8_priv_key_info_st, PKCS8_PRIV_KEY_INFO_free)

/* One block of PEM, as OpenSSL's reader gives it; the memory is wiped since it may hold a private key. */
struct pem {
	char *name, *header;
	unsigned char *data;
	long len;
	bool followed; /* by more than white space */
};

static void pem_done(struct pem *pem)
{
	OPENSSL_free(pem->name);
	OPENSSL_free(pem->header);
	OPENSSL_clear_free(pem->data, (size_t)pem->len);
}

static void openssl_free(unsigned char **data)
{
	OPENSSL_free(*data);
}

static void buf_wipe(struct buf *buf)
{
	if (buf->data)
		OPENSSL_cleanse(buf->data, buf->capacity);
	buf_done(buf);
}

/* Why OpenSSL said no; its queue is empty afterwards, so that an old reason never explains a new failure. */
static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return reason ? reason : "no reason given";
}

static bool is_space(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

/* The first block, which must begin the text: OpenSSL itself would skip over anything before it. */
static int pem_read(struct str text, const char *name, struct diag *diag, struct pem *ret_pem)
{
	static const char begin[] = "-----BEGIN ";
	_cleanup_(BIO_free_allp) BIO *bio = NULL;
	char *rest;
	long left;

	if (text.len < strlen(begin) || text.len > KEY_FILE_MAX || memcmp(text.data, begin, strlen(begin)) != 0)
		return diag_error(diag, -EINVAL, "%s is no key: it does not begin with \"%s\"", name, begin);
	bio = BIO_new_mem_buf(text.data, (int)text.len);
	if (!bio)
		return -ENOMEM;
	if (PEM_read_bio(bio, &ret_pem->name, &ret_pem->header, &ret_pem->data, &ret_pem->len) != 1)
		return diag_error(diag, -EINVAL, "%s is no key: bad PEM (%s)", name, openssl_reason());
	left = BIO_get_mem_data(bio, &rest);
	for (long i = 0; i < left; i++)
		ret_pem->followed |= !is_space(rest[i]);
	return 0;
}

static int require_alone(const struct pem *pem, const char *name, struct diag *diag)
{
	if (pem->header[0] != '\0')
		return diag_error(diag, -EINVAL, "cannot use key %s: its PEM block has header lines", name);
	if (pem->followed)
		return diag_error(diag, -EINVAL, "cannot use key %s: there is more behind the first key", name);
	return 0;
}

/* ---- private keys ---- */

void key_free(struct key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey); /* wipes the secret number */
	free(key);
}

static int key_new(EVP_PKEY **pkey, struct key **ret_key)
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

static int require_plain_pkcs8(const struct pem *pem, const char *path, struct diag *diag)
{
	if (strcmp(pem->name, "ENCRYPTED PRIVATE KEY") == 0 || strstr(pem->header, "ENCRYPTED"))
		return diag_error(diag, -EINVAL,
				  "cannot use key %s: it is encrypted, which this version cannot open; "
				  "decrypt it with 'openssl pkey' into a file of mode 0600",
				  path);
	if (strcmp(pem->name, "PRIVATE KEY") != 0)
		return diag_error(diag, -EINVAL,
				  "cannot use key %s: it holds \"%s\", and must be PKCS#8 (\"PRIVATE KEY\"); "
				  "'openssl pkcs8 -topk8 -nocrypt' converts it",
				  path, pem->name);
	return require_alone(pem, path, diag);
}

static bool is_p256(EVP_PKEY *pkey)
{
	char group[64] = "";

	return EVP_PKEY_is_a(pkey, "EC") == 1 &&
	       EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) == 1 &&
	       strcmp(group, "prime256v1") == 0;
}

static int require_kind(EVP_PKEY *pkey, const char *path, struct diag *diag)
{
	EVP_PKEY_CTX *ctx;
	int pair;

	if (EVP_PKEY_is_a(pkey, "ED25519") == 1)
		return 0; /* the public half is always made from the private one */
	if (!is_p256(pkey))
		return diag_error(diag, -EINVAL,
				  "cannot use key %s: it is neither an ECDSA P-256 nor an Ed25519 key; 'stella "
				  "signals keygen' makes one",
				  path);
	/* A file whose public half belongs to another key would sign what nobody can verify. */
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (!ctx)
		return -ENOMEM;
	pair = EVP_PKEY_pairwise_check(ctx);
	EVP_PKEY_CTX_free(ctx);
	if (pair == 1)
		return 0;
	return diag_error(diag, -EINVAL, "cannot use key %s: its halves do not belong together (%s)", path,
			  openssl_reason());
}

static int key_parse(struct str text, const char *path, struct diag *diag, struct key **ret_key)
{
	_cleanup_(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info = NULL;
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	_cleanup_(pem_done) struct pem pem = { 0 };
	const unsigned char *at;
	int r;

	r = pem_read(text, path, diag, &pem);
	if (r < 0)
		return r;
	r = require_plain_pkcs8(&pem, path, diag);
	if (r < 0)
		return r;
	at = pem.data;
	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, pem.len);
	if (info && at == pem.data + pem.len)
		pkey = EVP_PKCS82PKEY(info);
	if (!pkey)
		return diag_error(diag, -EINVAL, "cannot use key %s: bad PKCS#8 (%s)", path, openssl_reason());
	r = require_kind(pkey, path, diag);
	if (r < 0)
		return r;
	return key_new(&pkey, ret_key);
}

static int require_private_file(int fd, const char *path, struct diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return diag_error(diag, -errno, "cannot read key %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return diag_error(diag, -EINVAL, "cannot read key %s: it is no regular file", path);
	if (st.st_mode & 077)
		return diag_exit(
			diag, EXIT_NOT_PERMITTED, -EPERM,
			"refusing key %s: its mode %04o lets others at it; chmod 0600 and, if others could "
			"read it, make a new key",
			path, (unsigned int)st.st_mode & 07777);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return diag_exit(diag, EXIT_NOT_PERMITTED, -EPERM,
				 "refusing key %s: it belongs to user %u, neither to root nor to us; chown it",
				 path, (unsigned int)st.st_uid);
	return 0;
}

/* The path is the operator's own: links in it are followed, and what counts is what they lead to. */
int key_load(const char *path, struct diag *diag, struct key **ret_key)
{
	_cleanup_(buf_wipe) struct buf text = BUF_MAX(KEY_FILE_MAX);
	_cleanup_(closep) int fd = -1;
	int r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT
			       ? diag_exit(diag, EXIT_NOT_FOUND, -ENOENT,
					   "cannot read key %s: it is not there; 'stella signals keygen' makes "
					   "one",
					   path)
			       : diag_error(diag, -errno, "cannot read key %s: %s", path, strerror(errno));
	r = require_private_file(fd, path, diag);
	if (r < 0)
		return r;
	/* All room at once: growing would leave copies of the secret in freed memory. */
	r = buf_reserve(&text, KEY_FILE_MAX);
	if (r < 0)
		return r;
	r = file_read_fd(fd, path, &text, diag);
	if (r < 0)
		return r;
	return key_parse(buf_str(&text), path, diag, ret_key);
}

int key_save(const struct key *key, const char *path, struct diag *diag)
{
	_cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem()); /* wiped by OpenSSL when it grows and dies */
	char *text;
	long len;
	int r;

	if (!bio)
		return -ENOMEM;
	if (PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
		return diag_error(diag, -EIO, "cannot encode the key: %s", openssl_reason());
	len = BIO_get_mem_data(bio, &text);
	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		r = -EEXIST;
	else
		r = file_publish_new_at(AT_FDCWD, path, 0600, text, (size_t)len, true, diag);
	if (r == -EEXIST)
		diag_error(diag, r, "refusing to overwrite key %s: choose another name, or move it away first",
			   path);
	return r;
}

int key_sign(const struct key *key, const void *data, size_t len, struct buf *out, struct diag *diag)
{
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char signature[KEY_SIGNATURE_MAX];
	size_t signature_len = sizeof(signature);

	if (!ctx)
		return -ENOMEM;
	if (EVP_DigestSignInit_ex(ctx, NULL, EVP_PKEY_is_a(key->pkey, "ED25519") == 1 ? NULL : "SHA256", NULL,
				  NULL, key->pkey, NULL) != 1 ||
	    EVP_DigestSign(ctx, signature, &signature_len, data, len) != 1)
		return diag_error(diag, -EIO, "cannot sign: %s", openssl_reason());
	return buf_append(out, signature, signature_len);
}

/* ---- public keys ---- */

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
	int len = i2d_PUBKEY(key->pkey, &spki);

	if (len < 0)
		return diag_error(diag, -EIO, "cannot encode the public key: %s", openssl_reason());
	return public_key_of_spki(spki, (size_t)len, "of the signing key", diag, ret_public);
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
	r = require_alone(&pem, name, diag);
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
	_cleanup_(buf_wipe) struct buf text = BUF_MAX(KEY_FILE_MAX);
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
