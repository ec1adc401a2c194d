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
#define TABLE_CELL_MAX (64 * 1024)

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

/*
 * U+0080-U+009F are terminal controls too; the bidi controls and line separators can make one text look like
 * another (CVE-2021-42574).
 */
static bool is_harmful(const unsigned char *p, size_t len)
{
	if (len == 1)
		return *p < 0x20 || *p == 0x7f;
	if (len == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (len != 3)
		return false;
	if (p[0] == 0xe2 && p[1] == 0x80)
		return p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae);
	return p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
}

void output_printable(struct buf *out, struct str text)
{
	const unsigned char *p = (const unsigned char *)text.data;
	size_t at = 0;

	while (at < text.len) {
		size_t len = text_utf8_sequence(p + at, text.len - at);

		if (len == 0 || is_harmful(p + at, len))
			(void)buf_append(out, "?", 1);
		else
			(void)buf_append(out, p + at, len);
		at += len ? len : 1;
	}
}

void output_print(const char *text)
{
	_cleanup_(buf_done) struct buf shown = BUF_MAX(TABLE_CELL_MAX);

	output_printable(&shown, str_of(text));
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
	output_printable(&shown, str_of(text));
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
	static const char *const codes[] = { [COLOR_GOOD] = "\033[32m",
					     [COLOR_WARN] = "\033[33m",
					     [COLOR_BAD] = "\033[31m",
					     [COLOR_DIM] = "\033[2m" };

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
