/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys in files: PKCS#8 in PEM, plain or encrypted. Promises that a key comes only from a file that its owner
 * alone can touch, that its text and its passphrase are wiped from our memory, and that a saved key never overwrites
 * anything. Refuses the older forms ("EC PRIVATE KEY", encryption by header lines), and what key.c refuses.
 */

#include "crypto/key_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "crypto/secret.h"

#define PASSPHRASE_MAX 1024

DEFINE_FREEP(pkcs8_priv_key_info_st, PKCS8_PRIV_KEY_INFO_free)
DEFINE_FREEP(X509_sig_st, X509_SIG_free)

static int require_pkcs8(const struct pem *pem, const char *path, struct diag *diag)
{
	if (strstr(pem->header, "ENCRYPTED"))
		return diag_error(diag, -EINVAL,
				  "cannot use key %s: it is encrypted in an older way than PKCS#8; "
				  "'openssl pkcs8 -topk8' converts it",
				  path);
	if (strcmp(pem->name, "PRIVATE KEY") != 0 && strcmp(pem->name, "ENCRYPTED PRIVATE KEY") != 0)
		return diag_error(diag, -EINVAL,
				  "cannot use key %s: it holds \"%s\", and must be PKCS#8 (\"PRIVATE KEY\"); "
				  "'openssl pkcs8 -topk8 -nocrypt' converts it",
				  path, pem->name);
	return pem_require_alone(pem, path, diag);
}

static int decrypt(const struct pem *pem, const char *path, const char *passphrase_file, struct diag *diag,
		   PKCS8_PRIV_KEY_INFO **ret_info)
{
	_cleanup_(secret_wipe) struct buf passphrase = BUF_MAX(PASSPHRASE_MAX);
	_cleanup_(X509_SIG_freep) X509_SIG *encrypted = NULL;
	const unsigned char *at = pem->data;
	int r;

	if (!passphrase_file)
		return diag_error(diag, -EINVAL,
				  "cannot use key %s: it is encrypted, and no passphrase_file is named", path);
	r = secret_read_line(passphrase_file, "the passphrase", SECRET_PRIVATE, &passphrase, diag);
	if (r < 0)
		return r;
	encrypted = d2i_X509_SIG(NULL, &at, pem->len);
	if (!encrypted || at != pem->data + pem->len)
		return diag_error(diag, -EINVAL, "cannot use key %s: bad PKCS#8 (%s)", path, openssl_reason());
	*ret_info = PKCS8_decrypt(encrypted, passphrase.data, (int)passphrase.len);
	if (*ret_info)
		return 0;
	return diag_error(diag, -EINVAL,
			  "cannot decrypt key %s with the passphrase in %s (%s); is it that key's?", path,
			  passphrase_file, openssl_reason());
}

static int key_parse(struct str text, const char *path, const char *passphrase_file, struct diag *diag,
		     struct key **ret_key)
{
	_cleanup_(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info = NULL;
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	_cleanup_(pem_done) struct pem pem = { 0 };
	const unsigned char *at;
	int r;

	r = pem_read(text, path, diag, &pem);
	if (r == 0)
		r = require_pkcs8(&pem, path, diag);
	if (r < 0)
		return r;
	at = pem.data;
	if (strcmp(pem.name, "PRIVATE KEY") != 0) {
		r = decrypt(&pem, path, passphrase_file, diag, &info);
		if (r < 0)
			return r;
		at += pem.len;
	} else {
		info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, pem.len);
	}
	if (info && at == pem.data + pem.len)
		pkey = EVP_PKCS82PKEY(info);
	if (!pkey)
		return diag_error(diag, -EINVAL, "cannot use key %s: bad PKCS#8 (%s)", path, openssl_reason());
	r = key_require_kind(pkey, path, diag);
	return r < 0 ? r : key_new(&pkey, ret_key);
}

int key_load_encrypted(const char *path, const char *passphrase_file, struct diag *diag, struct key **ret_key)
{
	_cleanup_(secret_wipe) struct buf text = BUF_MAX(KEY_FILE_MAX);
	int r = secret_read(path, "key", "'stella signals keygen' makes one", SECRET_PRIVATE, &text, diag);

	return r < 0 ? r : key_parse(buf_str(&text), path, passphrase_file, diag, ret_key);
}

int key_load(const char *path, struct diag *diag, struct key **ret_key)
{
	return key_load_encrypted(path, NULL, diag, ret_key);
}

static int write_new(const char *path, BIO *bio, struct diag *diag)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);
	int r;

	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		r = -EEXIST;
	else
		r = file_publish_new_at(AT_FDCWD, path, 0600, text, (size_t)len, true, diag);
	if (r == -EEXIST)
		diag_error(diag, r, "refusing to overwrite key %s: choose another name, or move it away first",
			   path);
	return r;
}

int key_save_encrypted(const struct key *key, const char *path, const char *passphrase_file, struct diag *diag)
{
	_cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem()); /* wiped by OpenSSL when it grows and dies */
	_cleanup_(secret_wipe) struct buf passphrase = BUF_MAX(PASSPHRASE_MAX);
	int r = 0;

	if (!bio)
		return -ENOMEM;
	if (passphrase_file)
		r = secret_read_line(passphrase_file, "the passphrase", SECRET_PRIVATE, &passphrase, diag);
	if (r < 0)
		return r;
	if (PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, passphrase_file ? EVP_aes_256_cbc() : NULL,
					  passphrase.data, (int)passphrase.len, NULL, NULL) != 1)
		return diag_error(diag, -EIO, "cannot encode the key: %s", openssl_reason());
	return write_new(path, bio, diag);
}

int key_save(const struct key *key, const char *path, struct diag *diag)
{
	return key_save_encrypted(key, path, NULL, diag);
}
