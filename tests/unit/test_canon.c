/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical JSON both ways: what the writer gives, and what the scanner must not be talked into. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "format/canon.h"

static void writer_writes_all_types(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(4096);
	struct canon w = CANON_INTO(&out);

	(void)state;
	canon_object(&w);
	canon_key(&w, "array");
	canon_array(&w);
	canon_u64(&w, 0);
	canon_null(&w);
	canon_object(&w);
	canon_object_end(&w);
	canon_array(&w);
	canon_array_end(&w);
	canon_array_end(&w);
	canon_key_bool(&w, "b", false);
	canon_key_u64(&w, "n", UINT64_MAX);
	canon_key_cstr(&w, "s", "t\"\\\b\t\n\f\r\x01\x1f\x7f/\xc3\xa9");
	canon_object_end(&w);
	assert_int_equal(canon_done(&w), 0);
	assert_string_equal(buf_cstr(&out), "{\"array\":[0,null,{},[]],\"b\":false,\"n\":18446744073709551615,"
					    "\"s\":\"t\\\"\\\\\\b\\t\\n\\f\\r\\u0001\\u001f\x7f/\xc3\xa9\"}");
}

static void writer_refuses_what_it_cannot_hold(void **state)
{
	_cleanup_(buf_done) struct buf small = BUF_MAX(8), out = BUF_MAX(4096);
	struct canon w = CANON_INTO(&small), bad = CANON_INTO(&out), deep = CANON_INTO(&out);

	(void)state;
	canon_array(&w);
	canon_string(&w, STR("123456789"));
	canon_u64(&w, 1);
	canon_array_end(&w);
	assert_int_equal(canon_done(&w), -E2BIG);
	canon_string(&bad, STR("\xed\xa0\x80")); /* a surrogate in UTF-8 */
	assert_int_equal(canon_done(&bad), -EILSEQ);
	for (int i = 0; i < CANON_DEPTH_MAX; i++)
		canon_array(&deep);
	assert_int_equal(canon_done(&deep), -E2BIG);
}

struct sample {
	const char *text;
	size_t len;
	enum canon_result result;
	size_t offset;
};

#define SAMPLE(text, result, offset)                           \
	{                                                      \
		text, sizeof(text) - 1, CANON_##result, offset \
	}

