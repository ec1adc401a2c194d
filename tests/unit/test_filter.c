/* SPDX-License-Identifier: Apache-2.0 */
/* Globs and lists: what matches, what must not, and what a pattern made to hurt costs. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collect/filter.h"

struct row {
	const char *pattern, *text;
	bool matches;
};

static const struct row rows[] = {
	{ "/etc/passwd", "/etc/passwd", true },
	{ "/etc/passwd", "/etc/passwd2", false },
	{ "/etc/passwd", "/etc/passw", false },
	{ "/etc/passwd", "x/etc/passwd", false },
	{ "/etc/*", "/etc/passwd", true },
	{ "/etc/*", "/etc/", true },
	{ "/etc/*", "/etc", false },
	{ "/etc/*", "/etc/ssl/cert", false },
	{ "/etc/**", "/etc/ssl/cert", true },
	{ "/etc/**", "/etc/", true },
	{ "/etc/**", "/etc", false },
	{ "/etc/**", "/etcetera", false },
	{ "**", "", true },
	{ "*", "", true },
	{ "*", "a/b", false },
	{ "?", "", false },
	{ "?", "/", false },
	{ "??", "ab", true },
	{ "/a?c", "/a/c", false },
	{ "/usr/**/x", "/usr/x", true },
	{ "/usr/**/x", "/usr/a/x", true },
	{ "/usr/**/x", "/usr/a/b/x", true },
	{ "/usr/**/x", "/usr/ax", false },
	{ "/usr/**/x", "/usrx", false },
	{ "/usr/**/x", "/usr/a/xx", false },
	{ "**/x", "x", true },
	{ "**/x", "/x", true },
	{ "**/x", "a/x", true },
	{ "**/x", "ax", false },
	{ "/a**/x", "/a/x", true },
	{ "/a**/x", "/ax", false }, /* the stars do not stand for a component here */
	{ "/usr/**", "/usr/x", true },
	{ "/**/**/x", "/x", true },
	{ "/***/x", "/x", true },
	{ "/***/x", "/a/b/x", true },
	{ "**/*.py[co]", "/usr/lib/python3/a.pyc", true },
	{ "**/*.py[co]", "/usr/lib/python3/a.pyd", false },
	{ "**/*.py[co]", "/usr/lib/python3/a.py", false },
	{ "/[a-c]", "/b", true },
	{ "/[a-c]", "/d", false },
	{ "/[!a-c]", "/d", true },
	{ "/[^a-c]", "/b", false },
	{ "/a[!b]c", "/a/c", false }, /* no class is a way across a slash */
	{ "/a[.-0]c", "/a/c", false },
	{ "/[]]", "/]", true },
	{ "/[]-]", "/-", true },
	{ "/[a-]", "/-", true },
	{ "/[\\]x]", "/]", true },
	{ "/[\\a-\\c]", "/b", true },
	{ "/\\*", "/*", true },
	{ "/\\*", "/a", false },
	{ "/\\[a]", "/[a]", true },
	{ "/\\\\", "/\\", true },
	{ "/a*b*c", "/axbxc", true },
	{ "/a*b*c", "/axcxb", false },
	{ "/a*b", "/ab/b", false },
	{ "/a**b", "/ab/b", true },
	{ "/**a*/b", "/xa/xay/b", true },
	{ "/**a*/b", "/xa/xy/b", false },
	{ "\xff*", "\xff\xfe", true },
	{ "/[", "/[", false },
	{ "", "", false },
};

static void globs_match_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (glob_matches(str_of(rows[i].pattern), str_of(rows[i].text)) != rows[i].matches)
			fail_msg("'%s' on '%s' is not %d", rows[i].pattern, rows[i].text, rows[i].matches);
	}
}

