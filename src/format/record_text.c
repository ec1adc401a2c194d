/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bytes -> JSON text, as fast as they can be looked at: eight at a time where none needs an escape. Promises that no
 * byte which is not UTF-8 gets into a string. The room is the caller's: text_max says how much. Owns nothing.
 */

#include "format/record_text.h"

#include <assert.h>

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

static const char escapes[0x80] = {
	['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\',
};

/* One byte below 0x80 that must not stand as it is, or may. */
static char *put_ascii(char *p, unsigned char c)
{
	if (escapes[c]) {
		*p++ = '\\';
		*p++ = escapes[c];
		return p;
	}
	if (c >= 0x20) {
		*p++ = (char)c;
		return p;
	}
	p = PUT(p, "\\u00");
	*p++ = (char)('0' + (c >> 4));
	*p++ = "0123456789abcdef"[c & 15];
	return p;
}

char *put_quoted(char *p, struct str text, bool *ret_bad)
{
	const unsigned char *at = (const unsigned char *)text.data, *end = at + text.len;

	*p++ = '"';
	while (at < end) {
		uint64_t word, quote, slash;
		size_t sequence;

		if (end - at >= 8) {
			memcpy(&word, at, 8);
			quote = word ^ (ONES * '"');
			slash = word ^ (ONES * '\\');
			if (!((((word - ONES * 0x20) & ~word) | ((quote - ONES) & ~quote) |
			       ((slash - ONES) & ~slash) | word) &
			      HIGHS)) {
				memcpy(p, &word, 8);
				p += 8;
				at += 8;
				continue;
			}
		}
		if (*at < 0x80) {
			p = put_ascii(p, *at++);
			continue;
		}
		sequence = text_utf8_sequence(at, (size_t)(end - at));
		if (sequence == 0) {
			*ret_bad = true;
			p = PUT(p, "\xef\xbf\xbd");
			at++;
			continue;
		}
		p = (char *)memcpy(p, at, sequence) + sequence;
		at += sequence;
	}
	*p++ = '"';
	return p;
}

char *put_base64(char *p, struct buf *out, struct str bytes)
{
	int r;

	out->len = (size_t)(p - out->data);
	r = text_base64_append(out, bytes.data, bytes.len);
	assert(r == 0); /* the room is there */
	(void)r;
	return out->data + out->len;
}

char *put_member(char *p, struct buf *out, struct text_key key, struct str text)
{
	bool bad = false;

	p = put_quoted(put_str(p, key.text), text, &bad);
	if (bad) {
		p = put_base64(put_str(p, key.base64), out, text);
		*p++ = '"';
	}
	return p;
}

char *put_known_member(char *p, struct buf *out, struct text_key key, struct str text)
{
	return text.data ? put_member(p, out, key, text) : p;
}
