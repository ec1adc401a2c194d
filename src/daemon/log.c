// SPDX-License-Identifier: Apache-2.0
/*
 * The collector's log. Promises one printable line each (it goes through a diag, which replaces what a terminal
 * obeys): with the time where nobody else notes it, with the level in systemd's "<N>" form when stderr is the journal's.
 */

#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* Before log_begin a line is the answer to whoever started us: no time on it. */
static enum { TO_STARTER, TO_READER, TO_MANAGER, TO_SYSLOG } sink;

static const int priorities[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR, [LOG_LEVEL_WARNING] = LOG_WARNING, [LOG_LEVEL_INFO] = LOG_INFO
};

static void log_to_syslog(void)
{
	openlog("stella-signalsd", LOG_PID, LOG_DAEMON);
	sink = TO_SYSLOG;
}

void log_line(enum log_level level, const char *format, ...)
{
	struct diag line = { .text = "" };
	char text[DIAG_MAX], time[CLOCK_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)diag_error(&line, -EIO, "%s", text); /* only its line is wanted */
	clock_format(clock_now().wall_ns, time);
	if (sink == TO_SYSLOG)
		syslog(priorities[level], "%s", line.text);
	else if (sink == TO_READER)
		fprintf(stderr, "%s stella-signalsd: %s\n", time, line.text);
	else if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>stella-signalsd: %s\n", priorities[level], line.text);
	else
		fprintf(stderr, "stella-signalsd: %s\n", line.text);
}

static int replace(int fd, int standard, struct diag *diag)
{
	return dup2(fd, standard) < 0
		       ? diag_error(diag, -errno, "standard descriptor %d: %s", standard, strerror(errno))
		       : 0;
}

static int leave_terminal(struct diag *diag)
{
	_cleanup_(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r = 0;

	if (null < 0)
		return diag_error(diag, -errno, "/dev/null: %s", strerror(errno));
	for (int standard = STDIN_FILENO; r >= 0 && standard <= STDERR_FILENO; standard++)
		r = replace(null, standard, diag);
	return r;
}

int log_open(const char *log_file, struct diag *diag, int *ret_fd)
{
	*ret_fd = open(log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (*ret_fd < 0)
		return diag_error(diag, -errno, "cannot open the log %s: %s; name another with --log", log_file,
				  strerror(errno));
	return 0;
}

int log_begin(int log_fd, bool background, struct diag *diag)
{
	int r = 0;

	if (background)
		r = leave_terminal(diag);
	if (r >= 0 && log_fd >= 0)
		r = replace(log_fd, STDERR_FILENO, diag);
	if (r < 0)
		return r;
	if (background && log_fd < 0)
		log_to_syslog();
	else
		sink = log_fd >= 0 || !(getenv("JOURNAL_STREAM") || getenv("NOTIFY_SOCKET")) ? TO_READER
											     : TO_MANAGER;
	return 0;
}
