/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One line for the person at the terminal: what failed, on what, why, and what to do about it. The deepest
 * function that knows the subject writes it once; callers pass the negative errno up unchanged. The program's
 * top prints it once.
 */

#include <stddef.h>

#define DIAG_MAX 1024

struct diag {
	char text[DIAG_MAX];
	int code; /* the exit status this error should become (enum exit_status), 0 = let the top decide */
};

/* What a process of ours may exit with; contract, section 1. */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1, /* could not do it, could not find out */
	EXIT_UNSOUND = 2, /* evidence not sound; arguments, configuration or input invalid */
	EXIT_NOT_PERMITTED = 3,
	EXIT_NOT_FOUND = 4, /* also: not running */
	EXIT_NEEDS_NETWORK = 5,
	EXIT_TRY_AGAIN = 10,
};

/*
 * Writes the line (unless one is already there: the deepest wins) and returns `error` (a negative errno)
 * unchanged, so that `return diag_error(diag, -ENOENT, "...")` reads as one thought. diag may be NULL.
 * The line is printable as text_printable_append makes it, so that hostile names cannot drive a terminal.
 */
int diag_error(struct diag *diag, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same, with the exit status that this error must become. */
int diag_exit(struct diag *diag, enum exit_status code, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The exit status for an error: diag->code if set, else -EPERM/-EACCES = 3, -EAGAIN = 10, else 1. */
enum exit_status diag_exit_status(const struct diag *diag, int error);
