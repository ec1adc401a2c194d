/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seal file, both ways. Promises that what is written is canonical and is what stock Sigstore tools read,
 * and that nothing ambiguous is read: one envelope, one signature, one key named by its digest, no member that is
 * not understood, each base64 text the only one for its bytes. A bundle owns what was decoded into it.
 */

#include "format/bundle.h"

#include <jansson.h>

#include "base/text.h"
#include "format/canon.h"

/*
 * Commas and opening brackets in the file, all of which cost the JSON reader memory; the seal itself has eleven,
 * each log entry some twenty. Without this limit a file of 8 MiB could make it take hundreds.
 */
#define BUNDLE_PARTS_MAX 4096

void bundle_done(struct bundle *bundle)
{
	buf_done(&bundle->payload);
	buf_done(&bundle->payload_type);
	buf_done(&bundle->signature);
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

/* ---- writing ---- */

static void write_base64(struct canon *w, const char *key, struct str bytes)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(bytes.len / 3 * 4 + 4);
	int r = text_base64_append(&text, bytes.data, bytes.len);

	if (r == 0)
		canon_key_string(w, key, buf_str(&text));
	else if (w->error == 0)
		w->error = r;
}

static void write_envelope(struct canon *w, struct str payload_type, struct str payload, struct str signature)
{
	canon_object(w);
	write_base64(w, "payload", payload);
	canon_key_string(w, "payloadType", payload_type);
	canon_key(w, "signatures");
	canon_array(w);
	canon_object(w);
	write_base64(w, "sig", signature);
	canon_object_end(w);
	canon_array_end(w);
	canon_object_end(w);
}

static void write_key_hint(struct canon *w, const struct digest *key_id)
{
	canon_object(w);
	canon_key(w, "publicKey");
	canon_object(w);
	write_base64(w, "hint", (struct str) { (const char *)key_id->bytes, DIGEST_LEN });
	canon_object_end(w);
	canon_object_end(w);
}

int bundle_write(struct buf *out, struct str payload_type, struct str payload, struct str signature,
		 const struct digest *key_id)
{
	size_t before = out->len;
	struct canon w = CANON_INTO(out);
	int r;

	canon_object(&w);
	canon_key(&w, "dsseEnvelope");
	write_envelope(&w, payload_type, payload, signature);
	canon_key_cstr(&w, "mediaType", BUNDLE_MEDIA_TYPE);
	canon_key(&w, "verificationMaterial");
	write_key_hint(&w, key_id);
	canon_object_end(&w);
	r = canon_done(&w);
	if (r == 0)
		r = buf_append_str(out, STR("\n"));
	if (r < 0)
		out->len = before;
	return r;
}

/* ---- reading ---- */

static int bad(struct diag *diag, const char *what, const char *why)
{
	return diag_error(diag, -EBADMSG, "bad seal: %s: %s", what, why);
}

/* Is `key` one of these names, separated by spaces? */
static bool is_listed(const char *names, const char *key)
{
	size_t len = strlen(key);

	if (len == 0 || strchr(key, ' '))
		return false;
	for (const char *at = names; (at = strstr(at, key)); at++)
		if ((at == names || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

/* An object with no members but those named: what is not understood could mean anything. */
static int check_object(const json_t *object, const char *what, const char *names, struct diag *diag)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return bad(diag, what, object ? "is no object" : "is missing");
	json_object_foreach ((json_t *)object, key, value)
		if (!is_listed(names, key))
			return diag_error(diag, -EBADMSG,
					  "bad seal: %s has a member \"%s\" which is not understood", what,
					  key);
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

static int get_base64(const json_t *object, const char *key, struct diag *diag, struct buf *out)
{
	struct str text;
	int r;

	r = get_string(object, key, diag, &text);
	if (r < 0)
		return r;
	r = text_unbase64_append(out, text);
	if (r == -EINVAL)
		return bad(diag, key, "is not padded standard base64");
	if (r == -E2BIG)
		return bad(diag, key, "is too long");
	if (r < 0)
		return r;
	return out->len > 0 ? 0 : bad(diag, key, "is empty");
}

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

/* What a log and a time stamper would add is let through unread: the signature by the key counts here. */
static int check_log_material(const json_t *material, struct diag *diag)
{
	const json_t *entries = json_object_get(material, "tlogEntries");
	const json_t *timestamps = json_object_get(material, "timestampVerificationData");

	if (entries && !json_is_array(entries))
		return bad(diag, "tlogEntries", "is no array");
	if (timestamps && !json_is_object(timestamps))
		return bad(diag, "timestampVerificationData", "is no object");
	return 0;
}

static int parse_key_hint(const json_t *material, struct diag *diag, struct digest *ret_key_id)
{
	_cleanup_(buf_done) struct buf hint = BUF_MAX(DIGEST_LEN);
	const json_t *key;
	int r;

	if (json_object_get(material, "certificate") || json_object_get(material, "x509CertificateChain"))
		return bad(diag, "verificationMaterial",
			   "is a certificate; this version knows keys named by a publicKey hint only");
	r = check_object(material, "verificationMaterial", "publicKey timestampVerificationData tlogEntries",
			 diag);
	if (r < 0)
		return r;
	r = check_log_material(material, diag);
	if (r < 0)
		return r;
	key = json_object_get(material, "publicKey");
	r = check_object(key, "publicKey", "hint", diag);
	if (r < 0)
		return r;
	r = get_base64(key, "hint", diag, &hint);
	if (r < 0)
		return r;
	if (hint.len != DIGEST_LEN)
		return bad(diag, "hint", "is not the SHA-256 of a public key");
	memcpy(ret_key_id->bytes, hint.data, DIGEST_LEN);
	return 0;
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
	r = parse_key_hint(json_object_get(root, "verificationMaterial"), diag, &bundle->key_id);
	if (r < 0)
		return r;
	return parse_envelope(json_object_get(root, "dsseEnvelope"), diag, bundle);
}

/* Size and shape that can be told before anything is allocated. */
static int check_text(struct str text, struct diag *diag)
{
	size_t len = text.len, parts = 0;

	if (len > BUNDLE_FILE_MAX)
		return bad(diag, "the file", "is too large");
	if (len > 0 && text.data[len - 1] == '\n')
		len--;
	if (len < 2 || text.data[0] != '{' || text.data[len - 1] != '}')
		return bad(diag, "the file", "is not one JSON object and a line feed");
	for (size_t i = 0; i < len; i++)
		parts += text.data[i] == ',' || text.data[i] == '[' || text.data[i] == '{';
	return parts > BUNDLE_PARTS_MAX ? bad(diag, "the file", "has too many members") : 0;
}

int bundle_parse(struct str text, struct diag *diag, struct bundle *bundle)
{
	json_error_t error;
	json_t *root;
	int r;

	r = check_text(text, diag);
	if (r < 0)
		return r;
	root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!root && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!root)
		return diag_error(diag, -EBADMSG, "bad seal: byte %d: %s", error.position, error.text);
	r = parse_root(root, diag, bundle);
	json_decref(root);
	return r;
}
