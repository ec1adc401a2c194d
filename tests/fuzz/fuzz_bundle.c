/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile seal files. Beyond not crashing: what is accepted holds a payload, a signature and a type within their
 * limits, and written again it is accepted again with the same content.
 */

#include <stdint.h>
#include <stdlib.h>

#include "format/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void check_again(const struct bundle *first)
{
	_cleanup_(bundle_done) struct bundle second = BUNDLE_EMPTY;
	_cleanup_(buf_done) struct buf text = BUF_MAX(2 * BUNDLE_FILE_MAX);

	must(first->payload.len > 0 && first->signature.len > 0);
	must(bundle_write_signed(&text, buf_str(&first->payload_type), buf_str(&first->payload),
				 buf_str(&first->signature), &first->key_id) == 0);
	must(bundle_parse(buf_str(&text), NULL, &second) == 0);
	must(str_equal(buf_str(&first->payload), buf_str(&second.payload)));
	must(str_equal(buf_str(&first->payload_type), buf_str(&second.payload_type)));
	must(str_equal(buf_str(&first->signature), buf_str(&second.signature)));
	must(memcmp(&first->key_id, &second.key_id, sizeof(first->key_id)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	struct diag diag = { 0 };
	int r = bundle_parse((struct str) { (const char *)data, size }, &diag, &bundle);

	if (r == 0)
		check_again(&bundle);
	else
		must(r == -ENOMEM || (r == -EBADMSG && diag.text[0] != '\0'));
	return 0;
}
