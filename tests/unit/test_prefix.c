// SPDX-License-Identifier: Apache-2.0
/*
 * What the kernel half leaves out by the beginning of a path is what the globs leave out: never more, whatever the
 * globs and the path are; and not less where each glob is a directory with all below it. Both sides are the shipped
 * code: the kernel half compiles the same wire/prefix.h.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/filter.h"
#include "collect/prefix.h"

#define ROUNDS 200000

static bool kernel_wants(const struct wire_prefixes *prefixes, const char *path)
{
	__u64 end[WIRE_PREFIX_WORDS];
	uint32_t len = prefix_end_of(str_of(path), end);

	return !wire_prefixes_leave_out(prefixes, end, len);
}

static bool user_wants(const struct filter *filter, const char *path)
{
	struct event event = { .kind = WIRE_KIND_FILE_OPEN, .open = { .path = str_of(path) } };

	return filter_wants(filter, &event);
}

struct row {
	const char *allow, *deny, *path;
	bool kernel, user;
};

static const struct row rows[] = {
	{ NULL, "/a/b/**", "/a/b/c", false, false },
	{ NULL, "/a/b/**", "/a/b", true, true },
	{ NULL, "/a/b/**", "/a/bc", true, true },
	{ NULL, "/a/b/**", "/x/a/b/c", true, true },
	{ NULL, "/a/b/**", "/", true, true },
	{ NULL, "/**", "/", false, false },
	{ NULL, "/**", "/a", false, false },
	{ NULL, "**", "/a", false, false },
	{ NULL, "/a/b**", "/a/bc", true, false }, /* no directory: the collector's */
	{ NULL, "/a/*/**", "/a/b/c", true, false },
	{ NULL, "/a//b/**", "/a/b/c", true, true },
	{ NULL, "/a/b/*", "/a/b/c", true, false },
	{ NULL, "/a\\/**", "/a/c", true, false },
	{ "/a/**", NULL, "/a/b", true, true },
	{ "/a/**", NULL, "/a", false, false },
	{ "/a/**", NULL, "/b/a/c", false, false },
	{ "/a/**", "/a/b/**", "/a/b/c", false, false },
	{ "/a/**/x", NULL, "/a/x", true, true },
	{ "/a/**/x", NULL, "/b/x", false, false },
	{ "/a/**/x", NULL, "/a/y", true, false },
	{ "/etc/passwd", NULL, "/etc/group", true, false },
	{ "/etc/passwd", NULL, "/usr/x", false, false },
	{ "**/x", NULL, "/usr/y", true, false },
	{ "/a*", NULL, "/b", true, false }, /* below the root is everything */
};

static void each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(filter_freep) struct filter *filter = NULL;
		char *allow = (char *)rows[i].allow, *deny = (char *)rows[i].deny;
		struct wire_prefixes prefixes;
		struct diag diag;

		assert_int_equal(filter_new(&allow, allow != NULL, &deny, deny != NULL, &diag, &filter), 0);
		prefixes_of(&allow, allow != NULL, &deny, deny != NULL, &prefixes);
		if (kernel_wants(&prefixes, rows[i].path) != rows[i].kernel ||
		    user_wants(filter, rows[i].path) != rows[i].user)
			fail_msg("row %zu: %s", i, rows[i].path);
	}
}

/* Few letters, so that beginnings meet often. */
static void random_text(const char *const *parts, size_t n_parts, size_t most, char *out)
{
	size_t count = 1 + (size_t)rand() % most;

	for (*out = '\0'; count > 0; count--)
		strcat(out, parts[(size_t)rand() % n_parts]);
}

static void random_globs(const char *const *parts, size_t n_parts, const char *tail, char texts[4][128],
			 char *globs[4], size_t *ret_count)
{
	*ret_count = (size_t)rand() % 4;
	for (size_t i = 0; i < *ret_count; i++) {
		random_text(parts, n_parts, 5, texts[i]);
		strcat(texts[i], tail);
		globs[i] = texts[i];
	}
}

/* `exact`: the two must agree; else the kernel half may only want more. */
static void compare(const char *const *parts, size_t n_parts, const char *tail, bool exact)
{
	static const char *const names[] = { "/a", "/b", "/ab", "/a.b", "/bb", "/\xff" };
	char allow_texts[4][128], deny_texts[4][128], *allow[4], *deny[4], path[128];
	unsigned int left_out = 0, agreed = 0;

	for (int round = 0; round < ROUNDS; round++) {
		_cleanup_(filter_freep) struct filter *filter = NULL;
		struct wire_prefixes prefixes;
		size_t n_allow, n_deny;
		struct diag diag;
		bool kernel, user;

		random_globs(parts, n_parts, tail, allow_texts, allow, &n_allow);
		random_globs(parts, n_parts, tail, deny_texts, deny, &n_deny);
		random_text(names, ARRAY_LEN(names), 5, path);
		assert_int_equal(filter_new(allow, n_allow, deny, n_deny, &diag, &filter), 0);
		prefixes_of(allow, n_allow, deny, n_deny, &prefixes);
		kernel = kernel_wants(&prefixes, path);
		user = user_wants(filter, path);
		if ((user && !kernel) || (exact && kernel && !user))
			fail_msg("round %d: %s: kernel %d, globs %d", round, path, kernel, user);
		left_out += !kernel;
		agreed += !kernel && !user;
	}
	/* It would be easy to never leave anything out. */
	assert_true(agreed == left_out && left_out > ROUNDS / 20);
}

static void directories_agree(void **state)
{
	static const char *const parts[] = { "/a", "/b", "/ab", "/a.b", "/bb" };

	(void)state;
	srand(1);
	compare(parts, ARRAY_LEN(parts), "/**", true);
}

static void any_globs_never_leave_out_more(void **state)
{
	static const char *const parts[] = { "/a", "/b", "/ab",	  "/*", "/**",	"/",
					     "a",  "*",	 "/a/**", "?",	"[ab]", "\\a" };

	(void)state;
	srand(2);
	compare(parts, ARRAY_LEN(parts), "", false);
	compare(parts, ARRAY_LEN(parts), "**", false);
}

/* Longer than is compared, and more of them than are kept. */
static void limits(void **state)
{
	char text[512] = "", path[600], *globs[WIRE_PREFIXES_MAX + 1];
	struct wire_prefixes prefixes;

	(void)state;
	for (int i = 0; i < 60; i++)
		strcat(text, "/abc");
	strcat(text, "/**");
	for (size_t i = 0; i < ARRAY_LEN(globs); i++)
		globs[i] = text;
	prefixes_of(globs, 1, NULL, 0, &prefixes);
	assert_int_equal(prefixes.n_allow, 1);
	snprintf(path, sizeof(path), "%.*s/x", 240, text);
	assert_true(kernel_wants(&prefixes, path));
	memcpy(path, "/abd", 4);
	assert_false(kernel_wants(&prefixes, path));
	assert_false(kernel_wants(&prefixes, "/abc/abc/abc"));
	prefixes_of(NULL, 0, globs, 1, &prefixes);
	assert_int_equal(prefixes.n_deny, 0);
	prefixes_of(globs, ARRAY_LEN(globs), NULL, 0, &prefixes);
	assert_int_equal(prefixes.n_allow, 0);
	strcpy(text, "/a/**");
	prefixes_of(NULL, 0, globs, ARRAY_LEN(globs), &prefixes);
	assert_int_equal(prefixes.n_deny, WIRE_PREFIXES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(directories_agree),
		cmocka_unit_test(any_globs_never_leave_out_more),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
