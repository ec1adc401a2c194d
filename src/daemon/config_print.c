// SPDX-License-Identifier: Apache-2.0
/*
 * What the table of options looks like to a person: a list, an example file, a manual page. The committed files
 * (packaging/stellaops.yaml, man/stellaops.yaml.5) are exactly these texts; a test compares.
 */

#include "daemon/config_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int put_wrapped(struct buf *out, const char *text, const char *indent, size_t width)
{
	int r = 0;

	while (*text && r >= 0) {
		size_t len = strlen(text);

		if (len > width) {
			len = width;
			while (len > 0 && text[len] != ' ')
				len--;
			if (len == 0)
				len = strcspn(text, " ");
		}
		r = buf_printf(out, "%s%.*s\n", indent, (int)len, text);
		text += len;
		while (*text == ' ')
			text++;
	}
	return r;
}

/* "off|process|container" -> "off, process or container". */
static void describe_words(const char *words, char *text, size_t size)
{
	size_t len = 0;

	while (*words && len < size) {
		size_t word = strcspn(words, "|");
		const char *rest = words[word] ? words + word + 1 : "";
		const char *link = !*rest ? "" : strchr(rest, '|') ? ", " : " or ";

		len += (size_t)snprintf(text + len, size - len, "%.*s%s", (int)word, words, link);
		words = rest;
	}
}

/* "1 to 512 MiB", "none or zstd": what may stand there; "" when the help says all. */
static void describe_range(const struct config_row *row, char *text, size_t size)
{
	const char *unit = row->unit ? row->unit : "";

	text[0] = '\0';
	if (row->type == CONFIG_U64)
		snprintf(text, size, "%llu to %llu %s", (unsigned long long)row->min,
			 (unsigned long long)row->max, unit);
	else if (row->type == CONFIG_DECIMAL)
		snprintf(text, size, "%g to %g %s", (double)row->min / 1000, (double)row->max / 1000, unit);
	else if (row->type == CONFIG_BOOL)
		snprintf(text, size, "true or false");
	else if (row->type == CONFIG_WORD)
		describe_words(row->words, text, size);
	else if (row->type == CONFIG_LIST)
		snprintf(text, size, "list of texts");
	else if (row->type == CONFIG_TEXT)
		snprintf(text, size, "text");
}

static int help_row(struct buf *out, const struct config_row *row)
{
	char range[96];
	int r;

	if (row->type == CONFIG_GROUP || row->type == CONFIG_LATER)
		return 0;
	describe_range(row, range, sizeof(range));
	r = buf_printf(out, "%s  (%s; default %s%s)\n", row->name, range, row->initial,
		       row->reload ? "; SIGHUP reloads it" : "");
	return r < 0 ? r : put_wrapped(out, row->help, "        ", 90);
}

int config_help(struct buf *out)
{
	int r = buf_printf(out, "Keys of stellaops.yaml, found by --config, $STELLA_CONFIG or %s:\n\n",
			   CONFIG_FILE_DEFAULT);

	for (size_t i = 0; r >= 0 && i < config_n_rows; i++)
		r = help_row(out, &config_rows[i]);
	if (r >= 0)
		r = buf_printf(out, "\nKnown, and refused until a later version:\n");
	for (size_t i = 0; r >= 0 && i < config_n_rows; i++) {
		if (config_rows[i].type == CONFIG_LATER)
			r = buf_printf(out, "  %s: %s\n", config_rows[i].name, config_rows[i].help);
	}
	return r;
}

static int example_row(struct buf *out, const struct config_row *row)
{
	char indent[32], comment[40], range[96];
	int r;

	if (row->type == CONFIG_LATER)
		return 0;
	snprintf(indent, sizeof(indent), "%*s", (int)(2 * config_row_depth(row)), "");
	snprintf(comment, sizeof(comment), "%s# ", indent);
	describe_range(row, range, sizeof(range));
	r = buf_append(out, "\n", 1);
	if (r >= 0)
		r = put_wrapped(out, row->help, comment, 90);
	if (r >= 0 && (row->type == CONFIG_U64 || row->type == CONFIG_DECIMAL || row->type == CONFIG_WORD))
		r = buf_printf(out, "%s%s.\n", comment, range);
	if (r < 0)
		return r;
	return row->initial ? buf_printf(out, "%s%s: %s\n", indent, config_row_key(row), row->initial)
			    : buf_printf(out, "%s%s:\n", indent, config_row_key(row));
}

