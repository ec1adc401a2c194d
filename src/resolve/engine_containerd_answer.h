/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What containerd's own services say, read out of the bytes of their answers (engine_containerd.proto). Pure. */

#include <stdint.h>

#include "base/str.h"
#include "resolve/engines.h"

#define CONTAINERD_NAMESPACE_MAX 76 /* bytes; containerd's own limit for identifiers */
#define CONTAINERD_NAMESPACES_MAX 64 /* looked into; no more is known of more */

struct containerd_namespaces {
	char names[CONTAINERD_NAMESPACES_MAX][CONTAINERD_NAMESPACE_MAX + 1];
	size_t n;
};

struct containerd_time {
	int64_t seconds; /* 0: not said */
	int32_t nanos;
};

/*
 * Of Namespaces/List: those with a name that can be one, Docker's left out: its containers are Docker's to speak of, and
 * containerd does not know their images. -EPROTO: no such answer.
 */
int containerd_namespaces_read(struct str answer, struct diag *diag,
			       struct containerd_namespaces *ret_namespaces);

/* The id of a container in Containers/ListStream: 1; 0: none of ours (its id is not 64 hex digits); -EPROTO. */
int containerd_listed_read(struct str message, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1]);

/*
 * Of Containers/Get: everything but the digest. *ret_image is the image's name as it stands there, NULL when it has none;
 * the caller's. -EPROTO: no such answer, another container's, or it holds what is no text. `ret_facts` is written on
 * success only.
 */
int containerd_container_read(struct str answer, const char *id, const struct engines_options *options,
			      struct diag *diag, struct container_facts *ret_facts, char **ret_image,
			      struct containerd_time *ret_created);

/*
 * Of Images/Get: the digest of what `name` meant when the container was created, NULL when it cannot be told: the name was
 * given to something, maybe something else, after that. -EPROTO: no such answer, another image's, no digest, or one that
 * the name itself contradicts.
 */
int containerd_image_read(struct str answer, const char *name, const struct containerd_time *created,
			  struct diag *diag, char **ret_digest);

/* Of Events/Subscribe: as containerd_listed_read; 0 also for an event that starts nothing. */
int containerd_event_read(struct str message, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1]);
