/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Asking a signing service: one JSON question, one JSON answer, and what the service's refusal means for us. Nothing
 * that it is sent stands in a message: it may be a secret.
 */

#include <jansson.h>

#include "signer/parts.h"

#define SERVICE_TOKEN_MAX 65536
#define SERVICE_ANSWER_MAX (256u << 10)

static inline void json_freep(json_t **held)
{
	json_decref(*held);
}

/*
 * Sends `request` (its method is POST where it has a body) and reads the answer as one JSON object without duplicate
 * names. `what` names the service in messages. -EAGAIN (exit 10): not reached, 429, 5xx; -EACCES (exit 3): 401, 403;
 * -ENOENT (exit 4): 404; -EBADMSG: anything else that is no answer.
 */
int service_ask(struct signer *signer, struct http_request *request, const char *what, struct diag *diag,
		json_t **ret_answer);
/* What service_ask does with the answer. For fuzzing, too. */
int service_read(long status, struct str body, const char *what, struct diag *diag, json_t **ret_answer);

/* The string at a path of member names, ended by NULL. -EBADMSG when it is not there, no string, or empty. */
int service_string(const json_t *answer, const char *what, struct diag *diag, struct str *ret_text, ...)
	__attribute__((sentinel));

/* Appends what standard base64 means; base64url without padding. -EBADMSG. */
int service_base64(struct str text, const char *what, struct diag *diag, struct buf *out);
int service_base64url(struct str text, const char *what, struct diag *diag, struct buf *out);
int service_base64url_append(struct buf *out, const void *data, size_t len);

/* SHA-256 of the text, as base64 of the standard alphabet. */
int service_digest_base64(struct str text, struct buf *out);

/* The environment variable, or NULL when it is not set or empty. */
const char *service_environment(const char *name);

/* A token: from `file` when that is set, else from one of two environment variables. Never empty; one line. */
int service_token(const char *file, mode_t others, const char *variable, const char *other_variable,
		  const char *what, struct buf *out, struct diag *diag);

/* Only letters, digits and these; not empty, nothing that leads upward. What goes into a URL's path unescaped. */
bool service_is_plain(const char *text, const char *also);
