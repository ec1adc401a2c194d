// SPDX-License-Identifier: Apache-2.0
/*
 * Rekor v2's API and its tiles. Promises that an entry which is there already is never sent twice: its proof is made
 * here, from the index that the log names. Refuses keys that a hashedrekord cannot hold. Owns nothing beyond a call.
 */

#include "transparency/rekor_v2.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "sigstore/entry.h"

#define ENTRIES "/api/v2/log/entries"
#define JSON_TYPE "application/json"

/* ---- what is sent ---- */

static int append_member(struct buf *out, const char *key, const void *data, size_t len)
{
	int r = buf_printf(out, "\"%s\":\"", key);

	if (r >= 0)
		r = text_base64_append(out, data, len);
	return r < 0 ? r : buf_append(out, "\"", 1);
}

static int append_verifier(struct buf *out, const struct bundle *bundle, struct str verifier)
{
	bool certificate = bundle->identity == BUNDLE_CERTIFICATE;
	int r = buf_printf(out, "\"%s\":{", certificate ? "x509Certificate" : "publicKey");

	if (r >= 0)
		r = append_member(out, "rawBytes", verifier.data, verifier.len);
	return r < 0 ? r : buf_printf(out, "},\"keyDetails\":\"PKIX_ECDSA_P256_SHA_256\"");
}

static int write_request(const struct bundle *bundle, struct str verifier, struct buf *out)
{
	_cleanup_(buf_done) struct buf pae = BUF_MAX(BUNDLE_FILE_MAX);
	struct digest digest;
	int r = dsse_pae(&pae, buf_str(&bundle->payload_type), buf_str(&bundle->payload));

	if (r >= 0)
		r = digest_of(pae.data, pae.len, &digest);
	if (r >= 0)
		r = buf_printf(out, "{\"hashedRekordRequestV002\":{");
	if (r >= 0)
		r = append_member(out, "digest", digest.bytes, sizeof(digest.bytes));
	if (r >= 0)
		r = buf_printf(out, ",\"signature\":{");
	if (r >= 0)
		r = append_member(out, "content", bundle->signature.data, bundle->signature.len);
	if (r >= 0)
		r = buf_printf(out, ",\"verifier\":{");
	if (r >= 0)
		r = append_verifier(out, bundle, verifier);
	return r < 0 ? r : buf_printf(out, "}}}}");
}

/* ---- tiles ---- */

int rekor_v2_checkpoint(struct client *client, struct diag *diag, struct buf *out)
{
	const struct question question = { .method = "GET",
					   .path = "/api/v2/checkpoint",
					   .answer_max = NOTE_MAX };
	_cleanup_(http_answer_done) struct http_answer answer;
	int r = ask(client, &question, diag, &answer);

	if (r >= 0 && answer.status != 200)
		r = ask_refused(client, "reading the checkpoint", &answer, diag);
	return r < 0 ? r : buf_append_str(out, buf_str(&answer.body));
}

static int read_tile(void *user, const char *path, struct diag *diag, struct buf *out)
{
	struct client *client = user;
	char full[sizeof("/api/v2/") + TILE_PATH_MAX];
	const struct question question = { .method = "GET", .path = full, .answer_max = out->max };
	_cleanup_(http_answer_done) struct http_answer answer;
	int r;

	snprintf(full, sizeof(full), "/api/v2/%s", path);
	r = ask(client, &question, diag, &answer);
	if (r >= 0 && answer.status == 404)
		return -ENOENT;
	if (r >= 0 && answer.status != 200)
		r = ask_refused(client, "reading a tile", &answer, diag);
	return r < 0 ? r : buf_append_str(out, buf_str(&answer.body));
}

int rekor_v2_tiles(struct client *client, uint64_t size, struct tile_tree **ret_tree)
{
	return tile_tree_new(read_tile, client, size, ret_tree);
}

/* ---- what is there already ---- */

/*
 * The log of `root` that says it signed the checkpoint under the name of its origin: a key id is the beginning of the
 * log's id. Whether it did, entry_verify finds out.
 */
