/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whose code is read, not mapped: what an interpreter read before coverage opened is in no record. */

#include "base/str.h"

enum language {
	LANGUAGE_PYTHON,
	LANGUAGE_NODE,
	LANGUAGE_RUBY,
	LANGUAGE_JAVA,
	LANGUAGE_PERL,
	LANGUAGE_PHP,
	LANGUAGE_END
};

/* By the name of an interpreter, or by the type of a package; LANGUAGE_END = none of them. */
enum language language_of_program(struct str path);
enum language language_of_library(struct str path); /* an interpreter that others have in them */
enum language language_of_type(const char *package_type);
const char *language_name(enum language language);
