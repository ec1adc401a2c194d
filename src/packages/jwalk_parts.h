/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What jwalk.c and jwalk_text.c share: the window over the document, and what is open in it. */

#include <sys/stat.h>

#include "packages/jwalk.h"

#define JWALK_WINDOW 262144

struct jwalk_key {
	size_t from, len; /* in the text of keys */
};

struct jwalk {
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
	bool first[JWALK_DEPTH_MAX + 1]; /* nothing of the container was taken yet */
	size_t keys_from[JWALK_DEPTH_MAX + 1]; /* where the keys of the container begin */
	struct jwalk_key *keys; /* of all open objects */
	size_t n_keys, max_keys;
	struct buf key_text;
};

/* Makes at least `want` bytes (a few) stand between at and end, unless the document ends before. */
void jwalk_want(struct jwalk *json, size_t want);

/* The next byte, or -1 at the end; takes nothing. */
static inline int jwalk_peek(struct jwalk *json)
{
	if (json->at == json->end)
		jwalk_want(json, 1);
	return json->at < json->end ? (unsigned char)*json->at : -1;
}

/*
 * Behind the opening quote: takes the rest of the string. `out` NULL: only checked. -E2BIG of `out` is no failure of the
 * document: *ret_cut.
 */
bool jwalk_string(struct jwalk *json, struct buf *out, bool *ret_cut);
