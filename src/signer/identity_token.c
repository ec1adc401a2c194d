/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading an identity token (JWT). Promises to understand exactly three parts of base64url, of which the middle is one
 * JSON object without duplicate names; what is not asked for is not looked at.
 */

#include "signer/identity_token.h"

#include <errno.h>
#include <string.h>

#include "signer/service.h"

#define WHAT "the identity token"

static int append_claim(const json_t *claims, const char *name, struct diag *diag, struct buf *out)
{
	const json_t *claim = json_object_get(claims, name);

	if (!json_is_string(claim) || json_string_length(claim) == 0)
		return diag_error(diag, -EBADMSG, WHAT " has no claim \"%s\"", name);
	return buf_append(out, json_string_value(claim), json_string_length(claim));
}

static bool is_true(const json_t *value)
{
	return json_is_true(value) || (json_is_string(value) && strcmp(json_string_value(value), "true") == 0);
}

static int read_claims(const json_t *claims, struct diag *diag, struct buf *challenge, int64_t *ret_expires)
{
	const json_t *expires = json_object_get(claims, "exp");
	const json_t *email = json_object_get(claims, "email");

	if (!json_is_object(claims))
		return diag_error(diag, -EBADMSG, WHAT "'s claims are no JSON object");
	if (expires && !json_is_integer(expires))
		return diag_error(diag, -EBADMSG, WHAT "'s \"exp\" is no whole number");
	*ret_expires = expires ? json_integer_value(expires) : INT64_MAX;
	if (!email)
		return append_claim(claims, "sub", diag, challenge);
	if (!is_true(json_object_get(claims, "email_verified")))
		return diag_error(diag, -EBADMSG, WHAT "'s issuer has not verified its email address");
	return append_claim(claims, "email", diag, challenge);
}

int identity_token_read(struct str token, struct diag *diag, struct buf *challenge, int64_t *ret_expires)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(IDENTITY_TOKEN_MAX);
	_cleanup_(json_freep) json_t *claims = NULL;
	const char *first = token.len ? memchr(token.data, '.', token.len) : NULL, *second = NULL;
	const char *end = token.data + token.len;
	json_error_t error;
	int r;

	if (first)
		second = memchr(first + 1, '.', (size_t)(end - first - 1));
	if (!second || first == token.data || second == first + 1 || second + 1 == end ||
	    memchr(second + 1, '.', (size_t)(end - second - 1)))
		return diag_error(diag, -EBADMSG, WHAT " is not three parts with points between them");
	r = service_base64url((struct str) { first + 1, (size_t)(second - first - 1) }, WHAT, diag, &text);
	if (r < 0)
		return r;
	claims = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!claims)
		return diag_error(diag, -EBADMSG, WHAT "'s claims are no JSON: %s", error.text);
	return read_claims(claims, diag, challenge, ret_expires);
}
