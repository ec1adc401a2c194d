/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile trusted roots. Beyond not crashing: what is accepted is written, and what is written is accepted again. */

#include <stdint.h>
#include <stdlib.h>

#include "sigstore/trusted_root.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* Beyond what RFC 3339 and our writer can tell, times are clamped: such roots are not compared. */
static void check_again(const struct trusted_root *first)
{
	_cleanup_(trusted_root_done) struct trusted_root second = TRUSTED_ROOT_EMPTY;
	_cleanup_(buf_done) struct buf text = BUF_MAX(2 * TRUSTED_ROOT_FILE_MAX);
	struct diag diag = { 0 };
	int r = trusted_root_write(first, &text);

	must(r == 0);
	r = trusted_root_parse(buf_str(&text), "again", &diag, &second);
	must(r == 0 || r == -EBADMSG);
	if (r == 0)
		must(second.n_logs == first->n_logs && second.n_authorities == first->n_authorities &&
		     second.n_ct_logs == first->n_ct_logs && second.n_timestampers == first->n_timestampers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(trusted_root_done) struct trusted_root root = TRUSTED_ROOT_EMPTY;
	struct diag diag = { 0 };
	int r = trusted_root_parse((struct str) { (const char *)data, size }, "input", &diag, &root);

	if (r == 0)
		check_again(&root);
	else
		must(r == -ENOMEM || (r == -EBADMSG && diag.text[0] != '\0'));
	return 0;
}
