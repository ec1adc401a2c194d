/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The table of options as config*.c share it; nobody else includes this. */

#include "daemon/config.h"

enum config_type {
	CONFIG_GROUP, /* a mapping */
	CONFIG_BOOL,
	CONFIG_U64,
	CONFIG_DECIMAL, /* thousandths in a uint64_t */
	CONFIG_TEXT,
	CONFIG_WORD, /* one of `words`, its index in a uint64_t */
	CONFIG_LIST,
	CONFIG_LATER, /* known, and refused: `help` says what would bring it */
};

struct config_row {
	const char *name; /* dotted, from the top */
	enum config_type type;
	size_t offset; /* in struct config */
	uint64_t min, max; /* U64, DECIMAL; of a LIST the fewest items */
	const char *initial; /* as it stands in the example file; a list's items are plain words */
	const char *unit; /* or NULL */
	const char *words; /* WORD: "none|zstd" */
	bool reload; /* SIGHUP may change it */
	bool unique; /* LIST: an item that stands there twice is a mistake */
	/* NULL = good, or why not; of a scalar or of one item of a list. */
	const char *(*check)(const char *text);
	const char *help;
};

#define CONFIG_ROWS_MAX 128
extern const struct config_row config_rows[];
extern const size_t config_n_rows;

static inline void *config_field(struct config *config, const struct config_row *row)
{
	return (char *)config + row->offset;
}

static inline const void *config_field_const(const struct config *config, const struct config_row *row)
{
	return (const char *)config + row->offset;
}

/* The part of the name behind the last dot. */
const char *config_row_key(const struct config_row *row);
unsigned int config_row_depth(const struct config_row *row);
/* Appends the value as it would stand in the file, strings and lists as JSON (which is YAML too). */
int config_row_value(const struct config *config, const struct config_row *row, struct buf *out);
/* Index of `text` among "a|b|c"; -1. */
int config_word_index(const char *words, const char *text);
void config_list_clear(struct config_list *list);
/*
 * Checks `text` against the row and stores it (or adds it, for lists). NULL, or what is wrong with it: "" when it
 * is not of the row's form or range (numbers, words).
 * *ret_error is -ENOMEM when that was it.
 */
const char *config_row_set(struct config *config, const struct config_row *row, const char *text,
			   int *ret_error);
