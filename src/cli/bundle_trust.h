/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The trust that goes along with bundled evidence: the files that the options name, in trust/. */

#include "cli/bundle_copy.h"
#include "cli/trust_options.h"

int bundle_trust_copy(struct bundle_copy *copy, const struct trust_options *trust);
/* Appends the options with which verify-chain trusts what was copied. */
void bundle_trust_command(struct buf *out, const struct trust_options *trust);
