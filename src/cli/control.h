/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The running collector as the command sees it: one JSON request, one JSON answer over its control socket.
 * docs/control-socket.md has the protocol; src/daemon/control.c is the other end.
 */

#include <jansson.h>

#include "base/diag.h"
#include "cli/options.h"

#define CONTROL_SOCKET_DEFAULT "/run/stella/signals.sock"
#define CONTROL_ANSWER_MAX (4u << 20)

#define CONTROL_WAIT_MS 5000 /* for an answer that needs no waiting for */

/* --socket, for every verb that asks; `path_` is a const char *, NULL without the option. */
#define OPTION_SOCKET(path_)                                                                               \
	OPTION_IS_TEXT("socket", 0, "PATH", "control socket ($STELLA_SOCKET, " CONTROL_SOCKET_DEFAULT ")", \
		       (path_))

/* Which socket is asked when none is named: $STELLA_SOCKET, or the default. */
const char *control_default_path(void);

/*
 * Asks {"verb": verb} and gives the answer (an object; the caller's reference). Waits at most wait_ms. Without
 * socket_path (NULL): $STELLA_SOCKET, or the default.
 * -ENOENT (exit 4): nobody runs there; -EACCES (exit 3): not ours to ask; -ETIMEDOUT; -EBADMSG: no answer of ours;
 * -EREMOTEIO: the collector refused, the line says why.
 */
int control_ask(const char *socket_path, const char *verb, int wait_ms, struct diag *diag, json_t **ret_answer);
