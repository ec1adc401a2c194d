/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the collector has to say while it runs: to stderr (foreground), to --log FILE, or to syslog (background). */

#include <stdbool.h>

#include "base/diag.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* For --log: made when missing, appended to. Asked first of all, so that a wrong name starts nothing. */
int log_open(const char *log_file, struct diag *diag, int *ret_fd);
/*
 * The collector runs from here on. What is logged goes to `log_fd`; without one (-1) to syslog in the
 * background, else to stderr. Lines begin with the time (UTC) unless syslog or a service manager ($JOURNAL_STREAM,
 * $NOTIFY_SOCKET) notes it. In the background stdin and stdout become /dev/null.
 */
int log_begin(int log_fd, bool background, struct diag *diag);
