/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 3161 timestamps by OpenSSL's TS. Promises: a token counts when it is over these bytes with a SHA-2 digest, names
 * its signer by ESSCertID, and that signer is the authority's own, for timestamping alone, at the time that the token
 * tells. Refuses bytes behind the answer, and answers that were not granted. Owns nothing.
 */

#include "crypto/timestamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ts.h>

#include "crypto/certificate_parts.h"

#define TIMESTAMP_MAX 65536

DEFINE_FREEP(TS_req_st, TS_REQ_free)
DEFINE_FREEP(TS_resp_st, TS_RESP_free)
DEFINE_FREEP(TS_verify_ctx, TS_VERIFY_CTX_free)
DEFINE_FREEP(TS_msg_imprint_st, TS_MSG_IMPRINT_free)
DEFINE_FREEP(asn1_string_st, ASN1_STRING_free)

static void der_free(unsigned char **der)
{
	OPENSSL_free(*der);
}

static void algorithm_free(X509_ALGOR **algorithm)
{
	X509_ALGOR_free(*algorithm);
}

static void stack_free(STACK_OF(X509) * *stack)
{
	sk_X509_pop_free(*stack, X509_free);
}

static void signers_free(STACK_OF(X509) * *stack)
{
	sk_X509_free(*stack);
}

/* ---- asking ---- */

static int set_imprint(TS_REQ *request, struct str data)
{
	_cleanup_(TS_MSG_IMPRINT_freep) TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	_cleanup_(algorithm_free) X509_ALGOR *algorithm = X509_ALGOR_new();
	struct digest digest;
	int r = digest_of(data.data, data.len, &digest);

	if (r < 0)
		return r;
	if (!imprint || !algorithm ||
	    X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) != 1 ||
	    TS_MSG_IMPRINT_set_algo(imprint, algorithm) != 1 ||
	    TS_MSG_IMPRINT_set_msg(imprint, digest.bytes, DIGEST_LEN) != 1 ||
	    TS_REQ_set_msg_imprint(request, imprint) != 1)
		return -ENOMEM;
	return 0;
}

static int set_nonce(TS_REQ *request, uint64_t nonce)
{
	_cleanup_(ASN1_STRING_freep) ASN1_INTEGER *number = ASN1_INTEGER_new();

	if (!number || ASN1_INTEGER_set_uint64(number, nonce) != 1 || TS_REQ_set_nonce(request, number) != 1)
		return -ENOMEM;
	return 0;
}

int timestamp_request(struct str data, uint64_t nonce, struct buf *out, struct diag *diag)
{
	_cleanup_(TS_REQ_freep) TS_REQ *request = TS_REQ_new();
	_cleanup_(der_free) unsigned char *der = NULL;
	int r, len;

	if (!request)
		return -ENOMEM;
	r = set_imprint(request, data);
	if (r == 0 && nonce != 0)
		r = set_nonce(request, nonce);
	if (r < 0)
		return r;
	if (TS_REQ_set_version(request, 1) != 1 || TS_REQ_set_cert_req(request, 1) != 1)
		return -ENOMEM;
	len = i2d_TS_REQ(request, &der);
	if (len < 0)
		return diag_error(diag, -EIO, "cannot encode a timestamp request: %s", certificate_reason());
	return buf_append(out, der, (size_t)len);
}

/* ---- judging ---- */

static int bad(struct diag *diag, const char *why)
{
	return diag_error(diag, -EBADMSG, "bad timestamp: %s", why);
}

static bool is_strong(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *object;
	int nid;

	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	nid = OBJ_obj2nid(object);
	return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

static int parse(struct str response, struct diag *diag, TS_RESP **ret_response)
{
	const unsigned char *at = (const unsigned char *)response.data;
	_cleanup_(TS_RESP_freep) TS_RESP *made = NULL;
	long status;

	if (response.len > TIMESTAMP_MAX)
		return bad(diag, "it is too long");
	if (response.len > 0)
		made = d2i_TS_RESP(NULL, &at, (long)response.len);
	ERR_clear_error();
	if (!made)
		return bad(diag, "it is no RFC 3161 answer in DER");
	if (at != (const unsigned char *)response.data + response.len)
		return bad(diag, "there is more behind it");
	status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(made)));
	if (status != TS_STATUS_GRANTED && status != TS_STATUS_GRANTED_WITH_MODS)
		return bad(diag, "the authority did not grant it");
	if (!TS_RESP_get_token(made) || !TS_RESP_get_tst_info(made))
		return bad(diag, "the answer holds no token");
	*ret_response = TAKE(made);
	return 0;
}

