// SPDX-License-Identifier: Apache-2.0
/*
 * A pattern and a text, parted by the first NUL: the matcher reads beyond neither; a text with each byte escaped
 * matches itself and nothing with a byte more; and `**` in front of a pattern that matches still matches.
 */

#include <assert.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "collect/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void escaped_matches_itself(struct str text)
{
	_cleanup_(buf_done) struct buf pattern = BUF_MAX(2 * FILTER_GLOB_MAX);
	const char *why;

	if (text.len == 0 || text.len > FILTER_GLOB_MAX / 2 || memchr(text.data, 0, text.len))
		return;
	for (size_t i = 0; i < text.len; i++) {
		assert(buf_append(&pattern, "\\", 1) == 0);
		assert(buf_append(&pattern, text.data + i, 1) == 0);
	}
	assert(glob_check(buf_str(&pattern), &why) == 0);
	assert(glob_matches(buf_str(&pattern), text));
	assert(!glob_matches(buf_str(&pattern), (struct str) { text.data, text.len - 1 }));
}

static void stars_in_front_match_no_less(struct str pattern, struct str text)
{
	_cleanup_(buf_done) struct buf longer = BUF_MAX(FILTER_GLOB_MAX + 2);

	assert(buf_append(&longer, "**", 2) == 0);
	assert(buf_append_str(&longer, pattern) == 0);
	assert(glob_matches(buf_str(&longer), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = memchr(data, 0, size);
	struct str pattern, text;
	const char *why = NULL;

	if (!nul)
		return 0;
	pattern = (struct str) { (const char *)data, (size_t)(nul - data) };
	text = (struct str) { (const char *)nul + 1, size - pattern.len - 1 };
	escaped_matches_itself(text);
	if (pattern.len == 0 || pattern.len > FILTER_GLOB_MAX || glob_check(pattern, &why) < 0)
		return 0;
	/* A pattern that begins with stars of its own would change its meaning with two more. */
	if (glob_matches(pattern, text) && pattern.data[0] != '*')
		stars_in_front_match_no_less(pattern, text);
	return 0;
}
