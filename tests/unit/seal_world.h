/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A small Sigstore of a test's own: signers, two kinds of logs, a certificate authority, a timestamp authority. All keys
 * are made when the test begins, so that anything can be signed anew, wrong things too. For cmocka programs.
 */

#include <openssl/ts.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "format/canon.h"
#include "crypto/timestamp.h"
#include "sigstore/entry.h"
#include "sigstore/merkle.h"
#include "tests/unit/chain_maker.h"

#define WORLD_TIME INT64_C(1790000100) /* when seals are made */
#define WORLD_ORIGIN "log.test" /* of the log as Rekor v2 and ours are */
#define WORLD_V1_NAME "rekor1.test"
#define WORLD_V1_ORIGIN WORLD_V1_NAME " - 77"
#define WORLD_WITNESS "witness.test"
#define WORLD_SAN "spiffe://example.org/node/1"
#define WORLD_ISSUER "https://issuer.test"

struct authority_of {
	EVP_PKEY *key;
	X509 *certificate;
};

struct world {
	struct key *signer, *other; /* P-256 */
	struct key *v1, *v1_other; /* a Rekor v1's, ECDSA */
	struct key *v2, *v2_other; /* Ed25519 */
	struct key *witness;
	struct authority_of ca, ca_other;
	struct authority_of tsa_root, tsa, tsa_other;
	struct authority_of false_root, false_tsa; /* bear the names of the first two */
};

static inline struct public_key *world_public(const struct key *key)
{
	struct public_key *public = NULL;

	assert_int_equal(key_public(key, NULL, &public), 0);
	return public;
}

/* ---- certificates ---- */

struct certificate_wish {
	const char *name, *san, *issuer_claim, *usage, *extended;
	bool authority;
	int64_t from, until;
};

static inline void world_extension(X509 *certificate, X509 *issuer, const char *name, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer ? issuer : certificate, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf(NULL, &context, name, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* `issuer` NULL: it signs itself. */
static inline X509 *world_certificate(EVP_PKEY *subject, const struct certificate_wish *wish,
				      const struct authority_of *issuer)
{
	static long serial = 1000;
	X509 *certificate = X509_new();
	X509_NAME *name;
	char claim[128];

	assert_non_null(certificate);
	name = X509_get_subject_name(certificate);
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
	if (wish->name)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)wish->name, -1, -1,
					   0);
	X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer->certificate) : name);
	ASN1_TIME_set(X509_getm_notBefore(certificate), wish->from);
	ASN1_TIME_set(X509_getm_notAfter(certificate), wish->until);
	X509_set_pubkey(certificate, subject);
	if (wish->authority)
		world_extension(certificate, NULL, "basicConstraints", "critical,CA:TRUE");
	if (wish->usage)
		world_extension(certificate, NULL, "keyUsage", wish->usage);
	if (wish->extended)
		world_extension(certificate, NULL, "extendedKeyUsage", wish->extended);
	if (wish->san)
		world_extension(certificate, NULL, "subjectAltName", wish->san);
	if (wish->issuer_claim) {
		snprintf(claim, sizeof(claim), "ASN1:UTF8:%s", wish->issuer_claim);
		world_extension(certificate, NULL, "1.3.6.1.4.1.57264.1.8", claim);
	}
	assert_true(X509_sign(certificate, issuer ? issuer->key : subject, EVP_sha256()) > 0);
	return certificate;
}

static inline struct authority_of world_authority(const char *name, const char *extended,
						  const struct authority_of *issuer)
{
	struct authority_of made = { .key = EVP_EC_gen("P-256") };
	struct certificate_wish wish = { .name = name,
					 .authority = !extended,
					 .usage = extended ? "critical,digitalSignature"
							   : "critical,keyCertSign,cRLSign",
					 .extended = extended,
					 .from = WORLD_TIME - 1000000,
					 .until = WORLD_TIME + 1000000 };

	assert_non_null(made.key);
	made.certificate = world_certificate(made.key, &wish, issuer);
	return made;
}

