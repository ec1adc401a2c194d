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
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define ELLIPSIS "..."

/* C1 (U+0080..9F); line separators and direction marks (U+2028..202E, U+2066..2069), "Trojan Source". */
static bool drives_terminal(const unsigned char *at, size_t len)
{
	if (len == 1)
		return at[0] < 0x20 || at[0] == 0x7f;
	if (len == 2)
		return at[0] == 0xc2 && at[1] < 0xa0;
	if (len == 3 && at[0] == 0xe2 && at[1] == 0x80)
		return at[2] >= 0xa8 && at[2] <= 0xae;
	return len == 3 && at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9;
}

/* Copies what may be shown of `raw`, whole characters only, as long as they fit before `room`. */
static size_t copy_printable(char *out, size_t room, const char *raw, size_t len)
{
	size_t from = 0, to = 0;

	while (from < len) {
		const unsigned char *at = (const unsigned char *)raw + from;
		size_t sequence = text_utf8_sequence(at, len - from);
		bool bad = sequence == 0 || drives_terminal(at, sequence);
		size_t width = bad ? 1 : sequence;

		if (width > room - to)
			break;
		if (bad)
			out[to] = '?';
		else
			memcpy(out + to, at, sequence);
		to += width;
		from += sequence ? sequence : 1;
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
		shown = copy_printable(diag->text, DIAG_MAX - 1, raw, (size_t)len);
	} else {
		shown = copy_printable(diag->text, DIAG_MAX - sizeof(ELLIPSIS), raw, sizeof(raw) - 1);
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
