/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Others' JSON as RFC 8785 writes it, to be hashed. Promises: a document of any size goes through one buffer of bounded size; what the
 * canonical form cannot say the same way everywhere (a key twice, an integer beyond 2^53) is refused, not guessed.
 * Recursion is bounded by JSONTEXT_DEPTH_MAX, which jsontext_check has seen to.
 */

#include "format/jsontext.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

#define NUMBER_MAX 48
#define PIECE 65536
#define INTEGER_MAX 9007199254740992.0 /* 2^53 */

struct sink {
	struct buf *out;
	struct digest_stream *stream; /* NULL: all stays in `out` */
	const char *why;
};

struct sorted_member {
	char *key;
	size_t key_len;
	struct canon_value value;
};

static int sink_flush(struct sink *sink, size_t above)
{
	int r;

	if (!sink->stream || sink->out->len <= above)
		return 0;
	r = digest_stream_add(sink->stream, sink->out->data, sink->out->len);
	buf_clear(sink->out);
	return r;
}

static int sink_refuse(struct sink *sink, const char *why)
{
	sink->why = why;
	return -EBADMSG;
}

/* ECMA-262, Number::toString: the shortest digits that read back as the same double, placed by their exponent. */
static void number_text(double value, char out[NUMBER_MAX])
{
	char digits[32];
	int exponent = 0, precision = 0, count = 0;
	char *p = out;

	if (value == 0) {
		memcpy(out, "0", 2);
		return;
	}
	for (precision = 0; precision < 17; precision++) {
		snprintf(digits, sizeof(digits), "%.*e", precision, fabs(value));
		if (strtod(digits, NULL) == fabs(value))
			break;
	}
	exponent = atoi(strchr(digits, 'e') + 1) + 1;
	for (const char *at = digits; *at != 'e'; at++) {
		if (*at != '.')
			digits[count++] = *at;
	}
	if (value < 0)
		*p++ = '-';
	if (exponent > 0 && exponent <= 21) {
		for (int i = 0; i < count || i < exponent; i++) {
			if (i == exponent)
				*p++ = '.';
			*p++ = i < count ? digits[i] : '0';
		}
		*p = '\0';
	} else if (exponent > -6 && exponent <= 0) {
		p += sprintf(p, "0.");
		for (int i = exponent; i < 0; i++)
			*p++ = '0';
		memcpy(p, digits, (size_t)count);
		p[count] = '\0';
	} else {
		*p++ = digits[0];
		if (count > 1)
			*p++ = '.';
		memcpy(p, digits + 1, (size_t)count - 1);
		p += count - 1;
		snprintf(p, 14, "e%c%d", exponent > 0 ? '+' : '-', abs(exponent - 1));
	}
}

static int put_number(struct sink *sink, const struct canon_value *value)
{
	char text[64], shown[NUMBER_MAX];
	double number;

	if (value->raw.len >= sizeof(text))
		return sink_refuse(sink, "a number of more than 63 characters");
	memcpy(text, value->raw.data, value->raw.len);
	text[value->raw.len] = '\0';
	number = strtod(text, NULL);
	if (!isfinite(number))
		return sink_refuse(sink, "a number that is too large");
	if (value->type == CANON_INTEGER && fabs(number) > INTEGER_MAX)
		return sink_refuse(sink, "an integer beyond 2^53, which has no canonical form");
	number_text(number, shown);
	return buf_append_str(sink->out, str_of(shown));
}

static int put_string(struct sink *sink, const struct canon_value *value)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(value->raw.len + 1);
	int r = jsontext_string(value, &text);

	return r < 0 ? r : canon_append_string(sink->out, buf_str(&text));
}

