/* SPDX-License-Identifier: Apache-2.0 */

/*
 * HashiCorp Vault and OpenBao: the transit engine's HTTP API, which is the same for both. The key's version is the
 * newest at the start and stays the same until the next one: a key that is rotated in the meantime is another key.
 */

#include "signer/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/secret.h"

#define WHAT "the Vault transit engine"
#define URL_MAX 2048

struct vault {
	uint64_t version;
	bool prehashed; /* P-256; Ed25519 gets the whole text */
};

static const char *check_name(const char *name)
{
	return service_is_plain(name, "_-.")
		       ? NULL
		       : "the name of a transit key is wanted: letters, digits, '_', '-' and '.'";
}

static const char *variable(const struct signer *signer, const char *bao, const char *vault)
{
	const char *value = signer->driver == &signer_openbao ? service_environment(bao) : NULL;

	return value ? value : service_environment(vault);
}

static int url_of(const struct signer *signer, const char *verb, const char *behind, struct buf *url,
		  struct diag *diag)
{
	const char *address = variable(signer, "BAO_ADDR", "VAULT_ADDR");
	const char *mount = service_environment("TRANSIT_SECRET_ENGINE_PATH");
	size_t len;

	if (!address)
		return diag_error(diag, -EINVAL, "cannot use %s: $VAULT_ADDR is not set",
				  signer->settings.key_id);
	mount = mount ? mount : "transit";
	if (!service_is_plain(mount, "_-./"))
		return diag_error(diag, -EINVAL, "$TRANSIT_SECRET_ENGINE_PATH is no path of a transit engine");
	len = strlen(address);
	while (len > 0 && address[len - 1] == '/')
		len--;
	return buf_printf(url, "%.*s/v1/%s/%s/%s%s", (int)len, address, mount, verb, signer->name, behind);
}

static int ask(struct signer *signer, const char *verb, const char *behind, struct str body, struct diag *diag,
	       json_t **ret_answer)
{
	_cleanup_(secret_wipe) struct buf token = BUF_MAX(SERVICE_TOKEN_MAX);
	_cleanup_(buf_done) struct buf url = BUF_MAX(URL_MAX);
	const char *space = variable(signer, "BAO_NAMESPACE", "VAULT_NAMESPACE");
	struct http_request request = { .body = body };
	int r = url_of(signer, verb, behind, &url, diag);

	if (r == 0)
		r = service_token(signer->settings.vault_token_file, SECRET_GROUP,
				  signer->driver == &signer_openbao ? "BAO_TOKEN" : "VAULT_TOKEN",
				  "VAULT_TOKEN", "the Vault token", &token, diag);
	if (r < 0)
		return r;
	request.url = buf_cstr(&url);
	if (!request.url || !buf_cstr(&token))
		return -ENOMEM;
	request.secret = true;
	http_request_header(&request, "X-Vault-Token", buf_cstr(&token));
	http_request_header(&request, "X-Vault-Request", "true");
	if (space)
		http_request_header(&request, "X-Vault-Namespace", space);
	if (body.data)
		http_request_header(&request, "Content-Type", "application/json");
	return service_ask(signer, &request, WHAT, diag, ret_answer);
}

