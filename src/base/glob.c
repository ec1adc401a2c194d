/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Path globs, matched by following all places of the pattern at once (a sparse set of active positions), so the
 * worst case is text x pattern steps whatever the pattern: no backtracking to be exploited, no recursion, no
 * allocation. The usual path has two or three active positions.
 *
 * A `**` that stands between slashes (or first, before a slash) may also be no directory at all: "/usr/" "**" "/x"
 * matches "/usr/x" and "/usr/a/b/x". A run of three or more stars is the same as two. In a class the first ']' is
 * itself, '!' or '^' in front excludes, backslash takes the next byte as it is; no class ever matches '/'.
 * A pattern that glob_check refuses matches nothing beyond its bad place.
 */

#include "base/glob.h"

#include <errno.h>
#include <stdint.h>

enum token_kind { TOKEN_BYTE, TOKEN_ANY, TOKEN_CLASS, TOKEN_STAR, TOKEN_STARS, TOKEN_BAD };

struct token {
	enum token_kind kind;
	unsigned char byte;
	bool negated;
	size_t first, last; /* of the class's members in the pattern: [first, last) */
	size_t next; /* where the next token begins */
	size_t skip; /* for `**` + '/' that may stand for no directory: behind the slash; else 0 */
};

/* One member of a class: a byte or a range; moves *at behind it. False when it is none. */
static bool class_member(struct str pattern, size_t *at, unsigned char *ret_low, unsigned char *ret_high)
{
	unsigned char *bounds[2] = { ret_low, ret_high };
	int i;

	for (i = 0; i < 2; i++) {
		if (*at < pattern.len && pattern.data[*at] == '\\')
			(*at)++;
		if (*at >= pattern.len)
			return false;
		*bounds[i] = (unsigned char)pattern.data[(*at)++];
		if (i == 1)
			break;
		*ret_high = *ret_low;
		if (*at + 1 >= pattern.len || pattern.data[*at] != '-' || pattern.data[*at + 1] == ']')
			break;
		(*at)++;
	}
	return true;
}

static void class_token(struct str pattern, size_t at, struct token *token)
{
	unsigned char low, high;

	token->kind = TOKEN_BAD;
	at++;
	if (at < pattern.len && (pattern.data[at] == '!' || pattern.data[at] == '^')) {
		token->negated = true;
		at++;
	}
	token->first = at;
	while (at < pattern.len && (pattern.data[at] != ']' || at == token->first)) {
		if (!class_member(pattern, &at, &low, &high) || low > high)
			return;
	}
	if (at >= pattern.len)
		return;
	token->kind = TOKEN_CLASS;
	token->last = at;
	token->next = at + 1;
}

static void star_token(struct str pattern, size_t at, struct token *token)
{
	size_t end = at;

	while (end < pattern.len && pattern.data[end] == '*')
		end++;
	token->kind = end - at > 1 ? TOKEN_STARS : TOKEN_STAR;
	token->next = end;
	if (token->kind == TOKEN_STARS && end < pattern.len && pattern.data[end] == '/' &&
	    (at == 0 || pattern.data[at - 1] == '/'))
		token->skip = end + 1;
}

static struct token token_at(struct str pattern, size_t at)
{
	struct token token = { .kind = TOKEN_BYTE, .byte = (unsigned char)pattern.data[at], .next = at + 1 };

	switch (pattern.data[at]) {
	case '?':
		token.kind = TOKEN_ANY;
		break;
	case '*':
		star_token(pattern, at, &token);
		break;
	case '[':
		class_token(pattern, at, &token);
		break;
	case '\\':
		if (at + 1 >= pattern.len) {
			token.kind = TOKEN_BAD;
			break;
		}
		token.byte = (unsigned char)pattern.data[at + 1];
		token.next = at + 2;
		break;
	}
	return token;
}

static bool class_has(struct str pattern, const struct token *token, unsigned char byte)
{
	size_t at = token->first;
	unsigned char low, high;

	while (at < token->last) {
		if (!class_member(pattern, &at, &low, &high))
			return false;
		if (byte >= low && byte <= high)
			return true;
	}
	return false;
}

