/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seal file as it is written, and what a bundle holds. Promises that what is written is canonical and is what
 * stock Sigstore tools read. A bundle owns what was decoded into it.
 */

#include "format/bundle.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/canon.h"

void bundle_entry_init(struct bundle_entry *entry)
{
	*entry = (struct bundle_entry) { .kind = BUF_MAX(64),
					 .version = BUF_MAX(64),
					 .promise = BUF_MAX(4096),
					 .checkpoint = BUF_MAX(BUNDLE_CHECKPOINT_MAX),
					 .body = BUF_MAX(BUNDLE_ENTRY_MAX) };
}

void bundle_entry_done(struct bundle_entry *entry)
{
	buf_done(&entry->kind);
	buf_done(&entry->version);
	buf_done(&entry->promise);
	buf_done(&entry->checkpoint);
	buf_done(&entry->body);
}

void bundle_done(struct bundle *bundle)
{
	buf_done(&bundle->payload);
	buf_done(&bundle->payload_type);
	buf_done(&bundle->signature);
	buf_done(&bundle->certificate);
	for (size_t i = 0; i < bundle->n_entries; i++)
		bundle_entry_done(&bundle->entries[i]);
	for (size_t i = 0; i < bundle->n_timestamps; i++)
		buf_done(&bundle->timestamps[i]);
	free(bundle->entries);
	free(bundle->timestamps);
	bundle->entries = NULL;
	bundle->timestamps = NULL;
	bundle->n_entries = bundle->n_timestamps = 0;
}

const struct bundle_entry *bundle_find_entry(const struct bundle *bundle, const struct digest *log_id)
{
	for (size_t i = 0; i < bundle->n_entries; i++) {
		if (memcmp(&bundle->entries[i].log_id, log_id, sizeof(*log_id)) == 0)
			return &bundle->entries[i];
	}
	return NULL;
}

