/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Secrets in files: keys, passphrases, PINs, tokens. Their buffers do not move while they fill, and are wiped. */

#include <sys/types.h>

#include "base/buf.h"
#include "base/diag.h"

#define SECRET_PRIVATE 077 /* nobody but the owner */
#define SECRET_GROUP 007 /* the owner's group may read it, too */
#define SECRET_ANY 0 /* what ends soon by itself */

/*
 * Appends the whole file to `out`, whose room is made at once. `what` names it in messages ("the PIN"). A file that
 * somebody in `others` can read or write, or that belongs to another user than root or us, is refused (-EPERM, exit 3);
 * so is one that is not regular (-EINVAL). A missing one: -ENOENT, exit 4, with `hint` behind the line (NULL: none).
 */
int secret_read(const char *path, const char *what, const char *hint, mode_t others, struct buf *out,
		struct diag *diag);
/* The same of one line without control characters; what ends it is left out. Empty: -EINVAL. */
int secret_read_line(const char *path, const char *what, mode_t others, struct buf *out, struct diag *diag);

/* Overwrites and frees. For _cleanup_. */
void secret_wipe(struct buf *secret);
