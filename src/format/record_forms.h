/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The patterns of the record schema, by hand: each is the ECMA 262 text beside it, and nothing else. */

#include <stdbool.h>

#include "base/str.h"

#define PATTERN_CONTAINER_ID "^(containerd|docker|cri-o|podman)://[a-f0-9]{64}$"
#define PATTERN_IMAGE_DIGEST "^sha256:[a-f0-9]{64}$"
#define PATTERN_DEV "^[0-9]+:[0-9]+$"
#define PATTERN_ERRNO "^E[A-Z0-9]+$"
#define PATTERN_ABSOLUTE "^/"
#define PATTERN_NOT_EMPTY "^[\\s\\S]"
#define PATTERN_BUILD_ID "^([a-f0-9]{2})+$"
#define PATTERN_ADDRESS "^[0-9a-f:.]{2,45}$"
#define PATTERN_BASE64 "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

bool form_container_id(struct str raw);
bool form_image_digest(struct str raw);
bool form_dev(struct str raw);
bool form_errno(struct str raw);
bool form_absolute(struct str raw);
bool form_not_empty(struct str raw);
bool form_build_id(struct str raw);
bool form_address(struct str raw);
bool form_base64(struct str raw);
