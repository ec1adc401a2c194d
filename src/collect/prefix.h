/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From globs to what the kernel half can decide of them: the beginnings of paths. It leaves out only what the globs
 * leave out; where every pattern is "/some/directory/" and "**", it leaves out all of that.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "wire/prefix.h"

/* What may be left out by beginnings alone, for these lists; both counts 0: nothing. */
void prefixes_of(char *const *allow, size_t n_allow, char *const *deny, size_t n_deny,
		 struct wire_prefixes *ret_prefixes);

/*
 * A path as the kernel half has it when it asks: `end` for wire_prefixes_leave_out, its length returned. Only the
 * last WIRE_PREFIX_MAX bytes are kept. The path is absolute and whole.
 */
uint32_t prefix_end_of(struct str path, __u64 ret_end[WIRE_PREFIX_WORDS]);
