// SPDX-License-Identifier: Apache-2.0
/*
 * Package URLs from right to left, as the specification has it: subpath, qualifiers, type, version, name, namespace.
 * What comes out is valid UTF-8 without control characters, and the same purl written again is the same text. Refuses
 * what is longer than PURL_MAX, holds raw bytes that are no printable ASCII, a broken %XX, or one qualifier twice.
 */

#include "packages/purl.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "packages/purl_types.h"

#define NOT_FOUND SIZE_MAX

static bool is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static int hex_digit(char byte)
{
	if (is_digit(byte))
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

static size_t find_first(struct str text, char byte)
{
	const char *at = text.len ? memchr(text.data, byte, text.len) : NULL;

	return at ? (size_t)(at - text.data) : NOT_FOUND;
}

static size_t find_last(struct str text, char byte)
{
	const char *at = text.len ? memrchr(text.data, byte, text.len) : NULL;

	return at ? (size_t)(at - text.data) : NOT_FOUND;
}

static struct str from(struct str text, size_t at)
{
	return (struct str) { text.data + at, text.len - at };
}

/* -EINVAL: a broken escape, a control character, or no UTF-8. */
static int decode(struct str text, char **ret_text)
{
	_cleanup_(freep) char *out = malloc(text.len + 1);
	size_t len = 0;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		if (byte == '%') {
			if (text.len - i < 3 || hex_digit(text.data[i + 1]) < 0 ||
			    hex_digit(text.data[i + 2]) < 0)
				return -EINVAL;
			byte = (unsigned char)(hex_digit(text.data[i + 1]) << 4 | hex_digit(text.data[i + 2]));
			i += 2;
		}
		if (byte < 0x20 || byte == 0x7f)
			return -EINVAL;
		out[len++] = (char)byte;
	}
	out[len] = '\0';
	if (!text_is_utf8((struct str) { out, len }))
		return -EINVAL;
	*ret_text = TAKE(out);
	return 0;
}

/* Segments between slashes, decoded and joined again; empty ones fall away, and "." and ".." where `no_dots`. */
static int decode_path(struct str text, bool no_dots, char **ret_path)
{
	_cleanup_(buf_done) struct buf path = BUF_MAX(PURL_MAX);
	int r = 0;

	while (r >= 0 && text.len > 0) {
		_cleanup_(freep) char *segment = NULL;
		size_t end = find_first(text, '/');
		struct str part = { text.data, end == NOT_FOUND ? text.len : end };

		text = from(text, end == NOT_FOUND ? text.len : end + 1);
		if (part.len == 0)
			continue;
		r = decode(part, &segment);
		if (r < 0)
			return r;
		if (strchr(segment, '/'))
			return -EINVAL;
		if (no_dots && (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0))
			continue;
		if (path.len > 0)
			r = buf_append(&path, "/", 1);
		if (r >= 0)
			r = buf_append_str(&path, str_of(segment));
	}
	if (r < 0 || path.len == 0)
		return r < 0 ? r : 0;
	if (!buf_cstr(&path))
		return -ENOMEM;
	*ret_path = TAKE(path.data);
	return 0;
}

static int key_decode(struct str text, char **ret_key)
{
	_cleanup_(freep) char *key = NULL;

	if (text.len == 0 || is_digit(text.data[0]))
		return -EINVAL;
	key = str_copy(text);
	if (!key)
		return -ENOMEM;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_letter(key[i]) && !is_digit(key[i]) && !strchr(".-_", key[i]))
			return -EINVAL;
		if (key[i] >= 'A' && key[i] <= 'Z')
			key[i] = (char)(key[i] - 'A' + 'a');
	}
	*ret_key = TAKE(key);
	return 0;
}

/* Puts it at its place; -EEXIST: the key is there already. */
static int qualifier_add(struct purl *purl, char *key, char *value)
{
	size_t at = purl->n_qualifiers;

	if (at == PURL_QUALIFIERS_MAX)
		return -E2BIG;
	if (purl_qualifier(purl, key))
		return -EEXIST;
	for (; at > 0 && strcmp(purl->qualifiers[at - 1].key, key) > 0; at--)
		purl->qualifiers[at] = purl->qualifiers[at - 1];
	purl->qualifiers[at] = (struct purl_qualifier) { key, value };
	purl->n_qualifiers++;
	return 0;
}

