/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A growing byte buffer that cannot grow past its ceiling. The ceiling is given where the buffer is born;
 * who appends beyond it gets -E2BIG (the data is too large), or -ENOMEM, and the buffer is as it was before.
 */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

struct buf {
	char *data;
	size_t len;
	size_t capacity;
	size_t max;
};

/* An empty buffer that never holds more than max_bytes. Nothing is allocated yet. */
#define BUF_MAX(max_bytes) ((struct buf) { .max = (max_bytes) })

void buf_done(struct buf *buf);

/* Makes room for `more` bytes behind len. 0, -E2BIG or -ENOMEM. */
int buf_grow(struct buf *buf, size_t more);

static inline int buf_reserve(struct buf *buf, size_t more)
{
	if (more <= buf->capacity - buf->len)
		return 0;
	return buf_grow(buf, more);
}

static inline int buf_append(struct buf *buf, const void *data, size_t len)
{
	int r = buf_reserve(buf, len);

	if (r < 0)
		return r;
	if (len > 0)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	return 0;
}

static inline int buf_append_str(struct buf *buf, struct str text)
{
	return buf_append(buf, text.data, text.len);
}

static inline struct str buf_str(const struct buf *buf)
{
	return (struct str) { buf->data, buf->len };
}

/* printf behind what is there; -E2BIG, -ENOMEM or -EINVAL as above. */
int buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text with a terminating NUL that does not count in len; valid until the next change. NULL without memory. */
const char *buf_cstr(struct buf *buf);

static inline void buf_clear(struct buf *buf)
{
	buf->len = 0;
}
