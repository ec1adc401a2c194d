/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seal file as it is read. Promises that nothing ambiguous is read: one envelope, one signature, one identity, no
 * member that is not understood, each base64 text and each number the only one for its value.
 */

#include <jansson.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/bundle.h"
#include "format/members.h"

/*
 * Commas and opening brackets in the file, all of which cost the JSON reader memory; the seal itself has eleven, an
 * entry of a log at most some ninety. Without this limit a file of 8 MiB could make it take hundreds.
 */
#define BUNDLE_PARTS_MAX 4096

static int bad(struct diag *diag, const char *what, const char *why)
{
	return diag_error(diag, -EBADMSG, "bad seal: %s: %s", what, why);
}

/* An object with no members but those named: what is not understood could mean anything. */
static int check_object(const json_t *object, const char *what, const char *names, struct diag *diag)
{
	const char *unknown;

	if (!json_is_object(object))
		return bad(diag, what, object ? "is no object" : "is missing");
	unknown = members_unknown(object, names);
	if (unknown)
		return diag_error(diag, -EBADMSG, "bad seal: %s has a member \"%s\" which is not understood",
				  what, unknown);
	return 0;
}

static int get_string(const json_t *object, const char *key, struct diag *diag, struct str *ret_text)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value))
		return bad(diag, key, value ? "is no string" : "is missing");
	*ret_text = (struct str) { json_string_value(value), json_string_length(value) };
	return 0;
}

static int get_text(const json_t *object, const char *key, struct diag *diag, struct buf *out)
{
	struct str text;
	int r;

	r = get_string(object, key, diag, &text);
	if (r < 0)
		return r;
	r = buf_append_str(out, text);
	if (r == -E2BIG)
		return bad(diag, key, "is too long");
	if (r < 0)
		return r;
	return out->len > 0 ? 0 : bad(diag, key, "is empty");
}

static int decode(const char *key, struct str text, struct diag *diag, struct buf *out)
{
	int r = text_unbase64_append(out, text);

	if (r == -EINVAL)
		return bad(diag, key, "is not padded standard base64");
	if (r == -E2BIG)
		return bad(diag, key, "is too long");
	if (r < 0)
		return r;
	return out->len > 0 ? 0 : bad(diag, key, "is empty");
}

static int get_base64(const json_t *object, const char *key, struct diag *diag, struct buf *out)
{
	struct str text;
	int r;

	r = get_string(object, key, diag, &text);
	return r < 0 ? r : decode(key, text, diag, out);
}

static int decode_digest(const char *key, struct str text, const char *why, struct diag *diag,
			 struct digest *ret_digest)
{
	_cleanup_(buf_done) struct buf bytes = BUF_MAX(DIGEST_LEN);
	int r;

	r = decode(key, text, diag, &bytes);
	if (r < 0)
		return r;
	if (bytes.len != DIGEST_LEN)
		return bad(diag, key, why);
	memcpy(ret_digest->bytes, bytes.data, DIGEST_LEN);
	return 0;
}

static int get_digest(const json_t *object, const char *key, const char *why, struct diag *diag,
		      struct digest *ret_digest)
{
	struct str text;
	int r;

	r = get_string(object, key, diag, &text);
	return r < 0 ? r : decode_digest(key, text, why, diag, ret_digest);
}

/* Absent is 0, as protobuf has it. */
static int get_number(const json_t *object, const char *key, struct diag *diag, uint64_t *ret_value)
{
	struct str text;
	int r;

	*ret_value = 0;
	if (!members_get(object, key))
		return 0;
	r = get_string(object, key, diag, &text);
	if (r < 0)
		return r;
	return text_parse_u64(text, 0, INT64_MAX, ret_value) < 0
		       ? bad(diag, key, "is no decimal number below 2^63")
		       : 0;
}

/* ---- entries of logs ---- */

static int parse_hashes(const json_t *hashes, struct diag *diag, struct bundle_entry *entry)
{
	size_t count = json_array_size(hashes);
	int r = 0;

	if (hashes && !json_is_array(hashes))
		return bad(diag, "hashes", "is no array");
	if (count > BUNDLE_PROOF_MAX)
		return bad(diag, "hashes", "are more than a tree can need");
	for (size_t i = 0; i < count && r == 0; i++) {
		const json_t *hash = json_array_get(hashes, i);

		if (!json_is_string(hash))
			return bad(diag, "hashes", "hold something that is no string");
		r = decode_digest("hashes", (struct str) { json_string_value(hash), json_string_length(hash) },
				  "hold something that is no SHA-256", diag, &entry->hashes[i]);
	}
	entry->n_hashes = count;
	return r;
}

