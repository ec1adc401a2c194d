// SPDX-License-Identifier: Apache-2.0
/*
 * Rekor v1's API. Promises that the same seal is the same entry whenever it is sent: the envelope is written in one
 * spelling only (the log hashes its text). Refuses answers with members doubled, of other types, out of range, or with
 * more than one entry. Owns nothing beyond a call.
 */

#include "transparency/rekor_v1.h"

#include <jansson.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "crypto/pem.h"

#define ENTRIES "/api/v1/log/entries"
#define JSON_TYPE "application/json"
#define TREE_ID_MAX 20 /* digits */

static void json_freep(json_t **json)
{
	json_decref(*json);
}

/* ---- what is sent ---- */

static int write_request(const struct bundle *bundle, struct str verifier, struct buf *out)
{
	_cleanup_(buf_done) struct buf envelope = BUF_MAX(BUNDLE_FILE_MAX);
	_cleanup_(buf_done) struct buf pem = BUF_MAX(2 * BUNDLE_CERTIFICATE_MAX);
	_cleanup_(buf_done) struct buf pem64 = BUF_MAX(4 * BUNDLE_CERTIFICATE_MAX);
	_cleanup_(json_freep) json_t *request = NULL;
	_cleanup_(freep) char *text = NULL;
	int r = bundle_write_envelope(&envelope, bundle);

	if (r >= 0)
		r = pem_append(&pem, bundle->identity == BUNDLE_CERTIFICATE ? "CERTIFICATE" : "PUBLIC KEY",
			       verifier);
	if (r >= 0)
		r = text_base64_append(&pem64, pem.data, pem.len);
	if (r < 0)
		return r;
	request = json_pack("{s:s, s:s, s:{s:{s:s%, s:[s%]}}}", "apiVersion", "0.0.1", "kind", "dsse", "spec",
			    "proposedContent", "envelope", envelope.data, envelope.len, "verifiers", pem64.data,
			    pem64.len);
	text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	return text ? buf_append_str(out, str_of(text)) : -ENOMEM;
}

/* ---- what is answered ---- */

static bool get_u64(const json_t *object, const char *key, uint64_t *ret_value)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret_value = (uint64_t)json_integer_value(value);
	return true;
}

static struct str get_text(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) ? (struct str) { json_string_value(value), json_string_length(value) }
				     : (struct str) { NULL, 0 };
}

static bool get_digest(const json_t *object, const char *key, struct digest *ret_digest)
{
	return digest_parse(get_text(object, key), ret_digest) == 0;
}

static bool parse_hashes(const json_t *list, size_t max, struct digest *hashes, size_t *ret_n)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > max)
		return false;
	for (size_t i = 0; i < n; i++) {
		const json_t *text = json_array_get(list, i);

		if (!json_is_string(text) ||
		    digest_parse((struct str) { json_string_value(text), json_string_length(text) },
				 &hashes[i]) < 0)
			return false;
	}
	*ret_n = n;
	return true;
}

static bool parse_proof(const json_t *proof, struct bundle_entry *entry)
{
	entry->has_proof = true;
	return json_is_object(proof) && get_u64(proof, "logIndex", &entry->proof_index) &&
	       get_u64(proof, "treeSize", &entry->tree_size) && get_digest(proof, "rootHash", &entry->root) &&
	       parse_hashes(json_object_get(proof, "hashes"), BUNDLE_PROOF_MAX, entry->hashes,
			    &entry->n_hashes) &&
	       buf_append_str(&entry->checkpoint, get_text(proof, "checkpoint")) == 0 &&
	       entry->checkpoint.len > 0;
}

static bool parse_entry(const json_t *value, struct bundle_entry *entry)
{
	const json_t *verification = json_object_get(value, "verification");

	entry->has_integrated_time = true;
	return json_is_object(value) && get_u64(value, "logIndex", &entry->log_index) &&
	       get_u64(value, "integratedTime", &entry->integrated_time) &&
	       get_digest(value, "logID", &entry->log_id) &&
	       text_unbase64_append(&entry->body, get_text(value, "body")) == 0 &&
	       text_unbase64_append(&entry->promise, get_text(verification, "signedEntryTimestamp")) == 0 &&
	       entry->body.len > 0 && entry->promise.len > 0 &&
	       parse_proof(json_object_get(verification, "inclusionProof"), entry) &&
	       buf_append_str(&entry->kind, STR("dsse")) == 0 &&
	       buf_append_str(&entry->version, STR("0.0.1")) == 0;
}

int rekor_v1_parse(struct str text, struct diag *diag, struct bundle_entry *entry)
{
	_cleanup_(json_freep) json_t *answer =
		json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, NULL);

	if (json_object_size(answer) != 1 ||
	    !parse_entry(json_object_iter_value(json_object_iter(answer)), entry))
		return diag_error(diag, -EBADMSG, "what the log answered is no entry of Rekor v1");
	return 0;
}

