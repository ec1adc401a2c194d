// SPDX-License-Identifier: Apache-2.0
/*
 * One question, one answer, and a sentence for each refusal. Promises that Retry-After reaches who waits. Refuses
 * nothing itself. Owns nothing.
 */

#include "transparency/ask.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"

#define SAID_MAX 300

int ask(struct client *client, const struct question *question, struct diag *diag,
	struct http_answer *ret_answer)
{
	char url[ASK_URL_MAX];
	struct http_request request = { .method = question->method,
					.url = url,
					.body = question->body,
					.answer_max = question->answer_max,
					.cancel = client->cancel };
	int r;

	client->retry_after_s = -1;
	*ret_answer = (struct http_answer) { .retry_after_s = -1 };
	if (snprintf(url, sizeof(url), "%s%s", client->url, question->path) >= (int)sizeof(url))
		return diag_error(diag, -EINVAL, "a URL of more than %d bytes", ASK_URL_MAX);
	if (question->content_type)
		http_request_header(&request, "Content-Type", question->content_type);
	if (question->accept)
		http_request_header(&request, "Accept", question->accept);
	r = http_send(client->http, &request, diag, ret_answer);
	client->retry_after_s = ret_answer->retry_after_s;
	return r;
}

int ask_refused(const struct client *client, const char *what, const struct http_answer *answer,
		struct diag *diag)
{
	struct str said = buf_str(&answer->body);
	int error = -EINVAL;

	while (said.len > 0 && strchr(" \r\n\t", said.data[said.len - 1]))
		said.len--;
	if (said.len > SAID_MAX)
		said.len = SAID_MAX;
	if (answer->status == 408 || answer->status == 429 || answer->status >= 500)
		error = -EAGAIN;
	else if (answer->status == 404)
		error = -ENOENT;
	else if (answer->status == 401 || answer->status == 403)
		error = -EACCES;
	return diag_error(diag, error, "%s: %s: HTTP status %ld%s%.*s", client->url, what, answer->status,
			  said.len > 0 ? ": " : "", (int)said.len, said.len > 0 ? said.data : "");
}
