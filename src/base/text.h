/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Strict conversions: the whole text or nothing. -EINVAL = not of the form, -ERANGE = of the form but outside. */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Decimal digits only: no sign, no space, no leading zero (except "0"). */
int text_parse_u64(struct str text, uint64_t min, uint64_t max, uint64_t *ret_value);

/* Lower-case hex. text_hex writes 2*len characters and a NUL; text_unhex wants exactly 2*len of them. */
void text_hex(const uint8_t *data, size_t len, char *out);
int text_unhex(struct str text, uint8_t *out, size_t len);

/* RFC 4648 section 4, with padding, no white space, no other alphabet, canonical last bits. */
int text_base64_append(struct buf *out, const void *data, size_t len);
int text_unbase64_append(struct buf *out, struct str text);

/* Length of the valid UTF-8 sequence (no surrogates, no overlong, <= U+10FFFF) at data, 1..4, or 0. */
size_t text_utf8_sequence(const unsigned char *data, size_t len);
bool text_is_utf8(struct str text);

/*
 * The first character of `text` (not empty) as a person may see it: *ret_shown is its bytes, or "?" for a byte that is
 * no UTF-8 and for what a terminal obeys or a reader cannot see: C0, DEL, C1, line separators, bidirectional and
 * invisible controls. Returns how many bytes of `text` it stands for.
 */
size_t text_printable_next(struct str text, struct str *ret_shown);
/* Appends all of `text` that way; -ENOMEM or -E2BIG, with what fitted in `out`. */
int text_printable_append(struct buf *out, struct str text);

/* Writes decimal digits at out (20 bytes are enough), returns how many. No NUL. */
size_t text_put_u64(char *out, uint64_t value);
