/* SPDX-License-Identifier: Apache-2.0 */
/* The walk through JSON: what is well-formed is read to the end, whatever is bent stops it with one line. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "packages/jwalk.h"

static int walk_all(struct str text, struct diag *diag)
{
	_cleanup_(jwalk_freep) struct jwalk *json = NULL;

	assert_int_equal(jwalk_new(text, "x.json", diag, &json), 0);
	jwalk_skip(json);
	return jwalk_end(json);
}

static void good_is_walked(void **state)
{
	static const char *const texts[] = {
		"0",
		"-0",
		"1e5",
		"-1.5E-7",
		"10",
		"true",
		"false",
		"null",
		"\"\"",
		"[]",
		"{}",
		" [ 1 , 2 ] ",
		"{\"a\":{\"a\":[{\"a\":1}]},\"b\":[[],{}]}",
		"\"\\u00e9\\ud83d\\ude00\\n\\/\"",
		"\xef\xbb\xbf{}",
		"\"\xf0\x9f\x98\x80\"",
		"\"\\u0000\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct diag diag = { .text = "" };

		if (walk_all(str_of(texts[i]), &diag) != 0)
			fail_msg("%s: %s", texts[i], diag.text);
	}
}

static void bent_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "too early" },
		{ "[", "too early" },
		{ "{\"a\":", "too early" },
		{ "{\"a\"", "too early" },
		{ "\"abc", "too early" },
		{ "[1,]", "no JSON" },
		{ "{\"a\":1,}", "no JSON" },
		{ "{a:1}", "no JSON" },
		{ "[1 2]", "no JSON" },
		{ "{\"a\" 1}", "no JSON" },
		{ "01", "follows" },
		{ "-", "too early" },
		{ "1.", "too early" },
		{ "1.e5", "no JSON" },
		{ "+1", "no JSON" },
		{ "tru", "no JSON" },
		{ "nulL", "no JSON" },
		{ "NaN", "no JSON" },
		{ "{}{}", "follows" },
		{ "{} x", "follows" },
		{ "[1]//", "follows" },
		{ "\"\\x\"", "JSON does not allow" },
		{ "\"\\u12g4\"", "JSON does not allow" },
		{ "\"a\nb\"", "JSON does not allow" },
		{ "\"\\ud800\"", "surrogate" },
		{ "\"\\udc00\"", "surrogate" },
		{ "\"\\ud800\\u0041\"", "surrogate" },
		{ "\"\xff\"", "UTF-8" },
		{ "\"\xc0\xaf\"", "UTF-8" },
		{ "\"\xed\xa0\x80\"", "UTF-8" },
		{ "\"\xe2\x82\"", "UTF-8" },
		{ "{\"\xff\":1}", "UTF-8" },
		{ "{\"a\":1,\"a\":2}", "twice" },
		{ "{\"a\":1,\"\\u0061\":2}", "twice" },
		{ "[{\"b\":{\"x\":1,\"y\":2,\"x\":3}}]", "twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct diag diag = { .text = "" };

		if (walk_all(str_of(cases[i].text), &diag) >= 0 || !strstr(diag.text, cases[i].why) ||
		    !strstr(diag.text, "x.json") || !strstr(diag.text, "at byte"))
			fail_msg("%s: %s", cases[i].text, diag.text);
	}
	assert_int_equal(walk_all((struct str) { "\"a\0b\"", 5 }, NULL), -EBADMSG);
}

/* Keys of one object are compared when they are few, and sorted when they are many. */
static void twins_are_found_among_many(void **state)
{
	(void)state;
	for (int n = 1; n < 200; n++) {
		_cleanup_(buf_done) struct buf text = BUF_MAX(65536);

		assert_int_equal(buf_append(&text, "{", 1), 0);
		for (int i = 0; i < n; i++)
			assert_int_equal(buf_printf(&text, "\"key%d\":{\"key%d\":1},", i, i), 0);
		text.data[text.len - 1] = '}';
		assert_int_equal(walk_all(buf_str(&text), NULL), 0);
		text.data[text.len - 1] = ',';
		assert_int_equal(buf_printf(&text, "\"key%d\":0}", n / 2), 0);
		assert_int_equal(walk_all(buf_str(&text), NULL), -EBADMSG);
	}
}

static void limits_hold(void **state)
{
	_cleanup_(buf_done) struct buf deep = BUF_MAX(1 << 20), wide = BUF_MAX(4 << 20);
	struct diag diag = { .text = "" };

	(void)state;
	for (int i = 0; i < JWALK_DEPTH_MAX; i++)
		assert_int_equal(buf_append(&deep, "[", 1), 0);
	for (int i = 0; i < JWALK_DEPTH_MAX; i++)
		assert_int_equal(buf_append(&deep, "]", 1), 0);
	assert_int_equal(walk_all(buf_str(&deep), &diag), 0);
	buf_clear(&deep);
	for (int i = 0; i < 1000000; i++)
		assert_int_equal(buf_append(&deep, "[", 1), 0);
	assert_int_equal(walk_all(buf_str(&deep), &diag), -EBADMSG);
	assert_non_null(strstr(diag.text, "nested too deeply"));
	assert_int_equal(buf_append(&wide, "{", 1), 0);
	for (int i = 0; i <= JWALK_MEMBERS_MAX; i++)
		assert_int_equal(buf_printf(&wide, "\"%x\":0,", i), 0);
	wide.data[wide.len - 1] = '}';
	diag.text[0] = '\0';
	assert_int_equal(walk_all(buf_str(&wide), &diag), -E2BIG);
	assert_non_null(strstr(diag.text, "too many members"));
}

