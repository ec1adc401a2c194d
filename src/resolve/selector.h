/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One entry of `filters.target_containers`, parsed once and held against what is known of a container. Pure; a selector
 * is a view of its text, which has to stay.
 *
 *   docker://ID  containerd://ID  cri-o://ID  podman://ID    that engine's, by its id or the beginning of it
 *   3f2a9c1b04de                  by the beginning of its id (4 digits and more), or called so
 *   web  name:web                 called so
 *   image:nginx:1.25              made from that image, as it was asked for; nginx and docker.io/library/nginx are the
 *                                 same, and without a tag (and digest) any will do
 *   sha256:HEX  image:sha256:HEX  made from the image with that digest
 *   label:KEY=VALUE               with that label
 *   pod:NAME  pod:NAMESPACE/NAME  in that pod
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "resolve/engines.h"
#include "resolve/image_reference.h"

#define SELECTOR_ID_MIN 4 /* digits of an id */
#define SELECTOR_POD_MAX 253 /* Kubernetes: bytes of a pod's name */
#define SELECTOR_NAMESPACE_MAX 63

enum selector_kind {
	SELECTOR_ID,
	SELECTOR_ID_OR_NAME,
	SELECTOR_NAME,
	SELECTOR_IMAGE,
	SELECTOR_DIGEST,
	SELECTOR_LABEL,
	SELECTOR_POD,
};

struct selector {
	enum selector_kind kind;
	const char *runtime; /* SELECTOR_ID: a constant as in container_facts */
	struct str value; /* the beginning of the id; the name, digest, label's value, pod's name */
	struct str key; /* the label's key; the pod's namespace, empty = any */
	struct image_reference image;
};

enum selector_answer {
	SELECTOR_NO,
	SELECTOR_YES,
	SELECTOR_UNDECIDED, /* hangs on what is not known yet */
};

/* -EINVAL: not an entry; *ret_reason is a sentence without a period, a constant, and nothing else is written. */
int selector_parse(struct str text, const char **ret_reason, struct selector *ret_selector);

/*
 * Facts that are NULL are not known yet, or, when `complete` (nobody is left who could still tell), not to be had: then
 * the answer is never SELECTOR_UNDECIDED. An empty facts->id is not known either.
 */
enum selector_answer selector_match(const struct selector *selector, const struct container_facts *facts,
				    bool complete);

/* Yes when one says yes; undecided when none does and one could; no when there are none. */
enum selector_answer selectors_match(const struct selector *selectors, size_t n_selectors,
				     const struct container_facts *facts, bool complete);
