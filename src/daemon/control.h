/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The control socket: one line of JSON in, {"verb":"status"}, one line of JSON out, closed. Nothing here blocks:
 * the owner watches control_fd and calls control_dispatch when it is readable, and once a second.
 */

#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"

#define CONTROL_REQUEST_MAX 1024 /* bytes of a request, its LF included */
#define CONTROL_ANSWER_MAX (4u << 20)
#define CONTROL_CLIENTS_MAX 16 /* at once; one more pushes out the oldest that is not being waited for */
#define CONTROL_DEADLINE_MS 2000 /* from connect to the answer's last byte */

enum control_reply {
	CONTROL_ANSWERED, /* `answer` holds the whole JSON text */
	CONTROL_WAITS, /* comes with control_answer_waiting */
	CONTROL_UNKNOWN, /* no such verb */
};

struct control_handler {
	enum control_reply (*serve)(void *user, const char *verb, struct buf *answer);
	void *user;
};

struct control;

/*
 * Listens on `path` (mode 0600; a missing directory is made). A socket file that nobody answers on is replaced;
 * one that somebody answers on is -EBUSY (exit 10); anything else of that name is left alone (-EEXIST). Only root and
 * this process's own user are served.
 */
int control_open(const char *path, const struct control_handler *handler, struct diag *diag,
		 struct control **ret_control);
/* Readable when there is something to do; for epoll. */
int control_fd(const struct control *control);
/* Does what can be done now. now_ms: any monotonic clock. */
void control_dispatch(struct control *control, uint64_t now_ms);
/* The answer to all that wait (a whole JSON text); sent as far as the sockets take it, then closed. */
void control_answer_waiting(struct control *control, struct str answer);
/* Removes the socket file: nobody new is heard, those who wait still are. */
void control_leave(struct control *control);
/* The same, for all. */
void control_close(struct control *control);
DEFINE_FREEP(control, control_close)
