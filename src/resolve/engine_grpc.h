/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * gRPC over HTTP/2 on a Unix socket (https://github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md), as much as asking takes: one
 * message goes, one or a stream of them comes, over a connection of its own. A client belongs to one thread. What the
 * engine sends is bounded: a message is looked at by its length before a byte of it is kept, headers are counted, a stream
 * is read at a measured pace.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"

#define GRPC_HEADERS_MAX (64u << 10) /* bytes of one answer's headers and trailers */
#define GRPC_TICK_MS 250 /* how late `stop` may be seen */
#define GRPC_PACE 10000 /* of a call without a deadline, in a second: messages, plus one for each KB in them */

/* What the engine may say instead of an answer; the caller handles it. */
enum grpc_said { GRPC_ANSWERED, GRPC_NOT_FOUND, GRPC_UNIMPLEMENTED };

struct grpc_client;

struct grpc_call {
	const char *method; /* "/package.Service/Method" */
	const char *metadata; /* "name: value", or NULL. The caller has looked: printable ASCII only. */
	struct str request; /* the packed message */
	uint64_t deadline_ns; /* grpc_deadline; 0: none, for a stream that waits for events */
	const atomic_bool *stop; /* may be NULL */
};

/* A message of a stream, valid during the call. 0: go on; 1: enough, the call ends as answered; < 0: ends with that. */
typedef int (*grpc_message_fn)(void *user, struct str message);

/*
 * Holds the socket's file, connects to nobody yet: each call does, and asks nothing when another listens there than may
 * (engine_socket.h). `socket` is copied.
 */
int grpc_open(const char *socket, uid_t owner, struct diag *diag, struct grpc_client **ret_client);
void grpc_close(struct grpc_client *client);
DEFINE_FREEP(grpc_client, grpc_close)

/* That many milliseconds from now, for `deadline_ns`. */
uint64_t grpc_deadline(unsigned int ms);

/*
 * Both return enum grpc_said, or: -EPROTO the answer does not hold, or the engine refuses (the diag says which status);
 * -ETIMEDOUT; -ECANCELED `stop` was set; -EPERM, -EACCES; other negative errno: no connection. The answer replaces what was
 * in `ret_answer`, whose own ceiling is kept.
 */
int grpc_unary(struct grpc_client *client, const struct grpc_call *call, struct diag *diag,
	       struct buf *ret_answer);
int grpc_stream(struct grpc_client *client, const struct grpc_call *call, grpc_message_fn each, void *user,
		struct diag *diag);
