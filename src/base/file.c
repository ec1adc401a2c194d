/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files followed to their end. Promises: a reader never blocks on, or wakes up, what is no regular file, and
 * never takes more than its buffer's ceiling; under a published name there is the old content or the new one,
 * never a part; what was begun and failed leaves no temporary file behind (a killed process may: NAME.tmp-HEX).
 * Descriptors opened here are closed here, except the one file_open_nofollow_at hands out.
 */

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define READ_STEP 65536

/* What a person can do about the errors that have a cure. */
static const char *cure(int error)
{
	switch (error) {
	case -ENOSPC:
	case -EDQUOT:
		return "; make room on its filesystem";
	case -EROFS:
		return "; choose a directory on a writable filesystem";
	case -EACCES:
	case -EPERM:
		return "; run as its owner or as root";
	default:
		return "";
	}
}

static int fail(struct diag *diag, int error, const char *deed, const char *name)
{
	return diag_error(diag, error, "cannot %s %s: %s%s", deed, name, strerror(-error), cure(error));
}

static int require_regular(const struct stat *st, const char *name, struct diag *diag)
{
	if (S_ISREG(st->st_mode))
		return 0;
	return diag_error(diag, -EINVAL, "cannot read %s: it is %s, and must be a regular file", name,
			  S_ISDIR(st->st_mode)	  ? "a directory"
			  : S_ISLNK(st->st_mode)  ? "a symbolic link"
			  : S_ISFIFO(st->st_mode) ? "a FIFO"
			  : S_ISSOCK(st->st_mode) ? "a socket"
						  : "a device");
}

/*
 * Asked first by name, since opening alone can rewind a tape or wake up a writer; asked again of the
 * descriptor, since the name can change hands in between. O_NONBLOCK: a FIFO swapped in cannot hold us.
 */
static int open_regular(int dir, const char *name, bool nofollow, struct diag *diag)
{
	_cleanup_(closep) int fd = -1;
	struct stat st;
	int r;

	if (fstatat(dir, name, &st, nofollow ? AT_SYMLINK_NOFOLLOW : 0) < 0)
		return fail(diag, -errno, "open", name);
	r = require_regular(&st, name, diag);
	if (r < 0)
		return r;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (nofollow ? O_NOFOLLOW : 0));
	if (fd < 0)
		return fail(diag, -errno, "open", name);
	if (fstat(fd, &st) < 0)
		return fail(diag, -errno, "open", name);
	r = require_regular(&st, name, diag);
	if (r < 0)
		return r;
	return TAKE_FD(fd);
}

int file_open_nofollow_at(int dir, const char *name, struct diag *diag)
{
	return open_regular(dir, name, true, diag);
}

static ssize_t read_some(int fd, void *data, size_t len)
{
	ssize_t got;

	do
		got = read(fd, data, len);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static int too_large(const struct buf *out, const char *name, struct diag *diag)
{
	return diag_error(diag, -E2BIG, "cannot read %s: it is larger than the limit of %zu bytes", name,
			  out->max);
}

/* One step of reading, into the room that is there first: bytes taken, 0 at the end of the file. */
static ssize_t read_step(int fd, struct buf *out)
{
	size_t left = out->max - out->len;
	size_t step = out->capacity - out->len;
	ssize_t got;
	char one;
	int r;

	if (left == 0) {
		got = read_some(fd, &one, 1);
		return got > 0 ? -E2BIG : got;
	}
	if (step == 0)
		step = left < READ_STEP ? left : READ_STEP;
	r = buf_reserve(out, step);
	if (r < 0)
		return r;
	got = read_some(fd, out->data + out->len, step);
	if (got > 0)
		out->len += (size_t)got;
	return got;
}

int file_read_fd(int fd, const char *name, struct buf *out, struct diag *diag)
{
	size_t before = out->len;
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) < 0)
		return fail(diag, -errno, "read", name);
	/* The size is a hint: files grow, and those of /proc say 0. One byte more, to see the end at once. */
	if (st.st_size > 0 && (uint64_t)st.st_size > out->max - out->len)
		return too_large(out, name, diag);
	if (st.st_size > 0 && (uint64_t)st.st_size < out->max - out->len)
		got = buf_reserve(out, (size_t)st.st_size + 1);
	else
		got = 0;
	if (got < 0)
		return fail(diag, (int)got, "read", name);
	do
		got = read_step(fd, out);
	while (got > 0);
	if (got == 0)
		return 0;
	out->len = before;
	return got == -E2BIG ? too_large(out, name, diag) : fail(diag, (int)got, "read", name);
}

int file_read_at(int dir, const char *name, struct buf *out, struct diag *diag)
{
	_cleanup_(closep) int fd = open_regular(dir, name, false, diag);

	return fd < 0 ? fd : file_read_fd(fd, name, out, diag);
}

int file_read_nofollow_at(int dir, const char *name, struct buf *out, struct diag *diag)
{
	_cleanup_(closep) int fd = open_regular(dir, name, true, diag);

	return fd < 0 ? fd : file_read_fd(fd, name, out, diag);
}

int file_write_all(int fd, const void *data, size_t len, size_t *ret_written)
{
	const char *from = data;
	size_t done = 0;
	int r = 0;

	while (done < len) {
		ssize_t put = write(fd, from + done, len - done);

		if (put > 0) {
			done += (size_t)put;
		} else if (put == 0) {
			r = -EIO;
			break;
		} else if (errno != EINTR) {
			r = -errno;
			break;
		}
	}
	if (ret_written)
		*ret_written = done;
	return r;
}

