/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Fills a directory that nobody sees yet, keeps the SHA-256 of each file, and gives it its name when it is whole. */

#include <stdbool.h>

#include "base/buf.h"
#include "base/diag.h"

struct bundle_copy {
	int dir; /* the directory under its temporary name */
	char *temporary, *final;
	struct buf sums; /* as sha256sum writes them */
	struct diag *diag;
};

#define BUNDLE_COPY_EMPTY ((struct bundle_copy) { .dir = -1, .sums = BUF_MAX(256u << 20) })

/* Makes the temporary directory beside `path`. -EEXIST: there is something under that name already. */
int bundle_copy_begin(struct bundle_copy *copy, const char *path, struct diag *diag);
int bundle_copy_directory(struct bundle_copy *copy, const char *name);
/* A regular file, never through a symlink when `nofollow`, under a name below the directory; synced. */
int bundle_copy_file(struct bundle_copy *copy, int from_dir, const char *from, bool nofollow, const char *to,
		     unsigned int mode);
int bundle_copy_text(struct bundle_copy *copy, struct str text, const char *to, unsigned int mode);
/* Writes SHA256SUMS, syncs, and renames; -EEXIST when something came under that name meanwhile. */
int bundle_copy_end(struct bundle_copy *copy);
/* What was not ended is removed. */
void bundle_copy_done(struct bundle_copy *copy);
