/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Signing and checking with the chain's own key. Promises that what signed_write makes signed_check finds to be ours,
 * for this payload type and no other. Judges nothing but the signature; owns nothing between calls.
 */

#include "collect/signed.h"

#include "base/cleanup.h"

#define PAE_MAX (BUNDLE_FILE_MAX + 1024)

int signed_key_id(const struct key *key, struct diag *diag, struct digest *ret_id)
{
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	int r;

	r = key_public(key, diag, &public);
	if (r < 0)
		return r;
	*ret_id = *public_key_id(public);
	return 0;
}

int signed_write(struct buf *out, struct str payload_type, struct str payload, const struct key *key,
		 const struct digest *key_id, struct diag *diag)
{
	_cleanup_(buf_done) struct buf pae = BUF_MAX(PAE_MAX);
	_cleanup_(buf_done) struct buf signature = BUF_MAX(KEY_SIGNATURE_MAX);
	int r;

	r = dsse_pae(&pae, payload_type, payload);
	if (r == 0)
		r = key_sign(key, pae.data, pae.len, &signature, diag);
	return r < 0 ? r : bundle_write_signed(out, payload_type, payload, buf_str(&signature), key_id);
}

int signed_check(const struct bundle *bundle, const struct public_key *ours)
{
	_cleanup_(buf_done) struct buf pae = BUF_MAX(PAE_MAX);
	int r;

	if (!ours || bundle->identity != BUNDLE_PUBLIC_KEY ||
	    memcmp(public_key_id(ours), &bundle->key_id, sizeof(bundle->key_id)) != 0)
		return SIGNED_BY_ANOTHER;
	r = dsse_pae(&pae, buf_str(&bundle->payload_type), buf_str(&bundle->payload));
	if (r < 0)
		return r;
	return public_key_verify(ours, buf_str(&pae), buf_str(&bundle->signature)) ? SIGNED_BY_US
										   : SIGNED_FALSELY;
}