static const struct sample samples[] = {
	SAMPLE("{}", OK, 0),
	SAMPLE("{\"a\":1,\"b\":[],\"c\":{\"d\":\"e\"}}", OK, 0),
	SAMPLE("{\"a\":123456789012345678901234567890,\"b\":-1,\"c\":0}", OK, 0),
	SAMPLE("{\"a\":\"\\u0000\\u001f\\b\\t\\n\\f\\r\\\"\\\\/\x7f\"}", OK, 0),
	SAMPLE("{\"a\":\"\xf0\x9f\x98\x80\xef\xbf\xbd\"}", OK, 0),
	/* By UTF-16 code units U+1F600 (d83d) sorts before U+FB33, by bytes behind it. */
	SAMPLE("{\"\xf0\x9f\x98\x80\":1,\"\xef\xac\xb3\":2}", OK, 0),
	SAMPLE("{\"\xef\xac\xb3\":2,\"\xf0\x9f\x98\x80\":1}", NOT_CANONICAL, 9),
	/* Escaped keys sort by what they stand for: 0x0d before 'a', '\"' before '\\'. */
	SAMPLE("{\"\\r\":1,\"a\":2}", OK, 0),
	SAMPLE("{\"a\":2,\"\\r\":1}", NOT_CANONICAL, 7),
	SAMPLE("{\"\\\"\":1,\"\\\\\":2}", OK, 0),
	SAMPLE("{\"\\u0001\":1,\"\\b\":2}", OK, 0),
	SAMPLE("{\"a\":1,\"a\":2}", NOT_CANONICAL, 7),
	SAMPLE("{\"a\":1,\"ab\":2}", OK, 0),
	SAMPLE("{\"ab\":1,\"a\":2}", NOT_CANONICAL, 8),
	SAMPLE("{\"a\":{\"c\":1,\"b\":2}}", NOT_CANONICAL, 12),
	SAMPLE("{\"a\":[{\"x\":1,\"x\":2}]}", NOT_CANONICAL, 13),
	SAMPLE(" {}", NOT_CANONICAL, 0),
	SAMPLE("{} ", NOT_CANONICAL, 2),
	SAMPLE("{\"a\": 1}", NOT_CANONICAL, 5),
	SAMPLE("{\"a\":1 }", NOT_CANONICAL, 6),
	SAMPLE("{}\n", NOT_CANONICAL, 2),
	SAMPLE("{\"a\":-0}", NOT_CANONICAL, 5),
	SAMPLE("{\"a\":1.0}", NOT_CANONICAL, 5),
	SAMPLE("{\"a\":1e5}", NOT_CANONICAL, 5),
	SAMPLE("{\"a\":\"\\/\"}", NOT_CANONICAL, 6),
	SAMPLE("{\"a\":\"\\u0041\"}", NOT_CANONICAL, 6),
	SAMPLE("{\"a\":\"\\u000a\"}", NOT_CANONICAL, 6),
	SAMPLE("{\"a\":\"\\u001F\"}", NOT_CANONICAL, 6),
	SAMPLE("{\"a\":\"\\ud83d\\ude00\"}", NOT_CANONICAL, 6),
	SAMPLE("{\"a\":\"\\ud800\"}", NOT_CANONICAL, 6),
	/* Not canonical first, not JSON later: not JSON. */
	SAMPLE("{\"a\": 1,}", NOT_JSON, 8),
	SAMPLE("", NOT_JSON, 0),
	SAMPLE("[]", NOT_JSON, 0),
	SAMPLE("1", NOT_JSON, 0),
	SAMPLE("{", NOT_JSON, 1),
	SAMPLE("{\"a\"}", NOT_JSON, 4),
	SAMPLE("{\"a\":01}", NOT_JSON, 6),
	SAMPLE("{\"a\":+1}", NOT_JSON, 5),
	SAMPLE("{\"a\":.5}", NOT_JSON, 5),
	SAMPLE("{\"a\":1.}", NOT_JSON, 7),
	SAMPLE("{\"a\":-}", NOT_JSON, 6),
	SAMPLE("{\"a\":NaN}", NOT_JSON, 5),
	SAMPLE("{\"a\":tru}", NOT_JSON, 5),
	SAMPLE("{\"a\":1}{}", NOT_JSON, 7),
	SAMPLE("{\"a\":'b'}", NOT_JSON, 5),
	SAMPLE("{a:1}", NOT_JSON, 1),
	SAMPLE("{\"a\":\"\x01\"}", NOT_JSON, 6),
	SAMPLE("{\"a\":\"b", NOT_JSON, 7),
	SAMPLE("{\"a\":\"\\", NOT_JSON, 7),
	SAMPLE("{\"a\":\"\\u00\"}", NOT_JSON, 8),
	SAMPLE("{\"a\":\"\\x41\"}", NOT_JSON, 6),
	SAMPLE("{\"a\":\"\xff\"}", NOT_JSON, 6),
	SAMPLE("{\"a\":\"\xc0\x80\"}", NOT_JSON, 6),
	SAMPLE("{\"a\":\"\xed\xa0\x80\"}", NOT_JSON, 6),
	SAMPLE("{\"a\":\"\xf4\x90\x80\x80\"}", NOT_JSON, 6),
	SAMPLE("{\"a\":1,\0}", NOT_JSON, 7),
	SAMPLE("\xef\xbb\xbf{}", NOT_JSON, 0),
};

static void scanner_tells_three_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		/* An exact copy on the heap: a read beyond it is found by the sanitizers. */
		_cleanup_(freep) char *copy = malloc(samples[i].len ? samples[i].len : 1);
		struct canon_member members[4];
		size_t count, offset;
		enum canon_result result;

		memcpy(copy, samples[i].text, samples[i].len);
		result = canon_scan_object((struct str) { copy, samples[i].len }, members, 4, &count, &offset);
		if (result != samples[i].result || offset != samples[i].offset)
			fail_msg("%s: result %d at %zu", samples[i].text, result, offset);
	}
}

static void scanner_limits_depth(void **state)
{
	char text[2 * CANON_DEPTH_MAX + 16] = "{\"a\":";
	struct canon_member members[1];
	size_t count, offset;

	(void)state;
	for (int deep = CANON_DEPTH_MAX - 2; deep < CANON_DEPTH_MAX; deep++) {
		bool fits = deep == CANON_DEPTH_MAX - 2;

		memset(text + 5, '[', (size_t)deep);
		memset(text + 5 + deep, ']', (size_t)deep);
		text[5 + 2 * deep] = '}';
		assert_int_equal(canon_scan_object((struct str) { text, (size_t)(6 + 2 * deep) }, members, 1,
						   &count, &offset),
				 fits ? CANON_OK : CANON_NOT_JSON);
	}
}

