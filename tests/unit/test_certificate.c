/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of Fulcio's, and of issuers who do everything wrong. */

#include <errno.h>

#include <openssl/pem.h>

#include "golden_seals.h"
#include "issuer.h"

#define NOW ISSUER_NOW
#define UNTIL (ISSUER_NOW + 600)
#define SINCE (NOW - 1000 * ISSUER_DAY)
#define YEARS (NOW + 1000 * ISSUER_DAY)

static struct holder root, intermediate, stranger;
static struct certificate_chain chain, strangers;

static int set_up(void **state)
{
	(void)state;
	ISSUER_MAKE(&root, "root", NULL, SINCE, YEARS, CA_EXTENSIONS);
	ISSUER_MAKE(&intermediate, "intermediate", &root, SINCE, YEARS, CA_EXTENSIONS, LEAF_EXTENDED);
	ISSUER_MAKE(&stranger, "root", NULL, SINCE, YEARS, CA_EXTENSIONS);
	issuer_chain_add(&chain, intermediate.x509);
	issuer_chain_add(&chain, root.x509);
	issuer_chain_add(&strangers, stranger.x509);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	holder_done(&root);
	holder_done(&intermediate);
	holder_done(&stranger);
	certificate_chain_done(&chain);
	certificate_chain_done(&strangers);
	return 0;
}

/* ---- Fulcio's own ---- */

static void names_of(const char *seal, const char *san, const char *issuer)
{
	_cleanup_(buf_done) struct buf got_san = BUF_MAX(1024), got_issuer = BUF_MAX(1024);
	_cleanup_(certificate_freep) struct certificate *leaf = NULL;
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	_cleanup_(trusted_root_done) struct trusted_root trusted;
	_cleanup_(bundle_done) struct bundle bundle;
	const struct certificate_chain *authority;
	int64_t from;

	golden_seal(seal, &bundle);
	golden_root(&trusted);
	assert_int_equal(certificate_parse(buf_str(&bundle.certificate), seal, NULL, &leaf), 0);
	assert_true(str_equal(certificate_der(leaf), buf_str(&bundle.certificate)));
	assert_int_equal(certificate_san(leaf, &got_san, NULL), 0);
	assert_string_equal(buf_cstr(&got_san), san);
	assert_int_equal(certificate_issuer(leaf, &got_issuer, NULL), 0);
	assert_string_equal(buf_cstr(&got_issuer), issuer);
	assert_int_equal(certificate_public_key(leaf, NULL, &key), 0);
	assert_string_equal(public_key_type(key), "ecdsa-p256");
	assert_false(certificate_is_authority(leaf));

	from = certificate_not_before(leaf);
	assert_int_equal(certificate_not_after(leaf), from + 600);
	authority = &trusted.authorities[0].chain;
	assert_int_equal(certificate_verify(leaf, authority, from, NULL), 0);
	assert_int_equal(certificate_verify(leaf, authority, from + 599, NULL), 0);
	assert_int_equal(certificate_verify(leaf, authority, from - 1, NULL), -EBADMSG);
	assert_int_equal(certificate_verify(leaf, authority, from + 600, NULL), -EBADMSG);
	assert_int_equal(certificate_verify(leaf, &chain, from, NULL), -EBADMSG);
	assert_int_equal(certificate_verify(leaf, &trusted.timestampers[0].chain, from, NULL), -EBADMSG);
}

static void fulcio_certificates_verify(void **state)
{
	(void)state;
	names_of("cosign-spiffe-v1.json", GOLDEN_SPIFFE, GOLDEN_SPIFFE_ISSUER);
	names_of("cosign-k8s-v2-tsa.json", GOLDEN_K8S, GOLDEN_K8S_ISSUER);
}

/* ---- the form ---- */