/* Does the token say that this authority made it? By the name of its signer's issuer: nobody is believed for that. */
static bool names_authority(const PKCS7_SIGNER_INFO *info, const struct certificate_chain *authority)
{
	const X509_NAME *issuer = info->issuer_and_serial->issuer;

	for (size_t i = 0; i < authority->count; i++)
		if (X509_NAME_cmp(issuer, X509_get_subject_name(authority->list[i]->x509)) == 0)
			return true;
	return X509_NAME_cmp(issuer, X509_get_issuer_name(authority->list[0]->x509)) == 0;
}

/* The signer that the token names, among the authority's and the token's own certificates: who that is, is judged here;
 * whether it signed, by OpenSSL. A leaf that the authority names must be it. */
static int check_signer(PKCS7 *token, const struct certificate_chain *authority, STACK_OF(X509) * others,
			struct diag *diag)
{
	STACK_OF(PKCS7_SIGNER_INFO) *infos = PKCS7_get_signer_info(token);
	_cleanup_(signers_free) STACK_OF(X509) *signers = NULL;
	X509_ALGOR *digest = NULL;

	if (!infos || sk_PKCS7_SIGNER_INFO_num(infos) != 1)
		return bad(diag, "its token does not have exactly one signer");
	if (!names_authority(sk_PKCS7_SIGNER_INFO_value(infos, 0), authority))
		return diag_error(diag, -ENOKEY, "bad timestamp: it is of another authority");
	PKCS7_SIGNER_INFO_get0_algs(sk_PKCS7_SIGNER_INFO_value(infos, 0), NULL, &digest, NULL);
	if (!is_strong(digest))
		return bad(diag, "its token is signed with a digest that is not trusted here");
	signers = PKCS7_get0_signers(token, others, 0);
	ERR_clear_error();
	if (!signers || sk_X509_num(signers) != 1)
		return bad(diag, "its signer's certificate is not known");
	if (!certificate_is_authority(authority->list[0]) &&
	    X509_cmp(sk_X509_value(signers, 0), authority->list[0]->x509) != 0)
		return bad(diag, "it is signed by another than the authority");
	return 0;
}

static int set_up(TS_VERIFY_CTX *ctx, struct str data, const struct certificate_chain *authority, int64_t time)
{
	X509_STORE *store = certificate_store(authority, time);
	BIO *bio = BIO_new_mem_buf(data.data ? data.data : "", (int)data.len);
	STACK_OF(X509) *others = certificate_stack(authority);
	int flags = TS_VFY_VERSION | TS_VFY_SIGNATURE | TS_VFY_DATA;

	/* These are its own from here on, NULL or not. */
	TS_VERIFY_CTX_set_store(ctx, store);
	TS_VERIFY_CTX_set_data(ctx, bio);
	TS_VERIFY_CTX_set_certs(ctx, others);
	TS_VERIFY_CTX_set_flags(ctx, flags);
	return store && bio && others ? 0 : -ENOMEM;
}

static int check_nonce(TS_TST_INFO *info, uint64_t nonce, struct diag *diag)
{
	const ASN1_INTEGER *number = TS_TST_INFO_get_nonce(info);
	uint64_t value = 0;
	bool ok;

	if (nonce == 0)
		return 0;
	ok = number && ASN1_INTEGER_get_uint64(&value, number) == 1 && value == nonce;
	ERR_clear_error();
	return ok ? 0 : bad(diag, "its nonce is not ours");
}

int timestamp_verify(struct str response, struct str data, uint64_t nonce,
		     const struct certificate_chain *authority, struct diag *diag, int64_t *ret_time)
{
	_cleanup_(TS_VERIFY_CTX_freep) TS_VERIFY_CTX *ctx = TS_VERIFY_CTX_new();
	_cleanup_(stack_free) STACK_OF(X509) *others = certificate_stack(authority);
	_cleanup_(TS_RESP_freep) TS_RESP *answer = NULL;
	TS_TST_INFO *info;
	int64_t time;
	int r;

	if (!ctx || !others)
		return -ENOMEM;
	if (authority->count == 0)
		return bad(diag, "the authority has no certificate");
	r = parse(response, diag, &answer);
	if (r < 0)
		return r;
	info = TS_RESP_get_tst_info(answer);
	if (!is_strong(TS_MSG_IMPRINT_get_algo(TS_TST_INFO_get_msg_imprint(info))))
		return bad(diag, "its digest is not trusted here");
	if (certificate_time(TS_TST_INFO_get_time(info), &time) < 0)
		return bad(diag, "its time is none");
	r = check_nonce(info, nonce, diag);
	if (r == 0)
		r = check_signer(TS_RESP_get_token(answer), authority, others, diag);
	if (r == 0)
		r = set_up(ctx, data, authority, time);
	if (r < 0)
		return r;
	r = TS_RESP_verify_response(ctx, answer);
	if (r != 1)
		return bad(diag, certificate_reason());
	ERR_clear_error();
	*ret_time = time;
	return 0;
}
