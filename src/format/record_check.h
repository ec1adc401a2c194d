/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Does a line that is canonical JSON keep to the record schema (docs/schemas/runtime-evidence-v1.json)? The tables
 * here are that schema's other spelling, a test holds the two together. Members that the tables do not know are
 * allowed: they belong to a later minor version. Allocates nothing; linear in the line.
 */

#include "format/canon.h"
#include "wire/records.h"

/* A record of ours has 13 top-level members at most; a line with more than fit here is not checked further. */
#define RECORD_MEMBERS_MAX 64

enum record_verdict { RECORD_OK, RECORD_VIOLATION };

/*
 * `members` are the top-level members as canon_scan_object gave them, `count` how many there were in all; beyond
 * RECORD_MEMBERS_MAX is a violation. *ret_kind is 0 for a type of the schema that this version cannot produce, and
 * on a violation. *ret_ts_ns is set whenever ts_ns itself is right, else 0. *ret_why: NULL, or a static sentence.
 */
enum record_verdict record_check(const struct canon_member *members, size_t count, enum wire_kind *ret_kind,
				 uint64_t *ret_ts_ns, const char **ret_why);

/* ---- the tables, for the test that compares them with the schema ---- */

enum record_form {
	FORM_TEXT, /* any string */
	FORM_SHORT, /* at most `max` bytes, or characters when NAME_b64 stands beside */
	FORM_WORD, /* one of `words` */
	FORM_PATTERN, /* `pattern`, tested by `matches` on the raw text between the quotes */
	FORM_BASE64,
	FORM_TEXTS, /* array of strings */
	FORM_BASE64S,
	FORM_INTEGER, /* min..max */
	FORM_BOOL,
	FORM_RESULT, /* 0, or a string of `pattern` */
	FORM_OBJECTS, /* array of 1 to `max` objects, each of the type `of` */
	FORM_EVENT, /* object, one of record_types */
};

#define RECORD_ROWS_MAX 32 /* of one type */

struct record_type;

struct record_member {
	struct str name;
	enum record_form form;
	bool required;
	uint64_t min, max;
	const char *const *words; /* ended by NULL */
	const char *pattern; /* ECMA 262 */
	bool (*matches)(struct str raw);
	const struct record_type *of;
	const char *excuse; /* a bool member that, when true, stands in for this required one */
	const char *missing, *wrong; /* sentences */
};

struct record_type {
	struct str name; /* NULL: the record itself */
	const struct record_member *members; /* in canonical order */
	size_t n_members;
	bool (*rule)(struct str object, const char **ret_why); /* across members, when each fits; or NULL */
};

extern const struct record_type record_top;
extern const struct record_type record_caller; /* no type of its own: what stands in `callers` */
extern const struct record_type record_types[];
extern const size_t record_n_types;
