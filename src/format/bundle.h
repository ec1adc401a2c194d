/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The seal file: a Sigstore bundle v0.3 holding one DSSE envelope with one signature and a public-key hint.
 * Exactly the keys mediaType, verificationMaterial, dsseEnvelope; no keyid, no extension fields, padded
 * standard base64, integers of 64 bits as decimal strings (protobuf JSON).
 */

#include "base/buf.h"
#include "base/diag.h"
#include "crypto/digest.h"

#define BUNDLE_MEDIA_TYPE "application/vnd.dev.sigstore.bundle.v0.3+json"
#define BUNDLE_FILE_MAX (8u << 20)

struct bundle {
	struct buf payload; /* decoded: the statement's bytes */
	struct buf payload_type;
	struct buf signature; /* decoded */
	struct digest key_id; /* from publicKey.hint = base64(SHA-256(SPKI DER)) */
};

#define BUNDLE_EMPTY                                            \
	((struct bundle) { .payload = BUF_MAX(BUNDLE_FILE_MAX), \
			   .payload_type = BUF_MAX(256),        \
			   .signature = BUF_MAX(4096) })

void bundle_done(struct bundle *bundle);

/* DSSE v1 pre-authentication encoding: "DSSEv1 LEN TYPE LEN BODY", lengths in bytes, decimal. */
int dsse_pae(struct buf *out, struct str payload_type, struct str payload);

/* Appends the bundle's JSON, one line with LF. */
int bundle_write(struct buf *out, struct str payload_type, struct str payload, struct str signature,
		 const struct digest *key_id);

/*
 * Strict: unknown or duplicate members, two signatures, a keyid, other base64 alphabets, trailing bytes,
 * another media type: -EBADMSG with a line. Transparency-log entries and timestamps (tlogEntries,
 * timestampVerificationData) are accepted in place and ignored until they are verified. `bundle` must be
 * BUNDLE_EMPTY; on failure the caller still calls bundle_done.
 */
int bundle_parse(struct str text, struct diag *diag, struct bundle *bundle);
