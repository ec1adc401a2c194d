/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How facts leave: printable text only, tables sized by their content, and a stdout that is flushed, closed and
 * checked before success is claimed. Talk and errors go to stderr.
 */

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"

enum output_format { OUTPUT_AUTO, OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_NDJSON };

struct output {
	enum output_format format;
	bool quiet;
};

#define OUTPUT_DEFAULT ((struct output) { .format = OUTPUT_AUTO })
#define OUTPUT_WIDTH 100

/* "table", "json", "ndjson"; -EINVAL. */
int output_format_parse(const char *text, enum output_format *ret_format);
/* What OUTPUT_AUTO stands for: table on a terminal, json otherwise. */
enum output_format output_format_now(const struct output *output);

/* "stella: ..." and a line end to stderr; control characters shown as '?'. */
void talk(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints the diag's line and gives its exit status. */
int talk_error(const struct diag *diag, int error);

/* Prints text with everything a terminal could obey as '?' (text_printable_append). */
void output_print(const char *text);

/* Text folded at spaces so that lines fit OUTPUT_WIDTH; the cursor stands at column `indent`, later lines begin there. */
void output_folded(FILE *file, const char *text, size_t indent);

enum output_color { COLOR_GOOD, COLOR_BAD };
/* Escape sequences around a word, "" unless stdout is a terminal and NO_COLOR is unset. */
const char *output_color(enum output_color color);
const char *output_color_end(void);

/* True once stdout has failed (the reader went away): a verb that goes on for ever stops then. Flushes. */
bool output_broken(void);
/* Flushes and closes stdout; EXIT_FAILED instead of `status` when that fails (silent for a closed pipe). */
int output_finish(int status);

/* ---- tables ---- */

struct table_column {
	const char *title;
	bool right; /* aligned right */
};

struct table;

/* Columns are borrowed (static). With `titles` false no heading line is printed (lists of "name value"). */
struct table *table_new(const struct table_column *columns, size_t n_columns, bool titles);
void table_free(struct table *table);
DEFINE_FREEP(table, table_free)
/* The next cell, row by row; made printable. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * Columns as wide as their content, two spaces between. The last column is folded at spaces so that a line
 * fits OUTPUT_WIDTH; nothing is ever cut off. -ENOMEM when the table lost a cell.
 */
int table_print(const struct table *table, FILE *file);
