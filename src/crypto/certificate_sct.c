/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promises of certificate transparency logs inside of a certificate (RFC 6962, sections 3.2 and 3.3). What a log signed
 * is the certificate before the promises were put in: it is made again from the leaf. Only P-256 with SHA-256, as the
 * RFC wants it of logs that are alive.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ct.h>

#include "crypto/certificate_parts.h"

#define SIGNED_MAX (CERTIFICATE_MAX + 65536 + 64)

static void list_free(STACK_OF(SCT) * *list)
{
	SCT_LIST_free(*list);
}

static void der_free(unsigned char **der)
{
	OPENSSL_free(*der);
}

/* What the issuer had signed before: all but the list of promises. */
static int append_precertificate(struct buf *out, const struct certificate *leaf)
{
	_cleanup_(X509_freep) X509 *copy = X509_dup(leaf->x509);
	_cleanup_(der_free) unsigned char *der = NULL;
	uint8_t size[3];
	int at, len;
	int r;

	if (!copy)
		return -ENOMEM;
	at = X509_get_ext_by_NID(copy, NID_ct_precert_scts, -1);
	X509_EXTENSION_free(at < 0 ? NULL : X509_delete_ext(copy, at));
	len = i2d_re_X509_tbs(copy, &der);
	if (len < 0)
		return -ENOMEM;
	size[0] = (uint8_t)(len >> 16);
	size[1] = (uint8_t)(len >> 8);
	size[2] = (uint8_t)len;
	r = buf_append(out, size, sizeof(size));
	return r < 0 ? r : buf_append(out, der, (size_t)len);
}

/* SHA-256 of the issuer's SPKI. */
static int issuer_key(const struct certificate *leaf, const struct certificate_chain *authority,
		      struct diag *diag, struct digest *ret_id)
{
	for (size_t i = 0; i < authority->count; i++) {
		const struct certificate *issuer = authority->list[i];
		_cleanup_(der_free) unsigned char *spki = NULL;
		int len;

		if (!certificate_issued_by(leaf, issuer))
			continue;
		len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer->x509), &spki);
		return len < 0 ? -ENOMEM : digest_of(spki, (size_t)len, ret_id);
	}
	return diag_error(diag, -EBADMSG, "the certificate was not issued by this authority");
}

/* The digitally signed structure of section 3.2. */
static int append_signed(struct buf *out, const SCT *sct, const struct digest *issuer,
			 struct str precertificate)
{
	uint8_t head[12] = { 0, 0, [10] = 0, [11] = 1 }; /* version 1, certificate_timestamp; precert_entry */
	uint64_t time_ms = SCT_get_timestamp(sct);
	unsigned char *extensions = NULL;
	size_t len = SCT_get0_extensions(sct, &extensions);
	uint8_t len_bytes[] = { (uint8_t)(len >> 8), (uint8_t)len };
	int r;

	for (size_t i = 0; i < 8; i++)
		head[2 + i] = (uint8_t)(time_ms >> (56 - 8 * i));
	r = buf_append(out, head, sizeof(head));
	if (r == 0)
		r = buf_append(out, issuer->bytes, DIGEST_LEN);
	if (r == 0)
		r = buf_append_str(out, precertificate);
	if (r == 0)
		r = buf_append(out, len_bytes, sizeof(len_bytes));
	return r < 0 ? r : buf_append(out, extensions, len);
}

static const struct certificate_log *find_log(const struct certificate_log *logs, size_t n_logs, const SCT *sct)
{
	unsigned char *id = NULL;
	size_t len = SCT_get0_log_id(sct, &id);

	for (size_t i = 0; len == DIGEST_LEN && i < n_logs; i++)
		if (memcmp(logs[i].id.bytes, id, DIGEST_LEN) == 0)
			return &logs[i];
	return NULL;
}

static int check_one(const SCT *sct, const struct certificate_log *log, const struct digest *issuer,
		     struct str precertificate, struct diag *diag)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(SIGNED_MAX);
	int64_t time = (int64_t)(SCT_get_timestamp(sct) / 1000);
	unsigned char *signature = NULL;
	size_t len;
	int r;

	if (SCT_get_version(sct) != SCT_VERSION_V1 || SCT_get_signature_nid(sct) != NID_ecdsa_with_SHA256 ||
	    strcmp(public_key_type(log->key), "ecdsa-p256") != 0)
		return diag_error(diag, -EBADMSG,
				  "a certificate timestamp is of a kind that is not known here");
	if (time < log->from || time > log->until)
		return diag_error(
			diag, -EBADMSG,
			"a certificate timestamp is of a time at which its log was not to be believed");
	r = append_signed(&text, sct, issuer, precertificate);
	if (r < 0)
		return r;
	len = SCT_get0_signature(sct, &signature);
	if (!public_key_verify(log->key, buf_str(&text), (struct str) { (const char *)signature, len }))
		return diag_error(diag, -EBADMSG,
				  "a certificate timestamp is not signed by its log for this certificate");
	return 0;
}

int certificate_check_sct(const struct certificate *leaf, const struct certificate_chain *authority,
			  const struct certificate_log *logs, size_t n_logs, struct diag *diag)
{
	_cleanup_(list_free) STACK_OF(SCT) *list = NULL;
	_cleanup_(buf_done) struct buf precertificate = BUF_MAX(CERTIFICATE_MAX + 64);
	struct digest issuer;
	int critical = -1, good = 0;
	int r;

	list = X509_get_ext_d2i(leaf->x509, NID_ct_precert_scts, &critical, NULL);
	ERR_clear_error();
	if (!list && critical == -1)
		return diag_error(diag, -ENOENT, "the certificate holds no certificate timestamp");
	if (!list)
		return diag_error(diag, -EBADMSG, "the certificate's timestamps cannot be read");
	r = issuer_key(leaf, authority, diag, &issuer);
	if (r == 0)
		r = append_precertificate(&precertificate, leaf);
	for (int i = 0; r == 0 && i < sk_SCT_num(list); i++) {
		const SCT *sct = sk_SCT_value(list, i);
		const struct certificate_log *log = find_log(logs, n_logs, sct);

		if (log)
			r = check_one(sct, log, &issuer, buf_str(&precertificate), diag);
		good += log && r == 0;
	}
	if (r == 0 && good == 0)
		return diag_error(diag, -ENOKEY, "the certificate's timestamps are all of unknown logs");
	return r;
}