/* By UTF-16 code units: as bytes, but that U+E000 to U+FFFF come behind the surrogates of what is above. */
static int by_key(const void *a, const void *b)
{
	const struct sorted_member *x = a, *y = b;
	size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;

	for (size_t i = 0; i < len; i++) {
		unsigned char p = (unsigned char)x->key[i], q = (unsigned char)y->key[i];

		if (p == q)
			continue;
		if (p >= 0xee && q >= 0xee && (p >= 0xf0) != (q >= 0xf0))
			return p >= 0xf0 ? -1 : 1;
		return p < q ? -1 : 1;
	}
	return (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static void members_free(struct sorted_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(members[i].key);
	free(members);
}

static int member_take(const struct canon_member *member, struct sorted_member *sorted)
{
	struct canon_value key = { CANON_STRING, { member->key.data - 1, member->key.len + 2 } };
	_cleanup_(buf_done) struct buf text = BUF_MAX(member->key.len + 1);
	int r = jsontext_string(&key, &text);

	if (r < 0)
		return r;
	sorted->key_len = text.len;
	sorted->key = malloc(text.len + 1);
	if (!sorted->key)
		return -ENOMEM;
	if (text.len > 0)
		memcpy(sorted->key, text.data, text.len);
	sorted->value = member->value;
	return 0;
}

/* The members in canonical order, the caller's to free (also on failure, as many as *ret_count says). */
static int members_sorted(struct str object, struct sorted_member **ret_members, size_t *ret_count)
{
	struct canon_member member;
	struct str rest = object;
	size_t room = 0;
	int r;

	while (jsontext_member_next(&rest, &member)) {
		if (*ret_count == room) {
			struct sorted_member *grown;

			room = room ? room * 2 : 16;
			grown = reallocarray(*ret_members, room, sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			*ret_members = grown;
		}
		r = member_take(&member, &(*ret_members)[*ret_count]);
		if (r < 0)
			return r;
		(*ret_count)++;
	}
	if (*ret_count > 0)
		qsort(*ret_members, *ret_count, sizeof(**ret_members), by_key);
	return 0;
}

static int put_value(struct sink *sink, const struct canon_value *value, struct str except);

static int put_members(struct sink *sink, const struct sorted_member *members, size_t count, struct str except)
{
	bool first = true;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		struct str key = { members[i].key, members[i].key_len };

		if (i > 0 && by_key(&members[i - 1], &members[i]) == 0)
			return sink_refuse(sink, "an object with a key twice");
		if (except.data && str_equal(key, except))
			continue;
		r = first ? 0 : buf_append(sink->out, ",", 1);
		first = false;
		r = r < 0 ? r : canon_append_string(sink->out, key);
		r = r < 0 ? r : buf_append(sink->out, ":", 1);
		r = r < 0 ? r : put_value(sink, &members[i].value, (struct str) { NULL, 0 });
	}
	return r;
}

static int put_object(struct sink *sink, const struct canon_value *value, struct str except)
{
	struct sorted_member *members = NULL;
	size_t count = 0;
	int r;

	r = members_sorted(value->raw, &members, &count);
	r = r < 0 ? r : buf_append(sink->out, "{", 1);
	r = r < 0 ? r : put_members(sink, members, count, except);
	members_free(members, count);
	return r < 0 ? r : buf_append(sink->out, "}", 1);
}

static int put_array(struct sink *sink, const struct canon_value *value)
{
	struct canon_value element;
	struct str rest = value->raw;
	bool first = true;
	int r = buf_append(sink->out, "[", 1);

	while (r == 0 && jsontext_element_next(&rest, &element)) {
		r = first ? 0 : buf_append(sink->out, ",", 1);
		first = false;
		r = r < 0 ? r : put_value(sink, &element, (struct str) { NULL, 0 });
	}
	return r < 0 ? r : buf_append(sink->out, "]", 1);
}

static int put_value(struct sink *sink, const struct canon_value *value, struct str except)
{
	int r = sink_flush(sink, PIECE);

	if (r < 0)
		return r;
	switch (value->type) {
	case CANON_OBJECT:
		return put_object(sink, value, except);
	case CANON_ARRAY:
		return put_array(sink, value);
	case CANON_STRING:
		return put_string(sink, value);
	case CANON_INTEGER:
	case CANON_NUMBER:
		return put_number(sink, value);
	default:
		return buf_append_str(sink->out, value->raw);
	}
}

static int canonical(struct sink *sink, struct str text, const char *except, const char **ret_why)
{
	struct canon_value value = jsontext_value(text);
	int r;

	sink->why = "it cannot be held";
	r = put_value(sink, &value, str_of(except));
	*ret_why = sink->why;
	return r;
}

int jsontext_canonical(struct str value, const char *except, struct buf *out, const char **ret_why)
{
	struct sink sink = { .out = out };

	return canonical(&sink, value, except, ret_why);
}

int jsontext_canonical_digest(struct str value, const char *except, struct digest *ret_digest,
			      const char **ret_why)
{
	_cleanup_(digest_stream_freep) struct digest_stream *stream = NULL;
	_cleanup_(buf_done) struct buf out = BUF_MAX(value.len * 6 + 2 * PIECE);
	struct sink sink = { .out = &out };
	int r = digest_stream_new(&stream);

	*ret_why = "no memory";
	if (r < 0)
		return r;
	sink.stream = stream;
	r = canonical(&sink, value, except, ret_why);
	r = r < 0 ? r : sink_flush(&sink, 0);
	return r < 0 ? r : digest_stream_value(stream, ret_digest);
}
