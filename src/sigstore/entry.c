/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proving that a log has an entry for a bundle. Promises: the leaf is hashed from a body made again of the bundle; the
 * tree it is in is one that the log has signed, under its own name; a time is told only when the log signed it while
 * it was to be believed. Owns nothing.
 */

#include "sigstore/entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/canon.h"
#include "sigstore/entry_parts.h"
#include "sigstore/merkle.h"

/* Where the hex digits of a dsse 0.0.1 body's envelopeHash begin. */
#define ENVELOPE_HASH_BEFORE                                                                                \
	"{\"apiVersion\":\"0.0.1\",\"kind\":\"dsse\",\"spec\":{\"envelopeHash\":{\"algorithm\":\"sha256\"," \
	"\"value\":\""

/* What is being proved. */
struct proof {
	const struct bundle *bundle;
	struct str verifier;
	const struct bundle_entry *entry;
	const struct trusted_root *root;
	const struct log_key *log;
	struct diag *diag;
	enum entry_part part;
};

static const char *log_name(const struct log_key *log)
{
	if (log->origin)
		return log->origin;
	return log->base_url ? log->base_url : "without a name";
}

static int bad(struct proof *proof, enum entry_part part, const char *why)
{
	proof->part = part;
	return diag_error(proof->diag, -EBADMSG, "bad entry of log %s: %s", log_name(proof->log), why);
}

/* ---- body ---- */

static bool is_kind(const struct bundle_entry *entry, const char *kind, const char *version)
{
	return str_equal(buf_str(&entry->kind), str_of(kind)) &&
	       str_equal(buf_str(&entry->version), str_of(version));
}

/* Takes the hash of the submitted text from the body; see entry.h. */
static int make_dsse(struct proof *proof, struct buf *out)
{
	struct str body = buf_str(&proof->entry->body);
	size_t before = sizeof(ENVELOPE_HASH_BEFORE) - 1;
	struct digest envelope;

	if (body.len < before + DIGEST_TEXT_LEN || memcmp(body.data, ENVELOPE_HASH_BEFORE, before) != 0 ||
	    digest_parse((struct str) { body.data + before, DIGEST_TEXT_LEN }, &envelope) < 0)
		return bad(proof, ENTRY_BODY, "its body is not one of a DSSE envelope");
	return entry_body_dsse(out, proof->bundle, proof->verifier, &envelope);
}

static int check_body(struct proof *proof)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(4 * BUNDLE_CERTIFICATE_MAX);
	int r;

	if (is_kind(proof->entry, "hashedrekord", "0.0.2"))
		r = entry_body(&body, ENTRY_HASHEDREKORD_V2, proof->bundle, proof->verifier, proof->diag);
	else if (is_kind(proof->entry, "dsse", "0.0.1"))
		r = make_dsse(proof, &body);
	else
		return bad(proof, ENTRY_BODY, "it is neither a hashedrekord 0.0.2 nor a dsse 0.0.1");
	if (r == -EINVAL || r == -E2BIG)
		return bad(proof, ENTRY_BODY, "the seal's verifier cannot be in a log");
	if (r < 0)
		return r;
	if (!str_equal(buf_str(&body), buf_str(&proof->entry->body)))
		return bad(proof, ENTRY_BODY, "it is for another seal");
	return 0;
}

/* ---- promise ---- */

/* What the log signs: RFC 8785 of these four. */
static int promise_text(const struct bundle_entry *entry, struct buf *out)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(BUNDLE_ENTRY_MAX * 2);
	struct canon w = CANON_INTO(out);
	char id[DIGEST_TEXT_LEN + 1];
	int r = text_base64_append(&body, entry->body.data, entry->body.len);

	if (r < 0)
		return r;
	digest_hex(&entry->log_id, id);
	canon_object(&w);
	canon_key_string(&w, "body", buf_str(&body));
	canon_key_u64(&w, "integratedTime", entry->integrated_time);
	canon_key_cstr(&w, "logID", id);
	canon_key_u64(&w, "logIndex", entry->log_index);
	canon_object_end(&w);
	return canon_done(&w);
}

