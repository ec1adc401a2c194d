// SPDX-License-Identifier: Apache-2.0
/* What is read of a capture's word on containers is written, and read again, the same. */

#include <stdint.h>
#include <stdlib.h>

#include "collect/learned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(buf_done) struct buf one = BUF_MAX(2 * LEARNED_TEXT_MAX), two = BUF_MAX(2 * LEARNED_TEXT_MAX);
	struct learned learned;
	struct diag diag = { .text = "" };

	if (learned_parse((struct str) { (const char *)data, len }, &diag, &learned) < 0)
		return 0;
	if (learned_write(&learned, &one) < 0)
		abort();
	learned_done(&learned);
	if (learned_parse(buf_str(&one), &diag, &learned) < 0 || learned_write(&learned, &two) < 0 ||
	    !str_equal(buf_str(&one), buf_str(&two)))
		abort();
	learned_done(&learned);
	return 0;
}
