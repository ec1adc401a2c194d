/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Running stella-signalsd: the program beside ours first, then libexec and sbin of our prefix, then $PATH. */

#include <jansson.h>

#include "base/diag.h"

/* Replaces this process; returns only when that failed. argv[0] is filled in. */
int launch_exec(char **argv, struct diag *diag);

/*
 * Runs it in a session of its own and waits for its one line on a pipe ("--ready-fd N" is appended to argv, which has
 * room for two more words and the NULL at `count`). Gives the facts it reports; or its error, with its exit status.
 */
int launch_background(char **argv, size_t count, struct diag *diag, json_t **ret_facts);

/*
 * Runs it to its end, with our stderr, and reads the one JSON object it prints. Its exit status when that is not 0
 * (it has said why itself, and *ret_facts is NULL unless it said facts too), else 0 and the facts; a negative errno
 * when it could not be run or said no JSON.
 */
int launch_and_read(char **argv, struct diag *diag, json_t **ret_facts);