static void der_is_taken_whole(void **state)
{
	_cleanup_(buf_done) struct buf der = BUF_MAX(2 * CERTIFICATE_MAX);
	_cleanup_(bundle_done) struct bundle bundle;
	struct certificate *made = NULL;

	(void)state;
	golden_seal("cosign-spiffe-v1.json", &bundle);
	assert_int_equal(buf_append_str(&der, buf_str(&bundle.certificate)), 0);
	for (size_t len = 0; len < der.len; len++)
		assert_int_equal(certificate_parse((struct str) { der.data, len }, "x", NULL, &made), -EINVAL);
	assert_int_equal(buf_append(&der, "\0", 1), 0);
	assert_int_equal(certificate_parse(buf_str(&der), "x", NULL, &made), -EINVAL);
	while (der.len <= CERTIFICATE_MAX)
		assert_int_equal(buf_append(&der, "0123456789abcdef", 16), 0);
	assert_int_equal(certificate_parse(buf_str(&der), "x", NULL, &made), -EINVAL);
	assert_null(made);
}

static void append_pem(struct buf *out, X509 *x509)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
	len = BIO_get_mem_data(bio, &text);
	assert_int_equal(buf_append(out, text, (size_t)len), 0);
	BIO_free(bio);
}

static void pem_files_become_chains(void **state)
{
	_cleanup_(certificate_chain_done) struct certificate_chain read = { 0 };
	_cleanup_(buf_done) struct buf pem = BUF_MAX(1u << 20);
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(buf_append_str(&pem, STR("subject=CN = intermediate\n\n")), 0);
	append_pem(&pem, intermediate.x509);
	append_pem(&pem, root.x509);
	assert_int_equal(certificate_chain_parse_pem(buf_str(&pem), "x", &diag, &read), 0);
	assert_int_equal(read.count, 2);
	assert_true(str_equal(certificate_der(read.list[0]), certificate_der(chain.list[0])));
	assert_true(certificate_issued_by(read.list[0], read.list[1]));
	assert_false(certificate_issued_by(read.list[1], read.list[0]));

	/* What is wrong leaves nothing of itself. */
	assert_int_equal(certificate_chain_parse_pem(STR("no PEM at all"), "x", NULL, &read), -EINVAL);
	assert_int_equal(certificate_chain_parse_pem(STR(""), "x", NULL, &read), -EINVAL);
	pem.data[pem.len / 2] = '*';
	assert_int_equal(certificate_chain_parse_pem(buf_str(&pem), "x", NULL, &read), -EINVAL);
	buf_clear(&pem);
	for (size_t i = 0; i < CERTIFICATE_CHAIN_MAX + 1; i++)
		append_pem(&pem, root.x509);
	assert_int_equal(certificate_chain_parse_pem(buf_str(&pem), "x", NULL, &read), -EINVAL);
	assert_int_equal(read.count, 2);
}

/* ---- leaves that are right, and one thing wrong each ---- */

struct leaf_row {
	const char *what;
	const char *extensions[8];
	const char *words; /* of the line; NULL: it verifies */
};

static const struct leaf_row leaves[] = {
	{ "good", { LEAF_EXTENSIONS }, NULL },
	{ "no names", { LEAF_USAGE, LEAF_EXTENDED }, NULL },
	{ "an authority", { LEAF_EXTENSIONS, "basicConstraints=critical,CA:TRUE" }, "an authority" },
	{ "may not sign", { "keyUsage=critical,keyEncipherment", LEAF_EXTENDED, LEAF_SAN }, "may not sign" },
	{ "for servers", { LEAF_USAGE, "extendedKeyUsage=serverAuth", LEAF_SAN }, "code signing" },
	{ "for anything", { LEAF_USAGE, "extendedKeyUsage=anyExtendedKeyUsage", LEAF_SAN }, "code signing" },
	{ "for nothing said", { LEAF_USAGE, LEAF_SAN }, "code signing" },
	{ "unknown critical", { LEAF_EXTENSIONS, "1.2.3.4=critical,ASN1:NULL" }, "critical" },
};

static void leaves_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
		_cleanup_(holder_done) struct holder leaf = { 0 };
		_cleanup_(certificate_freep) struct certificate *made = NULL;
		struct diag diag = { 0 };
		int r;

		issuer_make(&leaf, "leaf", &intermediate, NOW, UNTIL, leaves[i].extensions);
		made = issuer_certificate(leaf.x509);
		r = certificate_verify(made, &chain, NOW, &diag);
		if (r != (leaves[i].words ? -EBADMSG : 0) ||
		    (leaves[i].words && !strstr(diag.text, leaves[i].words)))
			fail_msg("%s: %d \"%s\"", leaves[i].what, r, diag.text);
	}
}

