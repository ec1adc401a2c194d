/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers, error lines, text and clocks: what they give, and what they must not be talked into. */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/text.h"

/* ---- buffers ---- */

static void buf_stops_at_its_ceiling(void **state)
{
	_cleanup_(buf_done) struct buf buf = BUF_MAX(10);

	(void)state;
	assert_int_equal(buf_append(&buf, "0123456789", 10), 0);
	assert_int_equal(buf_append(&buf, "x", 1), -E2BIG);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX), -E2BIG);
	assert_int_equal(buf_printf(&buf, "%d", 1), -E2BIG);
	assert_int_equal(buf.len, 10);
	assert_string_equal(buf_cstr(&buf), "0123456789");
	assert_int_equal(buf_append(&buf, NULL, 0), 0);
}

static void buf_grows_and_keeps(void **state)
{
	_cleanup_(buf_done) struct buf buf = BUF_MAX(1 << 20);

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		char byte = (char)(i * 7);

		assert_int_equal(buf_append(&buf, &byte, 1), 0);
	}
	for (unsigned int i = 0; i < 100000; i++)
		assert_int_equal(buf.data[i], (char)(i * 7));
	assert_true(buf.capacity <= buf.max);
}

static void buf_printf_fits_or_changes_nothing(void **state)
{
	_cleanup_(buf_done) struct buf buf = BUF_MAX(300);
	char long_text[400];

	(void)state;
	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_int_equal(buf_printf(&buf, "%s", ""), 0);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf_printf(&buf, "%s", "first"), 0);
	assert_int_equal(buf_printf(&buf, "%s", long_text), -E2BIG);
	assert_string_equal(buf_cstr(&buf), "first");
	assert_int_equal(buf_printf(&buf, "%.295s", long_text), 0);
	assert_int_equal(buf.len, 300);
	assert_int_equal(strlen(buf_cstr(&buf)), 300);
}

static void buf_empty_has_text(void **state)
{
	_cleanup_(buf_done) struct buf buf = BUF_MAX(0);

	(void)state;
	assert_string_equal(buf_cstr(&buf), "");
	assert_int_equal(buf_append(&buf, "x", 1), -E2BIG);
}

/* ---- error lines ---- */

static void diag_deepest_wins(void **state)
{
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(diag_error(&diag, -ENOENT, "deep %d", 1), -ENOENT);
	assert_int_equal(diag_exit(&diag, EXIT_NOT_FOUND, -EIO, "shallow"), -EIO);
	assert_string_equal(diag.text, "deep 1");
	assert_int_equal(diag_exit_status(&diag, -EIO), EXIT_NOT_FOUND);
	assert_int_equal(diag_exit(&diag, EXIT_UNSOUND, -EIO, "later still"), -EIO);
	assert_int_equal(diag_exit_status(&diag, -EIO), EXIT_NOT_FOUND);
	assert_int_equal(diag_error(NULL, -EIO, "nobody listens"), -EIO);
}

static void diag_exit_status_follows_errno(void **state)
{
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(diag_exit_status(&diag, -EPERM), 3);
	assert_int_equal(diag_exit_status(NULL, -EACCES), 3);
	assert_int_equal(diag_exit_status(&diag, -EAGAIN), 10);
	assert_int_equal(diag_exit_status(&diag, -ENOENT), 1);
}

static void diag_cannot_drive_a_terminal(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "a\033[2Jb\nc\rd\te\177f", "a?[2Jb?c?d?e?f" },
		{ "csi \xc2\x9b"
		  "31m, nel \xc2\x85",
		  "csi ?31m, nel ?" },
		{ "lone \x80\xff, overlong \xc0\x9b, half \xe2\x82", "lone ??, overlong ??, half ??" },
		{ "rtl \xe2\x80\xae \xe2\x81\xa6 \xe2\x80\xa8.", "rtl ? ? ?." },
		{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
		  "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "nbsp \xc2\xa0.", "nbsp \xc2\xa0." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct diag diag = { 0 };

		diag_error(&diag, -EINVAL, "%s", rows[i].in);
		assert_string_equal(diag.text, rows[i].out);
	}
}

