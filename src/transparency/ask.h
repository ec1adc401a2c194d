/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Requests to one server, and what its refusals mean to us. */

#include "net/http.h"

#define ASK_URL_MAX 2048

struct client {
	struct http *http;
	const char *url; /* without a slash at its end */
	const atomic_bool *cancel;
	int64_t retry_after_s; /* of the last answer; -1 = not said */
};

struct question {
	const char *method, *path; /* the path behind the client's URL; "" = the URL itself */
	const char *content_type, *accept; /* NULL = none */
	struct str body;
	size_t answer_max; /* 0 = HTTP_ANSWER_MAX */
};

/* As http_send; the answer is the caller's to http_answer_done in any case. */
int ask(struct client *client, const struct question *question, struct diag *diag,
	struct http_answer *ret_answer);

/*
 * An answer of a status that was not hoped for. -EAGAIN: too busy, or ill (408, 429, 5xx); -ENOENT: 404; -EACCES: 401,
 * 403; -EINVAL: it does not want what was asked. The line holds the beginning of what it said.
 */
int ask_refused(const struct client *client, const char *what, const struct http_answer *answer,
		struct diag *diag);
