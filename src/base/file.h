/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files followed to their end: short reads and writes, sync, rename, sync of the directory. All names are
 * relative to a directory descriptor (AT_FDCWD allowed). Errors are negative errno and, where a diag is
 * taken, one line.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/diag.h"

/*
 * Reads a whole regular file into `out` (appended). -E2BIG when it is larger than out->max. Never follows a
 * symlink in the last component when `nofollow`; refuses FIFOs, devices and directories (-EINVAL) without
 * blocking on them.
 */
int file_read_at(int dir, const char *name, struct buf *out, struct diag *diag);
int file_read_nofollow_at(int dir, const char *name, struct buf *out, struct diag *diag);

/* The rest of an open regular file, appended to `out`; `name` is for the line only. -E2BIG beyond out->max. */
int file_read_fd(int fd, const char *name, struct buf *out, struct diag *diag);

/* Opens a regular file for reading, nofollow, nonblocking probe first; -EINVAL when it is no regular file. */
int file_open_nofollow_at(int dir, const char *name, struct diag *diag);

/* Writes all of it or fails; *ret_written (may be NULL) tells how much went out in either case. */
int file_write_all(int fd, const void *data, size_t len, size_t *ret_written);

/*
 * Publishes `name` with this content: temporary name beside it, write, fsync, rename over `name`, fsync of
 * the directory. Under `name` there is the old content or the new, never a part. With `durable` false the
 * two syncs are left out (atomic, not durable).
 */
int file_publish_at(int dir, const char *name, mode_t mode, const void *data, size_t len, bool durable,
		    struct diag *diag);

/* The same under a name that must be free: -EEXIST, and what is there stays as it is. */
int file_publish_new_at(int dir, const char *name, mode_t mode, const void *data, size_t len, bool durable,
			struct diag *diag);

/* Renames within `dir` and syncs the directory. */
int file_rename_at(int dir, const char *from, const char *to, struct diag *diag);

/* Creates each missing component of an absolute or relative path, mode for new ones. */
int directory_make(const char *path, mode_t mode, struct diag *diag);

/*
 * Calls visit with each name in the open directory but "." and "..", in no order; a negative result ends it and is
 * returned. Reads from the beginning whatever was read through `dir` before.
 */
int directory_visit(int dir, int (*visit)(void *user, const char *name), void *user);

/* `path` as seen from the root, unresolved: a new string, or -ENOMEM or why the working directory is not known. */
int path_absolute(const char *path, char **ret_path);