/* P-256 comes as PEM, Ed25519 as the base64 of its 32 bytes. */
static int vault_read_key(struct signer *signer, const json_t *answer, struct diag *diag)
{
	_cleanup_(buf_done) struct buf point = BUF_MAX(64);
	struct vault *vault = calloc(1, sizeof(*vault));
	const json_t *data = json_object_get(answer, "data");
	const json_t *latest = json_object_get(data, "latest_version");
	struct str type, key;
	char version[24];
	int r;

	signer->state = vault;
	if (!vault)
		return -ENOMEM;
	r = service_string(answer, WHAT, diag, &type, "data", "type", NULL);
	if (r < 0)
		return r;
	if (!json_is_integer(latest) || json_integer_value(latest) < 1)
		return diag_error(diag, -EBADMSG, WHAT " answers without a latest_version");
	vault->version = (uint64_t)json_integer_value(latest);
	snprintf(version, sizeof(version), "%llu", (unsigned long long)vault->version);
	r = service_string(answer, WHAT, diag, &key, "data", "keys", version, "public_key", NULL);
	if (r < 0)
		return r;
	vault->prehashed = str_equal(type, STR("ecdsa-p256"));
	if (vault->prehashed)
		return public_key_parse(key, signer->settings.key_id, diag, &signer->public);
	if (!str_equal(type, STR("ed25519")))
		return diag_error(diag, -EINVAL,
				  "cannot use %s: it is of type %.*s, and must be ecdsa-p256 or ed25519",
				  signer->settings.key_id, (int)type.len, type.data);
	r = service_base64(key, WHAT, diag, &point);
	return r < 0 ? r
		     : public_key_of_point("ed25519", buf_str(&point), signer->settings.key_id, diag,
					   &signer->public);
}

static int vault_open(struct signer *signer, struct diag *diag)
{
	_cleanup_(json_freep) json_t *answer = NULL;
	int r;

	r = ask(signer, "keys", "", (struct str) { NULL, 0 }, diag, &answer);
	return r < 0 ? r : vault_read_key(signer, answer, diag);
}

/* "vault:v3:BASE64" */
static int vault_read_signature(struct signer *signer, const json_t *answer, struct buf *out, struct diag *diag)
{
	_cleanup_(buf_done) struct buf prefix = BUF_MAX(64);
	const struct vault *vault = signer->state;
	struct str text;
	int r = buf_printf(&prefix, "vault:v%llu:", (unsigned long long)vault->version);

	if (r == 0)
		r = service_string(answer, WHAT, diag, &text, "data", "signature", NULL);
	if (r < 0)
		return r;
	if (text.len <= prefix.len || memcmp(text.data, prefix.data, prefix.len) != 0)
		return diag_error(diag, -EBADMSG,
				  WHAT " answers with a signature by another version than %llu of the key",
				  (unsigned long long)vault->version);
	return service_base64((struct str) { text.data + prefix.len, text.len - prefix.len }, WHAT, diag, out);
}

static int write_question(const struct vault *vault, struct str pae, struct buf *body)
{
	int r = buf_printf(body, "{\"input\":\"");

	if (r == 0)
		r = vault->prehashed ? service_digest_base64(pae, body)
				     : text_base64_append(body, pae.data, pae.len);
	if (r == 0)
		r = buf_printf(body,
			       "\",\"key_version\":%llu,\"marshaling_algorithm\":\"asn1\",\"prehashed\":%s}",
			       (unsigned long long)vault->version, vault->prehashed ? "true" : "false");
	return r;
}

static int vault_sign(struct signer *signer, struct str pae, struct bundle *bundle, struct diag *diag)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(pae.len / 3 * 4 + 1024);
	_cleanup_(json_freep) json_t *answer = NULL;
	const struct vault *vault = signer->state;
	int r = write_question(vault, pae, &body);

	if (r == 0)
		r = ask(signer, "sign", vault->prehashed ? "/sha2-256" : "", buf_str(&body), diag, &answer);
	return r < 0 ? r : vault_read_signature(signer, answer, &bundle->signature, diag);
}

static void vault_close(struct signer *signer)
{
	free(signer->state);
}

const struct signer_driver signer_hashivault = {
	.kind = "hashivault",
	.prefix = "hashivault://",
	.check = check_name,
	.open = vault_open,
	.sign = vault_sign,
	.read_key = vault_read_key,
	.read_signature = vault_read_signature,
	.close = vault_close,
};

const struct signer_driver signer_openbao = {
	.kind = "openbao",
	.prefix = "openbao://",
	.check = check_name,
	.open = vault_open,
	.sign = vault_sign,
	.read_key = vault_read_key,
	.read_signature = vault_read_signature,
	.close = vault_close,
};