static int parse_proof(const json_t *proof, struct diag *diag, struct bundle_entry *entry)
{
	const json_t *checkpoint;
	int r;

	r = check_object(proof, "inclusionProof", "checkpoint hashes logIndex rootHash treeSize", diag);
	if (r == 0)
		r = get_number(proof, "logIndex", diag, &entry->proof_index);
	if (r == 0)
		r = get_number(proof, "treeSize", diag, &entry->tree_size);
	if (r == 0)
		r = get_digest(proof, "rootHash", "is no SHA-256", diag, &entry->root);
	if (r == 0)
		r = parse_hashes(members_get(proof, "hashes"), diag, entry);
	entry->has_proof = r == 0;
	checkpoint = members_get(proof, "checkpoint");
	if (r < 0 || !checkpoint)
		return r;
	r = check_object(checkpoint, "checkpoint", "envelope", diag);
	return r < 0 ? r : get_text(checkpoint, "envelope", diag, &entry->checkpoint);
}

static int parse_promise(const json_t *promise, struct diag *diag, struct bundle_entry *entry)
{
	int r = check_object(promise, "inclusionPromise", "signedEntryTimestamp", diag);

	return r < 0 ? r : get_base64(promise, "signedEntryTimestamp", diag, &entry->promise);
}

static int parse_names(const json_t *object, struct diag *diag, struct bundle_entry *entry)
{
	const json_t *id = json_object_get(object, "logId"), *kind = json_object_get(object, "kindVersion");
	int r;

	r = check_object(id, "logId", "keyId", diag);
	if (r == 0)
		r = get_digest(id, "keyId", "is not the SHA-256 that names a log", diag, &entry->log_id);
	if (r == 0)
		r = check_object(kind, "kindVersion", "kind version", diag);
	if (r == 0)
		r = get_text(kind, "kind", diag, &entry->kind);
	return r < 0 ? r : get_text(kind, "version", diag, &entry->version);
}

static int parse_entry(const json_t *object, struct diag *diag, struct bundle_entry *entry)
{
	const json_t *promise, *proof;
	int r;

	r = check_object(
		object, "the log entry",
		"canonicalizedBody inclusionPromise inclusionProof integratedTime kindVersion logId logIndex",
		diag);
	if (r == 0)
		r = parse_names(object, diag, entry);
	if (r == 0)
		r = get_number(object, "logIndex", diag, &entry->log_index);
	if (r == 0)
		r = get_number(object, "integratedTime", diag, &entry->integrated_time);
	if (r == 0)
		r = get_base64(object, "canonicalizedBody", diag, &entry->body);
	if (r < 0)
		return r;
	entry->has_integrated_time = entry->integrated_time > 0;
	promise = members_get(object, "inclusionPromise");
	proof = members_get(object, "inclusionProof");
	if (promise)
		r = parse_promise(promise, diag, entry);
	return r < 0 || !proof ? r : parse_proof(proof, diag, entry);
}

static int parse_entries(const json_t *entries, struct diag *diag, struct bundle *bundle)
{
	int r = 0;

	if (entries && !json_is_array(entries))
		return bad(diag, "tlogEntries", "is no array");
	if (json_array_size(entries) > BUNDLE_ENTRIES_MAX)
		return bad(diag, "tlogEntries", "are too many");
	for (size_t i = 0; i < json_array_size(entries) && r == 0; i++) {
		_cleanup_(bundle_entry_done) struct bundle_entry entry;

		bundle_entry_init(&entry);
		r = parse_entry(json_array_get(entries, i), diag, &entry);
		if (r == 0 && bundle_find_entry(bundle, &entry.log_id))
			r = bad(diag, "tlogEntries", "hold two entries of one log");
		if (r == 0)
			r = bundle_add_entry(bundle, &entry);
	}
	return r;
}

/* ---- the rest of the material ---- */

static int parse_timestamps(const json_t *data, struct diag *diag, struct bundle *bundle)
{
	const json_t *list;
	int r;

	if (!data)
		return 0;
	r = check_object(data, "timestampVerificationData", "rfc3161Timestamps", diag);
	if (r < 0)
		return r;
	list = members_get(data, "rfc3161Timestamps");
	if (list && !json_is_array(list))
		return bad(diag, "rfc3161Timestamps", "is no array");
	if (json_array_size(list) > BUNDLE_TIMESTAMPS_MAX)
		return bad(diag, "rfc3161Timestamps", "are too many");
	for (size_t i = 0; i < json_array_size(list) && r == 0; i++) {
		_cleanup_(buf_done) struct buf der = BUF_MAX(BUNDLE_TIMESTAMP_MAX);
		const json_t *stamp = json_array_get(list, i);

		r = check_object(stamp, "the timestamp", "signedTimestamp", diag);
		if (r == 0)
			r = get_base64(stamp, "signedTimestamp", diag, &der);
		if (r == 0)
			r = bundle_add_timestamp(bundle, buf_str(&der));
	}
	return r;
}