static void strings_are_decoded_and_cut(void **state)
{
	_cleanup_(jwalk_freep) struct jwalk *json = NULL;
	_cleanup_(buf_done) struct buf text = BUF_MAX(8);
	bool cut;

	(void)state;
	assert_int_equal(jwalk_new(STR("[\"a\\u00e9\\ud83d\\ude00\",\"12345678\",\"123456789\","
				       "\"1234567\xc3\xa9x\",7,\"a\\u0000\"]"),
				   "x", NULL, &json),
			 0);
	assert_true(jwalk_array(json));
	assert_true(jwalk_element(json));
	assert_true(jwalk_text(json, &text, &cut));
	assert_true(str_equal(buf_str(&text), STR("a\xc3\xa9\xf0\x9f\x98\x80")));
	assert_true(jwalk_element(json) && jwalk_text(json, &text, &cut) && !cut && text.len == 8);
	assert_true(jwalk_element(json) && jwalk_text(json, &text, &cut) && cut && text.len == 8);
	/* No half of a character. */
	assert_true(jwalk_element(json) && jwalk_text(json, &text, &cut) && cut && text.len == 7);
	/* A number is none. */
	assert_true(jwalk_element(json));
	assert_false(jwalk_text(json, &text, &cut));
	assert_int_equal(text.len, 0);
	assert_int_equal(jwalk_error(json), 0);
	assert_true(jwalk_element(json));
	assert_false(jwalk_text(json, &text, &cut));
	assert_int_equal(jwalk_error(json), -EBADMSG);
	assert_false(jwalk_element(json));
}

/* Everything that can stand across the border of the window does, at some shift. */
static void files_are_the_same_as_memory(void **state)
{
	static const char unit[] =
		"{\"name\":\"\\ud83d\\ude00\xf0\x9f\x98\x80\",\"n\":-12.5e+7,\"t\":[true,false,null]},";

	(void)state;
	for (size_t shift = 0; shift < sizeof(unit) + 8; shift += 3) {
		char path[] = "/tmp/jwalk-XXXXXX";
		_cleanup_(buf_done) struct buf text = BUF_MAX(4 << 20), name = BUF_MAX(64);
		_cleanup_(jwalk_freep) struct jwalk *json = NULL;
		_cleanup_(closep) int fd = mkstemp(path);
		size_t count = 0;
		struct str key;

		for (size_t i = 0; i < shift; i++)
			assert_int_equal(buf_append(&text, " ", 1), 0);
		assert_int_equal(buf_append(&text, "[", 1), 0);
		while (text.len < 600000)
			assert_int_equal(buf_append(&text, unit, sizeof(unit) - 1), 0);
		text.data[text.len - 1] = ']';
		assert_int_equal(write(fd, text.data, text.len), (ssize_t)text.len);
		assert_int_equal(jwalk_open(path, 1 << 20, NULL, &json), 0);
		for (int walk = 0; walk < 2; walk++) {
			assert_true(jwalk_array(json));
			while (jwalk_element(json)) {
				assert_true(jwalk_object(json));
				assert_true(jwalk_member(json, &key) && str_equal(key, STR("name")));
				assert_true(jwalk_text(json, &name, NULL));
				assert_int_equal(name.len, 8);
				while (jwalk_member(json, &key))
					jwalk_skip(json);
				count++;
			}
			assert_int_equal(jwalk_end(json), 0);
			assert_int_equal(jwalk_rewind(json), 0);
		}
		assert_int_equal(count, 2 * ((text.len - shift) / (sizeof(unit) - 1)));
		/* Whoever changes it between two walks is found out. */
		assert_int_equal(write(fd, " ", 1), 1);
		assert_int_equal(jwalk_rewind(json), -EBADMSG);
		unlink(path);
	}
}

static void files_have_limits(void **state)
{
	char path[] = "/tmp/jwalk-XXXXXX";
	_cleanup_(closep) int fd = mkstemp(path);
	struct jwalk *json = NULL;
	struct diag diag = { .text = "" };

	(void)state;
	assert_int_equal(write(fd, "[1,2]", 5), 5);
	assert_int_equal(jwalk_open(path, 4, &diag, &json), -EFBIG);
	assert_non_null(strstr(diag.text, "larger than the limit of 4 bytes"));
	assert_int_equal(jwalk_open(path, 5, NULL, &json), 0);
	jwalk_free(json);
	unlink(path);
	diag.text[0] = '\0';
	assert_int_equal(jwalk_open(path, 5, &diag, &json), -ENOENT);
	assert_int_equal(jwalk_open("/tmp", 5, NULL, &json), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_is_walked),
		cmocka_unit_test(bent_is_refused),
		cmocka_unit_test(twins_are_found_among_many),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(strings_are_decoded_and_cut),
		cmocka_unit_test(files_are_the_same_as_memory),
		cmocka_unit_test(files_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
