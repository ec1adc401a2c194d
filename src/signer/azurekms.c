/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Azure Key Vault: "azurekms://VAULT.vault.azure.net/KEY[/VERSION]". The version is the newest at the start where none
 * is named, and stays the same. Signatures come as r and s and leave here as DER. The access token is asked for anew for
 * each question: with a workload's federated token (AZURE_FEDERATED_TOKEN_FILE, AZURE_CLIENT_ID, AZURE_TENANT_ID), with a
 * client's secret (AZURE_CLIENT_SECRET), else from the machine's identity service.
 */

#include "signer/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

#define WHAT "Azure Key Vault"
#define TOKENS "Azure's token service"
#define URL_MAX 2048
#define API "?api-version=7.4"
#define RESOURCE "https%%3A%%2F%%2Fvault.azure.net" /* in a format */

struct azure {
	char *key_url; /* with the version, as the vault named it */
};

static const char *check_name(const char *name)
{
	const char *slash = strchr(name, '/');

	if (!slash || slash == name || slash[1] == '\0')
		return "azurekms://VAULT.vault.azure.net/KEY[/VERSION] is wanted";
	return service_is_plain(name, "-.:/") ? NULL : "it has characters that no vault's or key's name has";
}

/* ---- who we are ---- */

static int append_escaped(struct buf *out, const char *text)
{
	int r = 0;

	for (; r == 0 && *text; text++) {
		char one[2] = { *text, 0 };

		r = service_is_plain(one, "-_~") ? buf_append(out, text, 1)
						 : buf_printf(out, "%%%02X", (unsigned char)*text);
	}
	return r;
}

/* What proves who the client is: its federated token, or its secret. 1: neither is set. */
static int append_proof(struct buf *body, struct diag *diag)
{
	_cleanup_(secret_wipe) struct buf assertion = BUF_MAX(SERVICE_TOKEN_MAX);
	const char *file = service_environment("AZURE_FEDERATED_TOKEN_FILE");
	const char *secret = service_environment("AZURE_CLIENT_SECRET");
	int r;

	if (!file && !secret)
		return 1;
	r = buf_printf(body, "%s",
		       file ? "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type"
			      "%3Ajwt-bearer&client_assertion="
			    : "client_secret=");
	if (r == 0 && file)
		r = secret_read_line(file, "the federated token", SECRET_ANY, &assertion, diag);
	if (r == 0 && file && !buf_cstr(&assertion))
		r = -ENOMEM;
	return r < 0 ? r : append_escaped(body, file ? buf_cstr(&assertion) : secret);
}

static int client_token(struct signer *signer, struct buf *body, struct diag *diag, json_t **ret_answer)
{
	_cleanup_(buf_done) struct buf url = BUF_MAX(URL_MAX);
	const char *authority = service_environment("AZURE_AUTHORITY_HOST");
	const char *tenant = service_environment("AZURE_TENANT_ID"),
		   *client = service_environment("AZURE_CLIENT_ID");
	struct http_request request = { .method = "POST" };
	size_t len;
	int r;

	if (!tenant || !client || !service_is_plain(tenant, "-."))
		return diag_error(diag, -EINVAL,
				  "cannot use " WHAT ": $AZURE_TENANT_ID and $AZURE_CLIENT_ID are wanted");
	authority = authority ? authority : "https://login.microsoftonline.com/";
	len = strlen(authority);
	while (len > 0 && authority[len - 1] == '/')
		len--;
	r = buf_printf(&url, "%.*s/%s/oauth2/v2.0/token", (int)len, authority, tenant);
	if (r == 0)
		r = buf_printf(body,
			       "&grant_type=client_credentials&scope=" RESOURCE "%%2F.default&client_id=");
	if (r == 0)
		r = append_escaped(body, client);
	request.url = buf_cstr(&url);
	if (r < 0 || !request.url)
		return r < 0 ? r : -ENOMEM;
	request.body = buf_str(body);
	request.secret = true;
	http_request_header(&request, "Content-Type", "application/x-www-form-urlencoded");
	return service_ask(signer, &request, TOKENS, diag, ret_answer);
}

