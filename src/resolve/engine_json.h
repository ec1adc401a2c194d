/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON from somebody who may mean no good, before jansson sees it: bounded in depth and in the number of values, since a
 * tree of empty objects takes a hundred times the memory of its text; and objects that come one after the other without
 * end, taken apart without keeping more than one.
 */

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/diag.h"

#define ENGINE_JSON_DEPTH_MAX 32
#define ENGINE_JSON_VALUES_MAX 32768 /* 10 MB of jansson's at the worst */
#define ENGINE_OBJECT_MAX \
	(64u << 10) /* bytes of one object of a stream; what is longer is passed over, and counted */

/* The whole text is one object, or one list; no key twice. -EPROTO or -ENOMEM; what is returned is the caller's. */
int engine_json_object(struct str text, struct diag *diag, json_t **ret_object);
int engine_json_list(struct str text, struct diag *diag, json_t **ret_list);

static inline void json_freep(json_t **held)
{
	json_decref(*held);
}

struct engine_objects {
	bool list; /* "[" objects with commas between them "]"; else white space between them, for ever */
	struct buf object;
	unsigned int depth;
	bool in_string, escaped, passed_over;
	bool open, closed, comma; /* a list's brackets, and what has to come next */
	uint64_t refused; /* passed over */
};

#define ENGINE_OBJECTS(is_list) \
	((struct engine_objects) { .list = (is_list), .object = BUF_MAX(ENGINE_OBJECT_MAX) })

void engine_objects_done(struct engine_objects *objects);

typedef int (*engine_object_fn)(void *user, struct str text);

/* Calls `each` with the text of every object that ends in `piece`. A negative result of it, -EPROTO or -ENOMEM. */
int engine_objects_feed(struct engine_objects *objects, struct str piece, engine_object_fn each, void *user);