static inline void world_authority_done(struct authority_of *authority)
{
	X509_free(authority->certificate);
	EVP_PKEY_free(authority->key);
}

static inline void world_der(X509 *certificate, struct buf *out)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);

	assert_true(len > 0);
	assert_int_equal(buf_append(out, der, (size_t)len), 0);
	OPENSSL_free(der);
}

static inline void world_chain(struct certificate_chain *chain, X509 *certificate)
{
	struct buf der = BUF_MAX(CERTIFICATE_MAX);
	struct certificate *parsed = NULL;

	world_der(certificate, &der);
	assert_int_equal(certificate_parse(buf_str(&der), "test", NULL, &parsed), 0);
	assert_int_equal(certificate_chain_add(chain, &parsed), 0);
	buf_done(&der);
}

/* A certificate for our key's public half. */
static inline void world_leaf(const struct key *key, const struct certificate_wish *wish,
			      const struct authority_of *issuer, struct buf *out)
{
	struct public_key *public = world_public(key);
	struct str spki = public_key_spki(public);
	const unsigned char *at = (const unsigned char *)spki.data;
	EVP_PKEY *subject = d2i_PUBKEY(NULL, &at, (long)spki.len);
	X509 *certificate;

	assert_non_null(subject);
	certificate = world_certificate(subject, wish, issuer);
	world_der(certificate, out);
	X509_free(certificate);
	EVP_PKEY_free(subject);
	public_key_free(public);
}

/* ---- time ---- */

static inline ASN1_INTEGER *world_serial(TS_RESP_CTX *context, void *data)
{
	ASN1_INTEGER *serial = ASN1_INTEGER_new();

	(void)context;
	(void)data;
	ASN1_INTEGER_set(serial, 4711);
	return serial;
}

static inline int world_clock(TS_RESP_CTX *context, void *data, long *seconds, long *microseconds)
{
	(void)context;
	*seconds = (long)*(const int64_t *)data;
	*microseconds = 0;
	return 1;
}

/* A token over `data`, of this time. */
static inline void world_token(const struct authority_of *tsa, const struct authority_of *root, struct str data,
			       int64_t time, struct buf *out)
{
	struct buf request = BUF_MAX(65536);
	TS_RESP_CTX *context = TS_RESP_CTX_new();
	STACK_OF(X509) *certificates = sk_X509_new_null();
	ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4", 1);
	unsigned char *der = NULL;
	TS_RESP *response;
	BIO *bio;
	int len;

	assert_int_equal(timestamp_request(data, 0, &request, NULL), 0);
	if (root)
		sk_X509_push(certificates, root->certificate);
	assert_int_equal(TS_RESP_CTX_set_signer_cert(context, tsa->certificate), 1);
	assert_int_equal(TS_RESP_CTX_set_signer_key(context, tsa->key), 1);
	assert_int_equal(TS_RESP_CTX_set_certs(context, certificates), 1);
	assert_int_equal(TS_RESP_CTX_set_signer_digest(context, EVP_sha256()), 1);
	assert_int_equal(TS_RESP_CTX_set_ess_cert_id_digest(context, EVP_sha256()), 1);
	assert_int_equal(TS_RESP_CTX_set_def_policy(context, policy), 1);
	assert_int_equal(TS_RESP_CTX_add_md(context, EVP_sha256()), 1);
	TS_RESP_CTX_set_serial_cb(context, world_serial, NULL);
	TS_RESP_CTX_set_time_cb(context, world_clock, &time);
	bio = BIO_new_mem_buf(request.data, (int)request.len);
	response = TS_RESP_create_response(context, bio);
	assert_non_null(response);
	len = i2d_TS_RESP(response, &der);
	assert_true(len > 0);
	assert_int_equal(buf_append(out, der, (size_t)len), 0);
	OPENSSL_free(der);
	TS_RESP_free(response);
	BIO_free(bio);
	ASN1_OBJECT_free(policy);
	sk_X509_free(certificates);
	TS_RESP_CTX_free(context);
	buf_done(&request);
}

