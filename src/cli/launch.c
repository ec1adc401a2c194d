// SPDX-License-Identifier: Apache-2.0
/*
 * Starts the collector and hears from it whether coverage is open. A collector that dies without a word is seen as
 * the pipe's end, and its own exit status becomes ours. Owns the pipe; the child belongs to nobody once it is ready.
 */

#include "cli/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/beside.h"
#include "cli/output.h"

#define PROGRAM "stella-signalsd"
#define READY_MAX (1u << 20)
#define READY_WAIT_MS 60000 /* recovery of a large directory is part of it */

int launch_exec(char **argv, struct diag *diag)
{
	static const char *const places[] = { PROGRAM, "../libexec/stella/" PROGRAM, "../sbin/" PROGRAM };
	static char name[] = PROGRAM;
	char path[PATH_MAX];
	int error;

	argv[0] = name;
	signal(SIGPIPE, SIG_DFL); /* an ignored signal would stay ignored */
	if (program_beside(places, ARRAY_LEN(places), path) == 0)
		execv(path, argv);
	else
		execvp(PROGRAM, argv);
	error = errno;
	signal(SIGPIPE, SIG_IGN);
	if (error == ENOENT)
		return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT,
				 PROGRAM " is not installed: neither beside stella nor in PATH");
	return diag_error(diag, -error, PROGRAM ": %s", strerror(error));
}

static void run_child(char **argv, int pipe_fd) __attribute__((noreturn));

static void run_child(char **argv, int pipe_fd)
{
	struct diag diag = { .text = "" };
	json_t *object;
	int r, null = open("/dev/null", O_RDONLY);

	setsid();
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	fcntl(pipe_fd, F_SETFD, 0);
	r = launch_exec(argv, &diag);
	object = json_pack("{s:b, s:s, s:i}", "ok", 0, "error", diag.text, "code",
			   (int)diag_exit_status(&diag, r));
	json_dumpfd(object, pipe_fd, JSON_COMPACT);
	_exit(EXIT_FAILED);
}

/* Until the pipe's end. */
static int read_line(int fd, int timeout_ms, struct buf *text, struct diag *diag)
{
	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		char part[4096];
		ssize_t n;
		int ready = poll(&wait, 1, timeout_ms);

		if (ready == 0)
			return diag_error(
				diag, -ETIMEDOUT,
				PROGRAM
				" is not ready after %d s; it goes on trying, `stella signals status` tells",
				timeout_ms / 1000);
		n = ready > 0 ? read(fd, part, sizeof(part)) : -1;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return diag_error(diag, -errno, PROGRAM ": %s", strerror(errno));
		if (n == 0)
			return 0;
		if (buf_append(text, part, (size_t)n) < 0)
			return diag_error(diag, -EBADMSG, PROGRAM " says too much");
	}
}

static int died_silently(pid_t child, struct diag *diag)
{
	int status = 0;

	if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
		return diag_error(diag, -EIO, PROGRAM " was killed by signal %d before coverage was open",
				  WTERMSIG(status));
	return diag_exit(diag, status && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED, -EIO,
			 PROGRAM " ended before coverage was open");
}

static int take_facts(struct str text, pid_t child, struct diag *diag, json_t **ret_facts)
{
	_cleanup_(json_decrefp) json_t *facts =
		json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, NULL);
	const char *error = json_string_value(json_object_get(facts, "error"));
	json_int_t code = json_integer_value(json_object_get(facts, "code"));

	if (json_is_true(json_object_get(facts, "ok"))) {
		*ret_facts = TAKE(facts);
		return 0;
	}
	if (error)
		return diag_exit(diag,
				 code > 0 && code <= EXIT_TRY_AGAIN ? (enum exit_status)code : EXIT_FAILED,
				 -EIO, "%s", error);
	return died_silently(child, diag);
}

int launch_background(char **argv, size_t count, struct diag *diag, json_t **ret_facts)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(READY_MAX);
	_cleanup_(closep) int reader = -1;
	static char option[] = "--ready-fd", number[16];
	int ends[2], r;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return diag_error(diag, -errno, "pipe: %s", strerror(errno));
	reader = ends[0];
	snprintf(number, sizeof(number), "%d", ends[1]);
	argv[count] = option;
	argv[count + 1] = number;
	argv[count + 2] = NULL;
	child = fork();
	if (child == 0)
		run_child(argv, ends[1]);
	close(ends[1]);
	if (child < 0)
		return diag_error(diag, -EAGAIN, "fork: %s", strerror(errno));
	r = read_line(reader, READY_WAIT_MS, &text, diag);
	return r < 0 ? r : take_facts(buf_str(&text), child, diag, ret_facts);
}

static void run_printing_child(char **argv, int pipe_fd) __attribute__((noreturn));

static void run_printing_child(char **argv, int pipe_fd)
{
	struct diag diag = { .text = "" };
	int r = dup2(pipe_fd, STDOUT_FILENO) < 0 ? -errno : launch_exec(argv, &diag);

	_exit(talk_error(&diag, r));
}

int launch_and_read(char **argv, struct diag *diag, json_t **ret_facts)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(READY_MAX);
	_cleanup_(closep) int reader = -1;
	int ends[2], status = 0, r;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return diag_error(diag, -errno, "pipe: %s", strerror(errno));
	reader = ends[0];
	child = fork();
	if (child == 0)
		run_printing_child(argv, ends[1]);
	close(ends[1]);
	if (child < 0)
		return diag_error(diag, -EAGAIN, "fork: %s", strerror(errno));
	r = read_line(reader, -1, &text, diag);
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return diag_error(diag, -EIO, PROGRAM " was killed by signal %d", WTERMSIG(status));
	if (r < 0)
		return r;
	*ret_facts = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, NULL);
	if (WEXITSTATUS(status) != 0)
		return WEXITSTATUS(status);
	return *ret_facts ? 0 : diag_error(diag, -EBADMSG, PROGRAM " said no JSON");
}
