/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A view of bytes that somebody else owns. Not terminated; may hold any byte, NUL included. */

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct str {
	const char *data;
	size_t len;
};

#define STR(literal) ((struct str) { "" literal, sizeof(literal) - 1 })

static inline struct str str_of(const char *text)
{
	return (struct str) { text, text ? strlen(text) : 0 };
}

/* A text of its own, NUL-ended; NULL: no memory. Reads nothing behind the view, as strndup may. */
static inline char *str_copy(struct str text)
{
	char *copy = (char *)malloc(text.len + 1);

	if (!copy)
		return NULL;
	if (text.len > 0)
		memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return copy;
}

static inline bool str_equal(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
