/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile cursor files. What is accepted is, written again, accepted again with the same content. */

#include <stdint.h>
#include <stdlib.h>

#include "transparency/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor first, second;
	struct buf text = BUF_MAX(2 * CURSOR_FILE_MAX);

	if (cursor_parse((struct str) { (const char *)data, size }, "x", NULL, &first) < 0)
		return 0;
	must(cursor_write(&first, first.done, first.has_statement ? &first.statement : NULL, &text) == 0);
	must(cursor_parse(buf_str(&text), "x", NULL, &second) == 0);
	must(first.done == second.done && first.n_trees == second.n_trees &&
	     first.has_log_id == second.has_log_id);
	for (size_t i = 0; i < first.n_trees; i++) {
		must(first.trees[i].size == second.trees[i].size);
		must(str_equal(buf_str(&first.trees[i].checkpoint), buf_str(&second.trees[i].checkpoint)));
	}
	cursor_done(&first);
	cursor_done(&second);
	buf_done(&text);
	return 0;
}