static int qualifiers_parse(struct str text, struct purl *purl)
{
	while (text.len > 0) {
		_cleanup_(freep) char *key = NULL, *value = NULL;
		size_t end = find_first(text, '&'), equals;
		struct str pair = { text.data, end == NOT_FOUND ? text.len : end };
		int r;

		text = from(text, end == NOT_FOUND ? text.len : end + 1);
		equals = find_first(pair, '=');
		if (equals == NOT_FOUND)
			return -EINVAL;
		r = key_decode((struct str) { pair.data, equals }, &key);
		if (r < 0)
			return r;
		r = decode(from(pair, equals + 1), &value);
		if (r < 0)
			return r;
		if (value[0] == '\0')
			continue;
		r = qualifier_add(purl, key, value);
		if (r < 0)
			return r;
		key = value = NULL;
	}
	return 0;
}

static int type_parse(struct str text, char **ret_type)
{
	_cleanup_(freep) char *type = NULL;

	if (text.len == 0 || is_digit(text.data[0]))
		return -EINVAL;
	type = str_copy(text);
	if (!type)
		return -ENOMEM;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_letter(type[i]) && !is_digit(type[i]) && type[i] != '.' && type[i] != '-')
			return -EINVAL;
		if (type[i] >= 'A' && type[i] <= 'Z')
			type[i] = (char)(type[i] - 'A' + 'a');
	}
	*ret_type = TAKE(type);
	return 0;
}

/* Where the version begins. An @ that opens a namespace ("@scope/name", a scope left as it is) is not it. */
static size_t version_find(struct str text)
{
	size_t at = find_last(text, '@');

	if (at != NOT_FOUND && (at == 0 || text.data[at - 1] == '/') &&
	    find_first(from(text, at), '/') != NOT_FOUND)
		return NOT_FOUND;
	return at;
}

/* namespace/name@version */
static int names_parse(struct str text, const char **ret_reason, struct purl *purl)
{
	size_t at = version_find(text);
	int r;

	if (at != NOT_FOUND) {
		*ret_reason = "its version is empty or badly encoded";
		if (at + 1 == text.len)
			return -EINVAL;
		r = decode(from(text, at + 1), &purl->version);
		if (r < 0)
			return r;
		text.len = at;
	}
	while (text.len > 0 && text.data[text.len - 1] == '/')
		text.len--;
	at = find_last(text, '/');
	at = at == NOT_FOUND ? 0 : at + 1;
	*ret_reason = "it has no name, or a badly encoded one";
	if (at == text.len)
		return -EINVAL;
	r = decode(from(text, at), &purl->name);
	if (r < 0)
		return r;
	*ret_reason = "its namespace is badly encoded";
	return decode_path((struct str) { text.data, at }, false, &purl->namespace_);
}

static bool is_plain(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
			return false;
	}
	return true;
}

static int parse(struct str text, const char **ret_reason, struct purl *purl)
{
	size_t at;
	int r;

	*ret_reason = "it is longer than 4096 bytes or holds something that is no printable ASCII";
	if (text.len > PURL_MAX || !is_plain(text))
		return -EINVAL;
	*ret_reason = "it does not begin with pkg:";
	if (text.len < 4 || strncasecmp(text.data, "pkg:", 4) != 0)
		return -EINVAL;
	text = from(text, 4);
	at = find_last(text, '#');
	if (at != NOT_FOUND) {
		*ret_reason = "its subpath is badly encoded";
		r = decode_path(from(text, at + 1), true, &purl->subpath);
		if (r < 0)
			return r;
		text.len = at;
	}
	at = find_last(text, '?');
	if (at != NOT_FOUND) {
		*ret_reason = "its qualifiers are no list of different, well encoded KEY=VALUE, 32 at most";
		r = qualifiers_parse(from(text, at + 1), purl);
		if (r < 0)
			return r;
		text.len = at;
	}
	while (text.len > 0 && text.data[0] == '/')
		text = from(text, 1);
	at = find_first(text, '/');
	*ret_reason = "it has no type of letters, digits, '.' and '-' with a '/' behind it";
	if (at == NOT_FOUND)
		return -EINVAL;
	r = type_parse((struct str) { text.data, at }, &purl->type);
	if (r < 0)
		return r;
	r = names_parse(from(text, at + 1), ret_reason, purl);
	if (r < 0)
		return r;
	*ret_reason = purl_type_apply(purl);
	return *ret_reason ? -EINVAL : 0;
}

