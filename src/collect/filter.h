/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which records are kept by their path, by the globs of base/glob.h. Denylist wins over allowlist; an empty allowlist
 * allows all. Only file_open is filtered by path; other kinds always pass.
 */

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/glob.h"
#include "format/event.h"

#define FILTER_GLOBS_MAX 256 /* patterns a list */

struct filter;

int filter_new(char *const *allow, size_t n_allow, char *const *deny, size_t n_deny, struct diag *diag,
	       struct filter **ret_filter);
void filter_free(struct filter *filter);
DEFINE_FREEP(filter, filter_free)

bool filter_wants(const struct filter *filter, const struct event *event);