static int parse_identity(const json_t *material, struct diag *diag, struct bundle *bundle)
{
	const json_t *key = members_get(material, "publicKey");
	const json_t *certificate = members_get(material, "certificate");
	int r;

	if (key && certificate)
		return bad(diag, "verificationMaterial", "names both a key and a certificate");
	if (certificate) {
		bundle->identity = BUNDLE_CERTIFICATE;
		r = check_object(certificate, "certificate", "rawBytes", diag);
		return r < 0 ? r : get_base64(certificate, "rawBytes", diag, &bundle->certificate);
	}
	bundle->identity = BUNDLE_PUBLIC_KEY;
	r = check_object(key, "publicKey", "hint", diag);
	if (r < 0)
		return r;
	return get_digest(key, "hint", "is not the SHA-256 of a public key", diag, &bundle->key_id);
}

static int parse_material(const json_t *material, struct diag *diag, struct bundle *bundle)
{
	int r;

	if (json_object_get(material, "x509CertificateChain"))
		return bad(diag, "verificationMaterial",
			   "holds a chain of certificates, which bundles v0.3 do not");
	r = check_object(material, "verificationMaterial",
			 "certificate publicKey timestampVerificationData tlogEntries", diag);
	if (r == 0)
		r = parse_identity(material, diag, bundle);
	if (r == 0)
		r = parse_timestamps(members_get(material, "timestampVerificationData"), diag, bundle);
	return r < 0 ? r : parse_entries(members_get(material, "tlogEntries"), diag, bundle);
}

/* ---- the envelope ---- */

static int parse_envelope(const json_t *envelope, struct diag *diag, struct bundle *bundle)
{
	const json_t *signatures, *signature;
	struct str type;
	int r;

	r = check_object(envelope, "dsseEnvelope", "payload payloadType signatures", diag);
	if (r < 0)
		return r;
	r = get_base64(envelope, "payload", diag, &bundle->payload);
	if (r < 0)
		return r;
	r = get_string(envelope, "payloadType", diag, &type);
	if (r < 0)
		return r;
	r = buf_append_str(&bundle->payload_type, type);
	if (r < 0)
		return r == -E2BIG ? bad(diag, "payloadType", "is too long") : r;
	signatures = json_object_get(envelope, "signatures");
	if (!json_is_array(signatures) || json_array_size(signatures) != 1)
		return bad(diag, "signatures", "must be an array of exactly one");
	signature = json_array_get(signatures, 0);
	r = check_object(signature, "the signature", "sig", diag);
	if (r < 0)
		return r;
	return get_base64(signature, "sig", diag, &bundle->signature);
}

static int parse_root(const json_t *root, struct diag *diag, struct bundle *bundle)
{
	struct str type;
	int r;

	r = check_object(root, "the file", "dsseEnvelope mediaType verificationMaterial", diag);
	if (r < 0)
		return r;
	r = get_string(root, "mediaType", diag, &type);
	if (r < 0)
		return r;
	if (!str_equal(type, STR(BUNDLE_MEDIA_TYPE)))
		return bad(diag, "mediaType", "is not " BUNDLE_MEDIA_TYPE);
	r = parse_material(json_object_get(root, "verificationMaterial"), diag, bundle);
	if (r < 0)
		return r;
	return parse_envelope(json_object_get(root, "dsseEnvelope"), diag, bundle);
}

/* ---- the text ---- */

/* Size and shape that can be told before anything is allocated. */
static int check_text(struct str text, size_t max, const char *what, struct diag *diag)
{
	size_t len = text.len, parts = 0;

	if (len > max)
		return bad(diag, what, "is too large");
	if (len > 0 && text.data[len - 1] == '\n')
		len--;
	if (len < 2 || text.data[0] != '{' || text.data[len - 1] != '}')
		return bad(diag, what, "is not one JSON object and a line feed");
	for (size_t i = 0; i < len; i++)
		parts += text.data[i] == ',' || text.data[i] == '[' || text.data[i] == '{';
	return parts > BUNDLE_PARTS_MAX ? bad(diag, what, "has too many members") : 0;
}

static int load(struct str text, size_t max, const char *what, struct diag *diag, json_t **ret_root)
{
	json_error_t error;
	int r;

	r = check_text(text, max, what, diag);
	if (r < 0)
		return r;
	*ret_root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	if (*ret_root)
		return 0;
	if (json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	return diag_error(diag, -EBADMSG, "bad seal: byte %d: %s", error.position, error.text);
}

int bundle_parse(struct str text, struct diag *diag, struct bundle *bundle)
{
	json_t *root;
	int r;

	r = load(text, BUNDLE_FILE_MAX, "the file", diag, &root);
	if (r < 0)
		return r;
	r = parse_root(root, diag, bundle);
	json_decref(root);
	return r;
}

int bundle_entry_parse(struct str text, struct diag *diag, struct bundle_entry *entry)
{
	json_t *root;
	int r;

	r = load(text, BUNDLE_ENTRY_MAX, "the log entry", diag, &root);
	if (r < 0)
		return r;
	r = parse_entry(root, diag, entry);
	json_decref(root);
	return r;
}
