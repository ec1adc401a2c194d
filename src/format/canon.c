/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The writing half of canon.h: canonical JSON straight into a buffer, no tree. Promises RFC 8785 text with exact
 * integers; refuses text that is not UTF-8. The caller owns the buffer; after the first failure nothing more is
 * written, and what was written so far stays in the buffer for the caller to cut off.
 */

#include "format/canon.h"

#include <assert.h>

#include "base/cleanup.h"
#include "base/text.h"

/* RFC 8785, 3.2.2.2: two-letter escapes where JSON has one, \u00xx in lower case otherwise, nothing else. */
static const char short_escape[128] = {
	['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\',
};

/* How many bytes `c` (below 0x80) takes inside a string. */
static size_t escaped_length(unsigned char c)
{
	if (short_escape[c])
		return 2;
	return c < 0x20 ? 6 : 1;
}

static char *put_escaped(char *p, unsigned char c)
{
	if (short_escape[c]) {
		*p++ = '\\';
		*p++ = short_escape[c];
	} else if (c < 0x20) {
		memcpy(p, "\\u00", 4);
		p[4] = "0123456789abcdef"[c >> 4];
		p[5] = "0123456789abcdef"[c & 15];
		p += 6;
	} else {
		*p++ = (char)c;
	}
	return p;
}

/* The exact length that `text` takes between its quotes, or -EILSEQ. */
static int string_length(struct str text, size_t *ret_length)
{
	const unsigned char *bytes = (const unsigned char *)text.data;
	size_t length = 0, i = 0;

	while (i < text.len) {
		size_t sequence = 1;

		if (bytes[i] < 0x80) {
			length += escaped_length(bytes[i]);
		} else {
			sequence = text_utf8_sequence(bytes + i, text.len - i);
			if (sequence == 0)
				return -EILSEQ;
			length += sequence;
		}
		i += sequence;
	}
	*ret_length = length;
	return 0;
}

int canon_append_string(struct buf *out, struct str text)
{
	size_t length, i;
	char *p;
	int r;

	r = string_length(text, &length);
	if (r < 0)
		return r;
	r = buf_reserve(out, length + 2);
	if (r < 0)
		return r;
	p = out->data + out->len;
	*p++ = '"';
	if (length == text.len) {
		if (length > 0)
			memcpy(p, text.data, length);
		p += length;
	} else {
		for (i = 0; i < text.len; i++) {
			unsigned char c = (unsigned char)text.data[i];

			if (c < 0x80)
				p = put_escaped(p, c);
			else
				*p++ = (char)c;
		}
	}
	*p++ = '"';
	out->len = (size_t)(p - out->data);
	return 0;
}

static void put(struct canon *w, const char *data, size_t len)
{
	if (w->error == 0)
		w->error = buf_append(w->out, data, len);
}

/* A comma, unless this is the first of its container or the value of a key. */
static void separate(struct canon *w)
{
	if (!w->first[w->depth])
		put(w, ",", 1);
	w->first[w->depth] = false;
}

static void open_container(struct canon *w, char bracket)
{
	separate(w);
	put(w, &bracket, 1);
	if (w->error != 0)
		return;
	if (w->depth + 1 >= CANON_DEPTH_MAX) {
		w->error = -E2BIG;
		return;
	}
	w->depth++;
	w->first[w->depth] = true;
#ifndef NDEBUG
	w->last_key[w->depth][0] = '\0';
#endif
}

static void close_container(struct canon *w, char bracket)
{
	if (w->error != 0)
		return;
	assert(w->depth > 0);
	w->depth--;
	put(w, &bracket, 1);
}

void canon_object(struct canon *w)
{
	open_container(w, '{');
}

void canon_object_end(struct canon *w)
{
	close_container(w, '}');
}

void canon_array(struct canon *w)
{
	open_container(w, '[');
}

void canon_array_end(struct canon *w)
{
	close_container(w, ']');
}

void canon_key(struct canon *w, const char *key)
{
	if (w->error != 0)
		return;
	assert(w->depth > 0);
#ifndef NDEBUG
	assert(strlen(key) < sizeof(w->last_key[0]));
	assert(w->last_key[w->depth][0] == '\0' || strcmp(w->last_key[w->depth], key) < 0);
	memcpy(w->last_key[w->depth], key, strlen(key) + 1);
#endif
	canon_key_foreign(w, key);
}

void canon_key_foreign(struct canon *w, const char *key)
{
	if (w->error != 0)
		return;
	assert(w->depth > 0);
	separate(w);
	put(w, "\"", 1);
	put(w, key, strlen(key));
	put(w, "\":", 2);
	w->first[w->depth] = true;
}

void canon_string(struct canon *w, struct str text)
{
	separate(w);
	if (w->error == 0)
		w->error = canon_append_string(w->out, text);
}

void canon_base64(struct canon *w, struct str bytes)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(bytes.len / 3 * 4 + 4);
	int r = text_base64_append(&text, bytes.data, bytes.len);

	if (r < 0)
		canon_fail(w, r);
	else
		canon_string(w, buf_str(&text));
}

void canon_u64(struct canon *w, uint64_t value)
{
	char digits[20];

	separate(w);
	put(w, digits, text_put_u64(digits, value));
}

void canon_bool(struct canon *w, bool value)
{
	separate(w);
	put(w, value ? "true" : "false", value ? 4 : 5);
}

void canon_null(struct canon *w)
{
	separate(w);
	put(w, "null", 4);
}

void canon_key_string(struct canon *w, const char *key, struct str text)
{
	canon_key(w, key);
	canon_string(w, text);
}

void canon_key_cstr(struct canon *w, const char *key, const char *text)
{
	canon_key_string(w, key, str_of(text));
}

void canon_key_base64(struct canon *w, const char *key, struct str bytes)
{
	canon_key(w, key);
	canon_base64(w, bytes);
}

void canon_key_u64(struct canon *w, const char *key, uint64_t value)
{
	canon_key(w, key);
	canon_u64(w, value);
}

void canon_key_bool(struct canon *w, const char *key, bool value)
{
	canon_key(w, key);
	canon_bool(w, value);
}

void canon_fail(struct canon *w, int error)
{
	if (w->error == 0)
		w->error = error;
}

int canon_done(struct canon *w)
{
	assert(w->error != 0 || w->depth == 0);
	return w->error;
}