/* A chain that is right but for one issuer. */
static void issuers_are_judged(void **state)
{
	static const struct {
		const char *what;
		const char *extensions[4];
		int64_t from, until;
		const char *words;
	} rows[] = {
		{ "no authority", { "basicConstraints=CA:FALSE" }, NOW, UNTIL, "chain up" },
		{ "may not issue",
		  { "basicConstraints=critical,CA:TRUE", LEAF_USAGE },
		  NOW,
		  UNTIL,
		  "chain up" },
		{ "for servers", { CA_EXTENSIONS, "extendedKeyUsage=serverAuth" }, NOW, UNTIL, "code signing" },
		{ "expired", { CA_EXTENSIONS }, NOW - 600, NOW - 1, "expired" },
		{ "too new", { CA_EXTENSIONS }, NOW + 1, UNTIL, "not yet valid" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(holder_done) struct holder issuer = { 0 }, leaf = { 0 };
		_cleanup_(certificate_chain_done) struct certificate_chain wrong = { 0 };
		_cleanup_(certificate_freep) struct certificate *made = NULL;
		struct diag diag = { 0 };

		issuer_make(&issuer, "issuer", &root, rows[i].from, rows[i].until, rows[i].extensions);
		ISSUER_MAKE(&leaf, "leaf", &issuer, NOW, UNTIL, LEAF_EXTENSIONS);
		issuer_chain_add(&wrong, issuer.x509);
		issuer_chain_add(&wrong, root.x509);
		made = issuer_certificate(leaf.x509);
		if (certificate_verify(made, &wrong, NOW, &diag) != -EBADMSG ||
		    !strstr(diag.text, rows[i].words))
			fail_msg("%s: \"%s\"", rows[i].what, diag.text);
	}
}

static void a_chain_must_lead_to_the_last_of_the_authority(void **state)
{
	_cleanup_(certificate_chain_done) struct certificate_chain pinned = { 0 }, alone = { 0 };
	_cleanup_(certificate_freep) struct certificate *made = NULL;
	_cleanup_(holder_done) struct holder leaf = { 0 };
	const struct certificate_chain none = { 0 };

	(void)state;
	ISSUER_MAKE(&leaf, "leaf", &intermediate, NOW, UNTIL, LEAF_EXTENSIONS);
	made = issuer_certificate(leaf.x509);
	assert_int_equal(certificate_verify(made, &chain, NOW, NULL), 0);
	assert_int_equal(certificate_verify(made, &strangers, NOW, NULL), -EBADMSG);
	assert_int_equal(certificate_verify(made, &none, NOW, NULL), -EBADMSG);
	/* The operator may trust an intermediate alone. */
	issuer_chain_add(&pinned, intermediate.x509);
	assert_int_equal(certificate_verify(made, &pinned, NOW, NULL), 0);
	/* But no leaf is its own authority. */
	issuer_chain_add(&alone, leaf.x509);
	assert_int_equal(certificate_verify(made, &alone, NOW, NULL), -EBADMSG);
}

/* ---- names ---- */

static const struct {
	const char *what;
	const char *extensions[4];
	const char *san, *issuer; /* NULL: refused; "" for the issuer: there is none */
} names[] = {
	{ "a URI", { LEAF_SAN, LEAF_ISSUER }, "spiffe://example.org/node/1", "https://issuer.example" },
	{ "an email",
	  { "subjectAltName=email:a@example.org", LEAF_ISSUER },
	  "a@example.org",
	  "https://issuer.example" },
	{ "another name",
	  { "subjectAltName=otherName:" OID_FULCIO ".7;UTF8:name", OID_FULCIO ".1=DER:68:74:74:70" },
	  "name",
	  "http" },
	{ "the new issuer counts",
	  { LEAF_SAN, OID_FULCIO ".1=DER:68", LEAF_ISSUER },
	  "spiffe://example.org/node/1",
	  "https://issuer.example" },
	{ "no issuer", { LEAF_SAN }, "spiffe://example.org/node/1", "" },
	{ "no name", { LEAF_ISSUER }, NULL, "https://issuer.example" },
	{ "two names", { "subjectAltName=URI:a:b,URI:c:d", LEAF_ISSUER }, NULL, "https://issuer.example" },
	{ "a host", { "subjectAltName=DNS:example.org", LEAF_ISSUER }, NULL, "https://issuer.example" },
	{ "an unknown kind of name", { "subjectAltName=otherName:1.2.3.4;UTF8:name" }, NULL, "" },
	{ "a NUL in the name", { "subjectAltName=DER:30:05:86:03:61:00:62" }, NULL, "" },
	{ "a NUL in the issuer",
	  { LEAF_SAN, OID_FULCIO ".8=DER:0C:03:61:00:62" },
	  "spiffe://example.org/node/1",
	  NULL },
	{ "an issuer of another kind",
	  { LEAF_SAN, OID_FULCIO ".8=ASN1:IA5String:http" },
	  "spiffe://example.org/node/1",
	  NULL },
	{ "more behind the issuer",
	  { LEAF_SAN, OID_FULCIO ".8=DER:0C:01:61:00" },
	  "spiffe://example.org/node/1",
	  NULL },
	{ "an empty issuer", { LEAF_SAN, OID_FULCIO ".8=DER:0C:00" }, "spiffe://example.org/node/1", NULL },
	{ "two issuers", { LEAF_SAN, LEAF_ISSUER, LEAF_ISSUER }, "spiffe://example.org/node/1", NULL },
};

static void names_are_read_one_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_(buf_done) struct buf san = BUF_MAX(1024), issuer = BUF_MAX(1024);
		_cleanup_(holder_done) struct holder leaf = { 0 };
		_cleanup_(certificate_freep) struct certificate *made = NULL;
		int r, want;

		issuer_make(&leaf, "leaf", &intermediate, NOW, UNTIL, names[i].extensions);
		made = issuer_certificate(leaf.x509);
		r = certificate_san(made, &san, NULL);
		if (r != (names[i].san ? 0 : -EBADMSG) || (r == 0 && strcmp(buf_cstr(&san), names[i].san) != 0))
			fail_msg("%s: %d", names[i].what, r);
		want = !names[i].issuer ? -EBADMSG : names[i].issuer[0] == '\0' ? -ENOENT : 0;
		r = certificate_issuer(made, &issuer, NULL);
		if (r != want || (r == 0 && strcmp(buf_cstr(&issuer), names[i].issuer) != 0))
			fail_msg("%s: issuer %d", names[i].what, r);
	}
}