int config_example(struct buf *out)
{
	int r = buf_printf(
		out,
		"# SPDX-License-Identifier: Apache-2.0\n"
		"#\n"
		"# Configuration of Stella Signals: every key with its default. Written by\n"
		"# `stella-signalsd --example-config`. An unknown key, a wrong type or a value out of range\n"
		"# stops the start with file, line and column.\n");

	for (size_t i = 0; r >= 0 && i < config_n_rows; i++)
		r = example_row(out, &config_rows[i]);
	return r;
}

/* mdoc reads a line that begins with '.' or ''' as a macro, and a backslash as an escape. */
static int put_roff(struct buf *out, const char *text)
{
	int r = *text == '.' || *text == '\'' ? buf_append(out, "\\&", 2) : 0;

	for (; *text && r >= 0; text++)
		r = *text == '\\' ? buf_append(out, "\\e", 2) : buf_append(out, text, 1);
	return r < 0 ? r : buf_append(out, "\n", 1);
}

static int manual_row(struct buf *out, const struct config_row *row)
{
	char range[96];
	int r;

	describe_range(row, range, sizeof(range));
	if (row->type == CONFIG_GROUP)
		r = buf_printf(out, ".It Ic %s\n", row->name);
	else
		r = buf_printf(out, ".It Ic %s\n.Pq %s; default %s%s%s\n", row->name, range,
			       row->initial[0] == '"' ? "empty" : "Li ",
			       row->initial[0] == '"' ? "" : row->initial,
			       row->reload ? " ; reloaded by Dv SIGHUP" : "");
	return r < 0 ? r : put_roff(out, row->help);
}

static int manual_later(struct buf *out)
{
	int r = buf_printf(
		out, ".El\n.Pp\nKnown keys that this version refuses, and says why:\n.Bl -tag -width Ds\n");

	for (size_t i = 0; r >= 0 && i < config_n_rows; i++) {
		if (config_rows[i].type != CONFIG_LATER)
			continue;
		r = buf_printf(out, ".It Ic %s\n", config_rows[i].name);
		if (r >= 0)
			r = put_roff(out, config_rows[i].help);
	}
	return r;
}

int config_manual(struct buf *out)
{
	int r = buf_printf(
		out,
		".\\\" SPDX-License-Identifier: Apache-2.0\n"
		".\\\" Written by `stella-signalsd --man-config`; a test compares.\n"
		".Dd November 22, 2026\n.Dt STELLAOPS.YAML 5\n.Os\n"
		".Sh NAME\n.Nm stellaops.yaml\n.Nd configuration of Stella Signals\n"
		".Sh DESCRIPTION\n"
		"Found by\n.Fl -config ,\n.Ev STELLA_CONFIG\nor\n.Pa %s ;\n"
		"without a file the defaults hold.\n"
		"An unknown key, a key given twice, a wrong type or a value out of range stops the start with\n"
		"file, line and column.\n"
		"Anchors, aliases and tags are refused.\n"
		"A file has at most %u bytes.\n"
		".Sh KEYS\n.Bl -tag -width Ds\n",
		CONFIG_FILE_DEFAULT, CONFIG_FILE_MAX);

	for (size_t i = 0; r >= 0 && i < config_n_rows; i++) {
		if (config_rows[i].type != CONFIG_LATER)
			r = manual_row(out, &config_rows[i]);
	}
	if (r >= 0)
		r = manual_later(out);
	return r < 0 ? r : buf_printf(out, ".El\n.Sh SEE ALSO\n.Xr stella 1 ,\n.Xr stella-signalsd 8\n");
}
