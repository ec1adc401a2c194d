// SPDX-License-Identifier: Apache-2.0
/*
 * The collector's log. Promises one printable line each (it goes through a diag, which replaces what a terminal
 * obeys), with the level in systemd's "<N>" form when stderr is the journal's.
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

static bool to_syslog;

static const int priorities[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR, [LOG_LEVEL_WARNING] = LOG_WARNING, [LOG_LEVEL_INFO] = LOG_INFO
};

static void log_to_syslog(void)
{
	openlog("stella-signalsd", LOG_PID, LOG_DAEMON);
	to_syslog = true;
}

void log_line(enum log_level level, const char *format, ...)
{
	struct diag line = { .text = "" };
	char text[DIAG_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)diag_error(&line, -EIO, "%s", text); /* only its line is wanted */
	if (to_syslog)
		syslog(priorities[level], "%s", line.text);
	else if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>stella-signalsd: %s\n", priorities[level], line.text);
	else
		fprintf(stderr, "stella-signalsd: %s\n", line.text);
}

int log_detach(const char *log_file, struct diag *diag)
{
	_cleanup_(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	_cleanup_(closep) int log = -1;

	if (null < 0)
		return diag_error(diag, -errno, "/dev/null: %s", strerror(errno));
	if (log_file) {
		log = open(log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
		if (log < 0)
			return diag_error(diag, -errno, "%s: %s", log_file, strerror(errno));
	} else {
		log_to_syslog();
	}
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(log >= 0 ? log : null, STDERR_FILENO) < 0)
		return diag_error(diag, -errno, "standard descriptors: %s", strerror(errno));
	return 0;
}
