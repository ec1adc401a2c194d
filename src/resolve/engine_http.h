/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The door to libcurl: GET over an engine's Unix socket, HTTP/1.1, one connection that is kept. No proxy, no
 * redirect, no cookie, no other protocol, no name that is looked up. For one thread.
 */

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"

#define ENGINE_HEADERS_MAX (64u << 10) /* bytes of an answer's headers, those before it (1xx) included */
#define ENGINE_STREAM_BYTES_S (1u << 20) /* of a stream without end: what comes faster waits at the sender's */

struct engine_http;

/*
 * Connects nothing yet, but holds the socket's file: all connections go to the engine that made it, and end with it (-ESTALE
 * and others as engine_socket_hold). `stop` (NULL: none) is borrowed: once true, every call ends within a quarter of a
 * second.
 */
int engine_http_open(const char *socket, uid_t owner, const atomic_bool *stop, struct diag *diag,
		     struct engine_http **ret_http);
void engine_http_close(struct engine_http *http);
DEFINE_FREEP(engine_http, engine_http_close)

/* A piece of the body. Negative ends the transfer, and is what the call returns. */
typedef int (*engine_http_fn)(void *user, struct str piece);

/*
 * `path` begins with '/'. The status, whatever it is, with the body given to `take` piece by piece; or -EPROTO (it is no
 * HTTP, or headers are too long), -ECANCELED (stop), -ETIMEDOUT (deadline_ns, CLOCK_BOOTTIME, has passed; 0 = never, and
 * then the body may come no faster than ENGINE_STREAM_BYTES_S), or why there is no connection.
 */
int engine_http_get(struct engine_http *http, const char *path, uint64_t deadline_ns, engine_http_fn take,
		    void *user, struct diag *diag);
/* The same, appended to `body`; -EPROTO beyond body->max. */
int engine_http_get_all(struct engine_http *http, const char *path, uint64_t deadline_ns, struct buf *body,
			struct diag *diag);
