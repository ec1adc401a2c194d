// SPDX-License-Identifier: Apache-2.0
/*
 * The option parser. getopt_long is not used: it takes abbreviations (which break when an option is added) and
 * words its own errors. Promises: every word of argv is either an option of the table, its value, or an argument
 * that the verb asked for. Owns nothing; all text is borrowed from argv.
 */

#include "cli/options.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text.h"

#define HELP_LEFT 28 /* columns of names and values */

struct parse {
	const struct option_spec *spec;
	int argc;
	char **argv;
	int next; /* the word to look at */
	uint64_t seen; /* bit i: row i was given */
};

static bool refuse(const struct parse *parse, const char *what, const char *name, const char *hint)
{
	talk("%s: %s %s%s; `stella signals %s --help` lists the options", parse->argv[0], name, what, hint,
	     parse->argv[0]);
	return false;
}

static const struct option_row *row_by_name(const struct option_spec *spec, struct str name)
{
	for (size_t i = 0; i < spec->n_rows; i++) {
		if (str_equal(name, str_of(spec->rows[i].name)))
			return &spec->rows[i];
	}
	return NULL;
}

static const struct option_row *row_by_letter(const struct option_spec *spec, char letter)
{
	for (size_t i = 0; i < spec->n_rows; i++) {
		if (spec->rows[i].letter && spec->rows[i].letter == letter)
			return &spec->rows[i];
	}
	return NULL;
}

static bool refuse_unknown(const struct parse *parse, struct str name)
{
	struct nearest nearest = NEAREST_TO(name);
	char hint[128] = "";
	const char *word = parse->argv[parse->next];
	const struct option_row *row = word[1] != '-' ? row_by_letter(parse->spec, word[1]) : NULL;

	if (row && row->type != OPTION_FLAG) {
		snprintf(hint, sizeof(hint), ", its value is the next word: -%c %.64s", row->letter, word + 2);
		return refuse(parse, "is no option of this verb", word, hint);
	}
	for (size_t i = 0; i < parse->spec->n_rows; i++)
		nearest_try(&nearest, parse->spec->rows[i].name);
	if (nearest.best)
		snprintf(hint, sizeof(hint), ", did you mean --%s?", nearest.best);
	return refuse(parse, "is no option of this verb", parse->argv[parse->next], hint);
}

static bool store_value(const struct parse *parse, const struct option_row *row, const char *value)
{
	char shown[64];
	struct option_list *list = row->target;

	snprintf(shown, sizeof(shown), "--%s", row->name);
	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)row->target = true;
		return true;
	case OPTION_TEXT:
		*(const char **)row->target = value;
		return *value || refuse(parse, "is empty", shown, "");
	case OPTION_U64:
		if (text_parse_u64(str_of(value), row->min, row->max, row->target) == 0)
			return true;
		talk("%s: %s '%s': a whole number from %llu to %llu is wanted", parse->argv[0], shown, value,
		     (unsigned long long)row->min, (unsigned long long)row->max);
		return false;
	case OPTION_LIST:
		if (list->count == OPTION_LIST_MAX)
			return refuse(parse, "is given too often", shown, "");
		list->items[list->count++] = value;
		return true;
	case OPTION_OUTPUT:
		if (output_format_parse(value, row->target) == 0)
			return true;
		talk("%s: %s '%s': table, json or ndjson is wanted", parse->argv[0], shown, value);
		return false;
	}
	return false;
}

/* `value` is what stood behind '=', or NULL: then the next word is taken. */
static bool take_option(struct parse *parse, const struct option_row *row, const char *value)
{
	size_t index = (size_t)(row - parse->spec->rows);
	char shown[64];

	snprintf(shown, sizeof(shown), "--%s", row->name);
	if (row->type != OPTION_LIST && parse->seen & 1ull << index)
		return refuse(parse, "is given twice", shown, "");
	parse->seen |= 1ull << index;
	if (row->type == OPTION_FLAG && value)
		return refuse(parse, "takes no value", shown, "");
	if (row->type != OPTION_FLAG && !value) {
		if (parse->next + 1 >= parse->argc)
			return refuse(parse, "needs a value", shown, "");
		value = parse->argv[++parse->next];
	}
	return store_value(parse, row, value);
}

static bool take_word(struct parse *parse, const char *word)
{
	const struct option_row *row;
	const char *equals;
	struct str name;

	if (word[1] != '-') {
		row = word[2] ? NULL : row_by_letter(parse->spec, word[1]);
		return row ? take_option(parse, row, NULL) : refuse_unknown(parse, str_of(word + 1));
	}
	equals = strchr(word, '=');
	name = (struct str) { word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2) };
	row = row_by_name(parse->spec, name);
	return row ? take_option(parse, row, equals ? equals + 1 : NULL) : refuse_unknown(parse, name);
}

static void help_row(const struct option_row *row)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%s --%s%s%s", row->letter ? '-' : ' ',
		 row->letter ? row->letter : ' ', row->letter ? "," : " ", row->name, row->value ? " " : "",
		 row->value ? row->value : "");
	if (strlen(left) > HELP_LEFT)
		printf("  %s\n  %-*s  ", left, HELP_LEFT, "");
	else
		printf("  %-*s  ", HELP_LEFT, left);
	output_folded(stdout, row->help, HELP_LEFT + 4);
	putchar('\n');
}

static void help(const struct option_spec *spec)
{
	static const struct option_row help_option = OPTION_IS_FLAG("help", 'h', "print this", NULL);

	printf("Usage: %s\n\n%s\n\nOptions:\n", spec->usage, spec->summary);
	for (size_t i = 0; i < spec->n_rows; i++)
		help_row(&spec->rows[i]);
	help_row(&help_option);
	if (spec->details)
		printf("\n%s\n", spec->details);
}

/* Reorders argv: arguments first, in their order. False after a refusal. */
static bool parse_words(struct parse *parse, char **arguments, size_t *ret_count)
{
	bool options = true;
	size_t count = 0;

	for (parse->next = 1; parse->next < parse->argc; parse->next++) {
		char *word = parse->argv[parse->next];

		if (!options || word[0] != '-' || !word[1])
			arguments[count++] = word;
		else if (strcmp(word, "--") == 0)
			options = false;
		else if (!take_word(parse, word))
			return false;
	}
	arguments[count] = NULL;
	*ret_count = count;
	return true;
}

/* --help wins wherever it stands, even beside what would be refused; but not behind `--`. */
static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

bool options_parse(const struct option_spec *spec, int argc, char **argv, char ***ret_arguments,
		   int *ret_status)
{
	struct parse parse = { .spec = spec, .argc = argc, .argv = argv };
	char **arguments = argv + 1; /* never ahead of the word being read; argv[argc] is the NULL's place */
	size_t count = 0;

	*ret_status = EXIT_UNSOUND;
	if (wants_help(argc, argv)) {
		help(spec);
		*ret_status = EXIT_DONE;
		return false;
	}
	if (!parse_words(&parse, arguments, &count))
		return false;
	if (count < spec->min_arguments)
		return refuse(&parse, "is missing", spec->argument, "");
	if (count > spec->max_arguments)
		return refuse(&parse, "is one argument too many", arguments[spec->max_arguments], "");
	*ret_arguments = arguments;
	return true;
}
