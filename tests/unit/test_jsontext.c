/* SPDX-License-Identifier: Apache-2.0 */

/* JSON as others write it: what passes the check, what is read from it, and its canonical form. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "format/jsontext.h"

static void checked(void **state)
{
	static const char *const good[] = {
		"0",
		"-0",
		" true ",
		"null",
		"\"\"",
		"[]",
		"{}",
		"[1,2]",
		"[[],{}]",
		"1e5",
		"1.5E-3",
		"{\"a\":{\"b\":[null]}}",
		"\"\\u0041\"",
		"\"\\ud83d\\ude00\"",
		"\"\xc3\xa9\"",
		"\t[\n1 ,\r2 ]",
		"\"\\/\"",
	};
	static const char *const bad[] = {
		"",
		" ",
		"01",
		"+1",
		"1.",
		".5",
		"1e",
		"-",
		"tru",
		"nul",
		"[1,]",
		"[1 2]",
		"[",
		"{",
		"{\"a\"}",
		"{\"a\":}",
		"{a:1}",
		"{\"a\":1,}",
		"\"",
		"\"\\x\"",
		"\"\\u12g4\"",
		"\"\\ud800\"",
		"\"\\udc00\"",
		"\"\\ud800\\u0041\"",
		"\"\n\"",
		"\"\xff\"",
		"\"\xc0\xaf\"",
		"1 2",
		"[}",
		"{]",
		"\xef\xbb\xbf{}",
		"NaN",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		size_t offset;
		const char *why;

		if (jsontext_check(str_of(good[i]), &offset, &why) < 0)
			fail_msg("refused at %zu, %s: %s", offset, why, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		size_t offset;
		const char *why = NULL;

		if (jsontext_check(str_of(bad[i]), &offset, &why) != -EBADMSG || !why)
			fail_msg("passed: %s", bad[i]);
	}
}

static void depth_is_bounded(void **state)
{
	char text[2 * JSONTEXT_DEPTH_MAX + 3];
	const char *why;
	size_t offset;

	(void)state;
	memset(text, '[', JSONTEXT_DEPTH_MAX);
	memset(text + JSONTEXT_DEPTH_MAX, ']', JSONTEXT_DEPTH_MAX);
	assert_int_equal(jsontext_check((struct str) { text, 2 * JSONTEXT_DEPTH_MAX }, &offset, &why), 0);
	memset(text, '[', JSONTEXT_DEPTH_MAX + 1);
	memset(text + JSONTEXT_DEPTH_MAX + 1, ']', JSONTEXT_DEPTH_MAX + 1);
	assert_int_equal(jsontext_check((struct str) { text, 2 * JSONTEXT_DEPTH_MAX + 2 }, &offset, &why),
			 -EBADMSG);
	assert_int_equal(offset, JSONTEXT_DEPTH_MAX);
	assert_string_equal(why, "nested too deep");
}

static void read_in_place(void **state)
{
	struct str text = STR(" { \"a\" : [ 1 , \"x\\n\\ud83d\\ude00\" ] , \"b\" : { } , \"a\" : 2.5 } ");
	struct canon_value value, element;
	struct buf out = BUF_MAX(100);
	struct str rest;
	bool twice;

	(void)state;
	value = jsontext_value(text);
	assert_int_equal(value.type, CANON_OBJECT);
	assert_true(jsontext_find(value.raw, "a", &element, &twice));
	assert_true(twice);
	assert_int_equal(element.type, CANON_ARRAY);
	rest = element.raw;
	assert_true(jsontext_element_next(&rest, &element));
	assert_int_equal(element.type, CANON_INTEGER);
	assert_true(str_equal(element.raw, STR("1")));
	assert_true(jsontext_element_next(&rest, &element));
	assert_int_equal(jsontext_string(&element, &out), 0);
	assert_true(str_equal(buf_str(&out), STR("x\n\xf0\x9f\x98\x80")));
	assert_false(jsontext_element_next(&rest, &element));
	assert_true(jsontext_find(value.raw, "b", &element, &twice));
	assert_false(twice);
	rest = element.raw;
	assert_false(jsontext_element_next(&rest, &element));
	assert_false(jsontext_find(value.raw, "c", &element, NULL));
	buf_done(&out);
}

/* RFC 8785, 3.2.2.3 and appendix B. */
static void numbers(void **state)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
		{ "0", "0" },
		{ "-0", "0" },
		{ "-0.0", "0" },
		{ "4.50", "4.5" },
		{ "2e-3", "0.002" },
		{ "1E30", "1e+30" },
		{ "333333333.33333329", "333333333.3333333" },
		{ "0.000000000000000000000000001", "1e-27" },
		{ "5e-324", "5e-324" },
		{ "-1.7976931348623157e308", "-1.7976931348623157e+308" },
		{ "9007199254740992", "9007199254740992" },
		{ "295147905179352830000.0", "295147905179352830000" },
		{ "1e21", "1e+21" },
		{ "1e20", "100000000000000000000" },
		{ "0.000001", "0.000001" },
		{ "0.0000001", "1e-7" },
		{ "9.999999999999997e22", "9.999999999999997e+22" },
		{ "0.85", "0.85" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out = BUF_MAX(100);
		const char *why;

		assert_int_equal(jsontext_canonical(str_of(rows[i].text), NULL, &out, &why), 0);
		assert_string_equal(buf_cstr(&out), rows[i].canonical);
		buf_done(&out);
	}
}

