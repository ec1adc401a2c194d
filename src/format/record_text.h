/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Texts of a record, written where room for them is known to be: each `put` takes the place to write at and gives
 * the place behind. Only record.c and its kinds use it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

#define PUT(p, literal) ((char *)memcpy((p), (literal), sizeof(literal) - 1) + sizeof(literal) - 1)

/* The keys of a text and of its exact bytes. */
struct text_key {
	struct str text, base64;
};

#define TEXT_KEY(name) ((struct text_key) { STR(",\"" name "\":"), STR(",\"" name "_b64\":\"") })
/* Of the first member of an object. */
#define TEXT_KEY_FIRST(name) ((struct text_key) { STR("\"" name "\":"), STR(",\"" name "_b64\":\"") })

static inline char *put_str(char *p, struct str text)
{
	return (char *)memcpy(p, text.data, text.len) + text.len;
}

static inline char *put_u64(char *p, uint64_t value)
{
	return p + text_put_u64(p, value);
}

/* What put_quoted and put_base64 together can need for it, keys aside. */
static inline size_t text_max(struct str text)
{
	return 6 * text.len + (text.len + 2) / 3 * 4 + 8;
}

/* Quotes, escapes, U+FFFD for each byte that belongs to no UTF-8 sequence: *ret_bad is then set, else untouched. */
char *put_quoted(char *p, struct str text, bool *ret_bad);
/* Without quotes. `p` points into `out`, behind what has been written. */
char *put_base64(char *p, struct buf *out, struct str bytes);
/* The text, and its exact bytes when it is not UTF-8. */
char *put_member(char *p, struct buf *out, struct text_key key, struct str text);
/* Nothing when it is unknown. */
char *put_known_member(char *p, struct buf *out, struct text_key key, struct str text);
