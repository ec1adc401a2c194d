/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the other programs of ours are: beside this one, installed or in the place where they were built. */

#include <limits.h>
#include <stddef.h>

/* The first of `places`, relative to the directory that this program is in, that may be executed; -ENOENT: none. */
int program_beside(const char *const *places, size_t count, char path[PATH_MAX]);
