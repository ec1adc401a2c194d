/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One way of asking an engine: rows of functions that engines.c runs in the engine's own threads, where they may block up
 * to ENGINE_TIMEOUT_MS. A session is one connection's worth of state and belongs to one thread; `watch` has a session of its own.
 * Results: 0 or 1 as said, -EPROTO: it answered, and what it said does not hold (counted as refused, the connection stays),
 * any other negative errno: the connection is gone and is made anew, with back-off. The diag has one sentence.
 */

#include <stdatomic.h>

#include "resolve/engines.h"

/* `id` is 64 lower-case hex digits, already checked by the driver. */
typedef void (*engine_id_fn)(void *user, const char *id);

struct engine_driver {
	int (*open)(const char *socket, const struct engines_options *options, struct diag *diag,
		    void **ret_session);
	void (*close)(void *session);
	/* 1: *ret_facts filled (facts.id == id, or it is -EPROTO); 0: this engine does not know it. */
	int (*ask)(void *session, const char *id, struct diag *diag, struct container_facts *ret_facts);
	/* All containers that it has now, so that those older than us are asked for. At most ENGINE_QUEUE_MAX are told. */
	int (*list)(void *session, engine_id_fn each, void *user, struct diag *diag);
	/* Tells of containers that are made or started, until *stop or the connection ends; NULL: it has no such stream, it is polled. */
	int (*watch)(void *session, const atomic_bool *stop, engine_id_fn each, void *user, struct diag *diag);
};

extern const struct engine_driver engine_driver_docker; /* and Podman's, the same API (engine_docker.c) */
extern const struct engine_driver engine_driver_containerd; /* engine_containerd.c */
extern const struct engine_driver engine_driver_cri; /* engine_cri.c */

/* Strict: "sha256:" and 64 lower-case hex digits. */
bool engine_digest_is(const char *text);
/* "name@sha256:HEX" -> "sha256:HEX"; NULL when it is none. A pointer into `reference`. */
const char *engine_reference_digest(const char *reference);
bool engine_id_is(const char *text);
