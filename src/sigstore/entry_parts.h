/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sigstore/entry.h"

/* A dsse 0.0.1 body that names this digest of the submitted envelope. What was appended stays on error. */
int entry_body_dsse(struct buf *out, const struct bundle *bundle, struct str verifier,
		    const struct digest *envelope);