/* By its definition, slow and simple, over a small alphabet: what the fast matcher must agree with. */
static bool plainly(const char *p, const char *t, bool component_start)
{
	if (*p == '\0')
		return *t == '\0';
	if (p[0] == '*' && p[1] == '*') {
		if (component_start && p[2] == '/' && plainly(p + 3, t, true))
			return true;
		if (plainly(p + 2, t, false))
			return true;
		return *t && plainly(p, t + 1, *t == '/');
	}
	if (p[0] == '*')
		return plainly(p + 1, t, false) || (*t && *t != '/' && plainly(p, t + 1, false));
	if (*t == '\0' || (p[0] == '?' ? *t == '/' : *p != *t))
		return false;
	return plainly(p + 1, t + 1, *t == '/');
}

static void word(char *out, const char *letters, size_t n_letters, unsigned int max)
{
	unsigned int len = (unsigned int)rand() % max;

	for (unsigned int i = 0; i < len; i++)
		out[i] = letters[(size_t)rand() % n_letters];
	out[len] = '\0';
}

static void globs_agree_with_their_definition(void **state)
{
	unsigned int matched = 0;

	(void)state;
	srand(7);
	for (unsigned int i = 0; i < 300000; i++) {
		char pattern[12], text[12];

		word(pattern, "a/*?b*", 6, 9);
		word(text, "a/b", 3, 9);
		/* Three stars are two: kept out of the model. */
		if (pattern[0] == '\0' || strstr(pattern, "***"))
			continue;
		if (glob_matches(str_of(pattern), str_of(text)) != plainly(pattern, text, true))
			fail_msg("'%s' on '%s'", pattern, text);
		matched += plainly(pattern, text, true);
		/* The filter's shortcuts by literals must agree too. */
		if (i % 4 == 0) {
			_cleanup_(filter_freep) struct filter *filter = NULL;
			char *allow[] = { pattern };
			struct event event = { .kind = WIRE_KIND_FILE_OPEN, .open = { .path = str_of(text) } };

			assert_int_equal(filter_new(allow, 1, NULL, 0, NULL, &filter), 0);
			if (filter_wants(filter, &event) != plainly(pattern, text, true))
				fail_msg("filter '%s' on '%s'", pattern, text);
		}
	}
	assert_true(matched > 1000);
}

static void hurtful_patterns_cost_no_more_than_their_size(void **state)
{
	static char pattern[FILTER_GLOB_MAX + 1], text[4096];

	(void)state;
	for (size_t i = 0; i < FILTER_GLOB_MAX; i += 4)
		memcpy(pattern + i, i % 8 ? "**a*" : "*a?*", 4);
	pattern[FILTER_GLOB_MAX - 1] = 'b';
	memset(text, 'a', sizeof(text) - 1);
	/* Backtracking would outlive the machine. */
	for (int i = 0; i < 10; i++)
		assert_false(glob_matches((struct str) { pattern, FILTER_GLOB_MAX },
					  (struct str) { text, sizeof(text) - 1 }));
	assert_false(glob_matches((struct str) { pattern, FILTER_GLOB_MAX + 1 }, STR("a")));
}

static void bad_globs_are_named(void **state)
{
	static const char *const bad[] = { "", "/[a", "/[", "/[!", "/[]", "/a\\", "/[z-a]", "/[a\\" };
	static const char *const good[] = { "/[]]", "/[a-]", "/\\[", "/]", "**", "/[!]]" };
	const char *reason;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		reason = NULL;
		assert_int_equal(glob_check(str_of(bad[i]), &reason), -EINVAL);
		assert_non_null(reason);
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(glob_check(str_of(good[i]), &reason), 0);
	assert_int_equal(glob_check((struct str) { "a\0b", 3 }, &reason), -EINVAL);
}

static bool wants(const struct filter *filter, const char *path)
{
	struct event event = { .kind = WIRE_KIND_FILE_OPEN, .open = { .path = str_of(path) } };

	return filter_wants(filter, &event);
}

