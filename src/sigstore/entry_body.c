/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bodies that logs keep for a bundle, as real servers write them: canonical JSON, members in the order of RFC 8785.
 * Everything in them is made of the bundle and the verifier, nothing is copied from what a log says.
 */

#include <errno.h>
#include <string.h>

#include "crypto/pem.h"
#include "format/canon.h"
#include "sigstore/entry_parts.h"

/* ---- Rekor v1: dsse 0.0.1 ---- */

static void write_hash(struct canon *w, const char *key, const struct digest *digest)
{
	char hex[DIGEST_TEXT_LEN + 1];

	digest_hex(digest, hex);
	canon_key(w, key);
	canon_object(w);
	canon_key_cstr(w, "algorithm", "sha256");
	canon_key_cstr(w, "value", hex);
	canon_object_end(w);
}

static void write_pem(struct canon *w, const struct bundle *bundle, struct str verifier)
{
	_cleanup_(buf_done) struct buf pem = BUF_MAX(2 * BUNDLE_CERTIFICATE_MAX);
	int r = pem_append(&pem, bundle->identity == BUNDLE_CERTIFICATE ? "CERTIFICATE" : "PUBLIC KEY",
			   verifier);

	if (r < 0)
		canon_fail(w, r);
	else
		canon_key_base64(w, "verifier", buf_str(&pem));
}

int entry_body_dsse(struct buf *out, const struct bundle *bundle, struct str verifier,
		    const struct digest *envelope)
{
	struct canon w = CANON_INTO(out);
	struct digest payload;
	int r = digest_of(bundle->payload.data, bundle->payload.len, &payload);

	if (r < 0)
		return r;
	canon_object(&w);
	canon_key_cstr(&w, "apiVersion", "0.0.1");
	canon_key_cstr(&w, "kind", "dsse");
	canon_key(&w, "spec");
	canon_object(&w);
	write_hash(&w, "envelopeHash", envelope);
	write_hash(&w, "payloadHash", &payload);
	canon_key(&w, "signatures");
	canon_array(&w);
	canon_object(&w);
	canon_key_base64(&w, "signature", buf_str(&bundle->signature));
	write_pem(&w, bundle, verifier);
	canon_object_end(&w);
	canon_array_end(&w);
	canon_object_end(&w);
	canon_object_end(&w);
	return canon_done(&w);
}

static int envelope_digest(const struct bundle *bundle, struct digest *ret_digest)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(2 * BUNDLE_FILE_MAX);
	int r = bundle_write_envelope(&text, bundle);

	return r < 0 ? r : digest_of(text.data, text.len, ret_digest);
}

/* ---- Rekor v2 and our own log: hashedrekord 0.0.2 ---- */

static int is_ed25519(const struct bundle *bundle, struct str verifier, struct diag *diag, bool *ret_ed25519)
{
	_cleanup_(certificate_freep) struct certificate *certificate = NULL;
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	int r = 0;

	if (bundle->identity == BUNDLE_CERTIFICATE) {
		r = certificate_parse(verifier, "of the seal", diag, &certificate);
		if (r == 0)
			r = certificate_public_key(certificate, diag, &key);
	} else {
		r = public_key_parse_spki(verifier, "of the seal", diag, &key);
	}
	if (r < 0)
		return r;
	*ret_ed25519 = strcmp(public_key_type(key), "ed25519") == 0;
	return 0;
}

/*
 * What is logged of the signed bytes, and as which kind of key. Sigstore's verifiers, who make the body again, too, take
 * every Ed25519 key for one that signs a SHA-512 (Ed25519ph): with another body here they would refuse the proof. The
 * signature itself is over the bytes, as DSSE wants it, and that is how they and we check it.
 */
struct logged {
	uint8_t digest[DIGEST_SHA512_LEN];
	size_t len;
	const char *algorithm, *key_details;
};

static int log_pae(const struct bundle *bundle, bool ed25519, struct logged *ret_logged)
{
	_cleanup_(buf_done) struct buf pae = BUF_MAX(2 * BUNDLE_FILE_MAX);
	struct digest digest;
	int r = dsse_pae(&pae, buf_str(&bundle->payload_type), buf_str(&bundle->payload));

	if (r < 0)
		return r;
	if (ed25519) {
		ret_logged->algorithm = "SHA2_512";
		ret_logged->key_details = "PKIX_ED25519_PH";
		ret_logged->len = DIGEST_SHA512_LEN;
		return digest_sha512(pae.data, pae.len, ret_logged->digest);
	}
	r = digest_of(pae.data, pae.len, &digest);
	ret_logged->algorithm = "SHA2_256";
	ret_logged->key_details = "PKIX_ECDSA_P256_SHA_256";
	ret_logged->len = DIGEST_LEN;
	memcpy(ret_logged->digest, digest.bytes, DIGEST_LEN);
	return r;
}

static void write_verifier(struct canon *w, const struct bundle *bundle, struct str verifier,
			   const char *details)
{
	canon_key(w, "verifier");
	canon_object(w);
	canon_key_cstr(w, "keyDetails", details);
	canon_key(w, bundle->identity == BUNDLE_CERTIFICATE ? "x509Certificate" : "publicKey");
	canon_object(w);
	canon_key_base64(w, "rawBytes", verifier);
	canon_object_end(w);
	canon_object_end(w);
}

static int body_hashedrekord(struct buf *out, const struct bundle *bundle, struct str verifier,
			     struct diag *diag)
{
	struct canon w = CANON_INTO(out);
	struct logged logged = { .len = 0 };
	bool ed25519 = false;
	int r;

	r = is_ed25519(bundle, verifier, diag, &ed25519);
	if (r == 0)
		r = log_pae(bundle, ed25519, &logged);
	if (r < 0)
		return r;
	canon_object(&w);
	canon_key_cstr(&w, "apiVersion", "0.0.2");
	canon_key_cstr(&w, "kind", "hashedrekord");
	canon_key(&w, "spec");
	canon_object(&w);
	canon_key(&w, "hashedRekordV002");
	canon_object(&w);
	canon_key(&w, "data");
	canon_object(&w);
	canon_key_cstr(&w, "algorithm", logged.algorithm);
	canon_key_base64(&w, "digest", (struct str) { (const char *)logged.digest, logged.len });
	canon_object_end(&w);
	canon_key(&w, "signature");
	canon_object(&w);
	canon_key_base64(&w, "content", buf_str(&bundle->signature));
	write_verifier(&w, bundle, verifier, logged.key_details);
	canon_object_end(&w);
	canon_object_end(&w);
	canon_object_end(&w);
	canon_object_end(&w);
	return canon_done(&w);
}

int entry_body(struct buf *out, enum entry_form form, const struct bundle *bundle, struct str verifier,
	       struct diag *diag)
{
	size_t before = out->len;
	struct digest envelope;
	int r;

	if (form == ENTRY_HASHEDREKORD_V2) {
		r = body_hashedrekord(out, bundle, verifier, diag);
	} else {
		r = envelope_digest(bundle, &envelope);
		if (r == 0)
			r = entry_body_dsse(out, bundle, verifier, &envelope);
	}
	if (r < 0)
		out->len = before;
	return r;
}