int purl_parse(struct str text, const char **ret_reason, struct purl *ret_purl)
{
	_cleanup_(purl_done) struct purl purl = { .type = NULL };
	const char *reason = NULL;
	int r = parse(text, &reason, &purl);

	if (r == -ENOMEM)
		reason = "there is no memory";
	else if (r < 0)
		r = -EINVAL;
	if (ret_reason)
		*ret_reason = reason;
	if (r < 0)
		return r;
	*ret_purl = purl;
	purl = (struct purl) { .type = NULL };
	return 0;
}

void purl_done(struct purl *purl)
{
	free(purl->type);
	free(purl->namespace_);
	free(purl->name);
	free(purl->version);
	free(purl->subpath);
	for (size_t i = 0; i < purl->n_qualifiers; i++) {
		free(purl->qualifiers[i].key);
		free(purl->qualifiers[i].value);
	}
	*purl = (struct purl) { .type = NULL };
}

const char *purl_qualifier(const struct purl *purl, const char *key)
{
	for (size_t i = 0; i < purl->n_qualifiers; i++) {
		if (strcmp(purl->qualifiers[i].key, key) == 0)
			return purl->qualifiers[i].value;
	}
	return NULL;
}

static int encode(struct buf *out, struct str text, const char *kept)
{
	static const char digits[] = "0123456789ABCDEF";
	int r = 0;

	for (size_t i = 0; r >= 0 && i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		char escaped[3] = { '%', digits[byte >> 4], digits[byte & 15] };

		if (is_letter((char)byte) || is_digit((char)byte) || (byte && strchr(kept, (char)byte)))
			r = buf_append(out, &text.data[i], 1);
		else
			r = buf_append(out, escaped, sizeof(escaped));
	}
	return r;
}

int purl_encode(struct buf *out, struct str text)
{
	return encode(out, text, ".-_~:");
}

static int write_part(struct buf *out, const char *before, const char *text, const char *kept)
{
	int r;

	if (!text)
		return 0;
	r = buf_append_str(out, str_of(before));
	return r < 0 ? r : encode(out, str_of(text), kept);
}

int purl_write(struct buf *out, const struct purl *purl)
{
	size_t before = out->len;
	int r = buf_printf(out, "pkg:%s", purl->type);

	/* A slash in these parts separates segments; in a value it may stand as it is. */
	if (r >= 0)
		r = write_part(out, "/", purl->namespace_, ".-_~:/");
	if (r >= 0)
		r = write_part(out, "/", purl->name, ".-_~:");
	if (r >= 0)
		r = write_part(out, "@", purl->version, ".-_~:");
	for (size_t i = 0; r >= 0 && i < purl->n_qualifiers; i++) {
		r = buf_printf(out, "%c%s", i == 0 ? '?' : '&', purl->qualifiers[i].key);
		if (r >= 0)
			r = write_part(out, "=", purl->qualifiers[i].value, ".-_~:/");
	}
	if (r >= 0)
		r = write_part(out, "#", purl->subpath, ".-_~:/");
	if (r < 0)
		out->len = before;
	return r < 0 ? r : 0;
}

int purl_full_name(struct buf *out, const struct purl *purl)
{
	static const char *const paths[] = { "npm",    "golang",    "composer", "github",
					     "gitlab", "bitbucket", "swift",	"huggingface" };
	size_t before = out->len;
	int r = 0;

	if (purl->namespace_ && strcmp(purl->type, "maven") == 0)
		r = buf_printf(out, "%s:", purl->namespace_);
	for (size_t i = 0; purl->namespace_ && r >= 0 && i < ARRAY_LEN(paths); i++) {
		if (strcmp(purl->type, paths[i]) == 0)
			r = buf_printf(out, "%s/", purl->namespace_);
	}
	if (r >= 0)
		r = buf_append_str(out, str_of(purl->name));
	if (r < 0)
		out->len = before;
	return r < 0 ? r : 0;
}
