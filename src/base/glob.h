/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Path globs. `?` is one byte but '/', `*` any run without '/', `**` any run, [a-z] a class without '/',
 * backslash takes the next byte as it is. Anchored at both ends, bytes compared.
 */

#include <stdbool.h>

#include "base/str.h"

#define FILTER_GLOB_MAX 1024 /* bytes a pattern */

/* The matcher itself: linear in text x pattern, no recursion. */
bool glob_matches(struct str pattern, struct str text);
/* 0, or -EINVAL with *ret_reason: an open class, a trailing backslash, an empty pattern. */
int glob_check(struct str pattern, const char **ret_reason);
