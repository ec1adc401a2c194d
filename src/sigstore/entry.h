/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Entries of transparency logs: what their bodies must be for a bundle, and whether an entry is proved. The body is
 * always rebuilt from the bundle, never believed.
 */

#include "format/bundle.h"
#include "sigstore/trusted_root.h"

/* Which body a log holds for a bundle. */
enum entry_form {
	ENTRY_DSSE_V1, /* Rekor v1: dsse 0.0.1 */
	ENTRY_HASHEDREKORD_V2, /* Rekor v2 and our own log: hashedrekord 0.0.2 */
};

/*
 * Appends the body that the log has for this bundle, byte for byte as the log writes it. `verifier`: SPKI DER of the
 * signing key, or the DER of the certificate when the bundle's identity is one. -EINVAL: it is neither. dsse 0.0.1 is the
 * body of the envelope as bundle_write_envelope writes it. Rekor v2 itself takes no pure Ed25519 signatures; our own log does,
 * with the body that stock verifiers expect of such a key.
 */
int entry_body(struct buf *out, enum entry_form form, const struct bundle *bundle, struct str verifier,
	       struct diag *diag);

/* What a proved entry tells. */
struct entry_cosignature {
	const struct note_key *witness; /* of the trusted root */
	int64_t time; /* when it saw the checkpoint; seconds since 1970 */
};

struct entry_facts {
	const struct log_key *log;
	bool included; /* inclusion proof and checkpoint are good */
	bool promised; /* the log's signed promise (SET) is good */
	bool has_time;
	int64_t time; /* integratedTime, proved by the promise; seconds since 1970 */
	uint64_t index, tree_size; /* in the proved tree */
	struct digest root;
	size_t n_cosignatures; /* of witnesses that are trusted */
	struct entry_cosignature cosignatures[NOTE_SIGNATURES_MAX];
};

/* Which part of an entry is wrong. */
enum entry_part {
	ENTRY_BODY, /* for something else, or not of a form that is known here */
	ENTRY_PROMISE, /* SET, or the time in it */
	ENTRY_INCLUSION,
	ENTRY_CHECKPOINT,
};

/*
 * Proves one entry of the bundle. 0, or -EBADMSG with a line that says which part is wrong (and *ret_part, which may be
 * NULL); -ENOKEY: the log is none of `root` (not a lie, just not provable). What is there must be right: a wrong promise
 * beside a good proof is -EBADMSG, and so is an entry that has neither. Whether the signature is good is not asked here:
 * a log proves that it has it. (The type of the payload is in no dsse 0.0.1 body; the signature alone covers it.)
 *
 * Of a dsse 0.0.1 body the envelopeHash alone is let be what it says: it is over the JSON text that was submitted, whose
 * spacing a bundle does not keep (clients differ, and protobuf's JSON varies by build). Payload, signature and verifier, which are
 * compared, leave nothing in an envelope of ours that it could tell apart but that spacing.
 */
int entry_verify(const struct bundle *bundle, struct str verifier, const struct bundle_entry *entry,
		 const struct trusted_root *root, struct diag *diag, struct entry_facts *ret_facts);
int entry_verify_part(const struct bundle *bundle, struct str verifier, const struct bundle_entry *entry,
		      const struct trusted_root *root, struct diag *diag, struct entry_facts *ret_facts,
		      enum entry_part *ret_part);
