/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps of a real authority, and of authorities who do one thing wrong each. */

#include <errno.h>

#include <openssl/objects.h>
#include <openssl/ts.h>

#include "crypto/timestamp.h"
#include "golden_seals.h"
#include "issuer.h"

#define NOW ISSUER_NOW
#define SINCE (NOW - 1000 * ISSUER_DAY)
#define YEARS (NOW + 1000 * ISSUER_DAY)
#define TSA_USAGE "keyUsage=critical,digitalSignature"
#define TSA_EXTENDED "extendedKeyUsage=critical,timeStamping"
#define DATA STR("the bytes of a signature")
#define NONCE UINT64_C(0x8123456789abcdef)

static struct holder root;

static int set_up(void **state)
{
	(void)state;
	ISSUER_MAKE(&root, "tsa root", NULL, SINCE, YEARS, CA_EXTENSIONS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	holder_done(&root);
	return 0;
}

/* ---- a real one ---- */

static void a_real_timestamp_verifies_and_no_byte_may_change(void **state)
{
	_cleanup_(trusted_root_done) struct trusted_root trusted;
	_cleanup_(bundle_done) struct bundle bundle;
	const struct certificate_chain *authority;
	struct str token, data;
	int64_t time = 0, again;
	size_t taken = 0;

	(void)state;
	golden_root(&trusted);
	golden_seal("cosign-key-v2-tsa.json", &bundle);
	authority = &trusted.timestampers[0].chain;
	token = buf_str(&bundle.timestamps[0]);
	data = buf_str(&bundle.signature);
	assert_int_equal(timestamp_verify(token, data, 0, authority, NULL, &time), 0);
	assert_in_range(time, 1795000000, 4000000000);
	assert_int_equal(timestamp_verify(token, buf_str(&bundle.payload), 0, authority, NULL, &again),
			 -EBADMSG);
	assert_int_equal(timestamp_verify(token, data, 7, authority, NULL, &again), -EBADMSG);
	assert_int_equal(timestamp_verify(token, data, 0, &trusted.authorities[0].chain, NULL, &again),
			 -ENOKEY);
	for (size_t i = 0; i < token.len; i++) {
		bundle.timestamps[0].data[i] ^= 1;
		if (timestamp_verify(token, data, 0, authority, NULL, &again) == 0) {
			assert_int_equal(again, time);
			taken++;
		}
		bundle.timestamps[0].data[i] ^= 1;
	}
	/*
	 * What CMS signs does not reach: "granted" may become "granted with modifications", two version numbers, the empty
	 * list of certificates, and the name (8 bytes) of an algorithm that the key decides. None of them tells us anything.
	 */
	assert_int_equal(taken, 12);
	for (size_t len = 0; len < token.len; len++)
		assert_int_equal(
			timestamp_verify((struct str) { token.data, len }, data, 0, authority, NULL, &again),
			-EBADMSG);
}

/* ---- asking ---- */

static void requests_say_what_we_want(void **state)
{
	_cleanup_(buf_done) struct buf der = BUF_MAX(1024);
	const unsigned char *at;
	struct digest digest;
	uint64_t nonce = 0;
	TS_REQ *request;
	TS_MSG_IMPRINT *imprint;

	(void)state;
	assert_int_equal(timestamp_request(DATA, NONCE, &der, NULL), 0);
	at = (const unsigned char *)der.data;
	request = d2i_TS_REQ(NULL, &at, (long)der.len);
	assert_non_null(request);
	assert_ptr_equal(at, der.data + der.len);
	assert_int_equal(TS_REQ_get_version(request), 1);
	assert_true(TS_REQ_get_cert_req(request));
	assert_int_equal(ASN1_INTEGER_get_uint64(&nonce, TS_REQ_get_nonce(request)), 1);
	assert_true(nonce == NONCE);
	imprint = TS_REQ_get_msg_imprint(request);
	assert_int_equal(digest_of(DATA.data, DATA.len, &digest), 0);
	assert_memory_equal(ASN1_STRING_get0_data(TS_MSG_IMPRINT_get_msg(imprint)), digest.bytes, DIGEST_LEN);
	TS_REQ_free(request);
}

/* ---- an authority of our own ---- */

struct token_row {
	const char *what;
	const char *extensions[4]; /* of the signer */
	int64_t from, until; /* of the signer */
	const EVP_MD *(*imprint)(void), *(*signer)(void);
	bool no_nonce, other_nonce, other_data, no_certificate;
	const char *words; /* NULL: good */
};

static int tell_time(TS_RESP_CTX *ctx, void *data, long *seconds, long *micros)
{
	(void)ctx;
	(void)data;
	*seconds = (long)NOW;
	*micros = 0;
	return 1;
}

static BIO *request_for(const struct token_row *row)
{
	const EVP_MD *md = row->imprint ? row->imprint() : EVP_sha256();
	struct str data = row->other_data ? STR("others") : DATA;
	unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
	TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
	X509_ALGOR *algorithm = X509_ALGOR_new();
	ASN1_INTEGER *nonce = ASN1_INTEGER_new();
	TS_REQ *request = TS_REQ_new();
	unsigned int len;
	BIO *bio;

	assert_int_equal(EVP_Digest(data.data, data.len, digest, &len, md, NULL), 1);
	X509_ALGOR_set_md(algorithm, md);
	TS_MSG_IMPRINT_set_algo(imprint, algorithm);
	TS_MSG_IMPRINT_set_msg(imprint, digest, (int)len);
	TS_REQ_set_version(request, 1);
	TS_REQ_set_msg_imprint(request, imprint);
	ASN1_INTEGER_set_uint64(nonce, row->other_nonce ? 5 : NONCE);
	if (!row->no_nonce)
		TS_REQ_set_nonce(request, nonce);
	TS_REQ_set_cert_req(request, !row->no_certificate);
	bio = BIO_new(BIO_s_mem());
	assert_int_equal(i2d_TS_REQ_bio(bio, request), 1);
	OPENSSL_free(der);
	TS_MSG_IMPRINT_free(imprint);
	X509_ALGOR_free(algorithm);
	ASN1_INTEGER_free(nonce);
	TS_REQ_free(request);
	return bio;
}

/* OpenSSL lets only a fit certificate into the responder: it becomes another one behind its back. */
static void change_signer(struct holder *signer, const struct token_row *row)
{
	while (X509_get_ext_count(signer->x509) > 0)
		X509_EXTENSION_free(X509_delete_ext(signer->x509, 0));
	for (const char *const *text = row->extensions; *text; text++)
		issuer_add_extension(signer->x509, root.x509, *text);
	if (row->from != 0) {
		ASN1_TIME_set(X509_getm_notBefore(signer->x509), (time_t)row->from);
		ASN1_TIME_set(X509_getm_notAfter(signer->x509), (time_t)row->until);
	}
	assert_true(X509_sign(signer->x509, root.key, EVP_sha256()) > 0);
}

/* DER of the answer; the signer is made. */
static void make_token(struct holder *signer, const struct token_row *row, struct buf *out)
{
	TS_RESP_CTX *ctx = TS_RESP_CTX_new();
	ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4", 1);
	BIO *bio = request_for(row);
	unsigned char *der = NULL;
	TS_RESP *answer;
	int len;

	ISSUER_MAKE(signer, "tsa", &root, SINCE, YEARS, TSA_USAGE, TSA_EXTENDED);
	assert_int_equal(TS_RESP_CTX_set_signer_cert(ctx, signer->x509), 1);
	change_signer(signer, row);
	assert_int_equal(TS_RESP_CTX_set_signer_key(ctx, signer->key), 1);
	assert_int_equal(TS_RESP_CTX_set_def_policy(ctx, policy), 1);
	assert_int_equal(TS_RESP_CTX_set_signer_digest(ctx, row->signer ? row->signer() : EVP_sha256()), 1);
	assert_int_equal(TS_RESP_CTX_set_ess_cert_id_digest(ctx, EVP_sha256()), 1);
	assert_int_equal(TS_RESP_CTX_add_md(ctx, EVP_sha256()), 1);
	assert_int_equal(TS_RESP_CTX_add_md(ctx, EVP_sha512()), 1);
	assert_int_equal(TS_RESP_CTX_add_md(ctx, EVP_sha1()), 1);
	TS_RESP_CTX_set_time_cb(ctx, tell_time, NULL);
	answer = TS_RESP_create_response(ctx, bio);
	assert_non_null(answer);
	len = i2d_TS_RESP(answer, &der);
	assert_true(len > 0);
	assert_int_equal(buf_append(out, der, (size_t)len), 0);
	OPENSSL_free(der);
	TS_RESP_free(answer);
	TS_RESP_CTX_free(ctx);
	ASN1_OBJECT_free(policy);
	BIO_free(bio);
}

static const struct token_row rows[] = {
	{ "good", { TSA_USAGE, TSA_EXTENDED }, .words = NULL },
	{ "good, without its certificate", { TSA_USAGE, TSA_EXTENDED }, .no_certificate = true },
	{ "good, SHA-512", { TSA_USAGE, TSA_EXTENDED }, .imprint = EVP_sha512, .signer = EVP_sha512 },
	{ "not critical", { TSA_USAGE, "extendedKeyUsage=timeStamping" }, .words = "bad timestamp" },
	{ "for more than time", { TSA_USAGE, TSA_EXTENDED ",codeSigning" }, .words = "bad timestamp" },
	{ "for code", { TSA_USAGE, "extendedKeyUsage=critical,codeSigning" }, .words = "bad timestamp" },
	{ "for anything", { TSA_USAGE }, .words = "bad timestamp" },
	{ "may encipher", { TSA_USAGE ",keyEncipherment", TSA_EXTENDED }, .words = "bad timestamp" },
	{ "expired before it",
	  { TSA_USAGE, TSA_EXTENDED },
	  .from = NOW - 100,
	  .until = NOW - 1,
	  .words = "bad timestamp" },
	{ "not valid yet",
	  { TSA_USAGE, TSA_EXTENDED },
	  .from = NOW + 1,
	  .until = NOW + 100,
	  .words = "bad timestamp" },
	{ "just in time", { TSA_USAGE, TSA_EXTENDED }, .from = NOW, .until = NOW + 1 },
	{ "SHA-1 of the data", { TSA_USAGE, TSA_EXTENDED }, .imprint = EVP_sha1, .words = "digest" },
	{ "signed by SHA-1", { TSA_USAGE, TSA_EXTENDED }, .signer = EVP_sha1, .words = "digest" },
	{ "other data", { TSA_USAGE, TSA_EXTENDED }, .other_data = true, .words = "bad timestamp" },
	{ "other nonce", { TSA_USAGE, TSA_EXTENDED }, .other_nonce = true, .words = "nonce" },
	{ "no nonce", { TSA_USAGE, TSA_EXTENDED }, .no_nonce = true, .words = "nonce" },
};

static void tokens_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(certificate_chain_done) struct certificate_chain authority = { 0 };
		_cleanup_(buf_done) struct buf token = BUF_MAX(65536);
		_cleanup_(holder_done) struct holder signer = { 0 };
		struct diag diag = { 0 };
		int64_t time = 0;
		int r;

		make_token(&signer, &rows[i], &token);
		issuer_chain_add(&authority, signer.x509);
		issuer_chain_add(&authority, root.x509);
		r = timestamp_verify(buf_str(&token), DATA, NONCE, &authority, &diag, &time);
		if (r != (rows[i].words ? -EBADMSG : 0) || (rows[i].words && !strstr(diag.text, rows[i].words)))
			fail_msg("%s: %d \"%s\"", rows[i].what, r, diag.text);
		assert_int_equal(time, r == 0 ? NOW : 0);
	}
}

