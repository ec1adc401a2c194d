/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The texts of dpkg's database, read without touching a file. */

#include "base/str.h"

struct dpkg_stanza {
	struct str package, version, arch, source, status; /* {NULL, 0} = not said */
};

/* The next stanza of a status file; views into the text. False at its end. */
bool dpkg_stanza_next(struct str *rest, struct dpkg_stanza *ret_stanza);
/* A stanza of a package whose files are there: unpacked or more. */
bool dpkg_stanza_is_there(const struct dpkg_stanza *stanza);

/* The file that is named `from` in packages lies at `to`, except that of the package `by` ({":", 1}: of all). */
struct dpkg_diversion {
	struct str from, to, by;
};

bool dpkg_diversion_next(struct str *rest, struct dpkg_diversion *ret_diversion);
