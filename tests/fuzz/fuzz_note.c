/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile checkpoints and verifier keys. Beyond not crashing: what is accepted is within its limits, its text is what
 * its parts say, and a verifier key that is read is written again as it was.
 */

#include <stdint.h>
#include <stdlib.h>

#include "sigstore/merkle.h"
#include "sigstore/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void try_key(struct str text)
{
	_cleanup_(note_key_done) struct note_key key = { 0 };
	_cleanup_(buf_done) struct buf again = BUF_MAX(1024);
	struct diag diag = { 0 };
	int r = note_key_parse(text, &diag, &key);

	if (r < 0) {
		must(diag.text[0] != '\0' && !key.name);
		return;
	}
	must(note_key_write(&key, &again) == 0 && str_equal(buf_str(&again), text));
}

static void try_checkpoint(struct str text)
{
	_cleanup_(checkpoint_done) struct checkpoint checkpoint = { 0 };
	struct diag diag = { 0 };

	if (checkpoint_parse(text, &diag, &checkpoint) < 0) {
		must(diag.text[0] != '\0' && !checkpoint.signatures);
		return;
	}
	must(checkpoint.text.data == text.data && checkpoint.text.data[checkpoint.text.len - 1] == '\n');
	must(checkpoint.origin.len > 0 && checkpoint.size <= MERKLE_SIZE_MAX);
	must(checkpoint.n_signatures <= NOTE_SIGNATURES_MAX);
	for (size_t i = 0; i < checkpoint.n_signatures; i++)
		must(checkpoint.signatures[i].len > 0 &&
		     checkpoint.signatures[i].len <= sizeof(checkpoint.signatures[i].bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };

	try_key(text);
	try_checkpoint(text);
	return 0;
}
