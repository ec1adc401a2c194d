/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON as a stream, for documents too large for a tree: from memory, or from a file through a window of fixed size. The
 * caller walks the document once, in its order, and takes or skips each value. All of it is checked on the way, what is
 * skipped too: grammar of RFC 8259, UTF-8, depth, no key twice in an object. After the first failure, which writes the
 * line, every call says that there is nothing more; so loops end, and the caller asks jwalk_end() or `error` once.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"

#define JWALK_DEPTH_MAX 128
#define JWALK_MEMBERS_MAX 65536 /* in all objects that are open at one time */
#define JWALK_KEY_MAX 4096 /* bytes of one key */

enum jwalk_type {
	JWALK_NONE, /* the document failed */
	JWALK_OBJECT,
	JWALK_ARRAY,
	JWALK_STRING,
	JWALK_NUMBER,
	JWALK_TRUE,
	JWALK_FALSE,
	JWALK_NULL
};

struct jwalk;

/* `text` and `name` (for the line) stay the caller's and must stay. */
int jwalk_new(struct str text, const char *name, struct diag *diag, struct jwalk **ret_json);
/* A regular file, at most max_bytes; -EFBIG. */
int jwalk_open(const char *path, uint64_t max_bytes, struct diag *diag, struct jwalk **ret_json);
void jwalk_free(struct jwalk *json);
DEFINE_FREEP(jwalk, jwalk_free)

/* To the beginning, for another walk. Fails when the file is no longer the one that was opened. */
int jwalk_rewind(struct jwalk *json);

/* What comes next; takes nothing. */
enum jwalk_type jwalk_type(struct jwalk *json);
/* Enters the object (array) that comes next. false: it is something else, which is skipped. */
bool jwalk_object(struct jwalk *json);
bool jwalk_array(struct jwalk *json);
/* The next member; its value must be taken or skipped before the next call. *ret_key is valid until then. false: left. */
bool jwalk_member(struct jwalk *json, struct str *ret_key);
bool jwalk_element(struct jwalk *json);
/*
 * Takes the string that comes next into `out` (emptied before), at most its ceiling of bytes; what is longer is cut at a
 * character and *ret_cut (may be NULL) says so. false: it is something else, which is skipped; `out` is empty then.
 */
bool jwalk_text(struct jwalk *json, struct buf *out, bool *ret_cut);
void jwalk_skip(struct jwalk *json);

/* 0 when the document was whole and nothing follows it, else the error. */
int jwalk_end(struct jwalk *json);
int jwalk_error(const struct jwalk *json);
/* The caller's own refusal: "cannot read NAME: WHY, at byte N". Returns the error that counts (the first). */
int jwalk_refuse(struct jwalk *json, int error, const char *why);
