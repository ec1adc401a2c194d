/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing versions. Promises to say "cannot tell" rather than to guess: "1.2" is no semantic version, and a Debian version
 * with a character of no meaning is none.
 */

#include "packages/version.h"

#include "base/text.h"

/* ---- numbers of any length ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t count_digits(struct str text)
{
	size_t n = 0;

	while (n < text.len && is_digit(text.data[n]))
		n++;
	return n;
}

static struct str drop(struct str text, size_t n)
{
	return (struct str) { text.data + n, text.len - n };
}

static int compare_numbers(struct str a, struct str b)
{
	while (a.len > 0 && a.data[0] == '0')
		a = drop(a, 1);
	while (b.len > 0 && b.data[0] == '0')
		b = drop(b, 1);
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return a.len == 0 ? 0 : memcmp(a.data, b.data, a.len);
}

/* ---- semantic versions ---- */

struct semver {
	struct str number[3], pre; /* pre.len 0: a release */
};

static bool is_identifier(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '-')
			return false;
	}
	return text.len > 0;
}

static struct str take_until(struct str *text, char end)
{
	const char *at = text->len ? memchr(text->data, end, text->len) : NULL;
	struct str part = { text->data, at ? (size_t)(at - text->data) : text->len };

	*text = drop(*text, at ? part.len + 1 : part.len);
	return part;
}

static bool are_identifiers(struct str text)
{
	do {
		bool last = text.len == 0 || !memchr(text.data, '.', text.len);

		if (!is_identifier(take_until(&text, '.')))
			return false;
		if (last)
			return true;
	} while (true);
}

static bool parse_semver(struct str text, struct semver *ret_version)
{
	if (text.len > 0 && (text.data[0] == 'v' || text.data[0] == 'V'))
		text = drop(text, 1);
	for (int i = 0; i < 3; i++) {
		size_t n = count_digits(text);

		if (n == 0 || (n > 1 && text.data[0] == '0'))
			return false;
		ret_version->number[i] = (struct str) { text.data, n };
		text = drop(text, n);
		if (i < 2) {
			if (text.len == 0 || text.data[0] != '.')
				return false;
			text = drop(text, 1);
		}
	}
	ret_version->pre = STR("");
	if (text.len > 0 && text.data[0] == '-') {
		text = drop(text, 1);
		ret_version->pre = take_until(&text, '+');
		if (!are_identifiers(ret_version->pre))
			return false;
		return text.len == 0 ? text.data[-1] != '+' : are_identifiers(text);
	}
	if (text.len == 0)
		return true;
	return text.data[0] == '+' && are_identifiers(drop(text, 1));
}

static int compare_identifiers(struct str a, struct str b)
{
	bool a_number = count_digits(a) == a.len, b_number = count_digits(b) == b.len;
	int r;

	if (a_number && b_number)
		return compare_numbers(a, b);
	if (a_number != b_number)
		return a_number ? -1 : 1;
	r = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
	return r ? r : (a.len > b.len) - (a.len < b.len);
}

static int compare_pre(struct str a, struct str b)
{
	if (a.len == 0 || b.len == 0)
		return (a.len == 0) - (b.len == 0);
	while (a.len > 0 && b.len > 0) {
		int r = compare_identifiers(take_until(&a, '.'), take_until(&b, '.'));

		if (r)
			return r;
	}
	return (a.len > 0) - (b.len > 0);
}

static bool compare_semver(struct str a, struct str b, int *ret_order)
{
	struct semver x, y;
	int r = 0;

	if (!parse_semver(a, &x) || !parse_semver(b, &y))
		return false;
	for (int i = 0; i < 3 && r == 0; i++)
		r = compare_numbers(x.number[i], y.number[i]);
	*ret_order = r ? r : compare_pre(x.pre, y.pre);
	return true;
}

/* ---- Debian versions ---- */

struct debian {
	struct str epoch, upstream, revision;
};

static bool has_only(struct str text, const char *allowed)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    (c == '\0' || !strchr(allowed, c)))
			return false;
	}
	return true;
}

static bool parse_debian(struct str text, struct debian *ret_version)
{
	const char *colon = text.len ? memchr(text.data, ':', text.len) : NULL, *dash;

	ret_version->epoch = STR("");
	if (colon) {
		ret_version->epoch = (struct str) { text.data, (size_t)(colon - text.data) };
		text = drop(text, ret_version->epoch.len + 1);
		if (ret_version->epoch.len == 0 || count_digits(ret_version->epoch) != ret_version->epoch.len)
			return false;
	}
	dash = text.len ? memrchr(text.data, '-', text.len) : NULL;
	ret_version->upstream = (struct str) { text.data, dash ? (size_t)(dash - text.data) : text.len };
	ret_version->revision = dash ? drop(text, ret_version->upstream.len + 1) : STR("");
	if (dash && ret_version->revision.len == 0)
		return false;
	return ret_version->upstream.len > 0 && has_only(ret_version->upstream, ".+-~:") &&
	       has_only(ret_version->revision, ".+~");
}

/* '~' before the end, the end before letters, letters before the rest. */
static int weight(struct str text)
{
	char c = text.len > 0 ? text.data[0] : '\0';

	if (c == '\0' || is_digit(c))
		return 0;
	if (c == '~')
		return -1;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return c;
	return c + 256;
}

static int compare_parts(struct str a, struct str b)
{
	while (a.len > 0 || b.len > 0) {
		size_t n, m;
		int r;

		while ((a.len > 0 && !is_digit(a.data[0])) || (b.len > 0 && !is_digit(b.data[0]))) {
			r = weight(a) - weight(b);
			if (r)
				return r;
			/* Equal weights: both have a character here. */
			a = drop(a, 1);
			b = drop(b, 1);
		}
		n = count_digits(a);
		m = count_digits(b);
		r = compare_numbers((struct str) { a.data, n }, (struct str) { b.data, m });
		if (r)
			return r;
		a = drop(a, n);
		b = drop(b, m);
	}
	return 0;
}

static bool compare_debian(struct str a, struct str b, int *ret_order)
{
	struct debian x, y;
	int r;

	if (!parse_debian(a, &x) || !parse_debian(b, &y))
		return false;
	r = compare_numbers(x.epoch, y.epoch);
	if (r == 0)
		r = compare_parts(x.upstream, y.upstream);
	*ret_order = r ? r : compare_parts(x.revision, y.revision);
	return true;
}

bool version_compare(enum version_order order, struct str a, struct str b, int *ret_order)
{
	switch (order) {
	case VERSION_ORDER_SEMVER:
		return compare_semver(a, b, ret_order);
	case VERSION_ORDER_DEBIAN:
		return compare_debian(a, b, ret_order);
	default:
		return false;
	}
}
