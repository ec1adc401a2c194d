/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Pieces of a record, as decode.c and its kinds take them. Only they include this. */

#include "probe/decode.h"

/* The tail of a record, taken from its front piece by piece. */
struct tail {
	const char *data;
	size_t left;
};

static inline bool tail_take(struct tail *tail, size_t len, struct str *ret_piece)
{
	if (len > tail->left)
		return false;
	*ret_piece = (struct str) { tail->data, len };
	tail->data += len;
	tail->left -= len;
	return true;
}

static inline void dev_split(uint32_t dev, uint32_t *ret_major, uint32_t *ret_minor)
{
	*ret_major = dev >> 20; /* linux/kdev_t.h: MINORBITS */
	*ret_minor = dev & ((1u << 20) - 1);
}

static inline struct str build_id_of(const void *data, size_t offset, uint8_t len)
{
	return len > 0 ? (struct str) { (const char *)data + offset, len } : (struct str) { 0 };
}

/* ---- decode_function.c ---- */

bool decode_function(const void *data, size_t len, struct event *event);