/* Wherever the cut falls in a row of 4-byte characters, what remains is whole characters and an ellipsis. */
static void diag_cuts_between_characters(void **state)
{
	char in[4 * DIAG_MAX + 8];

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		struct diag diag = { 0 };
		size_t len = 0;

		while (len < shift)
			in[len++] = 'a';
		while (len + 4 < sizeof(in)) {
			memcpy(in + len, "\xf0\x9f\x98\x80", 4);
			len += 4;
		}
		in[len] = '\0';
		diag_error(&diag, -EINVAL, "%s", in);
		len = strlen(diag.text);
		assert_true(len < DIAG_MAX && len > DIAG_MAX - 8);
		assert_true(text_is_utf8((struct str) { diag.text, len }));
		assert_string_equal(diag.text + len - 3, "...");
		assert_null(strchr(diag.text, '?'));
	}
}

static void diag_full_line_is_not_cut(void **state)
{
	struct diag diag = { 0 };
	char in[DIAG_MAX];

	(void)state;
	memset(in, 'x', sizeof(in) - 1);
	in[sizeof(in) - 1] = '\0';
	diag_error(&diag, -EINVAL, "%s", in);
	assert_string_equal(diag.text, in);
}

/* ---- text ---- */

static void u64_takes_only_plain_decimals(void **state)
{
	static const char *const refused[] = { "",    " 1", "1 ", "+1",	 "-1",	"-0",	    "00",   "01",
					       "0x1", "1a", "1.", "1e3", "1\n", "\xd9\xa1", "1_000" };
	uint64_t value = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(text_parse_u64(str_of(refused[i]), 0, UINT64_MAX, &value), -EINVAL);
	assert_int_equal(text_parse_u64((struct str) { "1\0002", 3 }, 0, UINT64_MAX, &value), -EINVAL);
	assert_int_equal(text_parse_u64(STR("18446744073709551616"), 0, UINT64_MAX, &value), -ERANGE);
	assert_int_equal(text_parse_u64(STR("99999999999999999999999999"), 0, UINT64_MAX, &value), -ERANGE);
	assert_int_equal(text_parse_u64(STR("99999999999999999999999999x"), 0, UINT64_MAX, &value), -EINVAL);
	assert_int_equal(text_parse_u64(STR("9"), 10, 20, &value), -ERANGE);
	assert_int_equal(text_parse_u64(STR("21"), 10, 20, &value), -ERANGE);
	assert_int_equal(value, 77);
	assert_int_equal(text_parse_u64(STR("18446744073709551615"), 0, UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(text_parse_u64(STR("0"), 0, 0, &value), 0);
	assert_int_equal(value, 0);
}

static void put_u64_agrees_with_printf(void **state)
{
	uint64_t value = 1;

	(void)state;
	for (int i = 0; i < 20; i++, value *= 10) {
		for (uint64_t delta = 0; delta < 3; delta++) {
			uint64_t number = value + delta - 1;
			char ours[21], theirs[21];

			ours[text_put_u64(ours, number)] = '\0';
			snprintf(theirs, sizeof(theirs), "%llu", (unsigned long long)number);
			assert_string_equal(ours, theirs);
		}
	}
	char most[21];
	most[text_put_u64(most, UINT64_MAX)] = '\0';
	assert_string_equal(most, "18446744073709551615");
}

static void hex_both_ways(void **state)
{
	uint8_t bytes[3] = { 9, 9, 9 };
	char text[7];

	(void)state;
	text_hex((const uint8_t *)"\x00\xaf\xff", 3, text);
	assert_string_equal(text, "00afff");
	assert_int_equal(text_unhex(STR("00AFFF"), bytes, 3), -EINVAL);
	assert_int_equal(text_unhex(STR("00aff"), bytes, 3), -EINVAL);
	assert_int_equal(text_unhex(STR("00afff0"), bytes, 3), -EINVAL);
	assert_int_equal(text_unhex(STR("00affg"), bytes, 3), -EINVAL);
	assert_int_equal(text_unhex(STR("0x00af"), bytes, 3), -EINVAL);
	assert_int_equal(bytes[0], 9);
	assert_int_equal(text_unhex(STR("00afff"), bytes, 3), 0);
	assert_memory_equal(bytes, "\x00\xaf\xff", 3);
}

/* RFC 4648, section 10. */
static void base64_vectors(void **state)
{
	static const struct {
		const char *plain, *text;
	} rows[] = { { "", "" },
		     { "f", "Zg==" },
		     { "fo", "Zm8=" },
		     { "foo", "Zm9v" },
		     { "foob", "Zm9vYg==" },
		     { "fooba", "Zm9vYmE=" },
		     { "foobar", "Zm9vYmFy" },
		     { "\xfb\xff", "+/8=" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(buf_done) struct buf text = BUF_MAX(64);
		_cleanup_(buf_done) struct buf plain = BUF_MAX(64);

		assert_int_equal(text_base64_append(&text, rows[i].plain, strlen(rows[i].plain)), 0);
		assert_string_equal(buf_cstr(&text), rows[i].text);
		assert_int_equal(text_unbase64_append(&plain, str_of(rows[i].text)), 0);
		assert_string_equal(buf_cstr(&plain), rows[i].plain);
	}
}

static void base64_has_one_spelling(void **state)
{
	static const char *const refused[] = {
		"Zg",	"Zg=", "Zg===", "Zh==", "Zm9=",		"Zm9vZg==Zg==", "Zm9v\n",   "Zm 9v===", "-_8=",
		"====", "=",   "Z===",	"Zg=a", "Zg==\n\n\n\n", "\xc3\xbc==",	"Zm9v=AAA", "AA=A",	"*m9v"
	};
	_cleanup_(buf_done) struct buf out = BUF_MAX(64);

	(void)state;
	assert_int_equal(buf_append(&out, "keep", 4), 0);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(text_unbase64_append(&out, str_of(refused[i])), -EINVAL);
	assert_string_equal(buf_cstr(&out), "keep");
}

/* Every byte value in every place of a final group: what is accepted encodes back to the same text. */
static void base64_accepts_only_what_it_writes(void **state)
{
	char text[4];
	unsigned int accepted = 0;

	(void)state;
	for (unsigned int place = 0; place < 4; place++) {
		for (unsigned int byte = 0; byte < 256; byte++) {
			_cleanup_(buf_done) struct buf plain = BUF_MAX(8);
			_cleanup_(buf_done) struct buf again = BUF_MAX(8);

			memcpy(text, "Zg==", 4);
			text[place] = (char)byte;
			if (text_unbase64_append(&plain, (struct str) { text, 4 }) < 0)
				continue;
			accepted++;
			assert_int_equal(text_base64_append(&again, plain.data, plain.len), 0);
			assert_memory_equal(again.data, text, 4);
		}
	}
	/* 64 first digits; 4 second ones with clear low bits; '=' or 16 third ones with clear low bits; '='. */
	assert_int_equal(accepted, 64 + 4 + 17 + 1);
}

static void base64_respects_the_ceiling(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(5);

	(void)state;
	assert_int_equal(text_base64_append(&out, "abcdef", 6), -E2BIG);
	assert_int_equal(text_unbase64_append(&out, STR("Zm9vYmFy")), -E2BIG);
	assert_int_equal(text_unbase64_append(&out, STR("Zm9vYmE=")), 0);
	assert_int_equal(out.len, 5);
}

static void utf8_is_strict(void **state)
{
	static const char *const good[] = { "",
					    "plain ascii of more than eight",
					    "\xc2\x80",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xf4\x8f\xbf\xbf",
					    "12345678\xe2\x82\xac",
					    "\xf0\x90\x80\x80" };
	static const char *const evil[] = { "\x80",
					    "\xc0\x80",
					    "\xc1\xbf",
					    "\xe0\x9f\xbf",
					    "\xed\xa0\x80",
					    "\xf0\x8f\xbf\xbf",
					    "\xf4\x90\x80\x80",
					    "\xf5\x80\x80\x80",
					    "\xff",
					    "\xc2",
					    "\xe2\x82",
					    "\xf0\x9f\x98",
					    "12345678\xe2\x82",
					    "1234567\x80 12345678",
					    "\xe2\x28\xa1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(text_is_utf8(str_of(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(evil); i++)
		assert_false(text_is_utf8(str_of(evil[i])));
	assert_true(text_is_utf8((struct str) { "a\0b", 3 }));
	assert_int_equal(text_utf8_sequence((const unsigned char *)"", 0), 0);
}

/* ---- clocks ---- */

static void clock_vectors(void **state)
{
	static const struct {
		uint64_t wall_ns;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000000000Z" },
		{ 1795391500123456789, "2026-11-22T23:51:40.123456789Z" },
		{ 951782400000000001, "2000-02-29T00:00:00.000000001Z" },
		{ UINT64_MAX, "2554-07-21T23:34:33.709551615Z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[CLOCK_TEXT_MAX];
		uint64_t again = 1;

		clock_format(rows[i].wall_ns, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(clock_parse(text, &again), 0);
		assert_true(again == rows[i].wall_ns);
	}
}

static void clock_refuses_other_spellings(void **state)
{
	static const char *const refused[] = {
		"",
		"2026-11-22",
		"2026-11-22T23:51:40Z",
		"2026-11-22T23:51:40.123456789",
		"2026-11-22T23:51:40.12345678Z",
		"2026-11-22T23:51:40.1234567890Z",
		"2026-11-22 23:51:40.123456789Z",
		"2026-11-22t23:51:40.123456789z",
		"2026-11-22T23:51:40.123456789+00:00",
		"2026-13-22T23:51:40.123456789Z",
		"2026-00-22T23:51:40.123456789Z",
		"2026-02-29T23:51:40.123456789Z",
		"2026-11-31T23:51:40.123456789Z",
		"2026-11-22T24:00:00.000000000Z",
		"2026-11-22T23:60:40.123456789Z",
		"2026-12-31T23:59:60.000000000Z",
		"1969-12-31T23:59:59.999999999Z",
		"2554-07-21T23:34:33.709551616Z",
		"2554-07-21T23:34:34.000000000Z",
		"9999-12-31T23:59:59.999999999Z",
		"+026-11-22T23:51:40.123456789Z",
		"2026-11-22T23:51:40.12345678 Z",
	};
	uint64_t value = 5;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(clock_parse(refused[i], &value), -EINVAL);
	assert_int_equal(value, 5);
}

static void clock_ignores_the_time_zone(void **state)
{
	char text[CLOCK_TEXT_MAX];
	uint64_t again;

	(void)state;
	setenv("TZ", "Asia/Kathmandu", 1);
	tzset();
	clock_format(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000000Z");
	assert_int_equal(clock_parse(text, &again), 0);
	assert_int_equal(again, 0);
	unsetenv("TZ");
	tzset();
}

static void clock_goes_forward(void **state)
{
	struct moment a = clock_now(), b = clock_now();

	(void)state;
	assert_true(a.boot_ns > 0 && b.boot_ns >= a.boot_ns);
	assert_true(a.wall_ns > UINT64_C(1700000000000000000));
}

static void printable_cannot_drive_a_terminal(void **state)
{
	static const struct {
		const char *raw, *shown;
	} rows[] = {
		{ "plain \xc3\xa9", "plain \xc3\xa9" },
		{ "a\033[31mb", "a?[31mb" },
		{ "a\nb\tc\x7f", "a?b?c?" },
		{ "\xc2\x9b", "?" },
		{ "\xe2\x80\xae", "?" },
		{ "\xe2\x81\xa6", "?" },
		{ "\xe2\x80\x8f", "?" },
		{ "\xe2\x81\xa0", "?" },
		{ "\xd8\x9c", "?" },
		{ "\xef\xbb\xbf", "?" },
		{ "\xff\xc3", "??" },
		{ "\xed\xa0\x80", "???" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_MAX(100);

		assert_int_equal(text_printable_append(&out, str_of(rows[i].raw)), 0);
		assert_string_equal(buf_cstr(&out), rows[i].shown);
	}
}

static void printable_refuses_what_has_no_room(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(2);

	(void)state;
	assert_int_equal(text_printable_append(&out, STR("a\nb")), -E2BIG);
	assert_true(str_equal(buf_str(&out), STR("a?")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_stops_at_its_ceiling),
		cmocka_unit_test(buf_grows_and_keeps),
		cmocka_unit_test(buf_printf_fits_or_changes_nothing),
		cmocka_unit_test(buf_empty_has_text),
		cmocka_unit_test(diag_deepest_wins),
		cmocka_unit_test(diag_exit_status_follows_errno),
		cmocka_unit_test(diag_cannot_drive_a_terminal),
		cmocka_unit_test(diag_cuts_between_characters),
		cmocka_unit_test(diag_full_line_is_not_cut),
		cmocka_unit_test(u64_takes_only_plain_decimals),
		cmocka_unit_test(put_u64_agrees_with_printf),
		cmocka_unit_test(hex_both_ways),
		cmocka_unit_test(base64_vectors),
		cmocka_unit_test(base64_has_one_spelling),
		cmocka_unit_test(base64_accepts_only_what_it_writes),
		cmocka_unit_test(base64_respects_the_ceiling),
		cmocka_unit_test(utf8_is_strict),
		cmocka_unit_test(printable_cannot_drive_a_terminal),
		cmocka_unit_test(printable_refuses_what_has_no_room),
		cmocka_unit_test(clock_vectors),
		cmocka_unit_test(clock_refuses_other_spellings),
		cmocka_unit_test(clock_ignores_the_time_zone),
		cmocka_unit_test(clock_goes_forward),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
