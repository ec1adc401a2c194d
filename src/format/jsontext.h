/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON as others write it (RFC 8259): checked once, then read in place without a tree, so that a document of any allowed size
 * costs its own bytes and no more. Our own, canonical JSON is read by format/canon.h. (Not json_: that is jansson.)
 */

#include "base/buf.h"
#include "crypto/digest.h"
#include "format/canon.h"

#define JSONTEXT_DEPTH_MAX 64

/*
 * Is `text` exactly one JSON value? UTF-8 without a byte order mark, no lone surrogates, no control characters in strings,
 * at most JSONTEXT_DEPTH_MAX deep. -EBADMSG: *ret_offset is the byte, *ret_why a constant sentence. What follows may only be
 * asked of a text that passed.
 */
int jsontext_check(struct str text, size_t *ret_offset, const char **ret_why);

/* The text's own value, without white space around it. */
struct canon_value jsontext_value(struct str text);

/*
 * Members of an object and elements of an array, one at a time: *rest starts as the value's raw text; false at its end.
 * The key is raw, between its quotes.
 */
bool jsontext_member_next(struct str *rest, struct canon_member *ret_member);
bool jsontext_element_next(struct str *rest, struct canon_value *ret_value);
/* The first member with this key, which must need no escapes. *ret_twice (may be NULL): there is another. False: none. */
bool jsontext_find(struct str object, const char *key, struct canon_value *ret_value, bool *ret_twice);

/* Appends a string's unescaped bytes (UTF-8); -EINVAL when it is no string. */
int jsontext_string(const struct canon_value *value, struct buf *out);

/*
 * SHA-256 of the value as RFC 8785 writes it; of an object without its member `except` (NULL: with all). -EBADMSG with
 * *ret_why: a key stands twice in an object, or an integer is beyond 2^53, which not every reader can hold.
 */
int jsontext_canonical_digest(struct str value, const char *except, struct digest *ret_digest,
			      const char **ret_why);
/* The same text appended. */
int jsontext_canonical(struct str value, const char *except, struct buf *out, const char **ret_why);
