/* SPDX-License-Identifier: Apache-2.0 */
/* Files: what is published is whole, what is refused leaves nothing behind, what is no file is never touched. */

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"

struct place {
	char path[64];
	int dir;
};

static int place_init(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -1;
	strcpy(place->path, "/tmp/stella-file-XXXXXX");
	if (!mkdtemp(place->path))
		return -1;
	place->dir = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = place;
	return place->dir < 0 ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int place_done(void **state)
{
	struct place *place = *state;

	close(place->dir);
	nftw(place->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(place);
	return 0;
}

static size_t entries(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fdopendir(fd);
	size_t count = 0;

	assert_non_null(stream);
	for (struct dirent *entry; (entry = readdir(stream));)
		count += entry->d_name[0] != '.';
	closedir(stream);
	return count;
}

static void assert_content(int dir, const char *name, const char *content)
{
	_cleanup_(buf_done) struct buf buf = BUF_MAX(1 << 20);

	assert_int_equal(file_read_at(dir, name, &buf, NULL), 0);
	assert_string_equal(buf_cstr(&buf), content);
}

static void put(int dir, const char *name, const char *content)
{
	assert_int_equal(file_publish_at(dir, name, 0644, content, strlen(content), false, NULL), 0);
}

/* ---- reading ---- */

static void reads_all_and_appends(void **state)
{
	struct place *place = *state;
	_cleanup_(buf_done) struct buf buf = BUF_MAX(9);

	put(place->dir, "f", "content");
	assert_int_equal(buf_append(&buf, "a ", 2), 0);
	assert_int_equal(file_read_at(place->dir, "f", &buf, NULL), 0);
	assert_string_equal(buf_cstr(&buf), "a content");
}

static void reads_nothing_from_an_empty_file(void **state)
{
	struct place *place = *state;
	_cleanup_(buf_done) struct buf buf = BUF_MAX(0);

	put(place->dir, "empty", "");
	assert_int_equal(file_read_nofollow_at(place->dir, "empty", &buf, NULL), 0);
	assert_int_equal(buf.len, 0);
}

static void reads_files_that_hide_their_size(void **state)
{
	_cleanup_(buf_done) struct buf buf = BUF_MAX(1 << 20);
	_cleanup_(buf_done) struct buf small = BUF_MAX(10);
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(file_read_at(AT_FDCWD, "/proc/self/status", &buf, &diag), 0);
	assert_true(buf.len > 100);
	assert_int_equal(file_read_at(AT_FDCWD, "/proc/self/status", &small, &diag), -E2BIG);
	assert_int_equal(small.len, 0);
}

static void refuses_what_is_too_large(void **state)
{
	struct place *place = *state;
	_cleanup_(buf_done) struct buf buf = BUF_MAX(6);
	_cleanup_(closep) int fd = -1;
	struct diag diag = { 0 };

	put(place->dir, "f", "content");
	assert_int_equal(file_read_at(place->dir, "f", &buf, &diag), -E2BIG);
	assert_non_null(strstr(diag.text, "limit of 6 bytes"));
	assert_int_equal(buf.len, 0);
	/* A terabyte that occupies nothing must not be allocated before it is refused. */
	fd = openat(place->dir, "huge", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	assert_int_equal(file_read_at(place->dir, "huge", &buf, NULL), -E2BIG);
	assert_int_equal(buf.capacity, 0);
}

static void refuses_links_when_told(void **state)
{
	struct place *place = *state;
	_cleanup_(buf_done) struct buf buf = BUF_MAX(100);
	struct diag diag = { 0 };

	put(place->dir, "target", "x");
	assert_int_equal(symlinkat("target", place->dir, "link"), 0);
	assert_int_equal(symlinkat("nowhere", place->dir, "dangling"), 0);
	assert_int_equal(file_read_nofollow_at(place->dir, "link", &buf, &diag), -EINVAL);
	assert_non_null(strstr(diag.text, "symbolic link"));
	assert_int_equal(file_open_nofollow_at(place->dir, "dangling", NULL), -EINVAL);
	assert_int_equal(file_read_at(place->dir, "dangling", &buf, NULL), -ENOENT);
	assert_int_equal(file_read_at(place->dir, "link", &buf, NULL), 0);
	assert_string_equal(buf_cstr(&buf), "x");
}

/* A reader that blocked on the FIFO would hang here; the alarm turns that into a failure. */
static void refuses_what_is_no_file_without_blocking(void **state)
{
	struct place *place = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(closep) int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_(buf_done) struct buf buf = BUF_MAX(100);
	static const char *const names[] = { "fifo", "dir", "socket", "/dev/null", "/dev/zero" };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", place->path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(mkfifoat(place->dir, "fifo", 0600), 0);
	assert_int_equal(mkdirat(place->dir, "dir", 0700), 0);
	alarm(10);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(file_read_at(place->dir, names[i], &buf, NULL), -EINVAL);
		assert_int_equal(file_open_nofollow_at(place->dir, names[i], NULL), -EINVAL);
	}
	alarm(0);
	assert_int_equal(buf.len, 0);
}

static void opened_file_starts_at_its_beginning(void **state)
{
	struct place *place = *state;
	_cleanup_(buf_done) struct buf buf = BUF_MAX(100);
	_cleanup_(closep) int fd = -1;

	put(place->dir, "f", "content");
	fd = file_open_nofollow_at(place->dir, "f", NULL);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(file_read_fd(fd, "f", &buf, NULL), 0);
	assert_string_equal(buf_cstr(&buf), "content");
}

/* ---- publishing ---- */

static void publishes_with_the_exact_mode(void **state)
{
	struct place *place = *state;
	mode_t umask_before = umask(0077);
	struct stat st;

	assert_int_equal(file_publish_at(place->dir, "f", 0644, "x", 1, true, NULL), 0);
	umask(0);
	assert_int_equal(file_publish_at(place->dir, "g", 0600, "x", 1, true, NULL), 0);
	umask(umask_before);
	assert_int_equal(fstatat(place->dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(fstatat(place->dir, "g", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(entries(place->dir), 2);
}

static void publishes_over_the_old_content(void **state)
{
	struct place *place = *state;
	_cleanup_(closep) int old = -1;
	char text[4] = "";

	put(place->dir, "f", "old");
	old = file_open_nofollow_at(place->dir, "f", NULL);
	assert_int_equal(file_publish_at(place->dir, "f", 0644, "new", 3, true, NULL), 0);
	assert_content(place->dir, "f", "new");
	/* Who had the old file open still reads the old content: it was replaced, not rewritten. */
	assert_int_equal(read(old, text, 3), 3);
	assert_string_equal(text, "old");
}

static void publishing_replaces_a_link_and_spares_its_target(void **state)
{
	struct place *place = *state;
	struct stat st;

	put(place->dir, "precious", "precious");
	assert_int_equal(symlinkat("precious", place->dir, "f"), 0);
	assert_int_equal(file_publish_at(place->dir, "f", 0644, "new", 3, false, NULL), 0);
	assert_content(place->dir, "precious", "precious");
	assert_int_equal(fstatat(place->dir, "f", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void publishing_new_never_replaces(void **state)
{
	struct place *place = *state;
	struct diag diag = { 0 };

	put(place->dir, "f", "old");
	assert_int_equal(symlinkat("nowhere", place->dir, "dangling"), 0);
	assert_int_equal(file_publish_new_at(place->dir, "f", 0644, "new", 3, true, &diag), -EEXIST);
	assert_int_equal(file_publish_new_at(place->dir, "dangling", 0644, "new", 3, true, NULL), -EEXIST);
	assert_int_equal(file_publish_new_at(place->dir, "g", 0644, "new", 3, true, NULL), 0);
	assert_content(place->dir, "f", "old");
	assert_content(place->dir, "g", "new");
	assert_int_equal(entries(place->dir), 3);
}

static void failed_publishing_leaves_nothing(void **state)
{
	struct place *place = *state;
	char long_name[300];
	struct diag diag = { 0 };

	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(mkdirat(place->dir, "dir", 0700), 0);
	put(place->dir, "dir/inside", "x");
	assert_int_equal(file_publish_at(place->dir, "dir", 0644, "x", 1, true, &diag), -EISDIR);
	assert_non_null(strstr(diag.text, "cannot write dir"));
	assert_int_equal(file_publish_at(place->dir, "no/where", 0644, "x", 1, true, NULL), -ENOENT);
	assert_int_equal(file_publish_at(place->dir, long_name, 0644, "x", 1, true, NULL), -ENAMETOOLONG);
	assert_int_equal(entries(place->dir), 1);
}

static void full_disk_spares_what_is_published(void **state)
{
	struct place *place = *state;
	_cleanup_(freep) char *big = calloc(1, 1 << 20);
	_cleanup_(closep) int dir = -1;
	struct diag diag = { 0 };

	assert_non_null(big);
	memset(big, 'x', (1 << 20) - 1);
	if (geteuid() != 0 || mount("tmpfs", place->path, "tmpfs", 0, "size=256k") < 0)
		skip();
	dir = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(file_publish_at(dir, "f", 0644, "old", 3, true, NULL), 0);
	assert_int_equal(file_publish_at(dir, "f", 0644, big, 1 << 20, true, &diag), -ENOSPC);
	assert_non_null(strstr(diag.text, "make room"));
	assert_content(dir, "f", "old");
	assert_int_equal(entries(dir), 1);
	assert_int_equal(mount(NULL, place->path, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(file_publish_at(dir, "f", 0644, "new", 3, true, NULL), -EROFS);
	assert_content(dir, "f", "old");
	close(TAKE_FD(dir));
	assert_int_equal(umount(place->path), 0);
}

static void write_all_says_how_far_it_came(void **state)
{
	struct place *place = *state;
	_cleanup_(closep) int out = -1;
	int pipe_fds[2];
	size_t written = 99;
	char *big = calloc(1, 1 << 20);

	(void)place;
	assert_non_null(big);
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(file_write_all(pipe_fds[1], big, 1 << 20, &written), -EAGAIN);
	assert_true(written > 0 && written < 1 << 20);
	close(pipe_fds[0]);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(file_write_all(pipe_fds[1], big, 1, &written), -EPIPE);
	assert_int_equal(written, 0);
	close(pipe_fds[1]);
	out = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(file_write_all(out, big, 1, NULL), -ENOSPC);
	assert_int_equal(file_write_all(out, NULL, 0, &written), 0);
	free(big);
}

static void renames_over_and_reports(void **state)
{
	struct place *place = *state;
	struct diag diag = { 0 };

	put(place->dir, "a", "a");
	put(place->dir, "b", "b");
	assert_int_equal(file_rename_at(place->dir, "a", "b", NULL), 0);
	assert_content(place->dir, "b", "a");
	assert_int_equal(file_rename_at(place->dir, "a", "b", &diag), -ENOENT);
	assert_string_equal(diag.text, "cannot rename a to b: No such file or directory");
}

static void makes_directories(void **state)
{
	struct place *place = *state;
	mode_t umask_before = umask(022);
	struct diag diag = { 0 };
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s//a/b c///d/", place->path);
	assert_int_equal(directory_make(path, 0750, NULL), 0);
	assert_int_equal(directory_make(path, 0700, NULL), 0);
	assert_int_equal(fstatat(place->dir, "a/b c/d", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	umask(umask_before);
	put(place->dir, "file", "x");
	snprintf(path, sizeof(path), "%s/file", place->path);
	assert_int_equal(directory_make(path, 0700, &diag), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/file/below", place->path);
	assert_int_equal(directory_make(path, 0700, NULL), -ENOTDIR);
	assert_int_equal(directory_make("/", 0700, NULL), 0);
	assert_int_equal(directory_make(".", 0700, NULL), 0);
	assert_int_equal(directory_make("", 0700, NULL), -ENOENT);
}

static int visit_until_b(void *user, const char *name)
{
	size_t *count = user;

	assert_string_not_equal(name, ".");
	assert_string_not_equal(name, "..");
	++*count;
	return strcmp(name, "b") == 0 ? -ECANCELED : 0;
}

static void visit_meets_each_name_once(void **state)
{
	struct place *place = *state;
	size_t count = 0;

	assert_int_equal(directory_visit(place->dir, visit_until_b, &count), 0);
	assert_int_equal(count, 0);
	put(place->dir, "a", "");
	assert_int_equal(symlinkat("nowhere", place->dir, ".hidden"), 0);
	/* The descriptor is not used up by the first time. */
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(directory_visit(place->dir, visit_until_b, &count), 0);
		assert_int_equal(count, 2 * i);
	}
	put(place->dir, "b", "");
	assert_int_equal(directory_visit(place->dir, visit_until_b, &count), -ECANCELED);
	assert_int_equal(directory_visit(-1, visit_until_b, &count), -EBADF);
}

static void absolute_from_the_working_directory(void **state)
{
	struct place *place = *state;
	_cleanup_(freep) char *here = getcwd(NULL, 0), *path = NULL, *relative = NULL, *wanted = NULL;

	assert_int_equal(path_absolute("/a/../b", &path), 0);
	assert_string_equal(path, "/a/../b");
	assert_int_equal(chdir(place->path), 0);
	assert_int_equal(path_absolute("x", &relative), 0);
	assert_int_equal(chdir(here), 0);
	assert_true(asprintf(&wanted, "%s/x", place->path) > 0);
	assert_string_equal(relative, wanted);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_init, place_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(reads_all_and_appends),
		IN_PLACE(reads_nothing_from_an_empty_file),
		IN_PLACE(reads_files_that_hide_their_size),
		IN_PLACE(refuses_what_is_too_large),
		IN_PLACE(refuses_links_when_told),
		IN_PLACE(refuses_what_is_no_file_without_blocking),
		IN_PLACE(opened_file_starts_at_its_beginning),
		IN_PLACE(publishes_with_the_exact_mode),
		IN_PLACE(publishes_over_the_old_content),
		IN_PLACE(publishing_replaces_a_link_and_spares_its_target),
		IN_PLACE(publishing_new_never_replaces),
		IN_PLACE(failed_publishing_leaves_nothing),
		IN_PLACE(full_disk_spares_what_is_published),
		IN_PLACE(write_all_says_how_far_it_came),
		IN_PLACE(renames_over_and_reports),
		IN_PLACE(makes_directories),
		IN_PLACE(visit_meets_each_name_once),
		IN_PLACE(absolute_from_the_working_directory),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
