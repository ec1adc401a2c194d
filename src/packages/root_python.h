/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The texts that describe a Python distribution, read without touching a file. */

#include "base/buf.h"

/* The next path of a RECORD (CSV: path,hash,size); `out` is cleared before. 1, 0 at the end, -EBADMSG. */
int python_record_next(struct str *rest, struct buf *out);
/* "Name" and "Version" of METADATA or PKG-INFO; {NULL, 0} = not said. */
void python_metadata(struct str text, struct str *ret_name, struct str *ret_version);
