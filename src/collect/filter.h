/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Path globs. `?` is one byte but '/', `*` any run without '/', `**` any run, [a-z] a class without '/',
 * backslash takes the next byte as it is. Anchored at both ends, bytes compared. Denylist wins over allowlist;
 * an empty allowlist allows all. Only file_open is filtered by path; other kinds always pass.
 */

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "format/event.h"

#define FILTER_GLOB_MAX 1024 /* bytes a pattern */
#define FILTER_GLOBS_MAX 256 /* patterns a list */

struct filter;

int filter_new(char *const *allow, size_t n_allow, char *const *deny, size_t n_deny, struct diag *diag,
	       struct filter **ret_filter);
void filter_free(struct filter *filter);
DEFINE_FREEP(filter, filter_free)

bool filter_wants(const struct filter *filter, const struct event *event);

/* The matcher itself: linear in text x pattern, no recursion. */
bool glob_matches(struct str pattern, struct str text);
/* 0, or -EINVAL with *ret_reason: an open class, a trailing backslash, an empty pattern. */
int glob_check(struct str pattern, const char **ret_reason);