static int machine_token(struct signer *signer, struct diag *diag, json_t **ret_answer)
{
	_cleanup_(buf_done) struct buf url = BUF_MAX(URL_MAX);
	const char *host = service_environment("AZURE_POD_IDENTITY_AUTHORITY_HOST");
	struct http_request request = { .method = "GET" };
	int r = buf_printf(&url, "%s/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" RESOURCE,
			   host ? host : "http://169.254.169.254");

	request.url = buf_cstr(&url);
	if (r < 0 || !request.url)
		return r < 0 ? r : -ENOMEM;
	http_request_header(&request, "Metadata", "true");
	return service_ask(signer, &request, TOKENS, diag, ret_answer);
}

static int append_token(struct signer *signer, struct buf *header, struct diag *diag)
{
	_cleanup_(secret_wipe) struct buf body = BUF_MAX(4 * SERVICE_TOKEN_MAX);
	_cleanup_(json_freep) json_t *answer = NULL;
	struct str token;
	int r = buf_reserve(&body, body.max);

	if (r == 0)
		r = append_proof(&body, diag);
	if (r < 0)
		return r;
	r = r == 0 ? client_token(signer, &body, diag, &answer) : machine_token(signer, diag, &answer);
	if (r == 0)
		r = service_string(answer, TOKENS, diag, &token, "access_token", NULL);
	if (r == 0 && (memchr(token.data, '\r', token.len) || memchr(token.data, '\n', token.len)))
		r = diag_error(diag, -EBADMSG, TOKENS " answers with a token of several lines");
	if (r == 0)
		r = buf_append_str(header, STR("Bearer "));
	return r < 0 ? r : buf_append_str(header, token);
}

/* ---- the key ---- */

static int ask(struct signer *signer, const char *url, struct str body, struct diag *diag, json_t **ret_answer)
{
	_cleanup_(secret_wipe) struct buf header = BUF_MAX(SERVICE_TOKEN_MAX);
	struct http_request request = { .url = url, .body = body };
	int r = buf_reserve(&header, SERVICE_TOKEN_MAX);

	if (r == 0)
		r = append_token(signer, &header, diag);
	if (r < 0 || !buf_cstr(&header))
		return r < 0 ? r : -ENOMEM;
	request.secret = true;
	http_request_header(&request, "Authorization", buf_cstr(&header));
	if (body.data)
		http_request_header(&request, "Content-Type", "application/json");
	return service_ask(signer, &request, WHAT, diag, ret_answer);
}

/* The vault names the key with its version; it must be the one asked for. */
static int keep_url(struct signer *signer, struct str kid, struct diag *diag)
{
	_cleanup_(buf_done) struct buf wanted = BUF_MAX(URL_MAX), url = BUF_MAX(URL_MAX);
	size_t host = (size_t)(strchr(signer->name, '/') - signer->name);
	struct azure *azure = signer->state;
	const char *text;
	int r = buf_printf(&wanted, "https://%.*s/keys%s", (int)host, signer->name, signer->name + host);

	if (r == 0)
		r = buf_append_str(&url, kid);
	text = buf_cstr(&url);
	if (r < 0 || !text)
		return r < 0 ? r : -ENOMEM;
	if (kid.len < wanted.len || memcmp(kid.data, wanted.data, wanted.len) != 0 ||
	    (kid.len > wanted.len && kid.data[wanted.len] != '/') ||
	    !service_is_plain(text + strlen("https://"), "-.:/"))
		return diag_error(diag, -EBADMSG, WHAT " answers with another key than the one asked for");
	azure->key_url = strdup(text);
	return azure->key_url ? 0 : -ENOMEM;
}

