/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promises of certificate transparency logs inside of certificates. What we call good, OpenSSL's own judgement calls
 * good; each change in one place is refused.
 */

#include <errno.h>

#include <openssl/ct.h>

#include "issuer.h"

#define NOW ISSUER_NOW
#define UNTIL (ISSUER_NOW + 600)

static struct holder root, intermediate;
static struct certificate_chain chain, strangers;

static int set_up(void **state)
{
	struct holder stranger = { 0 };

	(void)state;
	ISSUER_MAKE(&root, "root", NULL, NOW, UNTIL, CA_EXTENSIONS);
	ISSUER_MAKE(&intermediate, "intermediate", &root, NOW, UNTIL, CA_EXTENSIONS);
	ISSUER_MAKE(&stranger, "intermediate", NULL, NOW, UNTIL, CA_EXTENSIONS);
	issuer_chain_add(&chain, intermediate.x509);
	issuer_chain_add(&chain, root.x509);
	issuer_chain_add(&strangers, stranger.x509);
	holder_done(&stranger);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	holder_done(&root);
	holder_done(&intermediate);
	certificate_chain_done(&chain);
	certificate_chain_done(&strangers);
	return 0;
}

struct promise {
	EVP_PKEY *signer; /* of the log, or not */
	const struct digest *id;
	uint64_t time_ms;
	int version; /* of what is signed */
	int hash_nid;
};

/* What section 3.2 of RFC 6962 has the log sign, put together here once more. */
static void sign_promise(SCT *sct, const struct promise *promise, X509 *before, const struct digest *issuer_key)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(1u << 17);
	unsigned char *tbs = NULL, signature[256];
	size_t len = sizeof(signature);
	int tbs_len = i2d_re_X509_tbs(before, &tbs);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	assert_int_equal(buf_append(&text, &(char) { (char)promise->version }, 1), 0);
	assert_int_equal(buf_append(&text, "\0", 1), 0);
	for (int i = 56; i >= 0; i -= 8)
		assert_int_equal(buf_append(&text, &(char) { (char)(promise->time_ms >> i) }, 1), 0);
	assert_int_equal(buf_append(&text, "\0\1", 2), 0);
	assert_int_equal(buf_append(&text, issuer_key->bytes, DIGEST_LEN), 0);
	for (int i = 16; i >= 0; i -= 8)
		assert_int_equal(buf_append(&text, &(char) { (char)(tbs_len >> i) }, 1), 0);
	assert_int_equal(buf_append(&text, tbs, (size_t)tbs_len), 0);
	assert_int_equal(buf_append(&text, "\0\0", 2), 0);
	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, promise->signer, NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &len, (unsigned char *)text.data, text.len), 1);
	assert_int_equal(SCT_set1_signature(sct, signature, len), 1);
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(tbs);
}

static void spki_digest(EVP_PKEY *key, struct digest *ret_digest)
{
	_cleanup_(public_key_freep) struct public_key *public = issuer_public_key(key);

	*ret_digest = *public_key_id(public);
}

/* A leaf whose issuer put this promise in. */
static struct certificate *promised_leaf(struct holder *leaf, const struct promise *promise)
{
	STACK_OF(SCT) *list = sk_SCT_new_null();
	SCT *sct = SCT_new();
	struct digest issuer_key;

	ISSUER_MAKE(leaf, "leaf", &intermediate, NOW, UNTIL, LEAF_EXTENSIONS);
	spki_digest(intermediate.key, &issuer_key);
	assert_int_equal(SCT_set_version(sct, SCT_VERSION_V1), 1);
	assert_int_equal(SCT_set1_log_id(sct, promise->id->bytes, DIGEST_LEN), 1);
	SCT_set_timestamp(sct, promise->time_ms);
	assert_int_equal(SCT_set_signature_nid(sct, promise->hash_nid), 1);
	sign_promise(sct, promise, leaf->x509, &issuer_key);
	assert_int_equal(SCT_set_log_entry_type(sct, CT_LOG_ENTRY_TYPE_PRECERT), 1);
	sk_SCT_push(list, sct);
	assert_int_equal(X509_add1_ext_i2d(leaf->x509, NID_ct_precert_scts, list, 0, X509V3_ADD_APPEND), 1);
	assert_true(X509_sign(leaf->x509, intermediate.key, EVP_sha256()) > 0);
	SCT_LIST_free(list);
	return issuer_certificate(leaf->x509);
}

/* OpenSSL's own judgement: what we call good, others do, too. */
static bool openssl_believes(X509 *leaf, EVP_PKEY *log)
{
	char path[] = "/tmp/stella-ct-XXXXXX";
	CT_POLICY_EVAL_CTX *policy = CT_POLICY_EVAL_CTX_new();
	CTLOG_STORE *store = CTLOG_STORE_new();
	STACK_OF(SCT) *list = X509_get_ext_d2i(leaf, NID_ct_precert_scts, NULL, NULL);
	unsigned char *der = NULL, base64[1024];
	int len = i2d_PUBKEY(log, &der);
	FILE *file = fdopen(mkstemp(path), "w");
	bool ok;

	EVP_EncodeBlock(base64, der, len);
	fprintf(file, "enabled_logs = test\n[test]\ndescription = test\nkey = %s\n", base64);
	fclose(file);
	assert_int_equal(CTLOG_STORE_load_file(store, path), 1);
	unlink(path);
	CT_POLICY_EVAL_CTX_set1_cert(policy, leaf);
	CT_POLICY_EVAL_CTX_set1_issuer(policy, intermediate.x509);
	CT_POLICY_EVAL_CTX_set_shared_CTLOG_STORE(policy, store);
	CT_POLICY_EVAL_CTX_set_time(policy, (uint64_t)UNTIL * 1000);
	ok = SCT_LIST_validate(list, policy) == 1 &&
	     SCT_get_validation_status(sk_SCT_value(list, 0)) == SCT_VALIDATION_STATUS_VALID;
	SCT_LIST_free(list);
	CT_POLICY_EVAL_CTX_free(policy);
	CTLOG_STORE_free(store);
	OPENSSL_free(der);
	return ok;
}

