/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What Docker's API says, as text, and Podman's, which is the same. Pure: bytes to facts. -EPROTO: it does not hold, and
 * the diag says what; -ENOMEM.
 */

#include "base/buf.h"
#include "resolve/engine_driver.h"

/* GET /version: "docker" or "podman", a constant. */
int docker_read_version(struct str text, struct diag *diag, const char **ret_runtime);

/*
 * GET /containers/json with a filter for this id. 1; 0: there is none. `facts` is empty and gets all but the digest of the
 * image and the runtime; *ret_image is the image's own digest, "" for a container made from no image.
 */
int docker_read_container(struct str text, const char *id, const struct engines_options *options,
			  struct diag *diag, struct container_facts *facts,
			  char ret_image[ENGINE_DIGEST_LEN + 1]);

/*
 * GET /images/DIGEST/json: the repository's digest: that which `reference` itself names; else that of the reference's
 * repository; else the first in sort order. *ret_digest is NULL when there is none (built or imported here).
 */
int docker_read_image(struct str text, const char *image, const char *reference, struct diag *diag,
		      char **ret_digest);

/* An object of GET /containers/json. */
int docker_read_listed(struct str text, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1]);
/* An object of GET /events. 1; 0: it speaks of no container. */
int docker_read_event(struct str text, struct diag *diag, char ret_id[ENGINE_ID_LEN + 1]);