static int check_promise(struct proof *proof, struct entry_facts *facts)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_ENTRY_MAX * 2 + 512);
	const struct bundle_entry *entry = proof->entry;
	int r;

	if (entry->promise.len == 0)
		return 0;
	/* A log of tiles is trusted with its tree, not with the time: its key may lie with the signer's. */
	if (proof->log->origin || !is_kind(entry, "dsse", "0.0.1"))
		return bad(proof, ENTRY_PROMISE, "it has a promise (SET), which no log of its kind gives");
	if (!entry->has_integrated_time || entry->integrated_time > INT64_MAX)
		return bad(proof, ENTRY_PROMISE, "it has a promise without a time");
	r = promise_text(entry, &text);
	if (r < 0)
		return r;
	if (!public_key_verify(proof->log->key, buf_str(&text), buf_str(&entry->promise)))
		return bad(proof, ENTRY_PROMISE, "its promise (SET) is not signed by the log for this entry");
	if (!validity_covers(proof->log->validity, (int64_t)entry->integrated_time))
		return bad(proof, ENTRY_PROMISE,
			   "it is of a time at which the log's key was not to be believed");
	facts->promised = facts->has_time = true;
	facts->time = (int64_t)entry->integrated_time;
	return 0;
}

/* ---- inclusion ---- */

/* Is it the root that is wrong, or what leads to it? The checkpoint has the root a second time. */
static bool checkpoint_has_root(const struct bundle_entry *entry, const struct digest *root)
{
	_cleanup_(checkpoint_done) struct checkpoint checkpoint = { 0 };

	return checkpoint_parse(buf_str(&entry->checkpoint), NULL, &checkpoint) == 0 &&
	       memcmp(checkpoint.root.bytes, root->bytes, DIGEST_LEN) == 0;
}

static int check_tree(struct proof *proof, struct entry_facts *facts)
{
	const struct bundle_entry *entry = proof->entry;
	struct digest leaf, root;
	int r;

	/* A v2 log has one tree; a v1 log numbers its entries across the trees that it had. */
	if (is_kind(entry, "hashedrekord", "0.0.2") ? entry->log_index != entry->proof_index
						    : entry->log_index < entry->proof_index)
		return bad(proof, ENTRY_INCLUSION, "its index in the log and in the proof do not agree");
	r = merkle_leaf(buf_str(&entry->body), &leaf);
	if (r == 0)
		r = merkle_root(&leaf, entry->proof_index, entry->tree_size, entry->hashes, entry->n_hashes,
				&root);
	if (r == -EBADMSG)
		return bad(proof, ENTRY_INCLUSION, "no tree of this size has such a proof for this index");
	if (r < 0)
		return r;
	if (memcmp(root.bytes, entry->root.bytes, DIGEST_LEN) != 0)
		return bad(proof, ENTRY_INCLUSION,
			   checkpoint_has_root(entry, &root)
				   ? "the root that it names is not that of its proof and its checkpoint"
				   : "its proof leads to another root");
	facts->index = entry->proof_index;
	facts->tree_size = entry->tree_size;
	facts->root = root;
	return 0;
}

/*
 * The key that the log signs checkpoints of this origin with, made of its id: for Rekor v1 the digest of the key alone
 * ("NAME - TREE" is then the origin, NAME the signer); else the digest that binds name and key. -ENOKEY: not its origin.
 */
static int checkpoint_key(const struct log_key *log, struct str origin, struct note_key *ret_key)
{
	bool plain_id = memcmp(log->id.bytes, public_key_id(log->key)->bytes, DIGEST_LEN) == 0;
	const char *tree = origin.len > 0 && plain_id ? memmem(origin.data, origin.len, " - ", 3) : NULL;
	struct str name_text = { origin.data, tree ? (size_t)(tree - origin.data) : origin.len };
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	_cleanup_(freep) char *name = str_copy(name_text);
	struct digest id;
	int r;

	if (!name)
		return -ENOMEM;
	if (name_text.len > NOTE_NAME_MAX || (log->origin && !str_equal(name_text, str_of(log->origin))))
		return -ENOKEY;
	r = plain_id ? 0 : trusted_root_log_id(log->key, name, &id);
	if (r < 0)
		return r;
	if (!plain_id && memcmp(id.bytes, log->id.bytes, DIGEST_LEN) != 0)
		return -ENOKEY;
	r = public_key_copy(log->key, &key);
	if (r == 0)
		r = note_key_make(name, plain_id ? NOTE_REKOR : NOTE_ED25519, &key, ret_key);
	return r == -EINVAL ? -ENOKEY : r;
}

