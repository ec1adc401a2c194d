/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The seal file: a Sigstore bundle v0.3 holding one DSSE envelope with one signature, who made it (the hint of a public
 * key, or a certificate), and what anchors it outside: entries of transparency logs and RFC 3161 timestamps. Exactly
 * the keys mediaType, verificationMaterial, dsseEnvelope; no keyid, no extension fields, padded standard base64,
 * integers of 64 bits as decimal strings (protobuf JSON). Nothing here is verified: see sigstore/ for that.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"
#include "crypto/digest.h"

#define BUNDLE_MEDIA_TYPE "application/vnd.dev.sigstore.bundle.v0.3+json"
#define BUNDLE_FILE_MAX (8u << 20)
#define BUNDLE_ENTRIES_MAX 16
#define BUNDLE_TIMESTAMPS_MAX 16
#define BUNDLE_PROOF_MAX 63 /* hashes of an inclusion proof: a tree has at most 2^63 - 1 leaves */
#define BUNDLE_ENTRY_MAX (1u << 20) /* bytes of one entry's JSON */
#define BUNDLE_CHECKPOINT_MAX 65536
#define BUNDLE_CERTIFICATE_MAX 65536
#define BUNDLE_TIMESTAMP_MAX 65536

/* TransparencyLogEntry, its base64 decoded. What is absent is empty, or false. */
struct bundle_entry {
	uint64_t log_index;
	struct digest log_id; /* logId.keyId */
	struct buf kind, version; /* kindVersion */
	bool has_integrated_time;
	uint64_t integrated_time; /* seconds since 1970 */
	struct buf promise; /* inclusionPromise.signedEntryTimestamp */
	bool has_proof;
	uint64_t proof_index, tree_size;
	struct digest root;
	struct digest hashes[BUNDLE_PROOF_MAX];
	size_t n_hashes;
	struct buf checkpoint; /* text of a signed note; empty = none */
	struct buf body; /* canonicalizedBody */
};

enum bundle_identity { BUNDLE_PUBLIC_KEY, BUNDLE_CERTIFICATE };

struct bundle {
	struct buf payload; /* the statement's bytes */
	struct buf payload_type;
	struct buf signature;
	enum bundle_identity identity;
	struct digest key_id; /* BUNDLE_PUBLIC_KEY: publicKey.hint = base64(SHA-256(SPKI DER)) */
	struct buf certificate; /* BUNDLE_CERTIFICATE: the leaf, DER */
	struct bundle_entry *entries;
	size_t n_entries;
	struct buf *timestamps; /* DER of TimeStampResp */
	size_t n_timestamps;
};

#define BUNDLE_EMPTY                                            \
	((struct bundle) { .payload = BUF_MAX(BUNDLE_FILE_MAX), \
			   .payload_type = BUF_MAX(256),        \
			   .signature = BUF_MAX(4096),          \
			   .certificate = BUF_MAX(BUNDLE_CERTIFICATE_MAX) })

void bundle_done(struct bundle *bundle);

/* An entry to be filled, and its end. */
void bundle_entry_init(struct bundle_entry *entry);
void bundle_entry_done(struct bundle_entry *entry);

/*
 * Adds to the bundle: the entry is taken on success (and is then empty), the timestamp copied. An entry of a log that
 * has one already replaces it. -E2BIG beyond the limits above, -ENOMEM.
 */
int bundle_add_entry(struct bundle *bundle, struct bundle_entry *entry);
int bundle_add_timestamp(struct bundle *bundle, struct str response);

/* The entry of this log, or NULL. */
const struct bundle_entry *bundle_find_entry(const struct bundle *bundle, const struct digest *log_id);

/* DSSE v1 pre-authentication encoding: "DSSEv1 LEN TYPE LEN BODY", lengths in bytes, decimal. */
int dsse_pae(struct buf *out, struct str payload_type, struct str payload);

/* Appends the DSSE envelope alone, canonical JSON without LF: the same text for the same bundle, always. */
int bundle_write_envelope(struct buf *out, const struct bundle *bundle);

/* Appends the bundle's JSON, canonical, one line with LF. On error `out` is unchanged. */
int bundle_write(struct buf *out, const struct bundle *bundle);

/* The same of a bundle that a key has signed and nothing anchors yet. */
int bundle_write_signed(struct buf *out, struct str payload_type, struct str payload, struct str signature,
			const struct digest *key_id);

/*
 * Strict: unknown or duplicate members, two signatures, a keyid, other base64 alphabets, numbers out of range,
 * trailing bytes, another media type: -EBADMSG with a line. `bundle` must be BUNDLE_EMPTY; on failure the caller still
 * calls bundle_done.
 */
int bundle_parse(struct str text, struct diag *diag, struct bundle *bundle);

/* One TransparencyLogEntry as a log answers it, as strictly. `entry` is from bundle_entry_init; then as above. */
int bundle_entry_parse(struct str text, struct diag *diag, struct bundle_entry *entry);
