/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Asking logs through stella-online, the program that has the network. One child for a verification; a question is a
 * line to it, an answer a line from it.
 */

#include <sys/types.h>

#include "base/diag.h"
#include "cli/options.h"
#include "verify/presence.h"

#define ONLINE_ENV "STELLA_ONLINE"
#define OFFLINE_ENV "STELLA_OFFLINE"

struct online {
	pid_t child; /* 0 = not started */
	int to;
	FILE *from;
	const struct option_list
		*urls; /* NAME=URL: where a log answers instead of its URL in the trusted root */
	char *line; /* of the answer */
	size_t line_room;
	struct diag diag; /* why it failed */
};

#define ONLINE_EMPTY ((struct online) { .to = -1 })

/* Is a NAME=URL of the list no such thing? Its line is out then. */
bool online_urls_bad(const struct option_list *urls);

/* Starts stella-online; `ca_file` may be NULL. Refused when STELLA_OFFLINE is set (exit 5). */
int online_start(struct online *online, const char *ca_file);
/* For verifier_ask_logs; `user` is a struct online. */
presence_ask_fn online_ask;
void online_done(struct online *online);
