/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the collector has to say while it runs: to stderr (foreground), to --log FILE, or to syslog (background). */

#include <stdbool.h>

#include "base/diag.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * The collector runs from here on. What is logged goes to `log_file`, appended; without one (NULL) to syslog in the
 * background, else to stderr. Lines begin with the time (UTC) unless syslog or a service manager ($JOURNAL_STREAM,
 * $NOTIFY_SOCKET) notes it. In the background stdin and stdout become /dev/null.
 */
int log_begin(const char *log_file, bool background, struct diag *diag);
