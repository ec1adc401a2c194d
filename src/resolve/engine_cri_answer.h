/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What an engine says through Kubernetes' Container Runtime Interface, read out of the bytes of its answers (engine_cri.proto). Pure. */

#include "base/str.h"
#include "resolve/engines.h"

/* Of Version: "containerd", "cri-o" or "docker", a constant; NULL: another one. -EPROTO: no such answer. */
int cri_runtime_read(struct str answer, struct diag *diag, const char **ret_runtime);

/*
 * Of ContainerStatus: name, image's reference, pod, labels; the digest when it stands there. *ret_image_id otherwise: what to ask
 * ImageStatus for; the caller's. -EPROTO: no such answer, another container's, or it holds what is no text. `ret_facts` is
 * written on success only; its runtime is the caller's to set.
 */
int cri_container_read(struct str answer, const char *id, const struct engines_options *options,
		       struct diag *diag, struct container_facts *ret_facts, char **ret_image_id);

/*
 * Of ImageStatus: its repository's digest, that of `reference` (may be NULL) first; when no repository knows it, its own
 * id, which is the digest of its configuration. *ret_digest NULL: neither.
 */
int cri_image_read(struct str answer, const char *reference, struct diag *diag, char **ret_digest,
		   bool *ret_is_config);

/* Of ListContainers for one id: the pod sandbox it is in. 1, 0: not said; -EPROTO. */
int cri_sandbox_id_read(struct str answer, const char *id, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1]);
/* Of PodSandboxStatus: the pod, where `facts` does not have it yet. -EPROTO also when it is another sandbox's. */
int cri_pod_read(struct str answer, const char *sandbox_id, struct diag *diag, struct container_facts *facts);
/* The same, for the sandbox's own container: its labels too. */
int cri_sandbox_read(struct str answer, const char *id, const struct engines_options *options,
		     struct diag *diag, struct container_facts *ret_facts);

typedef void (*cri_id_fn)(void *user, const char *id);

/* Of ListContainers and ListPodSandbox: at most `max` ids are told; how many, or -EPROTO. */
int cri_containers_read(struct str answer, size_t max, cri_id_fn each, void *user, struct diag *diag);
int cri_sandboxes_read(struct str answer, size_t max, cri_id_fn each, void *user, struct diag *diag);

/* Of GetContainerEvents: 1 and the id; 0: none of ours, or an event that starts nothing; -EPROTO. */
int cri_event_read(struct str message, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1]);
