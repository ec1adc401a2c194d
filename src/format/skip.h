/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Over values in JSON that was found to be well-formed before. On other text the place may be nonsense, but never beyond `end`.
 * Inline, since each member of each verified line is skipped once at least.
 */

#include <stddef.h>

/* Behind the closing quote of the string that opens at `at`. */
static inline const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return at < end ? at + 1 : end;
}

/* Behind the closing bracket of the object or array that opens at `at`. */
static inline const char *skip_container(const char *at, const char *end)
{
	size_t depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if ((*at == '}' || *at == ']') && --depth == 0)
			return at + 1;
		at++;
	}
	return end;
}
