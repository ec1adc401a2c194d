/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Is it JSON? Promises: one pass, no recursion, no memory; whatever passes is one value by RFC 8259 and can be read in place
 * by jsontext_read.c. Refuses what readers disagree about: lone surrogates, bytes that are no UTF-8, a byte order mark.
 */

#include "format/jsontext.h"

#include "base/text.h"

struct check {
	const char *begin, *at, *end;
	const char *why;
	size_t depth;
	bool object[JSONTEXT_DEPTH_MAX];
};

static bool refuse(struct check *check, const char *why)
{
	check->why = why;
	return false;
}

static void skip_space(struct check *check)
{
	while (check->at < check->end &&
	       (*check->at == ' ' || *check->at == '\t' || *check->at == '\n' || *check->at == '\r'))
		check->at++;
}

static bool hex4(const char *at, const char *end, unsigned int *ret_unit)
{
	*ret_unit = 0;
	if (end - at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = at[i];
		unsigned int digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned int)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (unsigned int)((c | 0x20) - 'a') + 10;
		else
			return false;
		*ret_unit = *ret_unit << 4 | digit;
	}
	return true;
}

/* Behind the backslash. */
static bool check_escape(struct check *check)
{
	unsigned int unit, low;

	if (check->at < check->end && *check->at != '\0' && strchr("\"\\/bfnrt", *check->at)) {
		check->at++;
		return true;
	}
	if (check->at >= check->end || *check->at != 'u' || !hex4(check->at + 1, check->end, &unit))
		return refuse(check, "no escape that JSON has");
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return refuse(check, "half of a surrogate pair");
	if (unit < 0xd800 || unit > 0xdbff) {
		check->at += 5;
		return true;
	}
	if (check->end - check->at < 11 || check->at[5] != '\\' || check->at[6] != 'u' ||
	    !hex4(check->at + 7, check->end, &low) || low < 0xdc00 || low > 0xdfff)
		return refuse(check, "half of a surrogate pair");
	check->at += 11;
	return true;
}

/* At the opening quote. */
static bool check_string(struct check *check)
{
	check->at++;
	while (check->at < check->end) {
		unsigned char c = (unsigned char)*check->at;
		size_t len;

		if (c == '"') {
			check->at++;
			return true;
		}
		if (c < 0x20)
			return refuse(check, "a control character in a string");
		if (c == '\\') {
			check->at++;
			if (!check_escape(check))
				return false;
			continue;
		}
		len = c < 0x80 ? 1
			       : text_utf8_sequence((const unsigned char *)check->at,
						    (size_t)(check->end - check->at));
		if (len == 0)
			return refuse(check, "not UTF-8");
		check->at += len;
	}
	return refuse(check, "a string that does not end");
}

static bool digits(struct check *check)
{
	const char *begin = check->at;

	while (check->at < check->end && *check->at >= '0' && *check->at <= '9')
		check->at++;
	return check->at > begin || refuse(check, "no number that JSON has");
}

static bool check_number(struct check *check)
{
	if (*check->at == '-')
		check->at++;
	if (check->at < check->end && *check->at == '0')
		check->at++;
	else if (!digits(check))
		return false;
	if (check->at < check->end && *check->at == '.') {
		check->at++;
		if (!digits(check))
			return false;
	}
	if (check->at < check->end && (*check->at | 0x20) == 'e') {
		check->at++;
		if (check->at < check->end && (*check->at == '+' || *check->at == '-'))
			check->at++;
		return digits(check);
	}
	return true;
}

static bool check_word(struct check *check, struct str word)
{
	if ((size_t)(check->end - check->at) < word.len || memcmp(check->at, word.data, word.len) != 0)
		return refuse(check, "a value was expected");
	check->at += word.len;
	return true;
}

static bool check_scalar(struct check *check)
{
	switch (*check->at) {
	case '"':
		return check_string(check);
	case 't':
		return check_word(check, STR("true"));
	case 'f':
		return check_word(check, STR("false"));
	case 'n':
		return check_word(check, STR("null"));
	default:
		if (*check->at == '-' || (*check->at >= '0' && *check->at <= '9'))
			return check_number(check);
		return refuse(check, "a value was expected");
	}
}

/* "key": */
static bool check_key(struct check *check)
{
	if (check->at >= check->end || *check->at != '"')
		return refuse(check, "a key in quotes was expected");
	if (!check_string(check))
		return false;
	skip_space(check);
	if (check->at >= check->end || *check->at != ':')
		return refuse(check, "a colon was expected");
	check->at++;
	skip_space(check);
	return true;
}

/* Enters a container; *ret_empty: and it ends at once. */
static bool check_enter(struct check *check, bool *ret_empty)
{
	bool object = *check->at == '{';

	if (check->depth == JSONTEXT_DEPTH_MAX)
		return refuse(check, "nested too deep");
	check->object[check->depth++] = object;
	check->at++;
	skip_space(check);
	*ret_empty = check->at < check->end && *check->at == (object ? '}' : ']');
	return *ret_empty || !object || check_key(check);
}

/* Behind a value: what closes, closes; true with *ret_more when another value comes. */
static bool check_behind(struct check *check, bool *ret_more)
{
	*ret_more = false;
	while (check->depth > 0) {
		bool object = check->object[check->depth - 1];

		skip_space(check);
		if (check->at >= check->end)
			return refuse(check, "it ends too early");
		if (*check->at == ',') {
			check->at++;
			skip_space(check);
			*ret_more = true;
			return !object || check_key(check);
		}
		if (*check->at != (object ? '}' : ']'))
			return refuse(check, "a comma or the end was expected");
		check->at++;
		check->depth--;
	}
	return true;
}

static bool check_all(struct check *check)
{
	bool more = true;

	skip_space(check);
	while (more) {
		bool empty = false;

		if (check->at >= check->end)
			return refuse(check, "it ends too early");
		if (*check->at == '{' || *check->at == '[') {
			if (!check_enter(check, &empty))
				return false;
			if (!empty)
				continue;
		} else if (!check_scalar(check)) {
			return false;
		}
		if (!check_behind(check, &more))
			return false;
	}
	skip_space(check);
	return check->at == check->end || refuse(check, "something stands behind the value");
}

int jsontext_check(struct str text, size_t *ret_offset, const char **ret_why)
{
	struct check check = { .begin = text.data, .at = text.data, .end = text.data + text.len };

	*ret_offset = 0;
	*ret_why = "it is empty";
	if (text.len == 0)
		return -EBADMSG;
	if (check_all(&check))
		return 0;
	*ret_offset = (size_t)(check.at - check.begin);
	*ret_why = check.why;
	return -EBADMSG;
}
