/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Copies into a directory under a temporary name. Promises: under the final name there is all of it or nothing, also
 * after a failure; nothing that is there is overwritten. Owns the temporary directory until it has its name.
 */

#include "cli/bundle_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crypto/digest.h"

#define PIECE (1u << 16)

int bundle_copy_begin(struct bundle_copy *copy, const char *path, struct diag *diag)
{
	size_t len = strlen(path);
	struct stat st;

	copy->diag = diag;
	while (len > 1 && path[len - 1] == '/')
		len--;
	copy->final = strndup(path, len);
	if (!copy->final || asprintf(&copy->temporary, "%s.partial-XXXXXX", copy->final) < 0) {
		copy->temporary = NULL;
		return diag_error(diag, -ENOMEM, "no memory");
	}
	if (lstat(copy->final, &st) == 0)
		return diag_error(diag, -EEXIST,
				  "%s is there already: nothing is overwritten; choose another name",
				  copy->final);
	if (!mkdtemp(copy->temporary)) {
		int r = -errno;

		free(copy->temporary);
		copy->temporary = NULL;
		return diag_error(diag, r, "%s: cannot make a directory beside it: %s", copy->final,
				  strerror(-r));
	}
	copy->dir = open(copy->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return copy->dir >= 0 ? 0 : diag_error(diag, -errno, "%s: %s", copy->temporary, strerror(errno));
}

int bundle_copy_directory(struct bundle_copy *copy, const char *name)
{
	if (mkdirat(copy->dir, name, 0755) == 0)
		return 0;
	return diag_error(copy->diag, -errno, "%s/%s: %s", copy->temporary, name, strerror(errno));
}

static int add_sum(struct bundle_copy *copy, const struct digest *digest, const char *name)
{
	char hex[DIGEST_TEXT_LEN + 1];
	int r;

	digest_hex(digest, hex);
	r = buf_printf(&copy->sums, "%s  %s\n", hex, name);
	return r < 0 ? diag_error(copy->diag, r, "%s: too many files", copy->final) : 0;
}

static int write_piece(const struct bundle_copy *copy, int to, const char *name, const void *data, size_t len)
{
	int r = file_write_all(to, data, len, NULL);

	return r < 0 ? diag_error(copy->diag, r, "%s/%s: %s", copy->temporary, name, strerror(-r)) : 0;
}

static int create(const struct bundle_copy *copy, const char *name, unsigned int mode)
{
	int fd = openat(copy->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return diag_error(copy->diag, -errno, "%s/%s: %s", copy->temporary, name, strerror(errno));
	return fd;
}

static int pour(const struct bundle_copy *copy, int from, const char *from_name, int to, const char *to_name,
		struct digest_stream *stream)
{
	_cleanup_(freep) char *piece = malloc(PIECE);
	ssize_t n = 1;
	int r = piece ? 0 : -ENOMEM;

	while (r == 0 && n != 0) {
		n = read(from, piece, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return diag_error(copy->diag, -errno, "%s: %s", from_name, strerror(errno));
		r = digest_stream_add(stream, piece, (size_t)n);
		if (r == 0 && n > 0)
			r = write_piece(copy, to, to_name, piece, (size_t)n);
	}
	if (r == 0 && fsync(to) < 0)
		r = diag_error(copy->diag, -errno, "%s/%s: %s", copy->temporary, to_name, strerror(errno));
	return r < 0 ? diag_error(copy->diag, r, "%s: %s", from_name, strerror(-r)) : 0;
}

int bundle_copy_file(struct bundle_copy *copy, int from_dir, const char *from, bool nofollow, const char *to,
		     unsigned int mode)
{
	_cleanup_(digest_stream_freep) struct digest_stream *stream = NULL;
	_cleanup_(closep) int source = -1, target = -1;
	struct digest digest;
	struct stat st;
	int r;

	source = nofollow ? file_open_nofollow_at(from_dir, from, copy->diag)
			  : openat(from_dir, from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (source < 0)
		return diag_error(copy->diag, nofollow ? source : -errno, "%s: %s", from,
				  strerror(nofollow ? -source : errno));
	if (fstat(source, &st) < 0 || !S_ISREG(st.st_mode))
		return diag_error(copy->diag, -EINVAL, "%s is no regular file", from);
	target = create(copy, to, mode);
	if (target < 0)
		return target;
	r = digest_stream_new(&stream);
	if (r == 0)
		r = pour(copy, source, from, target, to, stream);
	if (r == 0)
		r = digest_stream_value(stream, &digest);
	return r < 0 ? r : add_sum(copy, &digest, to);
}

int bundle_copy_text(struct bundle_copy *copy, struct str text, const char *to, unsigned int mode)
{
	_cleanup_(closep) int target = create(copy, to, mode);
	struct digest digest;
	int r;

	if (target < 0)
		return target;
	r = write_piece(copy, target, to, text.data, text.len);
	if (r == 0 && fsync(target) < 0)
		r = diag_error(copy->diag, -errno, "%s/%s: %s", copy->temporary, to, strerror(errno));
	if (r == 0)
		r = digest_of(text.data, text.len, &digest);
	return r < 0 ? r : add_sum(copy, &digest, to);
}

static int sync_below(void *user, const char *name)
{
	const struct bundle_copy *copy = user;
	_cleanup_(closep) int dir = openat(copy->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return dir >= 0 && fsync(dir) < 0 ? -errno : 0;
}

/* The new name must last, too. */
static void sync_parent(const char *path)
{
	_cleanup_(freep) char *copy = strdup(path);
	_cleanup_(closep) int dir = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (dir >= 0)
		(void)fsync(dir);
}

int bundle_copy_end(struct bundle_copy *copy)
{
	struct str sums = buf_str(&copy->sums);
	_cleanup_(closep) int target = create(copy, "SHA256SUMS", 0644);
	int r;

	if (target < 0)
		return target;
	r = write_piece(copy, target, "SHA256SUMS", sums.data, sums.len);
	if (r == 0 && fsync(target) < 0)
		r = -errno;
	if (r == 0)
		r = directory_visit(copy->dir, sync_below, copy);
	if (r == 0 && (fchmod(copy->dir, 0755) < 0 || fsync(copy->dir) < 0))
		r = -errno;
	if (r < 0)
		return diag_error(copy->diag, r, "%s: %s", copy->temporary, strerror(-r));
	if (renameat2(AT_FDCWD, copy->temporary, AT_FDCWD, copy->final, RENAME_NOREPLACE) < 0)
		return diag_error(copy->diag, -errno, "%s: cannot get its name: %s", copy->final,
				  strerror(errno));
	free(copy->temporary);
	copy->temporary = NULL;
	sync_parent(copy->final);
	return 0;
}

/* Two levels: what this file makes. */
static int remove_entry(void *user, const char *name)
{
	int dir = *(const int *)user;
	_cleanup_(closep) int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (below >= 0)
		(void)directory_visit(below, remove_entry, &below);
	(void)unlinkat(dir, name, below >= 0 ? AT_REMOVEDIR : 0);
	return 0;
}

void bundle_copy_done(struct bundle_copy *copy)
{
	if (copy->temporary && copy->dir >= 0) {
		(void)directory_visit(copy->dir, remove_entry, &copy->dir);
		(void)rmdir(copy->temporary);
	}
	closep(&copy->dir);
	free(copy->temporary);
	free(copy->final);
	buf_done(&copy->sums);
	*copy = BUNDLE_COPY_EMPTY;
}
