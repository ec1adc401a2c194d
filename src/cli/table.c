// SPDX-License-Identifier: Apache-2.0
/*
 * Tables for people. Promises: columns as wide as their content, no cell cut off, nothing a terminal obeys.
 * A width is a number of code points: wide CJK letters are counted as one and may shift a column.
 */

#include "cli/output.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

#define TABLE_TEXT_MAX (16u << 20)
#define TABLE_LAST_MIN 24 /* the last column is not folded narrower than this */

struct table {
	const struct table_column *columns;
	size_t n_columns;
	bool titles;
	bool failed;
	char **cells; /* row by row; owned */
	size_t n_cells, room;
};

struct table *table_new(const struct table_column *columns, size_t n_columns, bool titles)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table)
		*table = (struct table) { .columns = columns, .n_columns = n_columns, .titles = titles };
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

static int table_room(struct table *table)
{
	size_t room = table->room ? 2 * table->room : 64;
	char **cells;

	if (table->n_cells < table->room)
		return 0;
	cells = realloc(table->cells, room * sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	table->cells = cells;
	table->room = room;
	return 0;
}

void table_cell(struct table *table, const char *format, ...)
{
	_cleanup_(buf_done) struct buf shown = BUF_MAX(TABLE_TEXT_MAX);
	_cleanup_(freep) char *text = NULL;
	va_list arguments;
	int len;

	if (!table || table->failed)
		return;
	va_start(arguments, format);
	len = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (len < 0) {
		text = NULL;
		table->failed = true;
		return;
	}
	(void)text_printable_append(&shown, str_of(text));
	if (table_room(table) < 0 || !buf_cstr(&shown)) {
		table->failed = true;
		return;
	}
	table->cells[table->n_cells++] = TAKE(shown.data);
	shown.len = shown.capacity = 0;
}

static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void put_spaces(FILE *file, size_t count)
{
	fprintf(file, "%*s", (int)count, "");
}

/* How many bytes of `text` go on a line of `width`: up to the last space that fits, or the whole first word. */
static size_t fold_at(const char *text, size_t width)
{
	size_t column = 0, space = 0;

	for (size_t i = 0; text[i]; i++) {
		if (text[i] == ' ') {
			if (column > width)
				return space ? space : i;
			space = i;
		}
		column += (text[i] & 0xc0) != 0x80;
	}
	return column <= width || !space ? strlen(text) : space;
}

void output_folded(FILE *file, const char *text, size_t indent)
{
	size_t width = OUTPUT_WIDTH > indent + TABLE_LAST_MIN ? OUTPUT_WIDTH - indent : TABLE_LAST_MIN;

	for (;;) {
		size_t len = fold_at(text, width);

		fwrite(text, 1, len, file);
		text += len;
		while (*text == ' ')
			text++;
		if (!*text)
			break;
		fputc('\n', file);
		put_spaces(file, indent);
	}
}

static void put_row(const struct table *table, FILE *file, const size_t *widths, char *const *cells)
{
	size_t indent = 0;

	for (size_t i = 0; i < table->n_columns; i++) {
		const char *text = cells ? cells[i] : table->columns[i].title;
		size_t width = width_of(text);
		size_t pad = widths[i] > width ? widths[i] - width : 0;

		if (table->columns[i].right)
			put_spaces(file, pad);
		if (i + 1 == table->n_columns)
			output_folded(file, text, indent);
		else
			fputs(text, file);
		if (i + 1 < table->n_columns)
			put_spaces(file, (table->columns[i].right ? 0 : pad) + 2);
		indent += widths[i] + 2;
	}
	fputc('\n', file);
}

int table_print(const struct table *table, FILE *file)
{
	_cleanup_(freep) size_t *widths = NULL;

	if (!table || table->failed)
		return -ENOMEM;
	widths = calloc(table->n_columns, sizeof(*widths));
	if (!widths)
		return -ENOMEM;
	for (size_t i = 0; table->titles && i < table->n_columns; i++)
		widths[i] = width_of(table->columns[i].title);
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t width = width_of(table->cells[i]);

		if (width > widths[i % table->n_columns])
			widths[i % table->n_columns] = width;
	}
	if (table->titles && table->n_cells > 0)
		put_row(table, file, widths, NULL);
	for (size_t i = 0; i + table->n_columns <= table->n_cells; i += table->n_columns)
		put_row(table, file, widths, table->cells + i);
	return 0;
}
