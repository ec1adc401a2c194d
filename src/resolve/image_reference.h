/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An image's reference, [DOMAIN/]PATH[:TAG][@sha256:HEX], in parts that can be compared: nginx, docker.io/nginx and
 * docker.io/library/nginx are the same. Pure; the parts are views of the text, or constants.
 */

#include <stdbool.h>

#include "base/str.h"

#define IMAGE_REFERENCE_MAX 1024 /* bytes */

struct image_reference {
	struct str domain; /* "docker.io" when not given */
	struct str path; /* on docker.io without "library/" */
	struct str tag, digest; /* empty = not given; digest: "sha256:" + 64 hex */
};

/* False, and nothing written: what no registry would take (capital letters in the path, another digest, ...). */
bool image_reference_parse(struct str text, struct image_reference *ret_image);
