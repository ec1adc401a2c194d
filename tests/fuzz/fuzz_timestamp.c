/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile timestamp answers, judged with the authority of tests/golden/sigstore over the signature of its seal. Beyond
 * not crashing: the only time that is ever believed is the one that the authority signed.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/file.h"
#include "crypto/timestamp.h"
#include "format/bundle.h"
#include "sigstore/trusted_root.h"

#define GOLDEN "tests/golden/sigstore/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct trusted_root root;
static struct bundle bundle;
static int64_t truth;

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void load(void)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);

	bundle = BUNDLE_EMPTY;
	must(trusted_root_load(GOLDEN "trusted_root.json", NULL, &root) == 0);
	must(file_read_at(AT_FDCWD, GOLDEN "cosign-key-v2-tsa.json", &text, NULL) == 0);
	must(bundle_parse(buf_str(&text), NULL, &bundle) == 0);
	must(timestamp_verify(buf_str(&bundle.timestamps[0]), buf_str(&bundle.signature), 0,
			      &root.timestampers[0].chain, NULL, &truth) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag diag = { 0 };
	int64_t time = 0;
	int r;

	if (truth == 0)
		load();
	r = timestamp_verify((struct str) { (const char *)data, size }, buf_str(&bundle.signature), 0,
			     &root.timestampers[0].chain, &diag, &time);
	must(r == -ENOMEM || ((r == -EBADMSG || r == -ENOKEY) && diag.text[0] != '\0') ||
	     (r == 0 && time == truth));
	return 0;
}