static void canonical_form(void **state)
{
	/* The sample of RFC 8785, 3.2.3, and its order of keys. */
	struct str text =
		STR("{ \"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew\","
		    "\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji\",\"\\u0080\":\"Control\",\"\\u00f6\":\"o\" }");
	static const char want[] =
		"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"\xc3\xb6\":\"o\","
		"\"\xe2\x82\xac\":\"Euro Sign\",\"\xf0\x9f\x98\x80\":\"Emoji\",\"\xef\xac\xb3\":\"Hebrew\"}";
	struct digest a, b;
	struct buf out = BUF_MAX(1000);
	const char *why;

	(void)state;
	assert_int_equal(jsontext_canonical(text, NULL, &out, &why), 0);
	assert_string_equal(buf_cstr(&out), want);
	assert_int_equal(jsontext_canonical_digest(text, NULL, &a, &why), 0);
	assert_int_equal(digest_of(out.data, out.len, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	buf_clear(&out);
	assert_int_equal(jsontext_canonical(STR("{\"b\":1,\"a\":{\"b\":[ ]},\"c\":\"\\/\"}"), "b", &out, &why),
			 0);
	assert_string_equal(buf_cstr(&out), "{\"a\":{\"b\":[]},\"c\":\"/\"}");
	buf_done(&out);
}

static void what_has_no_canonical_form(void **state)
{
	static const char *const rows[] = { "{\"a\":1,\"\\u0061\":2}", "9007199254740993000", "1e999" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct digest digest;
		const char *why = NULL;

		assert_int_equal(jsontext_canonical_digest(str_of(rows[i]), NULL, &digest, &why), -EBADMSG);
		assert_non_null(why);
	}
}

/* Larger than a piece, so that it is hashed in several. */
static void long_documents(void **state)
{
	struct buf text = BUF_MAX(4u << 20), out = BUF_MAX(4u << 20);
	struct digest a, b;
	const char *why;

	(void)state;
	assert_int_equal(buf_append(&text, "[", 1), 0);
	for (int i = 0; i < 50000; i++)
		assert_int_equal(buf_printf(&text, "%s {\"v\": %d, \"k\": \"value\"}", i ? "," : "", i), 0);
	assert_int_equal(buf_append(&text, "]", 1), 0);
	assert_int_equal(jsontext_canonical_digest(buf_str(&text), NULL, &a, &why), 0);
	assert_int_equal(jsontext_canonical(buf_str(&text), NULL, &out, &why), 0);
	assert_int_equal(digest_of(out.data, out.len, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_true(memcmp(out.data, "[{\"k\":\"value\",\"v\":0},{", 22) == 0);
	buf_done(&text);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checked),	  cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(read_in_place),  cmocka_unit_test(numbers),
		cmocka_unit_test(canonical_form), cmocka_unit_test(what_has_no_canonical_form),
		cmocka_unit_test(long_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