static const struct log_key *find_log(const struct trusted_root *root, const struct checkpoint *checkpoint)
{
	for (size_t i = 0; i < root->n_logs; i++) {
		const struct log_key *log = &root->logs[i];

		for (size_t j = 0; j < checkpoint->n_signatures; j++) {
			const struct note_signature *signature = &checkpoint->signatures[j];

			if (str_equal(signature->name, checkpoint->origin) &&
			    memcmp(signature->key_id, log->id.bytes, sizeof(signature->key_id)) == 0)
				return log;
		}
	}
	return NULL;
}

static int fill_proof(struct client *client, const struct checkpoint *checkpoint, struct diag *diag,
		      struct bundle_entry *entry)
{
	_cleanup_(freep) struct tile_tree *tree = NULL;
	struct digest hashes[TILE_PROOF_MAX];
	int r = rekor_v2_tiles(client, checkpoint->size, &tree);

	if (r >= 0)
		r = tile_tree_inclusion(tree, entry->log_index, checkpoint->size, diag, hashes,
					&entry->n_hashes);
	if (r >= 0)
		memcpy(entry->hashes, hashes, entry->n_hashes * sizeof(hashes[0]));
	return r;
}

/* The proof of what the log says lies at this index; whether it is our seal, entry_verify finds out. */
static int rebuild(struct client *client, uint64_t index, const struct bundle *bundle, struct str verifier,
		   const struct trusted_root *root, struct diag *diag, struct bundle_entry *entry)
{
	_cleanup_(checkpoint_done) struct checkpoint checkpoint = { 0 };
	const struct log_key *log;
	int r = rekor_v2_checkpoint(client, diag, &entry->checkpoint);

	if (r >= 0)
		r = checkpoint_parse(buf_str(&entry->checkpoint), diag, &checkpoint);
	if (r < 0)
		return r;
	log = find_log(root, &checkpoint);
	if (!log)
		return diag_error(diag, -EBADMSG,
				  "%s: its checkpoint is not signed by a log of the trusted root", client->url);
	if (index >= checkpoint.size)
		return diag_error(diag, -EAGAIN, "%s: entry %llu is not in its checkpoint yet", client->url,
				  (unsigned long long)index);
	entry->log_id = log->id;
	entry->log_index = entry->proof_index = index;
	entry->has_proof = true;
	entry->tree_size = checkpoint.size;
	entry->root = checkpoint.root;
	r = buf_append_str(&entry->kind, STR("hashedrekord"));
	if (r >= 0)
		r = buf_append_str(&entry->version, STR("0.0.2"));
	if (r >= 0)
		r = entry_body(&entry->body, ENTRY_HASHEDREKORD_V2, bundle, verifier, diag);
	return r < 0 ? r : fill_proof(client, &checkpoint, diag, entry);
}

int rekor_v2_submit(struct client *client, const struct bundle *bundle, struct str verifier,
		    const struct trusted_root *root, struct diag *diag, struct bundle_entry *entry)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(4 * BUNDLE_CERTIFICATE_MAX);
	_cleanup_(http_answer_done) struct http_answer answer = { .retry_after_s = -1 };
	struct question question = {
		.method = "POST", .path = ENTRIES, .content_type = JSON_TYPE, .accept = JSON_TYPE
	};
	uint64_t index;
	int r = write_request(bundle, verifier, &body);

	if (r < 0)
		return diag_error(diag, r, "cannot write the request to %s: %s", client->url, strerror(-r));
	question.body = buf_str(&body);
	r = ask(client, &question, diag, &answer);
	if (r < 0)
		return r;
	if (answer.status == 200 || answer.status == 201)
		return bundle_entry_parse(buf_str(&answer.body), diag, entry);
	if (answer.status != 409)
		return ask_refused(client, "adding an entry", &answer, diag);
	if (text_parse_u64(str_of(answer.log_index), 0, MERKLE_SIZE_MAX, &index) < 0)
		return diag_error(diag, -EBADMSG, "%s has the entry already and does not say where",
				  client->url);
	return rebuild(client, index, bundle, verifier, root, diag, entry);
}
