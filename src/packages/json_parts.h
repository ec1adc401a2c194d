/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What json.c and json_text.c share: the window over the document, and what is open in it. */

#include <sys/stat.h>

#include "packages/json.h"

#define JSON_WINDOW 262144

struct json_key {
	size_t from, len; /* in the text of keys */
};

struct json {
	const char *name;
	struct diag *diag;
	struct str text; /* the whole document; data NULL: it is in the file */
	int fd;
	struct stat opened; /* as the file was */
	char *window; /* of the file */
	const char *begin, *at, *end; /* of the bytes at hand */
	uint64_t before; /* bytes of the document in front of `begin` */
	bool at_end; /* nothing follows `end` */
	int error;

	unsigned int depth;
	bool first[JSON_DEPTH_MAX + 1]; /* nothing of the container was taken yet */
	size_t keys_from[JSON_DEPTH_MAX + 1]; /* where the keys of the container begin */
	struct json_key *keys; /* of all open objects */
	size_t n_keys, max_keys;
	struct buf key_text;
};

/* Makes at least `want` bytes (a few) stand between at and end, unless the document ends before. */
void json_want(struct json *json, size_t want);

/* The next byte, or -1 at the end; takes nothing. */
static inline int json_peek(struct json *json)
{
	if (json->at == json->end)
		json_want(json, 1);
	return json->at < json->end ? (unsigned char)*json->at : -1;
}

/*
 * Behind the opening quote: takes the rest of the string. `out` NULL: only checked. -E2BIG of `out` is no failure of the
 * document: *ret_cut.
 */
bool json_string(struct json *json, struct buf *out, bool *ret_cut);