static void keys_of_other_kinds_are_refused(void **state)
{
	_cleanup_(holder_done) struct holder leaf = { .key = EVP_EC_gen("P-384") }, plain = { 0 };
	_cleanup_(holder_done) struct holder ed25519 = { .key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
	_cleanup_(certificate_freep) struct certificate *made = NULL, *good = NULL;
	_cleanup_(public_key_freep) struct public_key *key = NULL;

	(void)state;
	ISSUER_MAKE(&leaf, "leaf", &intermediate, NOW, UNTIL, LEAF_EXTENSIONS);
	made = issuer_certificate(leaf.x509);
	assert_int_equal(certificate_public_key(made, NULL, &key), -EINVAL);
	ISSUER_MAKE(&ed25519, "leaf", &intermediate, NOW, UNTIL, LEAF_EXTENSIONS);
	good = issuer_certificate(ed25519.x509);
	assert_int_equal(certificate_public_key(good, NULL, &key), 0);
	assert_string_equal(public_key_type(key), "ed25519");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fulcio_certificates_verify),
		cmocka_unit_test(der_is_taken_whole),
		cmocka_unit_test(pem_files_become_chains),
		cmocka_unit_test(leaves_are_judged),
		cmocka_unit_test(issuers_are_judged),
		cmocka_unit_test(a_chain_must_lead_to_the_last_of_the_authority),
		cmocka_unit_test(names_are_read_one_way),
		cmocka_unit_test(keys_of_other_kinds_are_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