/* ---- logs ---- */

/* "text LF" is signed, and a line of the signature is appended behind the empty line. */
static inline void world_sign_note(struct buf *note, size_t text_len, const char *name, const uint8_t id[4],
				   const struct key *key)
{
	struct buf signature = BUF_MAX(1024), line = BUF_MAX(4096);

	assert_int_equal(buf_append(&signature, id, 4), 0);
	assert_int_equal(key_sign(key, note->data, text_len, &signature, NULL), 0);
	assert_int_equal(text_base64_append(&line, signature.data, signature.len), 0);
	assert_int_equal(buf_printf(note, "\xe2\x80\x94 %s %.*s\n", name, (int)line.len, line.data), 0);
	buf_done(&signature);
	buf_done(&line);
}

static inline void world_checkpoint_text(struct buf *out, const char *origin, uint64_t size,
					 const struct digest *root)
{
	struct buf base64 = BUF_MAX(128);

	assert_int_equal(text_base64_append(&base64, root->bytes, DIGEST_LEN), 0);
	assert_int_equal(buf_printf(out, "%s\n%" PRIu64 "\n%.*s\n", origin, size, (int)base64.len, base64.data),
			 0);
	buf_done(&base64);
}

static inline void world_checkpoint_v1(struct buf *out, const char *origin, const char *name, uint64_t size,
				       const struct digest *root, const struct key *key)
{
	struct public_key *public = world_public(key);
	size_t text;

	world_checkpoint_text(out, origin, size, root);
	text = out->len;
	assert_int_equal(buf_append(out, "\n", 1), 0);
	world_sign_note(out, text, name, public_key_id(public)->bytes, key);
	public_key_free(public);
}

static inline void world_promise(const struct bundle_entry *entry, const struct key *key, struct buf *out)
{
	struct buf text = BUF_MAX(1u << 20), body = BUF_MAX(1u << 20);
	struct canon w = CANON_INTO(&text);
	char id[DIGEST_TEXT_LEN + 1];

	assert_int_equal(text_base64_append(&body, entry->body.data, entry->body.len), 0);
	digest_hex(&entry->log_id, id);
	canon_object(&w);
	canon_key_string(&w, "body", buf_str(&body));
	canon_key_u64(&w, "integratedTime", entry->integrated_time);
	canon_key_cstr(&w, "logID", id);
	canon_key_u64(&w, "logIndex", entry->log_index);
	canon_object_end(&w);
	assert_int_equal(canon_done(&w), 0);
	assert_int_equal(key_sign(key, text.data, text.len, out, NULL), 0);
	buf_done(&text);
	buf_done(&body);
}

/* The entry's body is leaf 1 of 3. */
static inline void world_tree(struct bundle_entry *entry)
{
	struct digest leaf, left;

	assert_int_equal(merkle_leaf(STR("before"), &entry->hashes[0]), 0);
	assert_int_equal(merkle_leaf(STR("behind"), &entry->hashes[1]), 0);
	assert_int_equal(merkle_leaf(buf_str(&entry->body), &leaf), 0);
	assert_int_equal(merkle_node(&entry->hashes[0], &leaf, &left), 0);
	assert_int_equal(merkle_node(&left, &entry->hashes[1], &entry->root), 0);
	entry->n_hashes = 2;
	entry->proof_index = entry->log_index = 1;
	entry->tree_size = 3;
	entry->has_proof = true;
}

static inline void world_put(struct buf *out, const char *text)
{
	buf_clear(out);
	assert_int_equal(buf_append(out, text, strlen(text)), 0);
}

/* ---- all of it ---- */

