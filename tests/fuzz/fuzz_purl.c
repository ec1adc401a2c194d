/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile package URLs. What is accepted has one spelling: written, read and written again it is the same text. */

#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "packages/purl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void check_again(const struct purl *first)
{
	_cleanup_(purl_done) struct purl second = { .type = NULL };
	_cleanup_(buf_done) struct buf text = BUF_MAX(4 * PURL_MAX), again = BUF_MAX(4 * PURL_MAX);

	must(first->type && first->name && first->name[0] != '\0');
	must(text_is_utf8(str_of(first->name)));
	must(purl_write(&text, first) == 0);
	if (text.len > PURL_MAX) /* escapes made it longer than one may be */
		return;
	must(purl_parse(buf_str(&text), NULL, &second) == 0);
	must(purl_write(&again, &second) == 0);
	must(str_equal(buf_str(&text), buf_str(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(purl_done) struct purl purl = { .type = NULL };
	const char *reason = NULL;
	int r = purl_parse((struct str) { (const char *)data, size }, &reason, &purl);

	if (r == 0)
		check_again(&purl);
	else
		must(r == -ENOMEM || (r == -EINVAL && reason));
	return 0;
}
