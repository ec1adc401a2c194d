/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the collector has to say while it runs: to stderr (foreground, --log FILE) or to syslog (background). */

#include "base/diag.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Sends stdin and stdout to /dev/null; what is logged goes to `log_file`, appended, or to syslog without one. */
int log_detach(const char *log_file, struct diag *diag);
