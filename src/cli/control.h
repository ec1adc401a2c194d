/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The running collector as the command sees it: one JSON request, one JSON answer over its control socket.
 * docs/control-socket.md has the protocol; src/daemon/control.c is the other end.
 */

#include <jansson.h>

#include "base/diag.h"

#define CONTROL_SOCKET_DEFAULT "/run/stella/signals.sock"
#define CONTROL_ANSWER_MAX (4u << 20)

/* `path`, or $STELLA_SOCKET, or the default. */
const char *control_socket_path(const char *path);

/*
 * Asks {"verb": verb} and gives the answer (an object; the caller's reference). Waits at most wait_ms.
 * -ENOENT (exit 4): nobody runs there; -EACCES (exit 3): not ours to ask; -ETIMEDOUT; -EBADMSG: no answer of ours;
 * -EREMOTEIO: the collector refused, the line says why.
 */
int control_ask(const char *socket_path, const char *verb, int wait_ms, struct diag *diag, json_t **ret_answer);
