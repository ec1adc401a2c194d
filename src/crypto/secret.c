/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading secrets. Promises that only a file that the right people can read is read, and that no copy stays behind in
 * freed memory. The path is the operator's own: links in it are followed, and what counts is what they lead to.
 */

#include "crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>

#include "base/cleanup.h"
#include "base/file.h"

void secret_wipe(struct buf *secret)
{
	if (secret->data)
		OPENSSL_cleanse(secret->data, secret->capacity);
	buf_done(secret);
}

static int require_private(int fd, const char *path, const char *what, mode_t others, struct diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return diag_error(diag, -errno, "cannot read %s %s: %s", what, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return diag_error(diag, -EINVAL, "cannot read %s %s: it is no regular file", what, path);
	if (st.st_mode & others)
		return diag_exit(
			diag, EXIT_NOT_PERMITTED, -EPERM,
			"refusing %s %s: its mode %04o lets others at it; chmod 0600 and, if others could "
			"read it, make a new one",
			what, path, (unsigned int)st.st_mode & 07777);
	if (st.st_uid != 0 && st.st_uid != geteuid() && others != SECRET_ANY)
		return diag_exit(diag, EXIT_NOT_PERMITTED, -EPERM,
				 "refusing %s %s: it belongs to user %u, neither to root nor to us; chown it",
				 what, path, (unsigned int)st.st_uid);
	return 0;
}

int secret_read(const char *path, const char *what, const char *hint, mode_t others, struct buf *out,
		struct diag *diag)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0 && errno == ENOENT)
		return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT, "cannot read %s %s: it is not there%s%s", what,
				 path, hint ? "; " : "", hint ? hint : "");
	if (fd < 0)
		return diag_error(diag, -errno, "cannot read %s %s: %s", what, path, strerror(errno));
	r = require_private(fd, path, what, others, diag);
	/* All room at once: growing would leave copies of the secret in freed memory. */
	if (r == 0)
		r = buf_reserve(out, out->max - out->len);
	return r < 0 ? r : file_read_fd(fd, path, out, diag);
}

int secret_read_line(const char *path, const char *what, mode_t others, struct buf *out, struct diag *diag)
{
	size_t begin = out->len;
	int r = secret_read(path, what, NULL, others, out, diag);

	if (r < 0)
		return r;
	if (out->len > begin && out->data[out->len - 1] == '\n')
		out->len--;
	if (out->len > begin && out->data[out->len - 1] == '\r')
		out->len--;
	for (size_t i = begin; i < out->len; i++) {
		unsigned char c = (unsigned char)out->data[i];

		if (c < ' ' || c == 0x7f)
			return diag_error(diag, -EINVAL, "cannot use %s %s: more than one line is in it", what,
					  path);
	}
	if (out->len == begin)
		return diag_error(diag, -EINVAL, "cannot use %s %s: it is empty", what, path);
	return 0;
}
