// SPDX-License-Identifier: Apache-2.0
/*
 * The two ways out: facts (stdout) and talk (stderr). Promises: nothing from outside reaches the terminal as a
 * control sequence, and success is only claimed after stdout was flushed and closed without error.
 */

#include "cli/output.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define TALK_MAX 4096
#define PRINT_MAX (64 * 1024)

int output_format_parse(const char *text, enum output_format *ret_format)
{
	static const char *const names[] = {
		[OUTPUT_TABLE] = "table", [OUTPUT_JSON] = "json", [OUTPUT_NDJSON] = "ndjson"
	};

	for (size_t i = OUTPUT_TABLE; i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret_format = (enum output_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

enum output_format output_format_now(const struct output *output)
{
	if (output->format != OUTPUT_AUTO)
		return output->format;
	return isatty(STDOUT_FILENO) ? OUTPUT_TABLE : OUTPUT_JSON;
}

void output_print(const char *text)
{
	_cleanup_(buf_done) struct buf shown = BUF_MAX(PRINT_MAX);

	(void)text_printable_append(&shown, str_of(text));
	fwrite(shown.data, 1, shown.len, stdout);
}

void talk(const char *format, ...)
{
	_cleanup_(buf_done) struct buf shown = BUF_MAX(2 * TALK_MAX);
	char text[TALK_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)text_printable_append(&shown, str_of(text));
	fprintf(stderr, "stella: %.*s\n", (int)shown.len, shown.data ? shown.data : "");
}

int talk_error(const struct diag *diag, int error)
{
	if (diag->text[0])
		talk("%s", diag->text);
	else
		talk("%s", strerror(-error));
	return diag_exit_status(diag, error);
}

static bool colors_on(void)
{
	static int on = -1;
	const char *refused = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	if (on < 0)
		on = isatty(STDOUT_FILENO) && !(refused && *refused) && terminal &&
		     strcmp(terminal, "dumb") != 0;
	return on;
}

const char *output_color(enum output_color color)
{
	static const char *const codes[] = { [COLOR_GOOD] = "\033[32m", [COLOR_BAD] = "\033[31m" };

	return colors_on() ? codes[color] : "";
}

const char *output_color_end(void)
{
	return colors_on() ? "\033[0m" : "";
}

bool output_broken(void)
{
	return fflush(stdout) != 0 || ferror(stdout);
}

int output_finish(int status)
{
	bool failed = ferror(stdout) != 0;
	int error = 0;

	errno = 0;
	if (fclose(stdout) != 0) {
		failed = true;
		error = errno;
	}
	if (!failed)
		return status;
	if (error != EPIPE)
		talk("standard output: %s; what was printed is not complete",
		     error ? strerror(error) : "write failed");
	return EXIT_FAILED;
}