static bool token_takes(struct str pattern, const struct token *token, unsigned char byte)
{
	switch (token->kind) {
	case TOKEN_BYTE:
		return byte == token->byte;
	case TOKEN_ANY:
	case TOKEN_STAR:
		return byte != '/';
	case TOKEN_CLASS:
		return byte != '/' && class_has(pattern, token, byte) != token->negated;
	case TOKEN_STARS:
		return true;
	case TOKEN_BAD:
		break;
	}
	return false;
}

/* A set of positions, emptied by count = 0: a position is in it when list[index[position]] says so. */
struct places {
	size_t count;
	uint16_t list[FILTER_GLOB_MAX + 1];
	uint16_t index[FILTER_GLOB_MAX + 1];
};

static bool places_has(const struct places *places, size_t at)
{
	return places->index[at] < places->count && places->list[places->index[at]] == at;
}

/* Adds `at` and all that can be reached from it without taking a byte. */
static void places_add(struct places *places, struct str pattern, size_t at, bool component_start)
{
	size_t from = places->count;

	if (places_has(places, at))
		return;
	places->index[at] = (uint16_t)places->count;
	places->list[places->count++] = (uint16_t)at;
	for (; from < places->count; from++) {
		size_t here = places->list[from], reach[2];
		struct token token;
		int i, n = 0;

		if (here >= pattern.len || pattern.data[here] != '*')
			continue;
		token = token_at(pattern, here);
		reach[n++] = token.next;
		if (token.skip > 0 && component_start)
			reach[n++] = token.skip;
		for (i = 0; i < n; i++) {
			if (places_has(places, reach[i]))
				continue;
			places->index[reach[i]] = (uint16_t)places->count;
			places->list[places->count++] = (uint16_t)reach[i];
		}
	}
}

bool glob_matches(struct str pattern, struct str text)
{
	/* Only as much of it is cleared as the pattern is long: the ceiling would cost more than the usual match. */
	struct places sets[2];
	struct places *now = &sets[0], *next = &sets[1], *swap;
	size_t i, k;

	if (pattern.len == 0 || pattern.len > FILTER_GLOB_MAX)
		return false;
	memset(sets[0].index, 0, (pattern.len + 1) * sizeof(sets[0].index[0]));
	memset(sets[1].index, 0, (pattern.len + 1) * sizeof(sets[1].index[0]));
	now->count = 0;
	places_add(now, pattern, 0, true);
	for (i = 0; i < text.len && now->count > 0; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		next->count = 0;
		for (k = 0; k < now->count; k++) {
			size_t at = now->list[k];
			struct token token;

			if (at >= pattern.len)
				continue;
			token = token_at(pattern, at);
			if (!token_takes(pattern, &token, byte))
				continue;
			if (token.kind == TOKEN_STAR || token.kind == TOKEN_STARS)
				places_add(next, pattern, at, byte == '/');
			else
				places_add(next, pattern, token.next, byte == '/');
		}
		swap = now;
		now = next;
		next = swap;
	}
	return now->count > 0 && places_has(now, pattern.len);
}

int glob_check(struct str pattern, const char **ret_reason)
{
	size_t at = 0;

	if (pattern.len == 0) {
		*ret_reason = "the pattern is empty";
		return -EINVAL;
	}
	if (pattern.len > FILTER_GLOB_MAX) {
		*ret_reason = "the pattern is too long";
		return -EINVAL;
	}
	if (memchr(pattern.data, '\0', pattern.len)) {
		*ret_reason = "the pattern holds a NUL, which no path can";
		return -EINVAL;
	}
	while (at < pattern.len) {
		struct token token = token_at(pattern, at);

		if (token.kind == TOKEN_BAD) {
			*ret_reason = pattern.data[at] == '\\'
					      ? "it ends in a backslash"
					      : "a class [...] is not closed, or a range in it runs backwards";
			return -EINVAL;
		}
		at = token.next;
	}
	return 0;
}