static int read_point(struct signer *signer, const json_t *answer, struct diag *diag)
{
	_cleanup_(buf_done) struct buf point = BUF_MAX(128);
	struct str curve, x, y;
	int r = service_string(answer, WHAT, diag, &curve, "key", "crv", NULL);

	if (r == 0 && !str_equal(curve, STR("P-256")))
		r = diag_error(diag, -EINVAL, "cannot use %s: its curve is %.*s, and must be P-256",
			       signer->settings.key_id, (int)curve.len, curve.data);
	if (r == 0)
		r = service_string(answer, WHAT, diag, &x, "key", "x", NULL);
	if (r == 0)
		r = service_string(answer, WHAT, diag, &y, "key", "y", NULL);
	if (r == 0)
		r = service_base64url(x, WHAT, diag, &point);
	if (r == 0 && point.len != 32)
		r = diag_error(diag, -EBADMSG, WHAT " answers with coordinates that are not 32 bytes");
	if (r == 0)
		r = service_base64url(y, WHAT, diag, &point);
	return r < 0 ? r
		     : public_key_of_point("ecdsa-p256", buf_str(&point), signer->settings.key_id, diag,
					   &signer->public);
}

static int azure_read_key(struct signer *signer, const json_t *answer, struct diag *diag)
{
	struct str kid;
	int r = service_string(answer, WHAT, diag, &kid, "key", "kid", NULL);

	signer->state = calloc(1, sizeof(struct azure));
	if (!signer->state)
		return -ENOMEM;
	if (r == 0)
		r = keep_url(signer, kid, diag);
	return r < 0 ? r : read_point(signer, answer, diag);
}

static int azure_read_signature(struct signer *signer, const json_t *answer, struct buf *out, struct diag *diag)
{
	_cleanup_(buf_done) struct buf raw = BUF_MAX(128);
	struct str value;
	int r = service_string(answer, WHAT, diag, &value, "value", NULL);

	(void)signer;
	if (r == 0)
		r = service_base64url(value, WHAT, diag, &raw);
	if (r == 0)
		r = signature_of_raw(buf_str(&raw), out);
	return r == -EINVAL ? diag_error(diag, -EBADMSG, WHAT " answers with a signature that is not r and s")
			    : r;
}

static int azure_open(struct signer *signer, struct diag *diag)
{
	_cleanup_(buf_done) struct buf url = BUF_MAX(URL_MAX);
	_cleanup_(json_freep) json_t *answer = NULL;
	size_t host = (size_t)(strchr(signer->name, '/') - signer->name);
	int r = buf_printf(&url, "https://%.*s/keys%s" API, (int)host, signer->name, signer->name + host);

	if (r == 0 && !buf_cstr(&url))
		r = -ENOMEM;
	if (r == 0)
		r = ask(signer, buf_cstr(&url), (struct str) { NULL, 0 }, diag, &answer);
	return r < 0 ? r : azure_read_key(signer, answer, diag);
}

static int azure_sign(struct signer *signer, struct str pae, struct bundle *bundle, struct diag *diag)
{
	_cleanup_(buf_done) struct buf url = BUF_MAX(URL_MAX), body = BUF_MAX(1024);
	_cleanup_(json_freep) json_t *answer = NULL;
	const struct azure *azure = signer->state;
	struct digest digest;
	int r = digest_of(pae.data, pae.len, &digest);

	if (r == 0)
		r = buf_printf(&url, "%s/sign" API, azure->key_url);
	if (r == 0)
		r = buf_printf(&body, "{\"alg\":\"ES256\",\"value\":\"");
	if (r == 0)
		r = service_base64url_append(&body, digest.bytes, DIGEST_LEN);
	if (r == 0)
		r = buf_printf(&body, "\"}");
	if (r == 0 && !buf_cstr(&url))
		r = -ENOMEM;
	if (r == 0)
		r = ask(signer, buf_cstr(&url), buf_str(&body), diag, &answer);
	return r < 0 ? r : azure_read_signature(signer, answer, &bundle->signature, diag);
}

static void azure_close(struct signer *signer)
{
	struct azure *azure = signer->state;

	if (azure)
		free(azure->key_url);
	free(azure);
}

const struct signer_driver signer_azurekms = {
	.kind = "azurekms",
	.prefix = "azurekms://",
	.check = check_name,
	.open = azure_open,
	.sign = azure_sign,
	.read_key = azure_read_key,
	.read_signature = azure_read_signature,
	.close = azure_close,
};
