/* SPDX-License-Identifier: Apache-2.0 */

/* What the statement reader takes, the writer must write, and the reader must take that back into the same text. */

#include <stdlib.h>

#include "base/cleanup.h"
#include "format/canon.h"
#include "format/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_done) struct buf once = BUF_MAX(STATEMENT_MAX), again = BUF_MAX(STATEMENT_MAX);
	_cleanup_(statement_done) struct statement first = { 0 }, second = { 0 };
	struct canon_member members[8];
	struct diag diag = { 0 };
	size_t count, offset;

	if (statement_parse((struct str) { (const char *)data, size }, &diag, &first) < 0) {
		if (diag.text[0] == '\0')
			abort();
		return 0;
	}
	if (statement_write(&once, &first) < 0)
		abort();
	if (canon_scan_object(buf_str(&once), members, 8, &count, &offset) != CANON_OK)
		abort();
	if (statement_parse(buf_str(&once), &diag, &second) < 0 || statement_write(&again, &second) < 0)
		abort();
	if (!str_equal(buf_str(&once), buf_str(&again)))
		abort();
	return 0;
}
