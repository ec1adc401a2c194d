/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writing PEM. Promises one text for one value: what logs hash is written by the same rules on both sides. Not for private
 * keys: nothing of it is wiped.
 */

#include "crypto/pem.h"

#include "base/cleanup.h"
#include "base/text.h"

#define PEM_LINE 64

int pem_append(struct buf *out, const char *label, struct str der)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(der.len / 3 * 4 + 4);
	int r = text_base64_append(&text, der.data, der.len);

	if (r == 0)
		r = buf_printf(out, "-----BEGIN %s-----\n", label);
	for (size_t at = 0; r == 0 && at < text.len; at += PEM_LINE) {
		size_t len = text.len - at < PEM_LINE ? text.len - at : PEM_LINE;

		r = buf_printf(out, "%.*s\n", (int)len, text.data + at);
	}
	return r < 0 ? r : buf_printf(out, "-----END %s-----\n", label);
}
