/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growth of byte buffers. Promises that no buffer passes its ceiling and that a refused append leaves it as it
 * was. One byte more than `capacity` is always allocated, so that buf_cstr needs no room of the ceiling's.
 */

#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST 256

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = BUF_MAX(buf->max);
}

static int set_capacity(struct buf *buf, size_t capacity)
{
	char *data;

	if (capacity == SIZE_MAX)
		return -ENOMEM;
	data = realloc(buf->data, capacity + 1);
	if (!data)
		return -ENOMEM;
	buf->data = data;
	buf->capacity = capacity;
	return 0;
}

int buf_grow(struct buf *buf, size_t more)
{
	size_t need, capacity;

	assert(buf->len <= buf->capacity);
	if (buf->len > buf->max || more > buf->max - buf->len)
		return -E2BIG;
	need = buf->len + more;
	if (need <= buf->capacity)
		return 0;
	capacity = buf->capacity < BUF_FIRST ? BUF_FIRST : buf->capacity;
	while (capacity < need) {
		if (capacity > SIZE_MAX / 2) {
			capacity = need;
			break;
		}
		capacity *= 2;
	}
	return set_capacity(buf, capacity < buf->max ? capacity : buf->max);
}

int buf_printf(struct buf *buf, const char *format, ...)
{
	size_t spare = buf->data ? buf->capacity - buf->len + 1 : 0;
	va_list args;
	int len, r;

	/* Nearly always it fits at once; what is scribbled behind len otherwise belongs to nobody. */
	va_start(args, format);
	len = vsnprintf(spare ? buf->data + buf->len : NULL, spare, format, args);
	va_end(args);
	if (len < 0)
		return -EINVAL;
	if ((size_t)len >= spare && len > 0) {
		r = buf_reserve(buf, (size_t)len);
		if (r < 0)
			return r;
		va_start(args, format);
		vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
		va_end(args);
	}
	buf->len += (size_t)len;
	return 0;
}

const char *buf_cstr(struct buf *buf)
{
	if (!buf->data && set_capacity(buf, 0) < 0)
		return NULL;
	buf->data[buf->len] = '\0';
	return buf->data;
}
