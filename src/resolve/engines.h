/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What container engines say of containers: Docker and Podman by their HTTP API, containerd and CRI (containerd, CRI-O) by
 * gRPC, each over its Unix socket and in a thread of its own, so that an engine that hangs, lies or is gone holds nobody
 * up. Everything an engine says is bounded (ENGINE_*) and checked; what does not hold is refused and counted, and stays
 * unknown. Nothing here decides which container an event belongs to: that is the kernel's word (container_path.h).
 *
 * Whose word counts. A socket below /run/user/UID is that user's, any other its file's owner's; the process that listens on
 * it must be that user (or root, but not below /run/user), else nothing is asked there. Root's engines (and those of this
 * process's own user) may answer about every container. A user's engine is asked only about containers of that user
 * (engines_ask_of), and what it tells by itself carries its owner: take such facts only for a container that the kernel
 * shows in that user's slice.
 *
 * When several answer about one container, each field is as the first one said that knew it; later facts bring only what
 * was unknown before. The digest alone may come anew, for a better one: root's word stands against a user's, and a
 * repository's digest comes before the image's own. Two of the same standing and kind that disagree make it unknown
 * (digest_conflict), and it is counted.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "resolve/container_path.h"

#define ENGINE_SOCKETS_MAX 16
#define ENGINE_USER_SOCKETS_MAX 8 /* of them, where they are found by themselves: those below /run/user */
#define ENGINE_PATH_MAX 108 /* bytes of a socket's path, with its end */
#define ENGINE_ANSWER_MAX (4u << 20) /* bytes of one answer; what is longer is refused unread */
#define ENGINE_NAME_MAX 256 /* bytes of a name, a pod's, a namespace's */
#define ENGINE_REFERENCE_MAX 1024 /* bytes of an image's reference */
#define ENGINE_LABELS_MAX 32 /* labels kept of one container: those that were asked for */
#define ENGINE_LABEL_MAX \
	1024 /* bytes of a label's key or value; longer ones are left out, and counted as refused */
#define ENGINE_QUEUE_MAX \
	4096 /* facts, and questions, that wait; beyond, the oldest question is dropped and counted */
#define ENGINE_QUEUE_BYTES \
	(8u << 20) /* of facts that wait; beyond, the answer is thrown away and asked for again */
#define ENGINE_HEARD_MAX 256 /* questions that come from what one user's engine tells of itself */
#define ENGINE_TIMEOUT_MS 2000 /* for one answer */
#define ENGINE_LOOK_MS 3000 /* between two looks at the places where sockets may be */
#define ENGINE_LIST_MS 5000 /* between two lists of an engine that tells nothing by itself */
#define ENGINE_ASK_AGAIN_MS \
	100 /* what an engine did not know: asked again so much later, then twice as much, ... */
#define ENGINE_RETRY_MIN_MS 200 /* a lost connection is made anew so much later, then twice as much, ... */
#define ENGINE_RETRY_MAX_MS 30000 /* ... and this is the end of both */
#define ENGINE_GIVEN_UP 3 /* attempts to connect in a row, after which nobody waits for this engine */
#define ENGINE_ID_LEN CONTAINER_ID_LEN
#define ENGINE_DIGEST_LEN (sizeof("sha256:") - 1 + 64)

enum engine_kind { ENGINE_DOCKER, ENGINE_PODMAN, ENGINE_CONTAINERD, ENGINE_CRI };
#define ENGINE_KINDS 4

struct engine_label {
	char *key, *value;
};

/* All one engine said of one container. Owned by whoever took it; NULL = unknown. */
struct container_facts {
	char id[ENGINE_ID_LEN + 1]; /* lower-case hex */
	const char *runtime; /* "docker", "podman", "containerd", "cri-o": a constant */
	char *image_digest; /* "sha256:" + 64 hex: the repository's when there is one, else the image's own (config) */
	bool image_digest_is_config; /* the latter */
	bool digest_conflict; /* engines disagree: unknown, whatever was said before */
	char *image_reference; /* as it was asked for: "nginx:1.25" */
	char *name;
	char *pod, *pod_namespace, *pod_uid; /* Kubernetes */
	struct engine_label *labels; /* sorted by key */
	size_t n_labels;
	size_t labels_refused; /* asked for, there, and left out: too long, or beyond ENGINE_LABELS_MAX */
	size_t socket; /* which one said so: engine_state.number; set by engines.c */
	uid_t owner; /* whose that is; 0 = root's or this process's own user's; set by engines.c */
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
	const char *root; /* where the well-known places are, copied; NULL = "" */
	/* For the drivers, set by engines.c. */
	const atomic_bool *stop; /* what waits looks at it; NULL = nobody stops them */
	uid_t owner; /* whose the socket is, as in container_facts: for engine_socket_connect */
};

struct engines;

/*
 * Starts the threads (all signals blocked in them). Connecting happens there: an engine that is not there yet is no error.
 * -EINVAL: more sockets than ENGINE_SOCKETS_MAX, or a path that is not absolute or too long.
 *
 * Connecting starts an engine that systemd starts on demand (podman.socket), and the stream of events keeps it running.
 */
int engines_start(const struct engines_options *options, struct diag *diag, struct engines **ret_engines);
/*
 * Ends them; waits at most ENGINE_TIMEOUT_MS for an answer under way. A thread that hangs for longer (in a file system)
 * is left behind and frees what it uses when it ends. NULL is fine.
 */
void engines_stop(struct engines *engines);
DEFINE_FREEP(engines, engines_stop)

/* Readable when there is something to take. */
int engines_fd(const struct engines *engines);
/* 1: *ret_facts is the caller's; 0: nothing waits. */
int engines_next(struct engines *engines, struct container_facts *ret_facts);
/*
 * A container just seen: asked at once, of every engine of that runtime; NULL runtime = of all. Repeated until answered or
 * `forget`. Asked anew when it was answered already. Of root's engines only; an id that is none is not asked.
 */
void engines_ask(struct engines *engines, const char *runtime, const char *id);
/* The same, of that user's engines too: for a container that the kernel shows in that user's slice. */
void engines_ask_of(struct engines *engines, const char *runtime, const char *id, uid_t owner);
void engines_forget(struct engines *engines, const char *id);
/* Is there an engine that may still answer for such a container (connected, or not yet given up)? Root's engines. */
bool engines_may_answer(const struct engines *engines, const char *runtime);
/*
 * May one of them still tell the digest of this container, which was asked for? False when it is told already, when they
 * disagree, when each said that it does not know, or when it was not asked for: nothing to wait for.
 */
bool engines_may_answer_about(const struct engines *engines, const char *id, uid_t owner);

struct engine_state {
	size_t number; /* below ENGINE_SOCKETS_MAX; it stays the same as long as the socket is there */
	enum engine_kind kind;
	char socket[ENGINE_PATH_MAX];
	uid_t owner; /* as in container_facts */
	bool connected;
	bool watching; /* it tells of new containers by itself */
	char error[DIAG_MAX]; /* of the last failure while not connected; "" = none */
	uint64_t asked, answered, refused,
		reconnects; /* refused: answers that did not hold, labels left out included */
};
/* At most `max`, in order of their numbers; how many were written. */
size_t engines_state(struct engines *engines, struct engine_state *ret_states, size_t max);

struct engines_totals {
	uint64_t questions_dropped; /* the list was full */
	uint64_t facts_put_back; /* the queue was full: asked for again */
	uint64_t conflicts; /* two engines said different digests of one container */
	uint64_t sockets_left_out; /* found and not asked, for there is no place: as of the last look */
};
void engines_totals(const struct engines *engines, struct engines_totals *ret_totals);
