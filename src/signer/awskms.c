/* SPDX-License-Identifier: Apache-2.0 */

/*
 * AWS KMS: "awskms://[HOST[:PORT]]/KEY", KEY an id, "alias/NAME" or an ARN. Requests are signed by SigV4 with the
 * credentials in the environment. The digest is sent, never the statement.
 */

#include "signer/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

#define WHAT "AWS KMS"
#define TEXT_MAX 2048

struct aws {
	char *url, *sigv4;
	const char *key; /* within the signer's name */
};

static const char *check_name(const char *name)
{
	const char *slash = strchr(name, '/');

	if (!slash || slash[1] == '\0')
		return "awskms://[HOST]/KEY is wanted: KEY an id, alias/NAME or an ARN";
	if (!service_is_plain(slash + 1, "_-.:/"))
		return "the key's name has characters that no id, alias or ARN has";
	for (const char *at = name; at < slash; at++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:", *at))
			return "what stands before the key is no host";
	return NULL;
}

/* Of "arn:aws:kms:REGION:ACCOUNT:key/ID", else as the environment says. */
static int region_of(const char *key, struct buf *region, struct diag *diag)
{
	const char *from = key, *end;

	if (strncmp(key, "arn:", 4) == 0) {
		for (int i = 0; from && i < 3; i++) {
			from = strchr(from, ':');
			from = from ? from + 1 : NULL;
		}
		end = from ? strchr(from, ':') : NULL;
		if (!end || end == from)
			return diag_error(diag, -EINVAL, "the ARN %s names no region", key);
		return buf_append(region, from, (size_t)(end - from));
	}
	from = service_environment("AWS_REGION");
	from = from ? from : service_environment("AWS_DEFAULT_REGION");
	if (!from || !service_is_plain(from, "-"))
		return diag_error(diag, -EINVAL, "cannot use AWS KMS: $AWS_REGION is not set, or no region");
	return buf_append_str(region, str_of(from));
}

static int url_of(const struct signer *signer, const char *region, struct buf *url)
{
	size_t host = (size_t)(strchr(signer->name, '/') - signer->name);
	const char *endpoint = service_environment("AWS_ENDPOINT_URL_KMS");
	size_t len;

	if (host > 0)
		return buf_printf(url, "https://%.*s/", (int)host, signer->name);
	if (!endpoint)
		return buf_printf(url, "https://kms.%s.amazonaws.com%s/", region,
				  strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
	len = strlen(endpoint);
	return buf_printf(url, "%s%s", endpoint, len > 0 && endpoint[len - 1] == '/' ? "" : "/");
}

static int aws_new(struct signer *signer, struct diag *diag)
{
	_cleanup_(buf_done) struct buf region = BUF_MAX(64), url = BUF_MAX(TEXT_MAX), sigv4 = BUF_MAX(128);
	struct aws *aws = calloc(1, sizeof(*aws));
	int r;

	signer->state = aws;
	if (!aws)
		return -ENOMEM;
	aws->key = strchr(signer->name, '/') + 1;
	r = region_of(aws->key, &region, diag);
	if (r == 0 && !buf_cstr(&region))
		r = -ENOMEM;
	if (r == 0)
		r = url_of(signer, buf_cstr(&region), &url);
	if (r == 0)
		r = buf_printf(&sigv4, "aws:amz:%s:kms", buf_cstr(&region));
	if (r < 0)
		return diag_error(diag, r, "cannot use %s: %s", signer->settings.key_id, strerror(-r));
	aws->url = buf_cstr(&url) ? strdup(buf_cstr(&url)) : NULL;
	aws->sigv4 = buf_cstr(&sigv4) ? strdup(buf_cstr(&sigv4)) : NULL;
	return aws->url && aws->sigv4 ? 0 : -ENOMEM;
}

static int ask(struct signer *signer, const char *target, struct str body, struct diag *diag,
	       json_t **ret_answer)
{
	const struct aws *aws = signer->state;
	const char *session = service_environment("AWS_SESSION_TOKEN");
	struct http_request request = {
		.url = aws->url,
		.body = body,
		.aws_sigv4 = aws->sigv4,
		.aws_key = service_environment("AWS_ACCESS_KEY_ID"),
		.aws_secret = service_environment("AWS_SECRET_ACCESS_KEY"),
	};

	if (!request.aws_key || !request.aws_secret)
		return diag_exit(
			diag, EXIT_NOT_FOUND, -ENOENT,
			"cannot use AWS KMS: $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY are not both set");
	http_request_header(&request, "Content-Type", "application/x-amz-json-1.1");
	http_request_header(&request, "X-Amz-Target", target);
	if (session)
		http_request_header(&request, "X-Amz-Security-Token", session);
	request.secret = session !=
			 NULL; /* the signature tells nothing of the key; the session's token is itself sent */
	return service_ask(signer, &request, WHAT, diag, ret_answer);
}

static int aws_read_key(struct signer *signer, const json_t *answer, struct diag *diag)
{
	_cleanup_(buf_done) struct buf spki = BUF_MAX(1024);
	struct str text;
	int r = service_string(answer, WHAT, diag, &text, "PublicKey", NULL);

	if (r == 0)
		r = service_base64(text, WHAT, diag, &spki);
	if (r == 0)
		r = public_key_parse_spki(buf_str(&spki), signer->settings.key_id, diag, &signer->public);
	if (r == 0 && strcmp(public_key_type(signer->public), "ecdsa-p256") != 0)
		r = diag_error(diag, -EINVAL, "cannot use %s: only ECC_NIST_P256 keys of AWS KMS can be used",
			       signer->settings.key_id);
	return r;
}

static int aws_read_signature(struct signer *signer, const json_t *answer, struct buf *out, struct diag *diag)
{
	struct str text;
	int r = service_string(answer, WHAT, diag, &text, "Signature", NULL);

	(void)signer;
	return r < 0 ? r : service_base64(text, WHAT, diag, out);
}

static int aws_open(struct signer *signer, struct diag *diag)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(TEXT_MAX);
	_cleanup_(json_freep) json_t *answer = NULL;
	int r = aws_new(signer, diag);

	if (r == 0)
		r = buf_printf(&body, "{\"KeyId\":\"%s\"}", ((const struct aws *)signer->state)->key);
	if (r == 0)
		r = ask(signer, "TrentService.GetPublicKey", buf_str(&body), diag, &answer);
	return r < 0 ? r : aws_read_key(signer, answer, diag);
}

static int aws_sign(struct signer *signer, struct str pae, struct bundle *bundle, struct diag *diag)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(TEXT_MAX);
	_cleanup_(json_freep) json_t *answer = NULL;
	const struct aws *aws = signer->state;
	int r = buf_printf(&body, "{\"KeyId\":\"%s\",\"Message\":\"", aws->key);

	if (r == 0)
		r = service_digest_base64(pae, &body);
	if (r == 0)
		r = buf_printf(&body, "\",\"MessageType\":\"DIGEST\",\"SigningAlgorithm\":\"ECDSA_SHA_256\"}");
	if (r == 0)
		r = ask(signer, "TrentService.Sign", buf_str(&body), diag, &answer);
	return r < 0 ? r : aws_read_signature(signer, answer, &bundle->signature, diag);
}

static void aws_close(struct signer *signer)
{
	struct aws *aws = signer->state;

	if (!aws)
		return;
	free(aws->url);
	free(aws->sigv4);
	free(aws);
}

const struct signer_driver signer_awskms = {
	.kind = "awskms",
	.prefix = "awskms://",
	.check = check_name,
	.open = aws_open,
	.sign = aws_sign,
	.read_key = aws_read_key,
	.read_signature = aws_read_signature,
	.close = aws_close,
};
