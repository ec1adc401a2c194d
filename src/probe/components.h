/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/*
 * "passwd\0etc\0" -> "/etc/passwd"; nothing -> "/". False: an empty component or a missing NUL. A slash in a component
 * is let through: a memfd's name is the caller's and may hold any. `out` has room for components.len + 1; no NUL is
 * written behind the path.
 */
bool components_path(struct str components, char *out, struct str *ret_path);
