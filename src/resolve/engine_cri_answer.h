/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an engine says through Kubernetes' Container Runtime Interface, read out of the bytes of its answers
 * (engine_cri.proto). Pure.
 */

#include "base/str.h"
#include "resolve/engines.h"

/* Of Version: "containerd", "cri-o" or "docker", a constant; NULL: another one. -EPROTO: no such answer. */
int cri_runtime_read(struct str answer, struct diag *diag, const char **ret_runtime);

/* What more there is to ask of a container. */
struct cri_more {
	char *image_id; /* for ImageStatus; NULL: nothing, the digest is known or no image is. The caller's. */
	char sandbox[ENGINE_ID_LEN + 1]; /* its pod's; "" = not said */
};

/*
 * Of ListContainers, asked for one id: 1 and the container's name, image's reference, pod, labels, and digest when it stands
 * there; 0: it is not known. -EPROTO: no such answer, it tells of others only, or it holds what is no text. Both results
 * are written with 1 only; the runtime is the caller's to set.
 */
int cri_container_read(struct str answer, const char *id, const struct engines_options *options,
		       struct diag *diag, struct container_facts *ret_facts, struct cri_more *ret_more);

/* The same of ListPodSandbox, for the sandbox's own container (the pause process): its pod and labels. */
int cri_sandbox_read(struct str answer, const char *id, const struct engines_options *options,
		     struct diag *diag, struct container_facts *ret_facts);
/* The same answer, for a container in that sandbox: the pod, where `facts` does not have it yet. */
int cri_pod_read(struct str answer, const char *sandbox, struct diag *diag, struct container_facts *facts);

/*
 * Of ImageStatus: its repository's digest, that of `reference` (may be NULL) first; when no repository knows it, its own
 * id, which is the digest of its configuration. *ret_digest NULL: neither.
 */
int cri_image_read(struct str answer, const char *reference, struct diag *diag, char **ret_digest,
		   bool *ret_is_config);

typedef void (*cri_id_fn)(void *user, const char *id);

/* Of ListContainers and ListPodSandbox: at most `max` ids are told; how many, or -EPROTO. */
int cri_containers_read(struct str answer, size_t max, cri_id_fn each, void *user, struct diag *diag);
int cri_sandboxes_read(struct str answer, size_t max, cri_id_fn each, void *user, struct diag *diag);

/* Of GetContainerEvents: 1 and the id; 0: none of ours, or an event that starts nothing; -EPROTO. */
int cri_event_read(struct str message, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1]);