static inline struct world world_new(void)
{
	struct world world = { 0 };

	assert_int_equal(key_generate(NULL, &world.signer), 0);
	assert_int_equal(key_generate(NULL, &world.other), 0);
	assert_int_equal(key_generate(NULL, &world.v1), 0);
	assert_int_equal(key_generate(NULL, &world.v1_other), 0);
	assert_int_equal(key_generate_ed25519(NULL, &world.v2), 0);
	assert_int_equal(key_generate_ed25519(NULL, &world.v2_other), 0);
	assert_int_equal(key_generate_ed25519(NULL, &world.witness), 0);
	world.ca = world_authority("test ca", NULL, NULL);
	world.ca_other = world_authority("other ca", NULL, NULL);
	world.tsa_root = world_authority("test tsa root", NULL, NULL);
	world.tsa = world_authority("test tsa", "critical,timeStamping", &world.tsa_root);
	world.tsa_other = world_authority("other tsa", "critical,timeStamping", &world.ca_other);
	world.false_root = world_authority("test tsa root", NULL, NULL);
	world.false_tsa = world_authority("test tsa", "critical,timeStamping", &world.false_root);
	return world;
}

static inline void world_done(struct world *world)
{
	struct key *const keys[] = { world->signer, world->other,    world->v1,	    world->v1_other,
				     world->v2,	    world->v2_other, world->witness };
	struct authority_of *const authorities[] = { &world->ca,       &world->ca_other,  &world->tsa_root,
						     &world->tsa,      &world->tsa_other, &world->false_root,
						     &world->false_tsa };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		key_free(keys[i]);
	for (size_t i = 0; i < ARRAY_LEN(authorities); i++)
		world_authority_done(authorities[i]);
}

/* What a test's trusted root names. */
struct root_wish {
	bool no_logs, no_authority, no_timestamper, ct_log, wrong_authority;
	struct validity v1, authority, timestamper;
	int64_t v2_until; /* 0 = no end */
};

#define ROOT_ALL                                                               \
	((struct root_wish) { .v1 = { WORLD_TIME - 100000, INT64_MAX },        \
			      .authority = { WORLD_TIME - 100000, INT64_MAX }, \
			      .timestamper = { WORLD_TIME - 100000, INT64_MAX } })

static inline void world_add_logs(const struct world *world, const struct root_wish *wish,
				  struct trusted_root *root)
{
	struct public_key *v1 = world_public(world->v1), *v2 = world_public(world->v2);
	int64_t v2_until = wish->v2_until ? wish->v2_until : INT64_MAX;

	if (!wish->no_logs) {
		assert_int_equal(trusted_root_add_log(root, v1, NULL, "https://rekor1.test", wish->v1, NULL),
				 0);
		assert_int_equal(trusted_root_add_log(root, v2, WORLD_ORIGIN, "https://" WORLD_ORIGIN,
						      (struct validity) { 0, v2_until }, NULL),
				 0);
	}
	if (wish->ct_log)
		assert_int_equal(trusted_root_add_ct_log(root, v1, "https://ct.test",
							 (struct validity) { 0, INT64_MAX }, NULL),
				 0);
	public_key_free(v1);
	public_key_free(v2);
}

/* Appends trusted_root.json. */
static inline void world_root(const struct world *world, const struct root_wish *wish, struct buf *out)
{
	struct trusted_root root = { 0 };
	struct certificate_chain ca = { 0 }, tsa = { 0 };

	world_add_logs(world, wish, &root);
	world_chain(&ca, wish->wrong_authority ? world->ca_other.certificate : world->ca.certificate);
	world_chain(&tsa, world->tsa.certificate);
	world_chain(&tsa, world->tsa_root.certificate);
	if (!wish->no_authority)
		assert_int_equal(
			trusted_root_add_authority(&root, &ca, "https://ca.test", wish->authority, NULL), 0);
	if (!wish->no_timestamper)
		assert_int_equal(
			trusted_root_add_timestamper(&root, &tsa, "https://tsa.test", wish->timestamper, NULL),
			0);
	assert_int_equal(trusted_root_write(&root, out), 0);
	certificate_chain_done(&ca);
	certificate_chain_done(&tsa);
	trusted_root_done(&root);
}
