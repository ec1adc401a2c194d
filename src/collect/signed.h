/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the collector signs with a key in its memory, bound to its purpose by the payload type: a seal is never taken
 * for a draft, nor a draft for a seal, although one key may sign both.
 */

#include "base/diag.h"
#include "crypto/key.h"
#include "format/bundle.h"

/* SHA-256 of the key's public half: the bundle's hint. */
int signed_key_id(const struct key *key, struct diag *diag, struct digest *ret_id);

/* Appends the bundle, signed by `key` under the name `key_id`. `out` must hold BUNDLE_FILE_MAX. */
int signed_write(struct buf *out, struct str payload_type, struct str payload, const struct key *key,
		 const struct digest *key_id, struct diag *diag);

enum signed_by { SIGNED_BY_US, SIGNED_BY_ANOTHER, SIGNED_FALSELY };

/*
 * Whose is it? SIGNED_BY_ANOTHER: names another key than ours, or a certificate; the signature is not looked at.
 * SIGNED_FALSELY: names ours, and the signature is not. Negative: could not find out. `ours` NULL: no key of ours lasts.
 */
int signed_check(const struct bundle *bundle, const struct public_key *ours);