/* ---- questions ---- */

static int fetch(struct client *client, const char *path, struct diag *diag, struct bundle_entry *entry)
{
	const struct question question = { .method = "GET", .path = path, .accept = JSON_TYPE };
	_cleanup_(http_answer_done) struct http_answer answer;
	int r = ask(client, &question, diag, &answer);

	if (r >= 0 && answer.status != 200)
		r = ask_refused(client, "fetching an entry", &answer, diag);
	return r < 0 ? r : rekor_v1_parse(buf_str(&answer.body), diag, entry);
}

/* Where the log says that the entry lies: a path on the same server and of the only form that there is. */
static const char *conflict_path(const char *location)
{
	const char *path = strstr(location, ENTRIES "/"), *id = path ? path + strlen(ENTRIES "/") : NULL;

	return id && *id && strlen(id) <= 80 && strspn(id, "0123456789abcdef") == strlen(id) ? path : NULL;
}

int rekor_v1_submit(struct client *client, const struct bundle *bundle, struct str verifier, struct diag *diag,
		    struct bundle_entry *entry)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(4 * BUNDLE_FILE_MAX);
	_cleanup_(http_answer_done) struct http_answer answer = { .retry_after_s = -1 };
	struct question question = { .method = "POST",
				     .path = ENTRIES,
				     .content_type = JSON_TYPE,
				     .accept = JSON_TYPE,
				     .answer_max = 4 * HTTP_ANSWER_MAX };
	const char *path;
	int r = write_request(bundle, verifier, &body);

	if (r < 0)
		return diag_error(diag, r, "cannot write the request to %s: %s", client->url, strerror(-r));
	question.body = buf_str(&body);
	r = ask(client, &question, diag, &answer);
	if (r < 0)
		return r;
	if (answer.status == 201)
		return rekor_v1_parse(buf_str(&answer.body), diag, entry);
	if (answer.status != 409)
		return ask_refused(client, "adding an entry", &answer, diag);
	path = conflict_path(answer.location);
	if (!path)
		return diag_error(diag, -EBADMSG, "%s has the entry already and does not say where",
				  client->url);
	return fetch(client, path, diag, entry);
}

int rekor_v1_find(struct client *client, const struct digest *leaf, struct diag *diag,
		  struct bundle_entry *entry)
{
	char path[sizeof(ENTRIES) + 1 + DIGEST_TEXT_LEN + 1], hex[DIGEST_TEXT_LEN + 1];

	digest_hex(leaf, hex);
	snprintf(path, sizeof(path), ENTRIES "/%s", hex);
	return fetch(client, path, diag, entry);
}

/* "rekor.sigstore.dev - 1193050959916656506": proofs are of one tree. */
static bool tree_of(struct str origin, char out[TREE_ID_MAX + 1])
{
	size_t n = 0;

	while (n < origin.len && n < TREE_ID_MAX && origin.data[origin.len - 1 - n] >= '0' &&
	       origin.data[origin.len - 1 - n] <= '9')
		n++;
	if (n == 0)
		return false;
	memcpy(out, origin.data + origin.len - n, n);
	out[n] = 0;
	return true;
}

int rekor_v1_consistency(struct client *client, struct str origin, uint64_t old_size, uint64_t new_size,
			 struct diag *diag, struct digest hashes[MERKLE_PROOF_MAX + 1], size_t *ret_n)
{
	_cleanup_(http_answer_done) struct http_answer answer = { .retry_after_s = -1 };
	_cleanup_(json_freep) json_t *object = NULL;
	char path[200], tree[TREE_ID_MAX + 1] = "";
	const struct question question = { .method = "GET", .path = path, .accept = JSON_TYPE };
	bool named = tree_of(origin, tree);
	int r;

	snprintf(path, sizeof(path), "/api/v1/log/proof?firstSize=%llu&lastSize=%llu%s%s",
		 (unsigned long long)old_size, (unsigned long long)new_size, named ? "&treeID=" : "", tree);
	r = ask(client, &question, diag, &answer);
	if (r >= 0 && answer.status != 200)
		r = ask_refused(client, "asking for a consistency proof", &answer, diag);
	if (r < 0)
		return r;
	object = json_loadb(answer.body.data ? answer.body.data : "", answer.body.len, JSON_REJECT_DUPLICATES,
			    NULL);
	if (!json_is_object(object) ||
	    !parse_hashes(json_object_get(object, "hashes"), MERKLE_PROOF_MAX + 1, hashes, ret_n))
		return diag_error(diag, -EBADMSG, "what %s answered is no consistency proof", client->url);
	return 0;
}