/* A rename lasts only once the directory that holds the name is on disk. */
static int sync_parent(int dir, const char *name)
{
	_cleanup_(freep) char *parent = NULL;
	_cleanup_(closep) int fd = -1;
	const char *slash = strrchr(name, '/');

	parent = !slash ? strdup(".") : slash == name ? strdup("/") : strndup(name, (size_t)(slash - name));
	if (!parent)
		return -ENOMEM;
	fd = openat(dir, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

/* A name that nobody can have prepared, beginning with the final one so that leftovers are recognised. */
static int temporary_open(int dir, const char *name, char **ret_temporary)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(PATH_MAX);
	uint8_t random[8];
	char hex[2 * sizeof(random) + 1];
	int fd, r;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	text_hex(random, sizeof(random), hex);
	r = buf_printf(&text, "%s.tmp-%s", name, hex);
	if (r < 0)
		return r == -E2BIG ? -ENAMETOOLONG : r;
	if (!buf_cstr(&text))
		return -ENOMEM;
	fd = openat(dir, text.data, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	*ret_temporary = TAKE(text.data);
	return fd;
}

/* The mode is exact, whatever the umask; a disk that is full may say so only when synced or closed. */
static int temporary_fill(int *fd, mode_t mode, const void *data, size_t len, bool durable)
{
	int r = file_write_all(*fd, data, len, NULL);

	if (r < 0)
		return r;
	if (fchmod(*fd, mode) < 0)
		return -errno;
	if (durable && fsync(*fd) < 0)
		return -errno;
	if (close(TAKE_FD(*fd)) < 0)
		return -errno;
	return 0;
}

/* link() is the one call that refuses a taken name on every filesystem with modes, NFS included. */
static int temporary_settle(int dir, const char *temporary, const char *name, bool replace)
{
	if (replace)
		return renameat(dir, temporary, dir, name) < 0 ? -errno : 0;
	if (linkat(dir, temporary, dir, name, 0) < 0)
		return -errno;
	return unlinkat(dir, temporary, 0) < 0 ? -errno : 0;
}

static int publish(int dir, const char *name, mode_t mode, const void *data, size_t len, bool durable,
		   bool replace, struct diag *diag)
{
	_cleanup_(freep) char *temporary = NULL;
	_cleanup_(closep) int fd = -1;
	int r;

	fd = temporary_open(dir, name, &temporary);
	if (fd < 0)
		return fail(diag, fd, "write", name);
	r = temporary_fill(&fd, mode, data, len, durable);
	if (r == 0)
		r = temporary_settle(dir, temporary, name, replace);
	if (r < 0) {
		unlinkat(dir, temporary, 0);
		return fail(diag, r, "write", name);
	}
	r = durable ? sync_parent(dir, name) : 0;
	return r < 0 ? fail(diag, r, "sync the directory of", name) : 0;
}

int file_publish_at(int dir, const char *name, mode_t mode, const void *data, size_t len, bool durable,
		    struct diag *diag)
{
	return publish(dir, name, mode, data, len, durable, true, diag);
}

int file_publish_new_at(int dir, const char *name, mode_t mode, const void *data, size_t len, bool durable,
			struct diag *diag)
{
	return publish(dir, name, mode, data, len, durable, false, diag);
}

int file_rename_at(int dir, const char *from, const char *to, struct diag *diag)
{
	int r;

	if (renameat(dir, from, dir, to) < 0)
		return diag_error(diag, -errno, "cannot rename %s to %s: %s%s", from, to, strerror(errno),
				  cure(-errno));
	r = sync_parent(dir, to);
	return r < 0 ? fail(diag, r, "sync the directory of", to) : 0;
}

/* What exists need not answer EEXIST: mount points and read-only parents answer EROFS or EACCES first. */
static int make_component(const char *path, mode_t mode)
{
	struct stat st;
	int r;

	if (mkdir(path, mode) == 0)
		return 0;
	r = -errno;
	if (stat(path, &st) < 0)
		return r;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int directory_make(const char *path, mode_t mode, struct diag *diag)
{
	_cleanup_(freep) char *copy = strdup(path);
	int r;

	if (!copy)
		return -ENOMEM;
	for (char *slash = copy + strspn(copy, "/"); (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		r = make_component(copy, mode);
		if (r < 0)
			return fail(diag, r, "create directory", copy);
		*slash = '/';
	}
	r = make_component(copy, mode);
	return r < 0 ? fail(diag, r, "create directory", path) : 0;
}

static void closedirp(DIR **held)
{
	if (*held)
		closedir(*held);
}

int directory_visit(int dir, int (*visit)(void *user, const char *name), void *user)
{
	_cleanup_(closep) int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *stream = NULL;
	const struct dirent *entry;
	int r;

	if (copy < 0)
		return -errno;
	stream = fdopendir(copy);
	if (!stream)
		return -errno;
	TAKE_FD(copy);
	while ((errno = 0, entry = readdir(stream))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = visit(user, entry->d_name);
		if (r < 0)
			return r;
	}
	return -errno;
}

int path_absolute(const char *path, char **ret_path)
{
	_cleanup_(freep) char *here = NULL;
	char *full = NULL;

	if (path[0] == '/') {
		full = strdup(path);
	} else {
		here = getcwd(NULL, 0);
		if (!here)
			return -errno;
		if (asprintf(&full, "%s/%s", here, path) < 0)
			full = NULL;
	}
	if (!full)
		return -ENOMEM;
	*ret_path = full;
	return 0;
}
