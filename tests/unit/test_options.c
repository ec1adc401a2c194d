// SPDX-License-Identifier: Apache-2.0
/* The command line: what options_parse takes, and what it must not take for something else. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "cli/options.h"

struct result {
	bool flag;
	const char *text;
	uint64_t number;
	struct option_list list;
	struct output output;
	size_t n_arguments;
	const char *arguments[8];
	int status;
	bool go;
};

#define WORDS_MAX 16

static struct result parse(size_t min, size_t max, const char *const *words)
{
	struct result result = { .number = 7, .output = OUTPUT_DEFAULT };
	const struct option_row rows[] = {
		OPTION_IS_FLAG("flag", 'f', "a flag", &result.flag),
		OPTION_IS_TEXT("text", 't', "TEXT", "a text", &result.text),
		OPTION_IS_U64("number", 0, "N", 1, 100, "a number", &result.number),
		OPTION_IS_LIST("item", 'i', "ITEM", "again and again", &result.list),
		OPTIONS_FACTS(&result.output),
	};
	const struct option_spec spec = {
		.usage = "stella signals test",
		.summary = "Test.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.min_arguments = min,
		.max_arguments = max,
		.argument = "DIR",
	};
	char *argv[WORDS_MAX + 1] = { (char *)"test" }, **arguments = NULL;
	int argc = 1;

	while (words[argc - 1]) {
		argv[argc] = (char *)words[argc - 1];
		argc++;
	}
	result.go = options_parse(&spec, argc, argv, &arguments, &result.status);
	while (result.go && arguments[result.n_arguments]) {
		result.arguments[result.n_arguments] = arguments[result.n_arguments];
		result.n_arguments++;
	}
	return result;
}

#define PARSE(min, max, ...) parse((min), (max), (const char *const[]) { __VA_ARGS__ __VA_OPT__(, ) NULL })

static void test_forms(void **state)
{
	struct result r =
		PARSE(0, 0, "--flag", "--text", "a b", "--number=100", "-i", "x", "--item=", "--item", "-y");

	(void)state;
	assert_true(r.go);
	assert_true(r.flag);
	assert_string_equal(r.text, "a b");
	assert_int_equal(r.number, 100);
	assert_int_equal(r.list.count, 3);
	assert_string_equal(r.list.items[0], "x");
	assert_string_equal(r.list.items[1], "");
	assert_string_equal(r.list.items[2], "-y"); /* an option's value is its value, whatever it looks like */
	r = PARSE(0, 0, "-o", "ndjson", "-q");
	assert_true(r.go && r.output.quiet);
	assert_int_equal(r.output.format, OUTPUT_NDJSON);
	r = PARSE(0, 0, "--text=a=b");
	assert_string_equal(r.text, "a=b");
	r = PARSE(0, 0);
	assert_true(r.go && !r.flag && !r.text);
	assert_int_equal(r.number, 7);
}

static void test_arguments(void **state)
{
	struct result r = PARSE(1, 3, "one", "--flag", "-", "--", "--text");

	(void)state;
	assert_true(r.go && r.flag && !r.text);
	assert_int_equal(r.n_arguments, 3);
	assert_string_equal(r.arguments[0], "one");
	assert_string_equal(r.arguments[1], "-");
	assert_string_equal(r.arguments[2], "--text");
}

static void refused(struct result r)
{
	assert_false(r.go);
	assert_int_equal(r.status, EXIT_UNSOUND);
}

static void test_refused(void **state)
{
	(void)state;
	refused(PARSE(0, 0, "--flags"));
	refused(PARSE(0, 0, "--fla")); /* no abbreviations */
	refused(PARSE(0, 0, "-x"));
	refused(PARSE(0, 0, "-fq")); /* no bundles: -fq could as well be a value */
	refused(PARSE(0, 0, "-flag"));
	refused(PARSE(0, 0, "--flag=true"));
	refused(PARSE(0, 0, "--flag", "--flag"));
	refused(PARSE(0, 0, "--text", "a", "-t", "b"));
	refused(PARSE(0, 0, "--text"));
	refused(PARSE(0, 0, "--text="));
	refused(PARSE(0, 0, "--number", "0"));
	refused(PARSE(0, 0, "--number", "101"));
	refused(PARSE(0, 0, "--number", "5x"));
	refused(PARSE(0, 0, "--number", " 5"));
	refused(PARSE(0, 0, "--number", "+5"));
	refused(PARSE(0, 0, "--number="));
	refused(PARSE(0, 0, "--output", "xml"));
	refused(PARSE(0, 0, "--output="));
	refused(PARSE(0, 0, "extra"));
	refused(PARSE(1, 1));
	refused(PARSE(1, 1, "a", "b"));
	refused(PARSE(0, 0,
		      "--"
		      "="));
	refused(PARSE(0, 0, "--=x"));
}

static void test_help_wins(void **state)
{
	struct result r;
	int out = dup(STDOUT_FILENO);

	(void)state;
	fflush(stdout);
	assert_non_null(freopen("/dev/null", "w", stdout));
	r = PARSE(1, 1, "--nonsense", "--help");
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	assert_false(r.go);
	assert_int_equal(r.status, EXIT_DONE);
	r = PARSE(1, 1, "--", "--help");
	assert_true(r.go);
	assert_string_equal(r.arguments[0], "--help");
}

static void test_table_folds_and_cuts_nothing(void **state)
{
	static const struct table_column columns[] = { { "N", true }, { "TEXT", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, 2, true);
	_cleanup_(freep) char *text = NULL;
	size_t size, longest = 0, words = 0;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	table_cell(table, "%d", 12345);
	table_cell(table, "%s",
		   "word word word word word word word word word word word word word word word word word word "
		   "word word word word word word word word word word word word");
	table_cell(table, "%d", 6);
	table_cell(table, "%s", "x\033y");
	assert_int_equal(table_print(table, file), 0);
	fclose(file);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		longest = strlen(line) > longest ? strlen(line) : longest;
		assert_null(strchr(line, '\033'));
		for (char *at = line; (at = strstr(at, "word")); at++)
			words++;
	}
	assert_true(longest <= OUTPUT_WIDTH);
	assert_int_equal(words, 30);
}

static void test_nearest(void **state)
{
	static const struct {
		const char *word, *best;
	} rows[] = {
		{ "stattus", "status" }, { "statu", "status" }, { "strat", "start" },
		{ "xyz", NULL },	 { "", NULL },		{ "ver", "verify-chain" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct nearest nearest = NEAREST_TO(str_of(rows[i].word));

		nearest_try(&nearest, "start");
		nearest_try(&nearest, "status");
		nearest_try(&nearest, "verify-chain");
		if (rows[i].best)
			assert_string_equal(nearest.best ? nearest.best : "(none)", rows[i].best);
		else
			assert_null(nearest.best);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_help_wins),
		cmocka_unit_test(test_table_folds_and_cuts_nothing),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
