// SPDX-License-Identifier: Apache-2.0
/*
 * The control socket's client. Promises an answer that is a JSON object with "ok": true, or one line and an exit
 * status. The collector is not trusted either: its answer has a size limit and a deadline.
 */

#include "cli/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"

const char *control_default_path(void)
{
	const char *environment = getenv("STELLA_SOCKET");

	return environment && *environment ? environment : CONTROL_SOCKET_DEFAULT;
}

#define PATIENCE_MS 3000 /* as long as people wait without wondering */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int control_connect(const char *path, struct diag *diag, int *ret_fd)
{
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (fd < 0)
		return diag_error(diag, -errno, "socket: %s", strerror(errno));
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= (int)sizeof(address.sun_path))
		return diag_exit(diag, EXIT_UNSOUND, -ENAMETOOLONG, "%s: a socket's path has at most %zu bytes",
				 path, sizeof(address.sun_path) - 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
			return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT,
					 "no collector is running (nobody answers on %s); `stella signals "
					 "start` starts one, --socket PATH asks another",
					 path);
		if (errno == EACCES || errno == EPERM)
			return diag_exit(diag, EXIT_NOT_PERMITTED, -EACCES,
					 "%s: only root and the collector's user may ask it", path);
		return diag_error(diag, -errno, "%s: %s", path, strerror(errno));
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Who waits long is told what for; on a terminal only, since a program knows its own patience. */
static void say_waiting(int64_t left_ms, bool *said)
{
	if (*said || !isatty(STDERR_FILENO))
		return;
	*said = true;
	talk("the collector is at work on it (its disk may be slow, or full); waiting %lld s at most",
	     (long long)(left_ms / 1000));
}

/* Reads until the other side closes. */
static int receive_all(int fd, const char *path, int64_t until_ms, struct buf *answer, struct diag *diag)
{
	int64_t patient_until_ms = now_ms() + PATIENCE_MS;
	bool said = until_ms < patient_until_ms; /* an answer that comes soon or not at all */

	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		int64_t left = until_ms - now_ms(), patient = patient_until_ms - now_ms();
		char part[4096];
		ssize_t n;

		if (left <= 0)
			return diag_error(diag, -ETIMEDOUT, "%s: the collector does not answer in time", path);
		if (patient <= 0)
			say_waiting(left, &said);
		if (poll(&wait, 1, (int)(patient > 0 && patient < left ? patient : left)) <= 0)
			continue; /* interrupted or over: the clock decides */
		n = recv(fd, part, sizeof(part), 0);
		if (n < 0 && errno != EINTR)
			return diag_error(diag, -errno, "%s: %s", path, strerror(errno));
		if (n == 0)
			return 0;
		if (n > 0 && buf_append(answer, part, (size_t)n) < 0)
			return diag_error(diag, -EBADMSG, "%s: the answer is larger than %u bytes", path,
					  CONTROL_ANSWER_MAX);
	}
}

static int check_answer(json_t *answer, const char *path, struct diag *diag)
{
	const char *error = json_string_value(json_object_get(answer, "error"));

	if (json_is_true(json_object_get(answer, "ok")))
		return 0;
	if (!json_is_false(json_object_get(answer, "ok")) || !error)
		return diag_error(diag, -EBADMSG, "%s: what answers there is no collector of ours", path);
	return diag_error(diag, -EREMOTEIO, "the collector says: %s", error);
}

int control_ask(const char *socket_path, const char *verb, int wait_ms, struct diag *diag, json_t **ret_answer)
{
	_cleanup_(closep) int fd = -1;
	_cleanup_(buf_done) struct buf text = BUF_MAX(CONTROL_ANSWER_MAX);
	int64_t until_ms = now_ms() + wait_ms;
	_cleanup_(json_decrefp) json_t *answer = NULL;
	char request[128];
	int r, len;

	socket_path = socket_path ? socket_path : control_default_path();
	r = control_connect(socket_path, diag, &fd);
	if (r < 0)
		return r;
	len = snprintf(request, sizeof(request), "{\"verb\":\"%s\"}\n", verb);
	if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		return diag_error(diag, -EIO, "%s: the request could not be sent", socket_path);
	r = receive_all(fd, socket_path, until_ms, &text, diag);
	if (r < 0)
		return r;
	answer = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, NULL);
	r = check_answer(answer, socket_path, diag);
	if (r < 0)
		return r;
	*ret_answer = TAKE(answer);
	return 0;
}