static void promises_are_judged(void **state)
{
	EVP_PKEY *log_key = EVP_EC_gen("P-256"), *other_key = EVP_EC_gen("P-256");
	_cleanup_(public_key_freep) struct public_key *public = issuer_public_key(log_key);
	const struct digest *id = public_key_id(public), unknown = { { 1, 2, 3 } };
	const struct certificate_log log = { *id, public, NOW - 10, NOW + 10 };
	const struct {
		const char *what;
		struct promise promise;
		int want;
	} rows[] = {
		{ "good", { log_key, id, (uint64_t)NOW * 1000 + 7, 0, NID_ecdsa_with_SHA256 }, 0 },
		{ "another signer",
		  { other_key, id, (uint64_t)NOW * 1000, 0, NID_ecdsa_with_SHA256 },
		  -EBADMSG },
		{ "another form", { log_key, id, (uint64_t)NOW * 1000, 1, NID_ecdsa_with_SHA256 }, -EBADMSG },
		{ "another algorithm",
		  { log_key, id, (uint64_t)NOW * 1000, 0, NID_sha256WithRSAEncryption },
		  -EBADMSG },
		{ "before its time",
		  { log_key, id, (uint64_t)(NOW - 11) * 1000, 0, NID_ecdsa_with_SHA256 },
		  -EBADMSG },
		{ "after its time",
		  { log_key, id, (uint64_t)(NOW + 11) * 1000, 0, NID_ecdsa_with_SHA256 },
		  -EBADMSG },
		{ "unknown log",
		  { log_key, &unknown, (uint64_t)NOW * 1000, 0, NID_ecdsa_with_SHA256 },
		  -ENOKEY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(holder_done) struct holder leaf = { 0 };
		_cleanup_(certificate_freep) struct certificate *made = promised_leaf(&leaf, &rows[i].promise);
		struct diag diag = { 0 };
		int r = certificate_check_sct(made, &chain, &log, 1, &diag);

		if (r != rows[i].want || (r < 0) != (diag.text[0] != '\0'))
			fail_msg("%s: %d \"%s\"", rows[i].what, r, diag.text);
		if (r == 0) {
			assert_true(openssl_believes(leaf.x509, log_key));
			assert_int_equal(certificate_check_sct(made, &chain, &log, 0, NULL), -ENOKEY);
			assert_int_equal(certificate_check_sct(made, &strangers, &log, 1, NULL), -EBADMSG);
		}
	}
	EVP_PKEY_free(log_key);
	EVP_PKEY_free(other_key);
}

/* A promise that was made for another certificate of the same issuer. */
static void a_promise_is_for_one_certificate(void **state)
{
	EVP_PKEY *log_key = EVP_EC_gen("P-256");
	_cleanup_(public_key_freep) struct public_key *public = issuer_public_key(log_key);
	const struct promise promise = { log_key, public_key_id(public), (uint64_t)NOW * 1000, 0,
					 NID_ecdsa_with_SHA256 };
	const struct certificate_log log = { *public_key_id(public), public, NOW, NOW };
	_cleanup_(holder_done) struct holder first = { 0 }, second = { 0 };
	_cleanup_(certificate_freep) struct certificate *good = promised_leaf(&first, &promise), *bad = NULL,
							*none = NULL;
	_cleanup_(holder_done) struct holder third = { 0 };
	X509_EXTENSION *list;

	(void)state;
	assert_int_equal(certificate_check_sct(good, &chain, &log, 1, NULL), 0);
	ISSUER_MAKE(&second, "leaf", &intermediate, NOW, UNTIL, LEAF_EXTENSIONS);
	list = X509_get_ext(first.x509, X509_get_ext_by_NID(first.x509, NID_ct_precert_scts, -1));
	assert_int_equal(X509_add_ext(second.x509, list, -1), 1);
	assert_true(X509_sign(second.x509, intermediate.key, EVP_sha256()) > 0);
	bad = issuer_certificate(second.x509);
	assert_int_equal(certificate_check_sct(bad, &chain, &log, 1, NULL), -EBADMSG);

	ISSUER_MAKE(&third, "leaf", &intermediate, NOW, UNTIL, LEAF_EXTENSIONS);
	none = issuer_certificate(third.x509);
	assert_int_equal(certificate_check_sct(none, &chain, &log, 1, NULL), -ENOENT);
	EVP_PKEY_free(log_key);
}

static void promises_that_cannot_be_read_are_wrong(void **state)
{
	_cleanup_(holder_done) struct holder leaf = { 0 };
	_cleanup_(certificate_freep) struct certificate *made = NULL;

	(void)state;
	ISSUER_MAKE(&leaf, "leaf", &intermediate, NOW, UNTIL, LEAF_EXTENSIONS,
		    "1.3.6.1.4.1.11129.2.4.2=DER:04:03:00:05:61");
	made = issuer_certificate(leaf.x509);
	assert_int_equal(certificate_check_sct(made, &chain, NULL, 0, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promises_are_judged),
		cmocka_unit_test(a_promise_is_for_one_certificate),
		cmocka_unit_test(promises_that_cannot_be_read_are_wrong),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
