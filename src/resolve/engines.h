/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What container engines say of containers: Docker and Podman by their HTTP API, containerd and CRI (containerd, CRI-O) by
 * gRPC, each over its Unix socket and in a thread of its own, so that an engine that hangs, lies or is gone holds nobody
 * up. Everything an engine says is bounded (ENGINE_*) and checked; what does not hold is refused and counted, and stays
 * unknown. Nothing here decides which container an event belongs to: that is the kernel's word (container_path.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/diag.h"

#define ENGINE_SOCKETS_MAX 16
#define ENGINE_ANSWER_MAX (4u << 20) /* bytes of one answer; what is longer is refused unread */
#define ENGINE_NAME_MAX 256 /* bytes of a name, a pod's, a namespace's */
#define ENGINE_REFERENCE_MAX 1024 /* bytes of an image's reference */
#define ENGINE_LABELS_MAX 32 /* labels kept of one container: those that were asked for */
#define ENGINE_LABEL_MAX \
	1024 /* bytes of a label's key or value; longer ones are left out, and counted as refused */
#define ENGINE_QUEUE_MAX \
	4096 /* facts, and questions, that wait; beyond, the oldest question is dropped and counted */
#define ENGINE_TIMEOUT_MS 2000 /* for one answer */
#define ENGINE_ID_LEN 64

enum engine_kind { ENGINE_DOCKER, ENGINE_PODMAN, ENGINE_CONTAINERD, ENGINE_CRI };

struct engine_label {
	char *key, *value;
};

/* All one engine said of one container. Owned by whoever took it; NULL = unknown. */
struct container_facts {
	char id[ENGINE_ID_LEN + 1]; /* lower-case hex */
	const char *runtime; /* "docker", "podman", "containerd", "cri-o": a constant */
	char *image_digest; /* "sha256:" + 64 hex: the repository's digest when there is one, else the image's (config) digest */
	bool image_digest_is_config; /* the latter */
	char *image_reference; /* as it was asked for: "nginx:1.25" */
	char *name;
	char *pod, *pod_namespace, *pod_uid; /* Kubernetes */
	struct engine_label *labels; /* sorted by key */
	size_t n_labels;
};

void container_facts_done(struct container_facts *facts);

struct engine_socket {
	enum engine_kind kind;
	char *path;
};

struct engines_options {
	const struct engine_socket *
		sockets; /* copied; none: those of the well-known places that exist, looked for again every few seconds */
	size_t n_sockets;
	char *const *labels; /* keys to keep, copied */
	size_t n_labels;
};

struct engines;

/* Starts the threads (all signals blocked in them). Connecting happens there: an engine that is not there yet is no error. */
int engines_start(const struct engines_options *options, struct diag *diag, struct engines **ret_engines);
/* Ends them; waits at most ENGINE_TIMEOUT_MS for an answer under way. */
void engines_stop(struct engines *engines);
DEFINE_FREEP(engines, engines_stop)

/* Readable when there is something to take. */
int engines_fd(const struct engines *engines);
/* 1: *ret_facts is the caller's; 0: nothing waits. */
int engines_next(struct engines *engines, struct container_facts *ret_facts);
/* A container just seen: asked at once, of every engine of that runtime; NULL runtime = of all. Repeated until answered or `forget`. */
void engines_ask(struct engines *engines, const char *runtime, const char *id);
void engines_forget(struct engines *engines, const char *id);
/* Is there an engine that may still answer for such a container (connected, or not yet given up)? */
bool engines_may_answer(const struct engines *engines, const char *runtime);

struct engine_state {
	enum engine_kind kind;
	char socket[108];
	bool connected;
	char error[DIAG_MAX]; /* of the last failure while not connected; "" = none */
	uint64_t asked, answered, refused, reconnects; /* refused: answers that did not hold */
};
/* At most `max`; how many there are. */
size_t engines_state(struct engines *engines, struct engine_state *ret_states, size_t max);
