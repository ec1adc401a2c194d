/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What all signing services have in common. Promises that an answer is small, is JSON without doubles, and is looked at
 * member by member; that a service which cannot be reached is told from one that refuses; that tokens are wiped.
 */

#include "signer/service.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/secret.h"

const char *service_environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

bool service_is_plain(const char *text, const char *also)
{
	if (*text == '\0' || strstr(text, "..") || strstr(text, "//"))
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(also, *text))
			return false;
	return true;
}

int service_token(const char *file, mode_t others, const char *variable, const char *other_variable,
		  const char *what, struct buf *out, struct diag *diag)
{
	const char *value = service_environment(variable);

	if (file)
		return secret_read_line(file, what, others, out, diag);
	if (!value && other_variable)
		value = service_environment(other_variable);
	if (!value)
		return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT, "%s is missing: neither a file nor $%s is set",
				 what, variable);
	if (strpbrk(value, "\r\n"))
		return diag_error(diag, -EINVAL, "%s in $%s has more than one line", what, variable);
	return buf_append_str(out, str_of(value));
}

/* ---- answers ---- */

/* What a service says of its refusal: the one of its members that has a sentence. */
static const char *reason_of(const json_t *answer)
{
	static const char *const names[] = { "message", "Message", "error_description", "__type" };
	const json_t *error = json_object_get(answer, "error");
	const json_t *errors = json_object_get(answer, "errors");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (json_is_string(json_object_get(answer, names[i])))
			return json_string_value(json_object_get(answer, names[i]));
		if (json_is_string(json_object_get(error, names[i])))
			return json_string_value(json_object_get(error, names[i]));
	}
	if (json_is_string(json_array_get(errors, 0)))
		return json_string_value(json_array_get(errors, 0));
	return json_is_string(error) ? json_string_value(error) : "no reason given";
}

static int refusal(long status, const json_t *answer, const char *what, struct diag *diag)
{
	const char *reason = reason_of(answer);

	if (status == 429 || status == 408 || status >= 500)
		return diag_exit(diag, EXIT_TRY_AGAIN, -EAGAIN,
				 "%s answers %ld (%.200s); it is asked again later", what, status, reason);
	if (status == 401 || status == 403)
		return diag_exit(diag, EXIT_NOT_PERMITTED, -EACCES, "%s does not permit it: %ld (%.200s)", what,
				 status, reason);
	if (status == 404)
		return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT, "%s knows no such key: %ld (%.200s)", what,
				 status, reason);
	return diag_error(diag, -EBADMSG, "%s refuses: %ld (%.200s)", what, status, reason);
}

int service_read(long status, struct str body, const char *what, struct diag *diag, json_t **ret_answer)
{
	_cleanup_(json_freep) json_t *answer = NULL;
	json_error_t error;

	if (body.len > SERVICE_ANSWER_MAX)
		return diag_error(diag, -EBADMSG, "%s answers too much", what);
	answer = json_loadb(body.data ? body.data : "", body.len, JSON_REJECT_DUPLICATES, &error);
	if (status < 200 || status > 299)
		return refusal(status, answer, what, diag);
	if (!json_is_object(answer))
		return diag_error(diag, -EBADMSG, "%s answers what is no JSON object: %s", what,
				  answer ? "another value" : error.text);
	*ret_answer = TAKE(answer);
	return 0;
}

static int unreachable(int error, const char *what, const struct diag *why, struct diag *diag)
{
	if (error == -ECANCELED || error == -ENOMEM || error == -EFBIG || error == -ENETUNREACH ||
	    error == -EINVAL)
		return why->code
			       ? diag_exit(diag, (enum exit_status)why->code, error, "%s: %s", what, why->text)
			       : diag_error(diag, error, "%s: %s", what, why->text);
	return diag_exit(diag, EXIT_TRY_AGAIN, -EAGAIN, "%s: %s", what, why->text);
}

int service_ask(struct signer *signer, struct http_request *request, const char *what, struct diag *diag,
		json_t **ret_answer)
{
	struct http_answer answer = { .status = 0 };
	struct diag why = { .code = 0 };
	int r = 0;

	if (!signer->http)
		r = http_new(&signer->settings.http, diag, &signer->http);
	if (r < 0)
		return r;
	if (!request->method)
		request->method = request->body.data ? "POST" : "GET";
	request->answer_max = SERVICE_ANSWER_MAX;
	request->cancel = &signer->cancelled;
	r = http_send(signer->http, request, &why, &answer);
	if (r < 0)
		r = unreachable(r, what, &why, diag);
	else
		r = service_read(answer.status, buf_str(&answer.body), what, diag, ret_answer);
	if (answer.body.data)
		secret_wipe(&answer.body); /* it may be a token */
	http_answer_done(&answer);
	return r;
}

int service_string(const json_t *answer, const char *what, struct diag *diag, struct str *ret_text, ...)
{
	const char *name, *last = "";
	va_list path;

	va_start(path, ret_text);
	while ((name = va_arg(path, const char *))) {
		answer = json_object_get(answer, name);
		last = name;
	}
	va_end(path);
	if (!json_is_string(answer) || json_string_length(answer) == 0)
		return diag_error(diag, -EBADMSG, "%s answers without a text \"%s\"", what, last);
	*ret_text = (struct str) { json_string_value(answer), json_string_length(answer) };
	return 0;
}

/* ---- base64 ---- */

int service_base64(struct str text, const char *what, struct diag *diag, struct buf *out)
{
	int r = text_unbase64_append(out, text);

	if (r == 0 || r == -ENOMEM)
		return r;
	return diag_error(diag, -EBADMSG, "%s answers bytes that are no padded standard base64, or too many",
			  what);
}

int service_base64url(struct str text, const char *what, struct diag *diag, struct buf *out)
{
	_cleanup_(secret_wipe) struct buf standard = BUF_MAX(text.len + 4);
	int r = buf_reserve(&standard, text.len + 4);

	for (size_t i = 0; r == 0 && i < text.len; i++) {
		char c = text.data[i];

		if (c == '+' || c == '/' || c == '=')
			return diag_error(diag, -EBADMSG, "%s: these bytes are no base64url", what);
		c = c == '-' ? '+' : c == '_' ? '/' : c;
		r = buf_append(&standard, &c, 1);
	}
	while (r == 0 && standard.len % 4 != 0)
		r = buf_append(&standard, "=", 1);
	if (r == 0)
		r = text_unbase64_append(out, buf_str(&standard));
	if (r == 0 || r == -ENOMEM)
		return r;
	return diag_error(diag, -EBADMSG, "%s: these bytes are no base64url, or too many", what);
}

int service_base64url_append(struct buf *out, const void *data, size_t len)
{
	size_t begin = out->len;
	int r = text_base64_append(out, data, len);

	if (r < 0)
		return r;
	while (out->len > begin && out->data[out->len - 1] == '=')
		out->len--;
	for (size_t i = begin; i < out->len; i++)
		out->data[i] = out->data[i] == '+' ? '-' : out->data[i] == '/' ? '_' : out->data[i];
	return 0;
}

int service_digest_base64(struct str text, struct buf *out)
{
	struct digest digest;
	int r = digest_of(text.data, text.len, &digest);

	return r < 0 ? r : text_base64_append(out, digest.bytes, DIGEST_LEN);
}