/* Whose token it is: the authority names its leaf, or the authorities that may make one. */
static void the_signer_is_the_authoritys(void **state)
{
	_cleanup_(certificate_chain_done) struct certificate_chain own = { 0 }, other = { 0 }, roots = { 0 },
								   wrong = { 0 };
	_cleanup_(holder_done) struct holder signer = { 0 }, second = { 0 }, stranger = { 0 };
	_cleanup_(buf_done) struct buf token = BUF_MAX(65536), bare = BUF_MAX(65536);
	const struct certificate_chain none = { 0 };
	int64_t time;

	(void)state;
	make_token(&signer, &rows[0], &token);
	issuer_chain_add(&own, signer.x509);
	issuer_chain_add(&own, root.x509);
	assert_int_equal(timestamp_verify(buf_str(&token), DATA, 0, &own, NULL, &time), 0);

	/* Another timestamper of the same root. */
	ISSUER_MAKE(&second, "tsa", &root, SINCE, YEARS, TSA_USAGE, TSA_EXTENDED);
	issuer_chain_add(&other, second.x509);
	issuer_chain_add(&other, root.x509);
	assert_int_equal(timestamp_verify(buf_str(&token), DATA, 0, &other, NULL, &time), -EBADMSG);

	/* No leaf named: any that the root vouches for, whose certificate the token holds. */
	issuer_chain_add(&roots, root.x509);
	assert_int_equal(timestamp_verify(buf_str(&token), DATA, 0, &roots, NULL, &time), 0);
	holder_done(&signer);
	make_token(&signer, &rows[1], &bare);
	assert_int_equal(timestamp_verify(buf_str(&bare), DATA, 0, &roots, NULL, &time), -EBADMSG);

	ISSUER_MAKE(&stranger, "tsa root", NULL, SINCE, YEARS, CA_EXTENSIONS);
	issuer_chain_add(&wrong, stranger.x509);
	assert_int_equal(timestamp_verify(buf_str(&token), DATA, 0, &wrong, NULL, &time), -EBADMSG);
	assert_int_equal(timestamp_verify(buf_str(&token), DATA, 0, &none, NULL, &time), -EBADMSG);
}

