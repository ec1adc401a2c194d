/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile Rekor v1 answers. Beyond not crashing: what is accepted has a body, a promise and a proof in its limits. */

#include <stdint.h>
#include <stdlib.h>

#include "transparency/rekor_v1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle_entry entry;

	bundle_entry_init(&entry);
	if (rekor_v1_parse((struct str) { (const char *)data, size }, NULL, &entry) == 0 &&
	    (!entry.has_proof || entry.n_hashes > BUNDLE_PROOF_MAX || entry.promise.len == 0 ||
	     !entry.has_integrated_time || !str_equal(buf_str(&entry.kind), STR("dsse"))))
		abort();
	bundle_entry_done(&entry);
	return 0;
}
