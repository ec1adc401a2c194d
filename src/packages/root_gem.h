/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The text of a gemspec, read without touching a file. */

#include "base/str.h"

struct gemspec {
	struct str name, version, platform; /* {NULL, 0} = not said; platform "ruby" = any */
};

/* From its stub line, or from assignments of plain strings: it is a program, and is not run. */
void gemspec_parse(struct str text, struct gemspec *ret_spec);
