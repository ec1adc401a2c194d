/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Looking into a text that jsontext_check has passed. Relies on that for structure, never for bounds: on other text the
 * answers may be nonsense, but stay inside it. Allocates nothing but what a string needs.
 */

#include "format/jsontext.h"

#include "base/text.h"
#include "format/skip.h"

static const char *space_end(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
		at++;
	return at;
}

static const char *scalar_end(const char *at, const char *end)
{
	while (at < end && !strchr(",}] \t\r\n", *at))
		at++;
	return at;
}

static enum canon_type number_type(struct str raw)
{
	for (size_t i = 0; i < raw.len; i++) {
		if (raw.data[i] == '.' || (raw.data[i] | 0x20) == 'e')
			return CANON_NUMBER;
	}
	return CANON_INTEGER;
}

static struct canon_value value_at(const char *at, const char *end)
{
	struct canon_value value = { .type = CANON_NULL, .raw = { at, 0 } };

	if (at >= end)
		return value;
	switch (*at) {
	case '{':
	case '[':
		value.type = *at == '{' ? CANON_OBJECT : CANON_ARRAY;
		value.raw.len = (size_t)(skip_container(at, end) - at);
		return value;
	case '"':
		value.type = CANON_STRING;
		value.raw.len = (size_t)(skip_string(at, end) - at);
		return value;
	default:
		value.raw.len = (size_t)(scalar_end(at, end) - at);
		value.type = *at == 't'	  ? CANON_TRUE
			     : *at == 'f' ? CANON_FALSE
			     : *at == 'n' ? CANON_NULL
					  : number_type(value.raw);
		return value;
	}
}

struct canon_value jsontext_value(struct str text)
{
	return value_at(space_end(text.data, text.data + text.len), text.data + text.len);
}

/* To the next item of a container: behind its opening bracket, or behind a comma. NULL: there is none. */
static const char *item_begin(const struct str *rest, const char *end)
{
	const char *at = space_end(rest->data, end);

	if (at >= end || !strchr("{[,", *at))
		return NULL;
	at = space_end(at + 1, end);
	return at < end && *at != '}' && *at != ']' ? at : NULL;
}

bool jsontext_element_next(struct str *rest, struct canon_value *ret_value)
{
	const char *end = rest->data + rest->len, *at = rest->len > 0 ? item_begin(rest, end) : NULL;

	if (!at)
		return false;
	*ret_value = value_at(at, end);
	at = ret_value->raw.data + ret_value->raw.len;
	*rest = (struct str) { at, (size_t)(end - at) };
	return ret_value->raw.len > 0;
}

bool jsontext_member_next(struct str *rest, struct canon_member *ret_member)
{
	const char *end = rest->data + rest->len, *at = rest->len > 0 ? item_begin(rest, end) : NULL;
	const char *stop;

	if (!at || *at != '"')
		return false;
	stop = skip_string(at, end);
	if (stop - at < 2)
		return false;
	ret_member->key = (struct str) { at + 1, (size_t)(stop - at) - 2 };
	at = space_end(stop, end);
	if (at >= end || *at != ':')
		return false;
	ret_member->value = value_at(space_end(at + 1, end), end);
	at = ret_member->value.raw.data + ret_member->value.raw.len;
	*rest = (struct str) { at, (size_t)(end - at) };
	return ret_member->value.raw.len > 0;
}

bool jsontext_find(struct str object, const char *key, struct canon_value *ret_value, bool *ret_twice)
{
	struct canon_member member;
	struct str rest = object, wanted = str_of(key);
	bool found = false;

	if (ret_twice)
		*ret_twice = false;
	while (jsontext_member_next(&rest, &member)) {
		if (!str_equal(member.key, wanted))
			continue;
		if (!found)
			*ret_value = member.value;
		else if (ret_twice)
			*ret_twice = true;
		found = true;
		if (!ret_twice)
			break;
	}
	return found;
}

static unsigned int unit_of(const char *at)
{
	unsigned int unit = 0;

	for (int i = 0; i < 4; i++)
		unit = unit << 4 | (unsigned int)(at[i] <= '9' ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10);
	return unit & 0xffff;
}

static char *put_utf8(char *p, unsigned int c)
{
	if (c < 0x80) {
		*p++ = (char)c;
	} else if (c < 0x800) {
		*p++ = (char)(0xc0 | c >> 6);
		*p++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*p++ = (char)(0xe0 | c >> 12);
		*p++ = (char)(0x80 | (c >> 6 & 0x3f));
		*p++ = (char)(0x80 | (c & 0x3f));
	} else {
		*p++ = (char)(0xf0 | (c >> 18 & 0x07));
		*p++ = (char)(0x80 | (c >> 12 & 0x3f));
		*p++ = (char)(0x80 | (c >> 6 & 0x3f));
		*p++ = (char)(0x80 | (c & 0x3f));
	}
	return p;
}

/* One escape behind its backslash, never longer than what it stands for. -EINVAL: cut off. */
static int unescape(const char **at, const char *end, char **p)
{
	static const char letters[] = "b\bt\tn\nf\fr\r\"\"\\\\//";
	unsigned int unit;

	for (size_t i = 0; *at < end && i < sizeof(letters) - 1; i += 2) {
		if (letters[i] == **at) {
			(*at)++;
			*(*p)++ = letters[i + 1];
			return 0;
		}
	}
	if (end - *at < 5)
		return -EINVAL;
	unit = unit_of(*at + 1);
	*at += 5;
	if (unit >= 0xd800 && unit <= 0xdbff) {
		if (end - *at < 6)
			return -EINVAL;
		unit = 0x10000 + ((unit & 0x3ff) << 10) + (unit_of(*at + 2) & 0x3ff);
		*at += 6;
	}
	*p = put_utf8(*p, unit);
	return 0;
}

int jsontext_string(const struct canon_value *value, struct buf *out)
{
	const char *at, *end;
	char *p;
	int r;

	if (value->type != CANON_STRING || value->raw.len < 2)
		return -EINVAL;
	if (value->raw.len == 2)
		return 0;
	r = buf_reserve(out, value->raw.len - 2);
	if (r < 0)
		return r;
	at = value->raw.data + 1;
	end = value->raw.data + value->raw.len - 1;
	p = out->data + out->len;
	while (at < end) {
		const char c = *at++;

		if (c != '\\')
			*p++ = c;
		else if (unescape(&at, end, &p) < 0)
			return -EINVAL;
	}
	out->len = (size_t)(p - out->data);
	return 0;
}