static int check_signature(struct proof *proof, const struct checkpoint *checkpoint)
{
	_cleanup_(note_key_done) struct note_key key = { 0 };
	int r = checkpoint_key(proof->log, checkpoint->origin, &key);

	if (r == -ENOKEY)
		return bad(proof, ENTRY_CHECKPOINT, "the origin of its checkpoint is not this log's");
	if (r < 0)
		return r;
	if (!checkpoint_signed_by(checkpoint, &key, NULL))
		return bad(proof, ENTRY_CHECKPOINT, "its checkpoint is not signed by the log");
	return 0;
}

static int check_witnesses(struct proof *proof, const struct checkpoint *checkpoint, struct entry_facts *facts)
{
	for (size_t i = 0; i < proof->root->n_witnesses; i++) {
		const struct note_key *witness = &proof->root->witnesses[i];
		uint64_t time = 0;

		if (!checkpoint_names(checkpoint, witness))
			continue;
		if (!checkpoint_signed_by(checkpoint, witness, &time))
			return bad(proof, ENTRY_CHECKPOINT,
				   "its checkpoint has a cosignature that is not its witness's");
		if (facts->n_cosignatures < NOTE_SIGNATURES_MAX)
			facts->cosignatures[facts->n_cosignatures++] =
				(struct entry_cosignature) { witness, (int64_t)time };
	}
	return 0;
}

static int check_checkpoint(struct proof *proof, struct entry_facts *facts)
{
	_cleanup_(checkpoint_done) struct checkpoint checkpoint = { 0 };
	const struct bundle_entry *entry = proof->entry;
	int r;

	if (entry->checkpoint.len == 0)
		return bad(proof, ENTRY_CHECKPOINT, "its proof has no checkpoint");
	proof->part = ENTRY_CHECKPOINT;
	r = checkpoint_parse(buf_str(&entry->checkpoint), proof->diag, &checkpoint);
	if (r < 0)
		return r;
	if (checkpoint.size != entry->tree_size)
		return bad(proof, ENTRY_CHECKPOINT,
			   "its checkpoint is of a tree of another size than its proof");
	if (memcmp(checkpoint.root.bytes, entry->root.bytes, DIGEST_LEN) != 0)
		return bad(proof, ENTRY_CHECKPOINT, "its checkpoint has another root than its proof");
	r = check_signature(proof, &checkpoint);
	return r < 0 ? r : check_witnesses(proof, &checkpoint, facts);
}

static int check_inclusion(struct proof *proof, struct entry_facts *facts)
{
	int r;

	if (!proof->entry->has_proof)
		return 0;
	r = check_tree(proof, facts);
	if (r == 0)
		r = check_checkpoint(proof, facts);
	facts->included = r == 0;
	return r;
}

int entry_verify_part(const struct bundle *bundle, struct str verifier, const struct bundle_entry *entry,
		      const struct trusted_root *root, struct diag *diag, struct entry_facts *ret_facts,
		      enum entry_part *ret_part)
{
	struct proof proof = { bundle, verifier, entry, root, NULL, diag, ENTRY_BODY };
	struct entry_facts facts = { 0 };
	int r;

	facts.log = proof.log = trusted_root_find_log(root, &entry->log_id);
	if (!proof.log)
		return diag_error(diag, -ENOKEY, "an entry is of a log that is not known");
	r = check_body(&proof);
	if (r == 0 && entry->promise.len == 0 && !entry->has_proof)
		r = bad(&proof, ENTRY_INCLUSION, "it has neither a promise nor a proof");
	if (r == 0)
		r = check_promise(&proof, &facts);
	if (r == 0)
		r = check_inclusion(&proof, &facts);
	if (r < 0) {
		if (ret_part)
			*ret_part = proof.part;
		return r;
	}
	*ret_facts = facts;
	return 0;
}

int entry_verify(const struct bundle *bundle, struct str verifier, const struct bundle_entry *entry,
		 const struct trusted_root *root, struct diag *diag, struct entry_facts *ret_facts)
{
	return entry_verify_part(bundle, verifier, entry, root, diag, ret_facts, NULL);
}
