// SPDX-License-Identifier: Apache-2.0
/*
 * Beginnings out of globs. A denied pattern counts when it is a directory and all below it; an allowed one by the
 * directories before its first wildcard, for no path can match it that does not begin with them. When one allowed pattern
 * has no such beginning, or there are too many, the kernel asks nothing of the allowlist. Owns nothing.
 */

#include "collect/prefix.h"

#include <stdbool.h>
#include <string.h>

/* The plain bytes before the first wildcard, up to their last slash; "" when there is none. */
static struct str directories_of(struct str pattern)
{
	size_t plain = 0, end;

	while (plain < pattern.len && !strchr("*?[\\", pattern.data[plain]))
		plain++;
	for (end = plain; end > 0 && pattern.data[end - 1] != '/'; end--)
		;
	return (struct str) { pattern.data, end };
}

/* Cut at a slash to what can be compared: what begins with the whole begins with that. */
static struct str directories_cut(struct str path)
{
	while (path.len > WIRE_PREFIX_MAX) {
		path.len--;
		while (path.len > 0 && path.data[path.len - 1] != '/')
			path.len--;
	}
	return path;
}

/* "/a/b/": its components with a NUL behind each, the last one first. */
static void put_components(struct str path, char *out)
{
	size_t end = path.len, begin;

	while (end > 0 && path.data[end - 1] == '/')
		end--;
	while (end > 0) {
		for (begin = end; path.data[begin - 1] != '/'; begin--)
			;
		memcpy(out, path.data + begin, end - begin);
		out += end - begin;
		*out++ = '\0';
		end = begin - 1;
	}
}

/* False: no path begins so. */
static bool prefix_set(struct str path, struct wire_prefix *ret_prefix)
{
	char bytes[WIRE_PREFIX_MAX] = { 0 }, mask[WIRE_PREFIX_MAX] = { 0 };
	size_t from = WIRE_PREFIX_MAX - path.len;

	if (path.len > 0 && (path.data[0] != '/' || memmem(path.data, path.len, "//", 2)))
		return false;
	if (path.len <= 1)
		path.len = 0; /* the root: all begins so */
	if (path.len > 0) {
		put_components(path, bytes + from + 1);
		memset(mask + from, 0xff, path.len);
	}
	memcpy(ret_prefix->bytes, bytes, sizeof(bytes));
	memcpy(ret_prefix->mask, mask, sizeof(mask));
	ret_prefix->len = (uint32_t)path.len;
	ret_prefix->pad = 0;
	return true;
}

static void add_denied(struct str pattern, struct wire_prefixes *prefixes)
{
	struct str path = directories_of(pattern);

	if (path.len + 2 != pattern.len || memcmp(pattern.data + path.len, "**", 2) != 0)
		return;
	if (path.len <= WIRE_PREFIX_MAX && prefixes->n_deny < WIRE_PREFIXES_MAX &&
	    prefix_set(path, &prefixes->deny[prefixes->n_deny]))
		prefixes->n_deny++;
}

/* False: it says nothing about beginnings. */
static bool add_allowed(struct str pattern, struct wire_prefixes *prefixes)
{
	struct str path = directories_cut(directories_of(pattern));

	if (path.len <= 1 || prefixes->n_allow == WIRE_PREFIXES_MAX ||
	    !prefix_set(path, &prefixes->allow[prefixes->n_allow]))
		return false;
	prefixes->n_allow++;
	return true;
}

void prefixes_of(char *const *allow, size_t n_allow, char *const *deny, size_t n_deny,
		 struct wire_prefixes *ret_prefixes)
{
	memset(ret_prefixes, 0, sizeof(*ret_prefixes));
	for (size_t i = 0; i < n_deny; i++)
		add_denied(str_of(deny[i]), ret_prefixes);
	for (size_t i = 0; i < n_allow; i++) {
		if (!add_allowed(str_of(allow[i]), ret_prefixes)) {
			ret_prefixes->n_allow = 0;
			return;
		}
	}
}

uint32_t prefix_end_of(struct str path, __u64 ret_end[WIRE_PREFIX_WORDS])
{
	char all[2 * 4096] = { 0 };
	uint32_t len = path.len > 1 ? (uint32_t)path.len : 0;

	put_components(path, all + WIRE_PREFIX_MAX);
	memcpy(ret_end, all + len, WIRE_PREFIX_MAX);
	return len;
}
