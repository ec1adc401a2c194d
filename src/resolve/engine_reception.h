/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One gRPC answer on its way in: fed with header lines and pieces of the body as they come, it hands out whole messages and
 * says at the end what the answer comes to. Knows nothing of connections. Part of engine_grpc.c, apart because it is what
 * meets the engine's bytes.
 */

#include "resolve/engine_grpc.h"

#define GRPC_PREFIX_LEN 5 /* of a message: flag, length in network order */
#define GRPC_STATUS_TEXT_MAX 200

struct reception {
	const struct grpc_call *call;
	const char *socket; /* for the diag */
	struct buf *message; /* the one that is coming in */
	grpc_message_fn each;
	void *user;
	struct diag *diag;
	uint8_t prefix[GRPC_PREFIX_LEN];
	size_t prefix_len; /* of the message that is coming in; GRPC_PREFIX_LEN: `length` is known */
	size_t length;
	size_t header_bytes;
	uint64_t http; /* status; 0 = none yet */
	bool is_grpc; /* so said the content type */
	bool has_status;
	uint64_t status;
	char status_text[GRPC_STATUS_TEXT_MAX + 1];
	int error; /* why it was ended by us */
	bool enough; /* ended by us, and that is all right */
	uint64_t pace_from_ns, paced; /* of this second */
};

/* CLOCK_MONOTONIC. */
uint64_t grpc_now_ns(void);
/* 0, or why the call is over whatever comes: -ECANCELED, -ETIMEDOUT. */
int grpc_call_is_over(const struct grpc_call *call);

/* Headers and, behind the body, trailers, a line each. False: ended, `error` or `enough` says why. */
bool reception_header(struct reception *in, struct str line);
bool reception_body(struct reception *in, struct str bytes);
/* The engine has ended the answer: enum grpc_said or negative as grpc_unary. */
int reception_judge(const struct reception *in);
