/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one line of an error. Promises printable UTF-8 of less than DIAG_MAX bytes, whatever name or text an
 * attacker got into it: controls, bytes that are not UTF-8 and marks that turn the direction of writing are
 * shown as '?'; a line that is too long ends in "..." between two characters. Owns nothing.
 */

#include "base/diag.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define ELLIPSIS "..."

/* Copies what may be shown of `raw`, whole characters only, as long as they fit before `room`. */
static size_t copy_printable(char *out, size_t room, struct str raw)
{
	struct str shown;
	size_t to = 0;

	while (raw.len > 0) {
		size_t taken = text_printable_next(raw, &shown);

		if (shown.len > room - to)
			break;
		memcpy(out + to, shown.data, shown.len);
		to += shown.len;
		raw = (struct str) { raw.data + taken, raw.len - taken };
	}
	return to;
}

static void write_line(struct diag *diag, const char *format, va_list args)
{
	/* Four bytes longer than the line, so that a character cut by vsnprintf never falls inside it. */
	char raw[DIAG_MAX + 4];
	int len = vsnprintf(raw, sizeof(raw), format, args);
	size_t shown;

	if (len < 0) {
		len = snprintf(raw, sizeof(raw), "error without words (bad format)");
	}
	if ((size_t)len < DIAG_MAX) {
		shown = copy_printable(diag->text, DIAG_MAX - 1, (struct str) { raw, (size_t)len });
	} else {
		shown = copy_printable(diag->text, DIAG_MAX - sizeof(ELLIPSIS),
				       (struct str) { raw, sizeof(raw) - 1 });
		memcpy(diag->text + shown, ELLIPSIS, strlen(ELLIPSIS));
		shown += strlen(ELLIPSIS);
	}
	diag->text[shown] = '\0';
}

int diag_error(struct diag *diag, int error, const char *format, ...)
{
	va_list args;

	assert(error < 0);
	if (!diag || diag->text[0] != '\0')
		return error;
	va_start(args, format);
	write_line(diag, format, args);
	va_end(args);
	return error;
}

/* A line that is there stays; a status is still taken when the deeper function left that to its callers. */
int diag_exit(struct diag *diag, enum exit_status code, int error, const char *format, ...)
{
	va_list args;

	assert(error < 0);
	if (!diag)
		return error;
	if (diag->code == 0)
		diag->code = (int)code;
	if (diag->text[0] != '\0')
		return error;
	va_start(args, format);
	write_line(diag, format, args);
	va_end(args);
	return error;
}

enum exit_status diag_exit_status(const struct diag *diag, int error)
{
	if (diag && diag->code != 0)
		return (enum exit_status)diag->code;
	switch (error) {
	case -EPERM:
	case -EACCES:
		return EXIT_NOT_PERMITTED;
	case -EAGAIN:
		return EXIT_TRY_AGAIN;
	default:
		return EXIT_FAILED;
	}
}
