/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One way of asking an engine: rows of functions that engines.c runs in the engine's own threads, where they may block up
 * to ENGINE_TIMEOUT_MS. A session is one connection's worth of state and belongs to one thread; `watch` has a session of
 * its own. Results: 0 or 1 as said, -EPROTO: it answered, and what it said does not hold (counted as refused, the
 * connection stays), any other negative errno: the connection is gone and is made anew, with back-off. -EOPNOTSUPP of
 * `list` and `watch`: this engine has no such thing, and goes on without. The diag has one sentence.
 */

#include <stdatomic.h>

#include "resolve/engines.h"

/* `id` is 64 lower-case hex digits, already checked by the driver. */
typedef void (*engine_id_fn)(void *user, const char *id);

struct engine_driver {
	/*
	 * `socket` and `options` stay as they are until `close`. Who listens there was looked at (engine_socket_connect); a
	 * driver that connects by itself does so through engine_socket_hold, so that it is still him.
	 */
	int (*open)(const char *socket, const struct engines_options *options, struct diag *diag,
		    void **ret_session);
	void (*close)(void *session);
	/* 1: *ret_facts filled (facts.id == id, or it is -EPROTO); 0: this engine does not know it. */
	int (*ask)(void *session, const char *id, struct diag *diag, struct container_facts *ret_facts);
	/* All containers that it has now, so that those older than us are asked for. At most ENGINE_QUEUE_MAX are told. */
	int (*list)(void *session, engine_id_fn each, void *user, struct diag *diag);
	/* Tells of containers that are made or started, until *stop or the connection ends; NULL: no such stream, it is polled. */
	int (*watch)(void *session, const atomic_bool *stop, engine_id_fn each, void *user, struct diag *diag);
};

extern const struct engine_driver engine_driver_docker; /* and Podman's, the same API (engine_docker.c) */
extern const struct engine_driver engine_driver_containerd; /* engine_containerd.c */
extern const struct engine_driver engine_driver_cri; /* engine_cri.c */

/*
 * ---- for the drivers (engine_facts.c) ----
 */

/* Strict: "sha256:" and 64 lower-case hex digits. */
bool engine_digest_is(const char *text);
/* "name@sha256:HEX" -> "sha256:HEX"; NULL when it is none. A pointer into `reference`. */
const char *engine_reference_digest(const char *reference);
bool engine_id_is(const char *text);

/*
 * Puts the labels among `options` from what `find` tells (NULL = it has none such) into facts, sorted, and those of
 * Kubernetes into pod, pod_namespace and pod_uid, whether they are asked for or not. 0, -ENOMEM, or -EPROTO (a pod's name
 * that is too long).
 */
typedef const char *(*engine_label_fn)(void *user, const char *key);
int container_facts_label(struct container_facts *facts, const struct engines_options *options,
			  engine_label_fn find, void *user, struct diag *diag);
/* Copies `text` when it is there and not empty; -EPROTO beyond `max` bytes, with `what` in the diag. */
int engine_text(const char *text, size_t max, const char *what, struct diag *diag, char **ret_text);
/* Do they hold, as said of this container? -EPROTO. engines.c asks this of every answer. */
int container_facts_check(const struct container_facts *facts, const char *id, struct diag *diag);
/* Bytes of memory. */
size_t container_facts_size(const struct container_facts *facts);
