/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The reading half of canon.h: one pass over hostile text that allocates nothing. Promises CANON_OK only for text
 * that is byte for byte what the writing half would make of its value. It parses JSON in full and notes the first
 * place where a canonical writer would have written otherwise, so that "not JSON" and "not canonical" stay two
 * findings. Refuses depth beyond CANON_DEPTH_MAX and text that is not UTF-8. Values are views into the text.
 */

#include "format/canon.h"

#include <endian.h>

#include "base/text.h"

struct scan {
	const char *begin, *at, *end;
	const char *deviation; /* the first byte that is JSON but not canonical; NULL */
	struct canon_member *members; /* of the outermost object */
	size_t max_members, n_members;
};

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

/* How many of the next eight bytes are plain: no control, quote, backslash, nor anything beyond ASCII. */
static size_t plain_prefix(const char *at)
{
	uint64_t word, quote, slash, special;

	memcpy(&word, at, sizeof(word));
	word = le64toh(word);
	quote = word ^ (ONES * '"');
	slash = word ^ (ONES * '\\');
	/* Zero bytes found by borrow: bits above the lowest one may be wrong, the lowest never is. */
	special = (((word - ONES * 0x20) & ~word) | ((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) |
		   word) &
		  HIGHS;
	return special ? (size_t)__builtin_ctzll(special) / 8 : 8;
}

static void deviate(struct scan *s, const char *where)
{
	if (!s->deviation)
		s->deviation = where;
}

static void skip_space(struct scan *s)
{
	const char *from = s->at;

	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
		s->at++;
	if (s->at != from)
		deviate(s, from);
}

/* Takes `c`, white space before it noted as a deviation. */
static bool take(struct scan *s, char c)
{
	skip_space(s);
	if (s->at >= s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool has_short_escape(unsigned int c)
{
	return c == '\b' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* \uXXXX at s->at (behind the u). Canonical only in lower case, for a control character without a short form. */
static bool scan_unicode_escape(struct scan *s, const char *where)
{
	unsigned int value = 0;
	bool upper = false;
	int i;

	if (s->end - s->at < 4)
		return false;
	for (i = 0; i < 4; i++) {
		int digit = hex_digit(s->at[i]);

		if (digit < 0)
			return false;
		upper = upper || (s->at[i] >= 'A' && s->at[i] <= 'F');
		value = value << 4 | (unsigned int)digit;
	}
	if (upper || value >= 0x20 || has_short_escape(value))
		deviate(s, where);
	s->at += 4;
	return true;
}

static bool scan_escape(struct scan *s)
{
	const char *where = s->at++;

	if (s->at >= s->end)
		return false;
	switch (*s->at++) {
	case '"':
	case '\\':
	case 'b':
	case 't':
	case 'n':
	case 'f':
	case 'r':
		return true;
	case '/':
		deviate(s, where);
		return true;
	case 'u':
		return scan_unicode_escape(s, where);
	default:
		s->at = where;
		return false;
	}
}

/* Behind the opening quote; leaves s->at behind the closing one. */
static bool scan_string(struct scan *s)
{
	for (;;) {
		while (s->end - s->at >= 8) {
			size_t plain = plain_prefix(s->at);

			s->at += plain;
			if (plain < 8)
				break;
		}
		if (s->at >= s->end)
			return false;
		if (*s->at == '"') {
			s->at++;
			return true;
		}
		if (*s->at == '\\') {
			if (!scan_escape(s))
				return false;
		} else if ((unsigned char)*s->at >= 0x80) {
			size_t sequence =
				text_utf8_sequence((const unsigned char *)s->at, (size_t)(s->end - s->at));

			if (sequence == 0)
				return false;
			s->at += sequence;
		} else if ((unsigned char)*s->at < 0x20) {
			return false;
		} else {
			s->at++;
		}
	}
}

static bool is_digit(const struct scan *s)
{
	return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static bool scan_digits(struct scan *s)
{
	const char *from = s->at;

	while (is_digit(s))
		s->at++;
	return s->at != from;
}

static bool scan_number(struct scan *s, enum canon_type *ret_type)
{
	const char *from = s->at;

	*ret_type = CANON_INTEGER;
	if (*s->at == '-')
		s->at++;
	if (!is_digit(s))
		return false;
	if (*s->at == '0') {
		s->at++;
		if (is_digit(s))
			return false;
		if (*from == '-')
			deviate(s, from);
	} else {
		scan_digits(s);
	}
	if (s->at < s->end && *s->at == '.') {
		s->at++;
		*ret_type = CANON_NUMBER;
		if (!scan_digits(s))
			return false;
	}
	if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
		s->at++;
		*ret_type = CANON_NUMBER;
		if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
			s->at++;
		if (!scan_digits(s))
			return false;
	}
	if (*ret_type == CANON_NUMBER)
		deviate(s, from);
	return true;
}

static bool scan_word(struct scan *s, const char *word, size_t len)
{
	if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
		return false;
	s->at += len;
	return true;
}

/* The next UTF-16 code units of a valid raw key, one or two at a time, as a number that sorts like them. */
static uint32_t next_units(const char **at, const char *end)
{
	static const char letters[] = "b\bt\tn\nf\fr\r\"\"\\\\//";
	unsigned char c = (unsigned char)*(*at)++;
	uint32_t point;
	size_t i, more;

	if (c == '\\') {
		char letter = *(*at)++;

		for (i = 0; letter != 'u' && i < sizeof(letters) - 1; i += 2)
			if (letters[i] == letter)
				return (uint32_t)(unsigned char)letters[i + 1] << 16;
		for (i = 0, point = 0; i < 4; i++)
			point = point << 4 | (uint32_t)hex_digit(*(*at)++);
		return point << 16;
	}
	if (c < 0x80)
		return (uint32_t)c << 16;
	more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
	point = c & (0x3fu >> more);
	for (i = 0; i < more && *at < end; i++)
		point = point << 6 | ((unsigned char)*(*at)++ & 0x3f);
	if (point < 0x10000)
		return point << 16;
	point -= 0x10000;
	return (0xd800 + (point >> 10)) << 16 | (0xdc00 + (point & 0x3ff));
}

/* RFC 8785, 3.2.3: compares by UTF-16 code units. Bytes give the same order unless something is beyond ASCII. */
static int key_compare(struct str a, struct str b)
{
	const char *a_at = a.data, *b_at = b.data;
	const char *a_end = a.data + a.len, *b_end = b.data + b.len;

	while (a_at < a_end && b_at < b_end) {
		uint32_t a_unit, b_unit;

		if (*a_at == *b_at && *a_at != '\\' && (unsigned char)*a_at < 0x80) {
			a_at++;
			b_at++;
			continue;
		}
		a_unit = next_units(&a_at, a_end);
		b_unit = next_units(&b_at, b_end);
		if (a_unit != b_unit)
			return a_unit < b_unit ? -1 : 1;
	}
	return (a_at < a_end) - (b_at < b_end);
}

static bool scan_value(struct scan *s, unsigned int depth, struct canon_value *ret_value);

/* Key, colon and value; `previous` is the key before, data == NULL for none. */
static bool scan_member(struct scan *s, unsigned int depth, struct str previous,
			struct canon_member *ret_member)
{
	const char *from;

	if (!take(s, '"'))
		return false;
	from = s->at;
	if (!scan_string(s))
		return false;
	ret_member->key = (struct str) { from, (size_t)(s->at - from) - 1 };
	if (previous.data && key_compare(previous, ret_member->key) >= 0)
		deviate(s, from - 1);
	return take(s, ':') && scan_value(s, depth, &ret_member->value);
}

static bool scan_object(struct scan *s, unsigned int depth)
{
	struct canon_member member = { .key = { NULL, 0 } };

	if (take(s, '}'))
		return true;
	do {
		if (!scan_member(s, depth, member.key, &member))
			return false;
		if (depth == 1) {
			if (s->n_members < s->max_members)
				s->members[s->n_members] = member;
			s->n_members++;
		}
	} while (take(s, ','));
	return take(s, '}');
}

static bool scan_array(struct scan *s, unsigned int depth)
{
	struct canon_value value;

	if (take(s, ']'))
		return true;
	do {
		if (!scan_value(s, depth, &value))
			return false;
	} while (take(s, ','));
	return take(s, ']');
}

static bool scan_value(struct scan *s, unsigned int depth, struct canon_value *ret_value)
{
	const char *from;
	bool ok;

	skip_space(s);
	if (s->at >= s->end)
		return false;
	from = s->at;
	switch (*from) {
	case '{':
	case '[':
		if (depth + 1 >= CANON_DEPTH_MAX)
			return false;
		s->at++;
		ret_value->type = *from == '{' ? CANON_OBJECT : CANON_ARRAY;
		ok = *from == '{' ? scan_object(s, depth + 1) : scan_array(s, depth + 1);
		break;
	case '"':
		s->at++;
		ret_value->type = CANON_STRING;
		ok = scan_string(s);
		break;
	case 't':
		ret_value->type = CANON_TRUE;
		ok = scan_word(s, "true", 4);
		break;
	case 'f':
		ret_value->type = CANON_FALSE;
		ok = scan_word(s, "false", 5);
		break;
	case 'n':
		ret_value->type = CANON_NULL;
		ok = scan_word(s, "null", 4);
		break;
	default:
		ok = scan_number(s, &ret_value->type);
	}
	ret_value->raw = (struct str) { from, (size_t)(s->at - from) };
	return ok;
}

enum canon_result canon_scan_object(struct str text, struct canon_member *members, size_t max_members,
				    size_t *ret_count, size_t *ret_offset)
{
	struct scan s = { .begin = text.data,
			  .at = text.data,
			  .end = text.data + text.len,
			  .members = members,
			  .max_members = max_members };
	struct canon_value value;
	bool ok;

	skip_space(&s);
	ok = s.at < s.end && *s.at == '{' && scan_value(&s, 0, &value);
	if (ok) {
		skip_space(&s);
		ok = s.at == s.end;
	}
	*ret_count = s.n_members;
	*ret_offset = 0;
	if (!ok) {
		*ret_offset = (size_t)(s.at - s.begin);
		return CANON_NOT_JSON;
	}
	if (s.deviation) {
		*ret_offset = (size_t)(s.deviation - s.begin);
		return CANON_NOT_CANONICAL;
	}
	return CANON_OK;
}
