/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The text of apk's database, read without touching a file. */

#include "base/str.h"

struct apk_package {
	struct str name, version, arch, origin; /* {NULL, 0} = not said */
	struct str files; /* the lines of the stanza, for apk_file_next */
};

/* The next stanza; views into the text. False at its end. */
bool apk_package_next(struct str *rest, struct apk_package *ret_package);
/* The next file of a stanza; both relative to the root, the directory may be "". {NULL, 0} to begin with as directory. */
bool apk_file_next(struct str *lines, struct str *directory, struct str *ret_name);