int bundle_add_entry(struct bundle *bundle, struct bundle_entry *entry)
{
	struct bundle_entry *same = (struct bundle_entry *)bundle_find_entry(bundle, &entry->log_id);
	struct bundle_entry *entries;

	if (same) {
		bundle_entry_done(same);
		*same = *entry;
		bundle_entry_init(entry);
		return 0;
	}
	if (bundle->n_entries >= BUNDLE_ENTRIES_MAX)
		return -E2BIG;
	entries = realloc(bundle->entries, (bundle->n_entries + 1) * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	bundle->entries = entries;
	entries[bundle->n_entries++] = *entry;
	bundle_entry_init(entry);
	return 0;
}

int bundle_add_timestamp(struct bundle *bundle, struct str response)
{
	_cleanup_(buf_done) struct buf copy = BUF_MAX(BUNDLE_TIMESTAMP_MAX);
	struct buf *timestamps;
	int r;

	if (bundle->n_timestamps >= BUNDLE_TIMESTAMPS_MAX)
		return -E2BIG;
	r = buf_append_str(&copy, response);
	if (r < 0)
		return r;
	timestamps = realloc(bundle->timestamps, (bundle->n_timestamps + 1) * sizeof(*timestamps));
	if (!timestamps)
		return -ENOMEM;
	bundle->timestamps = timestamps;
	timestamps[bundle->n_timestamps++] = copy;
	copy = BUF_MAX(0);
	return 0;
}

int dsse_pae(struct buf *out, struct str payload_type, struct str payload)
{
	size_t before = out->len;
	int r;

	r = buf_printf(out, "DSSEv1 %zu ", payload_type.len);
	if (r == 0)
		r = buf_append_str(out, payload_type);
	if (r == 0)
		r = buf_printf(out, " %zu ", payload.len);
	if (r == 0)
		r = buf_append_str(out, payload);
	if (r < 0)
		out->len = before;
	return r;
}

static struct str digest_str(const struct digest *digest)
{
	return (struct str) { (const char *)digest->bytes, DIGEST_LEN };
}

/* protobuf's JSON writes 64-bit integers as strings. */
static void write_number(struct canon *w, const char *key, uint64_t value)
{
	char digits[20];

	canon_key_string(w, key, (struct str) { digits, text_put_u64(digits, value) });
}

static void write_envelope(struct canon *w, struct str payload_type, struct str payload, struct str signature)
{
	canon_object(w);
	canon_key_base64(w, "payload", payload);
	canon_key_string(w, "payloadType", payload_type);
	canon_key(w, "signatures");
	canon_array(w);
	canon_object(w);
	canon_key_base64(w, "sig", signature);
	canon_object_end(w);
	canon_array_end(w);
	canon_object_end(w);
}

static void write_proof(struct canon *w, const struct bundle_entry *entry)
{
	canon_key(w, "inclusionProof");
	canon_object(w);
	if (entry->checkpoint.len > 0) {
		canon_key(w, "checkpoint");
		canon_object(w);
		canon_key_string(w, "envelope", buf_str(&entry->checkpoint));
		canon_object_end(w);
	}
	canon_key(w, "hashes");
	canon_array(w);
	for (size_t i = 0; i < entry->n_hashes; i++)
		canon_base64(w, digest_str(&entry->hashes[i]));
	canon_array_end(w);
	write_number(w, "logIndex", entry->proof_index);
	canon_key_base64(w, "rootHash", digest_str(&entry->root));
	write_number(w, "treeSize", entry->tree_size);
	canon_object_end(w);
}

static void write_entry(struct canon *w, const struct bundle_entry *entry)
{
	canon_object(w);
	canon_key_base64(w, "canonicalizedBody", buf_str(&entry->body));
	if (entry->promise.len > 0) {
		canon_key(w, "inclusionPromise");
		canon_object(w);
		canon_key_base64(w, "signedEntryTimestamp", buf_str(&entry->promise));
		canon_object_end(w);
	}
	if (entry->has_proof)
		write_proof(w, entry);
	if (entry->has_integrated_time)
		write_number(w, "integratedTime", entry->integrated_time);
	canon_key(w, "kindVersion");
	canon_object(w);
	canon_key_string(w, "kind", buf_str(&entry->kind));
	canon_key_string(w, "version", buf_str(&entry->version));
	canon_object_end(w);
	canon_key(w, "logId");
	canon_object(w);
	canon_key_base64(w, "keyId", digest_str(&entry->log_id));
	canon_object_end(w);
	write_number(w, "logIndex", entry->log_index);
	canon_object_end(w);
}

static void write_identity(struct canon *w, const struct bundle *bundle)
{
	bool certified = bundle->identity == BUNDLE_CERTIFICATE;

	canon_key(w, certified ? "certificate" : "publicKey");
	canon_object(w);
	if (certified)
		canon_key_base64(w, "rawBytes", buf_str(&bundle->certificate));
	else
		canon_key_base64(w, "hint", digest_str(&bundle->key_id));
	canon_object_end(w);
}

static void write_material(struct canon *w, const struct bundle *bundle)
{
	canon_object(w);
	write_identity(w, bundle);
	if (bundle->n_timestamps > 0) {
		canon_key(w, "timestampVerificationData");
		canon_object(w);
		canon_key(w, "rfc3161Timestamps");
		canon_array(w);
		for (size_t i = 0; i < bundle->n_timestamps; i++) {
			canon_object(w);
			canon_key_base64(w, "signedTimestamp", buf_str(&bundle->timestamps[i]));
			canon_object_end(w);
		}
		canon_array_end(w);
		canon_object_end(w);
	}
	if (bundle->n_entries > 0) {
		canon_key(w, "tlogEntries");
		canon_array(w);
		for (size_t i = 0; i < bundle->n_entries; i++)
			write_entry(w, &bundle->entries[i]);
		canon_array_end(w);
	}
	canon_object_end(w);
}

int bundle_write_envelope(struct buf *out, const struct bundle *bundle)
{
	size_t before = out->len;
	struct canon w = CANON_INTO(out);
	int r;

	write_envelope(&w, buf_str(&bundle->payload_type), buf_str(&bundle->payload),
		       buf_str(&bundle->signature));
	r = canon_done(&w);
	if (r < 0)
		out->len = before;
	return r;
}

/* The payload comes apart from the bundle: it is large, and who has just signed it need not copy it. */
static int write_whole(struct buf *out, struct str payload_type, struct str payload, struct str signature,
		       const struct bundle *material)
{
	size_t before = out->len;
	struct canon w = CANON_INTO(out);
	int r;

	canon_object(&w);
	canon_key(&w, "dsseEnvelope");
	write_envelope(&w, payload_type, payload, signature);
	canon_key_cstr(&w, "mediaType", BUNDLE_MEDIA_TYPE);
	canon_key(&w, "verificationMaterial");
	write_material(&w, material);
	canon_object_end(&w);
	r = canon_done(&w);
	if (r == 0)
		r = buf_append_str(out, STR("\n"));
	if (r < 0)
		out->len = before;
	return r;
}

int bundle_write(struct buf *out, const struct bundle *bundle)
{
	return write_whole(out, buf_str(&bundle->payload_type), buf_str(&bundle->payload),
			   buf_str(&bundle->signature), bundle);
}

int bundle_write_signed(struct buf *out, struct str payload_type, struct str payload, struct str signature,
			const struct digest *key_id)
{
	struct bundle material = { .identity = BUNDLE_PUBLIC_KEY, .key_id = *key_id };

	return write_whole(out, payload_type, payload, signature, &material);
}