static void answers_must_be_granted_and_end(void **state)
{
	_cleanup_(certificate_chain_done) struct certificate_chain authority = { 0 };
	_cleanup_(buf_done) struct buf token = BUF_MAX(1u << 20);
	_cleanup_(holder_done) struct holder signer = { 0 };
	struct diag diag = { 0 };
	int64_t time;

	(void)state;
	make_token(&signer,
		   &(struct token_row) { .what = "MD5", .extensions = { TSA_USAGE }, .imprint = EVP_md5 },
		   &token);
	issuer_chain_add(&authority, root.x509);
	assert_int_equal(timestamp_verify(buf_str(&token), DATA, 0, &authority, &diag, &time), -EBADMSG);
	assert_non_null(strstr(diag.text, "did not grant"));

	buf_clear(&token);
	holder_done(&signer);
	make_token(&signer, &rows[0], &token);
	assert_int_equal(timestamp_verify(buf_str(&token), DATA, 0, &authority, NULL, &time), 0);
	assert_int_equal(buf_append(&token, "\0", 1), 0);
	diag = (struct diag) { 0 };
	assert_int_equal(timestamp_verify(buf_str(&token), DATA, 0, &authority, &diag, &time), -EBADMSG);
	assert_non_null(strstr(diag.text, "behind"));
	while (token.len <= 65536)
		assert_int_equal(buf_append(&token, "0123456789abcdef", 16), 0);
	diag = (struct diag) { 0 };
	assert_int_equal(timestamp_verify(buf_str(&token), DATA, 0, &authority, &diag, &time), -EBADMSG);
	assert_non_null(strstr(diag.text, "too long"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_timestamp_verifies_and_no_byte_may_change),
		cmocka_unit_test(requests_say_what_we_want),
		cmocka_unit_test(tokens_are_judged),
		cmocka_unit_test(the_signer_is_the_authoritys),
		cmocka_unit_test(answers_must_be_granted_and_end),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
