/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP(S) to servers of the operator's choice: no redirects, bounded answers, a deadline for each request, TLS checked
 * always. libcurl stays inside. A handle is used by one thread at a time and keeps its connection.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"

#define HTTP_HEADERS_MAX 16
#define HTTP_ANSWER_MAX (1u << 20) /* the default limit of an answer's body */
#define HTTP_URL_MAX 4096

/* How to get there; strings are borrowed as long as the handle lives. NULL = not set. */
struct http_settings {
	const char *ca_file; /* only these authorities count, not the host's */
	const char *certificate_file, *key_file; /* the client's own */
	const char *proxy; /* NULL: as the environment says (https_proxy, no_proxy) */
	uint32_t timeout_ms; /* of a whole request; 0 = 30,000 */
};

struct http_header {
	const char *name, *value;
};

struct http_request {
	const char *method; /* "GET", "POST" */
	const char *url; /* http:// or https:// */
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t n_headers;
	struct str body; /* with "POST" and "PUT" */
	size_t answer_max; /* 0 = HTTP_ANSWER_MAX */
	uint32_t timeout_ms; /* 0 = as the settings say */
	const char *aws_sigv4; /* "aws:amz:REGION:SERVICE" with the two below; NULL = none */
	const char *aws_key, *aws_secret;
	bool secret; /* its headers or its body hold one: never sent in clear but to this host itself */
	const atomic_bool *cancel; /* becomes true: ends with -ECANCELED within a second; NULL = never */
};

struct http_answer {
	long status;
	struct buf body;
	char location[HTTP_URL_MAX]; /* "" = none, as the next */
	char log_index[32]; /* X-Log-Index */
	int64_t retry_after_s; /* -1 = not said; dates are turned into seconds from now, at most a day */
};

struct http;

/* STELLA_OFFLINE set and not empty: -ENETUNREACH, exit 5, from each http_send, before any connection. */
int http_new(const struct http_settings *settings, struct diag *diag, struct http **ret_http);
void http_free(struct http *http);
DEFINE_FREEP(http, http_free)

/* May a secret go there? Only by TLS, or by loopback. False too for what is no URL. */
bool http_is_private(const char *url);

void http_request_header(struct http_request *request, const char *name, const char *value);

/*
 * 0 whatever the status is. -EFBIG: the answer is larger than allowed; -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH,
 * -EPROTO (cut off, TLS), -ECANCELED: the line says what, with the host but never with the request's secrets.
 * *ret_answer is http_answer_done's in any case.
 */
int http_send(struct http *http, const struct http_request *request, struct diag *diag,
	      struct http_answer *ret_answer);
void http_answer_done(struct http_answer *answer);