static void lists_decide(void **state)
{
	_cleanup_(filter_freep) struct filter *filter = NULL, *all = NULL;
	const char *const allow[] = { "/usr/**", "/etc/passwd", "**/*.so", "/opt/a*a" };
	const char *const deny[] = { "/usr/share/**", "/usr/**/*.pyc", "**/x" };
	struct event event = { .kind = WIRE_KIND_PROCESS_EXEC, .exec = { .filename = STR("/tmp/x") } };

	(void)state;
	assert_int_equal(filter_new((char *const *)allow, ARRAY_LEN(allow), (char *const *)deny,
				    ARRAY_LEN(deny), NULL, &filter),
			 0);
	assert_true(wants(filter, "/usr/bin/cat"));
	assert_true(wants(filter, "/etc/passwd"));
	assert_false(wants(filter, "/etc/passwd.bak"));
	assert_false(wants(filter, "/etc/shadow"));
	assert_true(wants(filter, "/srv/lib/libc.so"));
	assert_false(wants(filter, "/srv/lib/libc.so.6"));
	assert_false(wants(filter, "/usr/share/doc"));
	assert_false(wants(filter, "/usr/lib/a.pyc"));
	assert_false(wants(filter, "/usr/a.pyc")); /* no directory between is fine too */
	assert_false(wants(filter, "/usr/x"));
	assert_false(wants(filter, "x")); /* the suffix must not demand the slash */
	assert_false(wants(filter, "/opt/a")); /* prefix and suffix must not overlap */
	assert_true(wants(filter, "/opt/aa"));
	/* Other kinds, and what can't be judged, pass. */
	assert_true(filter_wants(filter, &event));
	event = (struct event) { .kind = WIRE_KIND_FILE_OPEN };
	assert_true(filter_wants(filter, &event));
	event.open.path = STR("/share/x");
	event.open.path_truncated = true;
	assert_true(filter_wants(filter, &event));

	assert_int_equal(filter_new(NULL, 0, NULL, 0, NULL, &all), 0);
	assert_true(wants(all, "/anything"));
}

static void the_filter_is_no_other_than_the_globs(void **state)
{
	(void)state;
	/* The shortcuts by prefix and suffix must not change what the matcher says. */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(filter_freep) struct filter *filter = NULL;
		char *allow[] = { (char *)rows[i].pattern };
		const char *reason;

		if (glob_check(str_of(rows[i].pattern), &reason) < 0)
			continue;
		assert_int_equal(filter_new(allow, 1, NULL, 0, NULL, &filter), 0);
		if (wants(filter, rows[i].text) != rows[i].matches)
			fail_msg("filter '%s' on '%s' is not %d", rows[i].pattern, rows[i].text,
				 rows[i].matches);
	}
}

static void bad_lists_are_refused_by_name(void **state)
{
	struct filter *filter = NULL;
	struct diag diag = { .code = 0 };
	char good[] = "/a", bad[] = "/[b";
	char *deny[FILTER_GLOBS_MAX + 1] = { good, bad };

	(void)state;
	assert_int_equal(filter_new(NULL, 0, deny, 2, &diag, &filter), -EINVAL);
	assert_non_null(strstr(diag.text, "filters.path_denylist: pattern 2 '/[b'"));
	assert_int_equal(diag_exit_status(&diag, -EINVAL), EXIT_UNSOUND);
	for (size_t i = 0; i < ARRAY_LEN(deny); i++)
		deny[i] = good;
	assert_int_equal(filter_new(deny, FILTER_GLOBS_MAX + 1, NULL, 0, NULL, &filter), -E2BIG);
	assert_null(filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_match_what_they_say),
		cmocka_unit_test(globs_agree_with_their_definition),
		cmocka_unit_test(hurtful_patterns_cost_no_more_than_their_size),
		cmocka_unit_test(bad_globs_are_named),
		cmocka_unit_test(lists_decide),
		cmocka_unit_test(the_filter_is_no_other_than_the_globs),
		cmocka_unit_test(bad_lists_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
