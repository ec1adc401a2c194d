/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Telling those who wait that coverage is open, or why it is not: `stella signals start`, and a service manager. */

#include "base/buf.h"
#include "base/diag.h"
#include "daemon/collector.h"

/* One line {"ok":true,...} to the pipe and closes it; -1 = nobody waits. */
void ready_started(int fd, struct collector *collector);
/* One line {"code":N,"error":"...","ok":false} to the pipe and closes it. */
void ready_failed(int fd, const char *why, enum exit_status code);
/* sd_notify(3)'s datagram ("READY=1", "STOPPING=1") to $NOTIFY_SOCKET, if there is one. */
void ready_notify(const char *state);
