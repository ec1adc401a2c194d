/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Google Cloud KMS: "gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V". The version is named,
 * so that it is one key. The access token is read or asked for anew for each question: from the file that
 * $CLOUDSDK_AUTH_ACCESS_TOKEN_FILE names, else from the metadata server of the machine.
 */

#include "signer/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

#define WHAT "Google Cloud KMS"
#define URL_MAX 2048
#define METADATA_PATH "/computeMetadata/v1/instance/service-accounts/default/token"

static const char *check_name(const char *name)
{
	static const char *const parts[] = { "projects/", "/locations/", "/keyRings/", "/cryptoKeys/",
					     "ersions/" };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const char *at = strstr(name, parts[i]);

		if (!at || (i == 0 && at != name))
			return "gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V is "
			       "wanted";
	}
	return service_is_plain(name, "_-.:/") ? NULL : "it has characters that no resource's name has";
}

/* cosign writes "versions" for what the service calls "cryptoKeyVersions". */
static int url_of(const struct signer *signer, const char *behind, struct buf *url)
{
	const char *endpoint = service_environment("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS");
	const char *name = signer->name, *versions = strstr(name, "/versions/");
	size_t len;

	endpoint = endpoint ? endpoint : "https://cloudkms.googleapis.com/";
	len = strlen(endpoint);
	while (len > 0 && endpoint[len - 1] == '/')
		len--;
	if (versions)
		return buf_printf(url, "%.*s/v1/%.*s/cryptoKeyVersions/%s%s", (int)len, endpoint,
				  (int)(versions - name), name, versions + strlen("/versions/"), behind);
	return buf_printf(url, "%.*s/v1/%s%s", (int)len, endpoint, name, behind);
}

static int metadata_token(struct signer *signer, struct buf *token, struct diag *diag)
{
	_cleanup_(buf_done) struct buf url = BUF_MAX(URL_MAX);
	_cleanup_(json_freep) json_t *answer = NULL;
	const char *host = service_environment("GCE_METADATA_HOST");
	struct http_request request = { .method = "GET" };
	struct str text;
	int r = buf_printf(&url, "http://%s" METADATA_PATH, host ? host : "metadata.google.internal");

	if (r < 0 || !buf_cstr(&url))
		return r < 0 ? r : -ENOMEM;
	request.url = buf_cstr(&url);
	http_request_header(&request, "Metadata-Flavor", "Google");
	r = service_ask(signer, &request, "the metadata server", diag, &answer);
	if (r == 0)
		r = service_string(answer, "the metadata server", diag, &text, "access_token", NULL);
	if (r == 0 && (memchr(text.data, '\r', text.len) || memchr(text.data, '\n', text.len)))
		r = diag_error(diag, -EBADMSG, "the metadata server answers with a token of several lines");
	return r < 0 ? r : buf_append_str(token, text);
}

static int ask(struct signer *signer, const char *behind, struct str body, struct diag *diag,
	       json_t **ret_answer)
{
	_cleanup_(secret_wipe) struct buf header = BUF_MAX(SERVICE_TOKEN_MAX);
	_cleanup_(buf_done) struct buf url = BUF_MAX(URL_MAX);
	const char *file = service_environment("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE");
	struct http_request request = { .body = body };
	int r = buf_reserve(&header, SERVICE_TOKEN_MAX);

	if (r == 0)
		r = buf_append_str(&header, STR("Bearer "));
	if (r == 0)
		r = file ? secret_read_line(file, "the access token", SECRET_GROUP, &header, diag)
			 : metadata_token(signer, &header, diag);
	if (r == 0)
		r = url_of(signer, behind, &url);
	if (r < 0)
		return r;
	request.url = buf_cstr(&url);
	if (!request.url || !buf_cstr(&header))
		return -ENOMEM;
	request.secret = true;
	http_request_header(&request, "Authorization", buf_cstr(&header));
	if (body.data)
		http_request_header(&request, "Content-Type", "application/json");
	return service_ask(signer, &request, WHAT, diag, ret_answer);
}

static int gcp_read_key(struct signer *signer, const json_t *answer, struct diag *diag)
{
	struct str pem, algorithm;
	int r = service_string(answer, WHAT, diag, &algorithm, "algorithm", NULL);

	if (r == 0)
		r = service_string(answer, WHAT, diag, &pem, "pem", NULL);
	if (r < 0)
		return r;
	if (!str_equal(algorithm, STR("EC_SIGN_P256_SHA256")))
		return diag_error(diag, -EINVAL,
				  "cannot use %s: its algorithm is %.*s, and must be EC_SIGN_P256_SHA256",
				  signer->settings.key_id, (int)algorithm.len, algorithm.data);
	return public_key_parse(pem, signer->settings.key_id, diag, &signer->public);
}

static int gcp_read_signature(struct signer *signer, const json_t *answer, struct buf *out, struct diag *diag)
{
	struct str text;
	int r = service_string(answer, WHAT, diag, &text, "signature", NULL);

	(void)signer;
	return r < 0 ? r : service_base64(text, WHAT, diag, out);
}

static int gcp_open(struct signer *signer, struct diag *diag)
{
	_cleanup_(json_freep) json_t *answer = NULL;
	int r = ask(signer, "/publicKey", (struct str) { NULL, 0 }, diag, &answer);

	return r < 0 ? r : gcp_read_key(signer, answer, diag);
}

static int gcp_sign(struct signer *signer, struct str pae, struct bundle *bundle, struct diag *diag)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(1024);
	_cleanup_(json_freep) json_t *answer = NULL;
	int r = buf_printf(&body, "{\"digest\":{\"sha256\":\"");

	if (r == 0)
		r = service_digest_base64(pae, &body);
	if (r == 0)
		r = buf_printf(&body, "\"}}");
	if (r == 0)
		r = ask(signer, ":asymmetricSign", buf_str(&body), diag, &answer);
	return r < 0 ? r : gcp_read_signature(signer, answer, &bundle->signature, diag);
}

const struct signer_driver signer_gcpkms = {
	.kind = "gcpkms",
	.prefix = "gcpkms://",
	.check = check_name,
	.open = gcp_open,
	.sign = gcp_sign,
	.read_key = gcp_read_key,
	.read_signature = gcp_read_signature,
};
