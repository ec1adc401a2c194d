/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON as a stream, for documents too large for a tree: from memory, or from a file through a window of fixed size. The
 * caller walks the document once, in its order, and takes or skips each value. All of it is checked on the way, what is
 * skipped too: grammar of RFC 8259, UTF-8, depth, no key twice in an object. After the first failure, which writes the
 * line, every call says that there is nothing more; so loops end, and the caller asks json_end() or `error` once.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"

#define JSON_DEPTH_MAX 128
#define JSON_MEMBERS_MAX 65536 /* in all objects that are open at one time */
#define JSON_KEY_MAX 4096 /* bytes of one key */

enum json_type {
	JSON_NONE, /* the document failed */
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL
};

struct json;

/* `text` and `name` (for the line) stay the caller's and must stay. */
int json_new(struct str text, const char *name, struct diag *diag, struct json **ret_json);
/* A regular file, at most max_bytes; -EFBIG. */
int json_open(const char *path, uint64_t max_bytes, struct diag *diag, struct json **ret_json);
void json_free(struct json *json);
DEFINE_FREEP(json, json_free)

/* To the beginning, for another walk. Fails when the file is no longer the one that was opened. */
int json_rewind(struct json *json);

/* What comes next; takes nothing. */
enum json_type json_type(struct json *json);
/* Enters the object (array) that comes next. false: it is something else, which is skipped. */
bool json_object(struct json *json);
bool json_array(struct json *json);
/* The next member; its value must be taken or skipped before the next call. *ret_key is valid until then. false: left. */
bool json_member(struct json *json, struct str *ret_key);
bool json_element(struct json *json);
/*
 * Takes the string that comes next into `out` (emptied before), at most its ceiling of bytes; what is longer is cut at a
 * character and *ret_cut (may be NULL) says so. false: it is something else, which is skipped; `out` is empty then.
 */
bool json_text(struct json *json, struct buf *out, bool *ret_cut);
void json_skip(struct json *json);

/* 0 when the document was whole and nothing follows it, else the error. */
int json_end(struct json *json);
int json_error(const struct json *json);
/* The caller's own refusal: "cannot read NAME: WHY, at byte N". Returns the error that counts (the first). */
int json_refuse(struct json *json, int error, const char *why);
