/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which program of the kernel half brings which kind of record, by which hook, on which kernels, and what that hook
 * cannot see. One table: what is loaded, status, coverage in the seal and the probe reference come from it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "wire/records.h"

#define TRACEPOINT "btf_trace_" /* a tracepoint in `functions` goes by the name of its handler's type */

struct hook {
	const char *
		program; /* its name in the kernel half; a program that brings several kinds has a row for each */
	enum wire_kind kind;
	const char *name; /* in status and in seals */
	unsigned int needs, without; /* FEATURE_*: all of the first, none of the second */
	const char *const
		*functions; /* NULL-ended: hangs on the first that the kernel has; NULL: on none by choice */
	const char *const *blind_spots; /* sorted, NULL-ended; each explained in docs/probe-reference.md */
};

extern const struct hook hooks[];
extern const size_t n_hooks;

/* Is it the one to use with these features (FEATURE_* mask) for these kinds (mask of 1 << enum wire_kind)? */
bool hook_fits(const struct hook *hook, unsigned int features, unsigned int kinds);

/* Does it hang on functions of files, as these are found (targets.h)? Its name begins with "uprobe" then. */
bool hook_is_by_target(const struct hook *hook);
