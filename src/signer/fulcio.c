/* SPDX-License-Identifier: Apache-2.0 */

/*
 * "fulcio": a new P-256 key for each signature, and a certificate that says who we were when we made it. Promises that
 * the token is read anew each time (somebody else renews it), that the certificate is asked for at the moment of the
 * signature, that it is for our key, and that the key is gone afterwards. Whether the certificate is to be trusted is
 * the verifier's question.
 */

#include "signer/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "crypto/certificate.h"
#include "crypto/secret.h"
#include "signer/identity_token.h"

#define WHAT "Fulcio"
#define URL_MAX 2048
#define BODY_MAX (IDENTITY_TOKEN_MAX + 8192)
#define CHALLENGE_MAX 4096

static int fulcio_open(struct signer *signer, struct diag *diag)
{
	const struct signer_settings *settings = &signer->settings;
	const char *url = settings->fulcio_url;

	if (!url || !http_is_private(url))
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL,
				 "key_id fulcio: fulcio_url is not set, or no https:// address");
	if (!settings->identity_token_file && !service_environment("SIGSTORE_ID_TOKEN"))
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL,
				 "key_id fulcio: neither identity_token_file nor $SIGSTORE_ID_TOKEN is set");
	return 0;
}

static int read_token(const struct signer *signer, struct buf *token, struct buf *challenge, struct diag *diag)
{
	int64_t expires;
	int r = service_token(signer->settings.identity_token_file, SECRET_ANY, "SIGSTORE_ID_TOKEN", NULL,
			      "the identity token", token, diag);

	if (r == 0)
		r = identity_token_read(buf_str(token), diag, challenge, &expires);
	if (r == 0 && expires <= (int64_t)time(NULL))
		r = diag_exit(diag, EXIT_TRY_AGAIN, -EAGAIN,
			      "the identity token has ended; waiting for a new one");
	return r;
}

static int append_json_string(struct buf *out, struct str text)
{
	_cleanup_(json_freep) json_t *string = json_stringn(text.data, text.len);
	char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	int r = quoted ? buf_append_str(out, str_of(quoted)) : -EBADMSG;

	free(quoted);
	return r;
}

static int write_question(const struct key *key, struct str token, struct str challenge, struct diag *diag,
			  struct buf *body)
{
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	_cleanup_(buf_done) struct buf pem = BUF_MAX(KEY_FILE_MAX), proof = BUF_MAX(KEY_SIGNATURE_MAX);
	int r = key_public(key, diag, &public);

	if (r == 0)
		r = public_key_pem(public, &pem, diag);
	if (r == 0)
		r = key_sign(key, challenge.data, challenge.len, &proof, diag);
	if (r == 0)
		r = buf_append_str(body, STR("{\"credentials\":{\"oidcIdentityToken\":"));
	if (r == 0)
		r = append_json_string(body, token);
	if (r == 0)
		r = buf_append_str(
			body,
			STR("},\"publicKeyRequest\":{\"publicKey\":{\"algorithm\":\"ECDSA\",\"content\":"));
	if (r == 0)
		r = append_json_string(body, buf_str(&pem));
	if (r == 0)
		r = buf_append_str(body, STR("},\"proofOfPossession\":\""));
	if (r == 0)
		r = text_base64_append(body, proof.data, proof.len);
	return r < 0 ? r : buf_append_str(body, STR("\"}}"));
}

/* The leaf is the first of the chain, whichever way its SCT comes. */
static int read_certificate(const json_t *answer, const struct key *key, struct diag *diag, struct buf *out)
{
	_cleanup_(certificate_chain_done) struct certificate_chain chain = { .count = 0 };
	_cleanup_(public_key_freep) struct public_key *ours = NULL, *theirs = NULL;
	const json_t *outer = json_object_get(answer, "signedCertificateEmbeddedSct"), *pem;
	int r;

	if (!outer)
		outer = json_object_get(answer, "signedCertificateDetachedSct");
	pem = json_array_get(json_object_get(json_object_get(outer, "chain"), "certificates"), 0);
	if (!json_is_string(pem))
		return diag_error(diag, -EBADMSG, WHAT " answers without a certificate");
	r = certificate_chain_parse_pem((struct str) { json_string_value(pem), json_string_length(pem) }, WHAT,
					diag, &chain);
	if (r == 0 && chain.count != 1)
		r = diag_error(diag, -EBADMSG, WHAT " answers with several certificates where one belongs");
	if (r == 0)
		r = certificate_public_key(chain.list[0], diag, &theirs);
	if (r == 0)
		r = key_public(key, diag, &ours);
	if (r < 0)
		return r;
	if (memcmp(public_key_id(ours), public_key_id(theirs), sizeof(struct digest)) != 0)
		return diag_error(diag, -EBADMSG, WHAT " answers with a certificate for another key than ours");
	return buf_append_str(out, certificate_der(chain.list[0]));
}

static int ask_certificate(struct signer *signer, const struct key *key, struct buf *out, struct diag *diag)
{
	_cleanup_(secret_wipe) struct buf token = BUF_MAX(IDENTITY_TOKEN_MAX), body = BUF_MAX(BODY_MAX);
	_cleanup_(buf_done) struct buf url = BUF_MAX(URL_MAX), challenge = BUF_MAX(CHALLENGE_MAX);
	_cleanup_(json_freep) json_t *answer = NULL;
	struct http_request request = { .method = "POST" };
	size_t len = strlen(signer->settings.fulcio_url);
	int r = read_token(signer, &token, &challenge, diag);

	if (r == 0)
		r = buf_reserve(&body, BODY_MAX);
	if (r == 0)
		r = write_question(key, buf_str(&token), buf_str(&challenge), diag, &body);
	while (len > 0 && signer->settings.fulcio_url[len - 1] == '/')
		len--;
	if (r == 0)
		r = buf_printf(&url, "%.*s/api/v2/signingCert", (int)len, signer->settings.fulcio_url);
	request.url = buf_cstr(&url);
	if (r < 0 || !request.url)
		return r < 0 ? r : -ENOMEM;
	request.body = buf_str(&body);
	request.secret = true;
	http_request_header(&request, "Content-Type", "application/json");
	r = service_ask(signer, &request, WHAT, diag, &answer);
	return r < 0 ? r : read_certificate(answer, key, diag, out);
}

static int fulcio_sign(struct signer *signer, struct str pae, struct bundle *bundle, struct diag *diag)
{
	_cleanup_(key_freep) struct key *key = NULL; /* freeing wipes it */
	int r = key_generate(diag, &key);

	if (r == 0)
		r = ask_certificate(signer, key, &bundle->certificate, diag);
	if (r == 0)
		r = key_sign(key, pae.data, pae.len, &bundle->signature, diag);
	if (r == 0)
		bundle->identity = BUNDLE_CERTIFICATE;
	return r;
}

int64_t signer_deadline(const struct bundle *bundle)
{
	_cleanup_(certificate_freep) struct certificate *certificate = NULL;

	if (bundle->identity != BUNDLE_CERTIFICATE ||
	    certificate_parse(buf_str(&bundle->certificate), "of the seal", NULL, &certificate) < 0)
		return INT64_MAX;
	return certificate_not_after(certificate);
}

const struct signer_driver signer_fulcio = {
	.kind = "fulcio",
	.prefix = "fulcio",
	.open = fulcio_open,
	.sign = fulcio_sign,
};
