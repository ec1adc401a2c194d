/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict conversions between text and values. Promises that each value has one text and each accepted text one
 * value: no second spelling of the same number, digest or blob gets through. Allocates in the caller's buffer.
 */

#include "base/text.h"

#include <errno.h>
#include <string.h>

int text_parse_u64(struct str text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool over = false;

	if (text.len == 0 || (text.len > 1 && text.data[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++) {
		unsigned int digit = (unsigned char)text.data[i] - (unsigned int)'0';

		if (digit > 9)
			return -EINVAL;
		over |= __builtin_mul_overflow(value, 10, &value);
		over |= __builtin_add_overflow(value, digit, &value);
	}
	if (over || value < min || value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

static const char hex_digits[] = "0123456789abcdef";

void text_hex(const uint8_t *data, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = hex_digits[data[i] >> 4];
		out[2 * i + 1] = hex_digits[data[i] & 15];
	}
	out[2 * len] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int text_unhex(struct str text, uint8_t *out, size_t len)
{
	if (text.len % 2 != 0 || text.len / 2 != len)
		return -EINVAL;
	for (size_t i = 0; i < text.len; i++)
		if (hex_value(text.data[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(hex_value(text.data[2 * i]) << 4 | hex_value(text.data[2 * i + 1]));
	return 0;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int text_base64_append(struct buf *out, const void *data, size_t len)
{
	const uint8_t *in = data;
	char *to;
	int r;

	if (len > SIZE_MAX / 2)
		return -E2BIG;
	r = buf_reserve(out, (len + 2) / 3 * 4);
	if (r < 0)
		return r;
	to = out->data + out->len;
	for (; len >= 3; len -= 3, in += 3) {
		*to++ = base64_digits[in[0] >> 2];
		*to++ = base64_digits[(in[0] & 3) << 4 | in[1] >> 4];
		*to++ = base64_digits[(in[1] & 15) << 2 | in[2] >> 6];
		*to++ = base64_digits[in[2] & 63];
		out->len += 4;
	}
	if (len > 0) {
		*to++ = base64_digits[in[0] >> 2];
		*to++ = base64_digits[(in[0] & 3) << 4 | (len > 1 ? in[1] >> 4 : 0)];
		*to++ = len > 1 ? base64_digits[(in[1] & 15) << 2] : '=';
		*to++ = '=';
		out->len += 4;
	}
	return 0;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The last two or three digits of a text with padding; their unused low bits must be zero. */
static int unbase64_tail(const char *from, size_t digits, char *to)
{
	int a = base64_value(from[0]), b = base64_value(from[1]), c = digits == 3 ? base64_value(from[2]) : 0;

	if (a < 0 || b < 0 || c < 0)
		return -EINVAL;
	if (digits == 2 ? (b & 15) != 0 : (c & 3) != 0)
		return -EINVAL;
	to[0] = (char)(a << 2 | b >> 4);
	if (digits == 3)
		to[1] = (char)((b & 15) << 4 | c >> 2);
	return 0;
}

int text_unbase64_append(struct buf *out, struct str text)
{
	size_t padding = 0, groups, len;
	const char *from = text.data;
	char *to;
	int r;

	if (text.len % 4 != 0)
		return -EINVAL;
	if (text.len == 0)
		return 0;
	if (text.data[text.len - 1] == '=')
		padding = text.data[text.len - 2] == '=' ? 2 : 1;
	len = text.len / 4 * 3 - padding;
	r = buf_reserve(out, len);
	if (r < 0)
		return r;
	groups = text.len / 4 - (padding > 0);
	to = out->data + out->len;
	for (; groups > 0; groups--, from += 4) {
		int a = base64_value(from[0]), b = base64_value(from[1]);
		int c = base64_value(from[2]), d = base64_value(from[3]);

		if ((a | b | c | d) < 0)
			return -EINVAL;
		*to++ = (char)(a << 2 | b >> 4);
		*to++ = (char)((b & 15) << 4 | c >> 2);
		*to++ = (char)((c & 3) << 6 | d);
	}
	if (padding > 0 && unbase64_tail(from, 4 - padding, to) < 0)
		return -EINVAL;
	out->len += len;
	return 0;
}

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Table 3-7 of the Unicode standard: the second byte's range depends on the first. */
size_t text_utf8_sequence(const unsigned char *data, size_t len)
{
	if (len == 0)
		return 0;
	if (data[0] < 0x80)
		return 1;
	if (data[0] >= 0xc2 && data[0] <= 0xdf)
		return len >= 2 && is_continuation(data[1]) ? 2 : 0;
	if (data[0] >= 0xe0 && data[0] <= 0xef) {
		unsigned char low = data[0] == 0xe0 ? 0xa0 : 0x80, high = data[0] == 0xed ? 0x9f : 0xbf;

		return len >= 3 && data[1] >= low && data[1] <= high && is_continuation(data[2]) ? 3 : 0;
	}
	if (data[0] >= 0xf0 && data[0] <= 0xf4) {
		unsigned char low = data[0] == 0xf0 ? 0x90 : 0x80, high = data[0] == 0xf4 ? 0x8f : 0xbf;

		if (len < 4 || data[1] < low || data[1] > high)
			return 0;
		return is_continuation(data[2]) && is_continuation(data[3]) ? 4 : 0;
	}
	return 0;
}

bool text_is_utf8(struct str text)
{
	const unsigned char *data = (const unsigned char *)text.data;
	size_t at = 0;

	while (at < text.len) {
		size_t sequence;
		uint64_t eight;

		/* Nearly all of what passes here is ASCII. */
		if (text.len - at >= sizeof(eight)) {
			memcpy(&eight, data + at, sizeof(eight));
			if ((eight & UINT64_C(0x8080808080808080)) == 0) {
				at += sizeof(eight);
				continue;
			}
		}
		sequence = text_utf8_sequence(data + at, text.len - at);
		if (sequence == 0)
			return false;
		at += sequence;
	}
	return true;
}

/*
 * U+0080-U+009F are terminal controls too; bidirectional controls and line separators can make one text look like
 * another (CVE-2021-42574), and so can what has no width.
 */
static bool is_harmful(const unsigned char *at, size_t len)
{
	if (len == 1)
		return at[0] < 0x20 || at[0] == 0x7f;
	if (len == 2)
		return (at[0] == 0xc2 && at[1] < 0xa0) || (at[0] == 0xd8 && at[1] == 0x9c);
	if (len == 3 && at[0] == 0xe2 && at[1] == 0x80)
		return at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae);
	if (len == 3 && at[0] == 0xe2 && at[1] == 0x81)
		return at[2] >= 0xa0 && at[2] <= 0xaf;
	return len == 3 && at[0] == 0xef && at[1] == 0xbb && at[2] == 0xbf;
}

size_t text_printable_next(struct str text, struct str *ret_shown)
{
	const unsigned char *at = (const unsigned char *)text.data;
	size_t len = text_utf8_sequence(at, text.len);

	*ret_shown = len == 0 || is_harmful(at, len) ? STR("?") : (struct str) { text.data, len };
	return len > 0 ? len : 1;
}

int text_printable_append(struct buf *out, struct str text)
{
	struct str shown;

	while (text.len > 0) {
		size_t taken = text_printable_next(text, &shown);
		int r = buf_append_str(out, shown);

		if (r < 0)
			return r;
		text = (struct str) { text.data + taken, text.len - taken };
	}
	return 0;
}

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
			    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
			    "8081828384858687888990919293949596979899";

/* Two digits a division: each record holds about ten numbers. */
size_t text_put_u64(char *out, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	while (value >= 100) {
		at -= 2;
		memcpy(digits + at, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(digits + at, pairs + value * 2, 2);
	} else {
		digits[--at] = (char)('0' + value);
	}
	memcpy(out, digits + at, sizeof(digits) - at);
	return sizeof(digits) - at;
}