static void members_are_found_and_counted(void **state)
{
	struct str text = STR("{\"a\":1,\"b\":\"x\\\"}{\",\"c\":{\"d\":[\"]\",{}],\"e\":null},\"f\":true}");
	struct canon_member members[2], inner[4];
	struct canon_value value;
	size_t count, offset;
	struct str rest;

	(void)state;
	assert_int_equal(canon_scan_object(text, members, 2, &count, &offset), CANON_OK);
	assert_int_equal(count, 4);
	assert_true(str_equal(members[1].value.raw, STR("\"x\\\"}{\"")));
	assert_int_equal(canon_members(text, inner, 4), 4);
	assert_true(str_equal(inner[2].value.raw, STR("{\"d\":[\"]\",{}],\"e\":null}")));
	assert_int_equal(canon_find(inner, 4, STR("f"))->type, CANON_TRUE);
	assert_null(canon_find(inner, 4, STR("d")));
	rest = inner[2].value.raw;
	assert_int_equal(canon_members(rest, inner, 4), 2);
	assert_int_equal(inner[1].value.type, CANON_NULL);
	rest = inner[0].value.raw;
	assert_true(canon_element_next(&rest, &value) && str_equal(value.raw, STR("\"]\"")));
	assert_true(canon_element_next(&rest, &value) && value.type == CANON_OBJECT);
	assert_false(canon_element_next(&rest, &value));
	rest = STR("[]");
	assert_false(canon_element_next(&rest, &value));
}

static void values_are_exact_or_refused(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(64);
	uint64_t number;

	(void)state;
#define INTEGER(text) (&(struct canon_value) { CANON_INTEGER, STR(text) })
#define STRING(text) (&(struct canon_value) { CANON_STRING, STR(text) })
	assert_int_equal(canon_value_u64(INTEGER("18446744073709551615"), &number), 0);
	assert_true(number == UINT64_MAX);
	assert_int_equal(canon_value_u64(INTEGER("18446744073709551616"), &number), -ERANGE);
	assert_int_equal(canon_value_u64(INTEGER("-1"), &number), -EINVAL);
	assert_int_equal(canon_value_u64(STRING("\"1\""), &number), -EINVAL);
	assert_int_equal(canon_value_string(STRING("\"a\\n\\u0000\\\\\\\"\xc3\xa9\""), &out), 0);
	assert_int_equal(out.len, 7);
	assert_memory_equal(out.data, "a\n\0\\\"\xc3\xa9", 7);
	assert_int_equal(canon_value_string(STRING("\"\\u0041\""), &out), -EINVAL);
	assert_int_equal(canon_value_string(STRING("\"\\u00\""), &out), -EINVAL);
	assert_int_equal(canon_value_string(STRING("\"\\\""), &out), -EINVAL);
	assert_int_equal(canon_value_string(INTEGER("1"), &out), -EINVAL);
	assert_int_equal(out.len, 7);
}

/* On text that is not canonical the accessors may answer nonsense, but never from outside it. */
static void accessors_stay_inside(void **state)
{
	static const char *const hostile[] = {
		"{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":\"",      "{\"a\":\"\\", "{\"a\":[", "{,",
		"[",   "[,",   "[\"",	 "{\"\\",   "{\"a\":{\"b\":", "{\"a\"}}",    "",	 "{"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		size_t len = strlen(hostile[i]);
		_cleanup_(freep) char *copy = malloc(len ? len : 1);
		struct canon_member member;
		struct canon_value value;
		struct str rest = { copy, len };
		size_t steps = 0;

		memcpy(copy, hostile[i], len);
		while (canon_member_next(&rest, &member) && steps++ < 100)
			assert_true(member.key.data + member.key.len <= copy + len);
		rest = (struct str) { copy, len };
		while (canon_element_next(&rest, &value) && steps++ < 200)
			assert_true(value.raw.data + value.raw.len <= copy + len);
		assert_true(steps < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writer_writes_all_types),
		cmocka_unit_test(writer_refuses_what_it_cannot_hold),
		cmocka_unit_test(scanner_tells_three_apart),
		cmocka_unit_test(scanner_limits_depth),
		cmocka_unit_test(members_are_found_and_counted),
		cmocka_unit_test(values_are_exact_or_refused),
		cmocka_unit_test(accessors_stay_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
