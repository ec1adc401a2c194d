/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Looking into values that canon_scan_object has already found to be canonical: members, integers, strings. Relies
 * on that for structure, never for bounds: on other text the answers may be nonsense, but stay inside it.
 */

#include "format/canon.h"

#include <errno.h>

#include "base/text.h"
#include "format/skip.h"

static const char *scalar_end(const char *at, const char *end)
{
	while (at < end && *at != ',' && *at != '}' && *at != ']')
		at++;
	return at;
}

static struct canon_value take_value(struct str *rest)
{
	const char *end = rest->data + rest->len, *stop;
	struct canon_value value = { .type = CANON_INTEGER, .raw = { rest->data, 0 } };

	if (rest->len == 0)
		return value;
	switch (*rest->data) {
	case '{':
	case '[':
		value.type = *rest->data == '{' ? CANON_OBJECT : CANON_ARRAY;
		stop = skip_container(rest->data, end);
		break;
	case '"':
		value.type = CANON_STRING;
		stop = skip_string(rest->data, end);
		break;
	default:
		value.type = *rest->data == 't'	  ? CANON_TRUE
			     : *rest->data == 'f' ? CANON_FALSE
			     : *rest->data == 'n' ? CANON_NULL
						  : CANON_INTEGER;
		stop = scalar_end(rest->data, end);
	}
	value.raw.len = (size_t)(stop - rest->data);
	*rest = (struct str) { stop, (size_t)(end - stop) };
	return value;
}

static void drop(struct str *rest, size_t n)
{
	n = n < rest->len ? n : rest->len;
	rest->data += n;
	rest->len -= n;
}

bool canon_member_next(struct str *rest, struct canon_member *ret_member)
{
	const char *end = rest->data + rest->len, *stop;

	if (rest->len < 2 || (*rest->data != '{' && *rest->data != ','))
		return false;
	drop(rest, 1);
	if (*rest->data != '"')
		return false;
	stop = skip_string(rest->data, end);
	if (stop - rest->data < 2)
		return false;
	ret_member->key = (struct str) { rest->data + 1, (size_t)(stop - rest->data) - 2 };
	drop(rest, ret_member->key.len + 3);
	ret_member->value = take_value(rest);
	return true;
}

bool canon_element_next(struct str *rest, struct canon_value *ret_value)
{
	if (rest->len < 2 || (*rest->data != '[' && *rest->data != ',') || rest->data[1] == ']')
		return false;
	drop(rest, 1);
	*ret_value = take_value(rest);
	return true;
}

size_t canon_members(struct str object, struct canon_member *members, size_t max_members)
{
	struct canon_member member;
	size_t count = 0;

	while (canon_member_next(&object, &member)) {
		if (count < max_members)
			members[count] = member;
		count++;
	}
	return count;
}

const struct canon_value *canon_find(const struct canon_member *members, size_t count, struct str key)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (str_equal(members[i].key, key))
			return &members[i].value;
	return NULL;
}

int canon_value_u64(const struct canon_value *value, uint64_t *ret_value)
{
	if (value->type != CANON_INTEGER || value->raw.len == 0 || value->raw.data[0] == '-')
		return -EINVAL;
	return text_parse_u64(value->raw, 0, UINT64_MAX, ret_value);
}

/* One escape behind its backslash, written at `p`; canonical text has \u only below 0x20. */
static int unescape(const char **at, const char *end, char *p)
{
	static const char letters[] = "b\bt\tn\nf\fr\r\"\"\\\\";
	uint8_t code[2];
	size_t i;

	if (*at >= end)
		return -EINVAL;
	for (i = 0; i < sizeof(letters) - 1; i += 2) {
		if (letters[i] == **at) {
			(*at)++;
			*p = letters[i + 1];
			return 0;
		}
	}
	if (**at != 'u' || end - *at < 5 || text_unhex((struct str) { *at + 1, 4 }, code, 2) < 0 ||
	    code[0] != 0 || code[1] >= 0x20)
		return -EINVAL;
	*at += 5;
	*p = (char)code[1];
	return 0;
}

int canon_value_string(const struct canon_value *value, struct buf *out)
{
	const char *at, *end;
	char *p;
	int r;

	if (value->type != CANON_STRING || value->raw.len < 2)
		return -EINVAL;
	if (value->raw.len == 2)
		return 0; /* an empty buffer may have no memory yet */
	r = buf_reserve(out, value->raw.len - 2);
	if (r < 0)
		return r;
	at = value->raw.data + 1;
	end = value->raw.data + value->raw.len - 1;
	p = out->data + out->len;
	while (at < end) {
		const char c = *at++;

		if (c != '\\') {
			*p++ = c;
			continue;
		}
		r = unescape(&at, end, p++);
		if (r < 0)
			return r;
	}
	out->len = (size_t)(p - out->data);
	return 0;
}
