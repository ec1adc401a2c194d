/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Canonical JSON, both ways: RFC 8785 with one exception, integers are exact at any size up to 64 bits.
 *
 * The writer keeps no tree: the caller names members in ascending order (RFC 8785, 3.2.3: by UTF-16 code
 * units; ours are ASCII) and a member out of order is a programming error, asserted in debug builds.
 * The scanner accepts a line only if it is byte for byte what the writer's rules would make of its value.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* ---- writer ---- */

#define CANON_DEPTH_MAX 32

struct canon {
	struct buf *out;
	int error; /* the first failure; later calls do nothing */
	unsigned int depth;
	bool first[CANON_DEPTH_MAX];
#ifndef NDEBUG
	char last_key[CANON_DEPTH_MAX][64];
#endif
};

#define CANON_INTO(buf) ((struct canon) { .out = (buf), .first = { true } })

void canon_object(struct canon *w); /* { */
void canon_object_end(struct canon *w); /* } */
void canon_array(struct canon *w);
void canon_array_end(struct canon *w);
void canon_key(struct canon *w, const char *key); /* ASCII, needs no escapes, below 64 bytes */
/* A key that an outsider chose, of any length: printable ASCII that needs no escapes; the caller sees to the order. */
void canon_key_foreign(struct canon *w, const char *key);
void canon_string(struct canon *w, struct str text); /* must be UTF-8; else -EILSEQ */
void canon_base64(struct canon *w, struct str bytes); /* standard, padded */
void canon_u64(struct canon *w, uint64_t value);
void canon_bool(struct canon *w, bool value);
void canon_null(struct canon *w);
/* Key and value in one. */
void canon_key_string(struct canon *w, const char *key, struct str text);
void canon_key_cstr(struct canon *w, const char *key, const char *text);
void canon_key_base64(struct canon *w, const char *key, struct str bytes);
void canon_key_u64(struct canon *w, const char *key, uint64_t value);
void canon_key_bool(struct canon *w, const char *key, bool value);
/* A failure of the caller's own, as if it were the writer's. */
void canon_fail(struct canon *w, int error);
/* Ends the writing: 0 or the first error. Asserts that everything opened was closed. */
int canon_done(struct canon *w);

/* JSON string escapes of RFC 8785 3.2.2.2, quotes included; text must be UTF-8 (-EILSEQ). For hot paths. */
int canon_append_string(struct buf *out, struct str text);

/* ---- scanner ---- */

enum canon_type {
	CANON_OBJECT,
	CANON_ARRAY,
	CANON_STRING,
	CANON_INTEGER,
	CANON_NUMBER,
	CANON_TRUE,
	CANON_FALSE,
	CANON_NULL
};

/* A value as it stands in the text. */
struct canon_value {
	enum canon_type type;
	struct str raw; /* the value's bytes: quotes and brackets included */
};

struct canon_member {
	struct str key; /* raw, without quotes (canonical keys of ours hold no escapes) */
	struct canon_value value;
};

enum canon_result {
	CANON_OK,
	CANON_NOT_JSON, /* not one JSON object (or over the depth limit, or not UTF-8) */
	CANON_NOT_CANONICAL, /* JSON, but a canonical writer would write it otherwise */
};

/*
 * Checks that `text` is exactly one canonical JSON object, and gives its top-level members in order, as many as
 * fit (at most max_members; more = CANON_NOT_CANONICAL is never said for that: *ret_count is the true number).
 * On failure *ret_offset is the byte it failed at. Numbers: integers of any length without sign nonsense
 * (-0, leading zeros are not canonical); numbers with a fraction or an exponent are CANON_NOT_CANONICAL: ours never are.
 * Duplicate or unsorted keys at any depth: CANON_NOT_CANONICAL. Allocates nothing; linear; depth <= CANON_DEPTH_MAX.
 */
enum canon_result canon_scan_object(struct str text, struct canon_member *members, size_t max_members,
				    size_t *ret_count, size_t *ret_offset);

/* The members of an object value found by canon_scan_object (already known to be canonical). */
size_t canon_members(struct str object, struct canon_member *members, size_t max_members);

/*
 * The same one at a time, for any number of them: *rest starts as the raw object (array) and moves on; false at
 * its end.
 */
bool canon_member_next(struct str *rest, struct canon_member *ret_member);
bool canon_element_next(struct str *rest, struct canon_value *ret_value);

/* Finds a member by key; NULL. */
const struct canon_value *canon_find(const struct canon_member *members, size_t count, struct str key);

/* The value of an unsigned integer (-ERANGE beyond 64 bits, -EINVAL otherwise typed). */
int canon_value_u64(const struct canon_value *value, uint64_t *ret_value);

/* Appends the string's unescaped bytes. -EINVAL when it is no string. */
int canon_value_string(const struct canon_value *value, struct buf *out);
