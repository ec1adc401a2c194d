/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings of a document that is read as a stream. Promises that what is handed out is UTF-8 without NUL. Refuses bytes that
 * are no UTF-8, control characters, half of a surrogate pair, and NUL in whatever is wanted: names of files and packages
 * have none, and C would end there.
 */

#include "base/text.h"
#include "packages/jwalk_parts.h"

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

/* How many of the bytes are neither control, quote, backslash nor beyond ASCII. */
static size_t plain_run(const char *at, const char *end)
{
	const char *from = at;

	for (; end - at >= 8; at += 8) {
		uint64_t word, quote, slash;

		memcpy(&word, at, sizeof(word));
		quote = word ^ (ONES * '"');
		slash = word ^ (ONES * '\\');
		if ((((word - ONES * 0x20) & ~word) | ((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) |
		     word) &
		    HIGHS)
			break;
	}
	while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' && *at != '\\')
		at++;
	return (size_t)(at - from);
}

struct sink {
	struct jwalk *json;
	struct buf *out; /* NULL: nothing is wanted */
	bool cut;
};

/* `len` bytes of whole characters; `divisible`: each byte is one. */
static void give(struct sink *sink, const char *data, size_t len, bool divisible)
{
	size_t room;
	int r;

	if (!sink->out || sink->cut)
		return;
	room = sink->out->max - sink->out->len;
	if (len > room) {
		sink->cut = true;
		len = divisible ? room : 0;
	}
	r = buf_append(sink->out, data, len);
	if (r < 0)
		jwalk_refuse(sink->json, r, "out of memory");
}

static int hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Four digits behind \u, or -1. */
static long take_unit(struct jwalk *json)
{
	long unit = 0;

	for (int i = 0; i < 4; i++) {
		int digit = hex_value(jwalk_peek(json));

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
		json->at++;
	}
	return unit;
}

static size_t put_utf8(char *out, unsigned long point)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

/* What follows the high half, or -1. */
static long take_low_half(struct jwalk *json)
{
	jwalk_want(json, 2);
	if (json->end - json->at < 2 || json->at[0] != '\\' || json->at[1] != 'u')
		return -1;
	json->at += 2;
	return take_unit(json);
}

static bool take_unicode(struct jwalk *json, struct sink *sink)
{
	long unit = take_unit(json), low = 0xdc00;
	unsigned long point = (unsigned long)unit;
	char bytes[4];

	if (unit < 0)
		return false;
	if (unit >= 0xd800 && unit < 0xdc00) {
		low = take_low_half(json);
		point = 0x10000 + ((point & 0x3ff) << 10) + ((unsigned long)low & 0x3ff);
	}
	if (low < 0xdc00 || low > 0xdfff || (unit >= 0xdc00 && unit <= 0xdfff)) {
		jwalk_refuse(json, -EBADMSG, "a string holds half of a surrogate pair");
		return false;
	}
	if (point == 0 && sink->out) {
		jwalk_refuse(json, -EBADMSG, "a string that is needed holds a NUL");
		return false;
	}
	give(sink, bytes, put_utf8(bytes, point), false);
	return true;
}

/* Behind the backslash. */
static bool take_escape(struct jwalk *json, struct sink *sink)
{
	static const char letters[] = "b\bt\tn\nf\fr\r\"\"\\\\//";
	int c = jwalk_peek(json);

	if (c == 'u') {
		json->at++;
		return take_unicode(json, sink);
	}
	for (size_t i = 0; i < sizeof(letters) - 1; i += 2) {
		if (letters[i] == c) {
			json->at++;
			give(sink, &letters[i + 1], 1, false);
			return true;
		}
	}
	return false;
}

static bool take_sequence(struct jwalk *json, struct sink *sink)
{
	size_t len;

	jwalk_want(json, 4);
	len = text_utf8_sequence((const unsigned char *)json->at, (size_t)(json->end - json->at));
	if (len == 0) {
		jwalk_refuse(json, -EBADMSG, "it is not UTF-8");
		return false;
	}
	give(sink, json->at, len, false);
	json->at += len;
	return true;
}

bool jwalk_string(struct jwalk *json, struct buf *out, bool *ret_cut)
{
	struct sink sink = { .json = json, .out = out };

	while (json->error == 0) {
		int c = jwalk_peek(json);
		size_t plain = c < 0 ? 0 : plain_run(json->at, json->end);
		bool ok = true;

		if (plain > 0) {
			give(&sink, json->at, plain, true);
			json->at += plain;
		} else if (c == '"') {
			json->at++;
			if (ret_cut)
				*ret_cut = sink.cut;
			return json->error == 0;
		} else if (c == '\\') {
			json->at++;
			ok = take_escape(json, &sink);
		} else if (c >= 0x80) {
			ok = take_sequence(json, &sink);
		} else {
			ok = false;
		}
		if (!ok)
			jwalk_refuse(json, -EBADMSG,
				     c < 0 ? "it ends too early" : "a string holds what JSON does not allow");
	}
	return false;
}
