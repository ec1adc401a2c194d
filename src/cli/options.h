/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Options of a verb as rows of a table: parser and --help come from the same rows. Strict: unknown options
 * (with the nearest known one named), values missing, values where none belong, numbers that are none, and an
 * option given twice (unless it is a list) are refused with one line on stderr and exit status 2.
 * `--name VALUE`, `--name=VALUE` and `-n VALUE` are one; `--` ends the options; `--help` is in every verb.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/output.h"

enum option_type { OPTION_FLAG, OPTION_TEXT, OPTION_U64, OPTION_LIST, OPTION_OUTPUT };

#define OPTION_LIST_MAX 64

/* A repeated option's values, borrowed from argv. */
struct option_list {
	const char *items[OPTION_LIST_MAX];
	size_t count;
};

struct option_row {
	const char *name; /* without the dashes */
	char letter; /* short form, 0 = none */
	enum option_type type;
	const char *value; /* the value's name in --help; NULL for flags */
	const char *help;
	void *target; /* bool, const char *, uint64_t, struct option_list, enum output_format */
	uint64_t min, max; /* of OPTION_U64 */
};

#define OPTION_IS_FLAG(name_, letter_, help_, target_)                                      \
	{                                                                                   \
		.name = (name_), .letter = (letter_), .type = OPTION_FLAG, .help = (help_), \
		.target = (target_)                                                         \
	}
#define OPTION_IS_TEXT(name_, letter_, value_, help_, target_)                                                 \
	{                                                                                                      \
		.name = (name_), .letter = (letter_), .type = OPTION_TEXT, .value = (value_), .help = (help_), \
		.target = (target_)                                                                            \
	}
#define OPTION_IS_LIST(name_, letter_, value_, help_, target_)                                                 \
	{                                                                                                      \
		.name = (name_), .letter = (letter_), .type = OPTION_LIST, .value = (value_), .help = (help_), \
		.target = (target_)                                                                            \
	}
#define OPTION_IS_U64(name_, letter_, value_, min_, max_, help_, target_)                                     \
	{                                                                                                     \
		.name = (name_), .letter = (letter_), .type = OPTION_U64, .value = (value_), .help = (help_), \
		.target = (target_), .min = (min_), .max = (max_)                                             \
	}
/* --output and --quiet, for every verb that prints facts; `output_` is a struct output, filled by OUTPUT_DEFAULT. */
#define OPTIONS_FACTS(output_)                                                            \
	{ .name = "output",                                                               \
	  .letter = 'o',                                                                  \
	  .type = OPTION_OUTPUT,                                                          \
	  .value = "table|json|ndjson",                                                   \
	  .help = "how facts are printed (default: table on a terminal, json otherwise)", \
	  .target = &(output_)->format },                                                 \
		OPTION_IS_FLAG("quiet", 'q', "print no facts; the exit status says", &(output_)->quiet)

struct option_spec {
	const char *usage; /* "stella signals verify-chain [OPTION...] DIR" */
	const char *summary; /* one sentence */
	const struct option_row *rows;
	size_t n_rows;
	size_t min_arguments, max_arguments;
	const char *argument; /* what is missing when there are too few: "DIR" */
	const char *details; /* printed behind the options, or NULL */
};

/*
 * True: go on; *ret_arguments (NULL-ended, borrowed from argv, which is reordered) are what is no option.
 * False: leave with *ret_status (--help was printed, or the line was).
 */
bool options_parse(const struct option_spec *spec, int argc, char **argv, char ***ret_arguments,
		   int *ret_status);
