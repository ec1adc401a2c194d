/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What can be wrong with a seal: the rows of test_seal_table.c, and what each changes in a right one. */

/* ---- right ones ---- */

static void with_nothing(struct plan *p)
{
	p->no_root = p->no_identity = true;
}

static void with_v1(struct plan *p)
{
	p->v1 = p->require_log = true;
}

static void with_v2(struct plan *p)
{
	p->v2 = p->require_log = true;
}

static void with_token(struct plan *p)
{
	p->timestamp = true;
}

static void with_everything(struct plan *p)
{
	p->v1 = p->v2 = p->timestamp = p->require_log = true;
}

static void certificate_v1(struct plan *p)
{
	p->by_certificate = p->v1 = true;
}

static void certificate_v2(struct plan *p)
{
	p->by_certificate = p->v2 = p->timestamp = true;
}

static void certificate_both(struct plan *p)
{
	p->by_certificate = true;
	with_everything(p);
}

static void cosigned(struct plan *p)
{
	p->v2 = p->cosigned = p->by_certificate = true; /* the witness's time is the only one */
}

/* A log of tiles tells no time: that it was before the end of its key, a timestamp must. */
static void in_time_v2(struct plan *p)
{
	p->v2 = p->timestamp = p->require_log = true;
	p->root.v2_until = WORLD_TIME;
}

/* A change of a right one: `base` makes it, `code` bends it. */
#define CHANGE(name_, base_, ...)         \
	static void name_(struct plan *p) \
	{                                 \
		base_(p);                 \
		__VA_ARGS__               \
	}
static void token_again(struct bundle *b)
{
	for (int i = 0; i < 3; i++)
		assert_int_equal(bundle_add_timestamp(b, buf_str(&b->timestamps[0])), 0);
}

static void with_token_again(struct plan *p)
{
	p->timestamp = true;
	p->bent = token_again;
}

/* A change of the bundle after all was signed. */
#define BENT(name_, base_, ...)                      \
	static void name_##_bundle(struct bundle *b) \
	{                                            \
		struct bundle_entry *e = b->entries; \
		(void)e;                             \
		__VA_ARGS__                          \
	}                                            \
	CHANGE(name_, base_, p->bent = name_##_bundle;)
/* A change of the proof before the log signs its checkpoint. */
#define TREE(name_, base_, ...)                                                               \
	static void name_##_tree(struct bundle_entry *e) { __VA_ARGS__ } CHANGE(name_, base_, \
										p->tree = name_##_tree;)
/* A lie of the signer. */
#define LIE(name_, ...)                                                                     \
	static void name_##_lie(struct statement *s) { __VA_ARGS__ } CHANGE(name_, with_v2, \
									    p->lie = name_##_lie;)
/* Text of the file. */
#define TEXT(name_, base_, from_, to_) CHANGE(name_, base_, p->from = (from_); p->to = (to_);)

/* ---- signature and key ---- */

CHANGE(wrong_key, with_nothing, p->sign_with_other = true;)
CHANGE(unknown_key, with_nothing, p->sign_with_other = p->name_other_key = true;)
CHANGE(no_key, with_nothing, p->no_key = true;)
BENT(bent_signature, with_nothing, b->signature.data[b->signature.len - 1] ^= 1;)
BENT(cut_signature, with_nothing, b->signature.len--;)
BENT(bent_payload, with_nothing, b->payload.data[b->payload.len - 5] ^= 1;)
BENT(bent_type, with_nothing, world_put(&b->payload_type, "application/vnd.in-toto+jsom");)
CHANGE(other_type, with_nothing, p->payload_type = "application/json";)

/* ---- the statement ---- */

LIE(lie_digest, s->chunk_digest.bytes[0] ^= 1;)
LIE(lie_name, s->chunk_name[9]++;)
CHANGE(lie_predicate, with_v2, p->payload_from = "runtime-evidence/v1"; p->payload_to = "runtime-evidence/v9";)
CHANGE(lie_statement_type, with_v2, p->payload_from = "in-toto.io/Statement/v1";
       p->payload_to = "in-toto.io/Statement/v9";)
CHANGE(lie_spaces, with_v2, p->payload_from = "{\"_type\""; p->payload_to = "{ \"_type\"";)
CHANGE(lie_twice, with_v2, p->payload_from = "\"final\":false";
       p->payload_to = "\"final\":false,\"final\":false";)
CHANGE(lie_behind, with_v2, p->payload_from = "\"}]}"; p->payload_to = "\"}]}{}";)
CHANGE(lie_sequence, with_v2, p->payload_from = "\"sequence\":1"; p->payload_to = "\"sequence\":2";)

/* ---- the file ---- */

TEXT(two_signatures, with_v2, "\"signatures\":[", "\"signatures\":[{\"sig\":\"AAAA\"},")
CHANGE(no_signatures, with_nothing, p->from = "\"signatures\":["; p->until = "]"; p->to = "\"signatures\":[]";)
TEXT(keyid, with_v2, "{\"sig\"", "{\"keyid\":\"x\",\"sig\"")
TEXT(unknown_top, with_v2, "{\"dsseEnvelope\"", "{\"more\":1,\"dsseEnvelope\"")
TEXT(unknown_envelope, with_v2, "{\"payload\"", "{\"more\":1,\"payload\"")
TEXT(unknown_material, with_v2, "\"verificationMaterial\":{", "\"verificationMaterial\":{\"more\":1,")
TEXT(unknown_entry, with_v2, "\"tlogEntries\":[{", "\"tlogEntries\":[{\"more\":1,")
TEXT(unknown_proof, with_v2, "\"inclusionProof\":{", "\"inclusionProof\":{\"more\":1,")
TEXT(duplicate, with_v2, "\"mediaType\":", "\"mediaType\":\"x\",\"mediaType\":")
TEXT(duplicate_deep, with_v2, "\"treeSize\":", "\"treeSize\":\"9\",\"treeSize\":")
TEXT(url_safe, with_v2, "\"payload\":\"e", "\"payload\":\"-")
TEXT(no_padding, with_nothing, "=\"}}}", "\"}}}")
TEXT(media_type, with_v2, "bundle.v0.3+json", "bundle.v0.9+json")
TEXT(two_identities, with_v2, "\"publicKey\":{\"hint\"",
     "\"certificate\":{\"rawBytes\":\"MAA=\"},\"publicKey\":{\"hint\"")
TEXT(bad_number, with_v2, "\"treeSize\":\"3\"", "\"treeSize\":\"03\"")
TEXT(negative_number, with_v2, "\"treeSize\":\"3\"", "\"treeSize\":\"-3\"")
TEXT(no_hint, with_v2, "{\"hint\":\"", "{\"hint\":\"AAAA\",\"x\":\"")
CHANGE(trailing, with_v2, p->behind = "x";)
CHANGE(trailing_object, with_v2, p->behind = "{}";)

/* ---- entries as Rekor v1 writes them ---- */

BENT(v1_promise_bent, with_v1, e->promise.data[e->promise.len - 1] ^= 1;)
CHANGE(v1_promise_other, with_v1, p->promise_by_other = true;)
BENT(v1_time_changed, with_v1, e->integrated_time++;)
BENT(v1_log_index, with_v1, e->log_index++;)
BENT(v1_no_time, with_v1, e->has_integrated_time = false;)
CHANGE(v1_key_too_late, with_v1, p->root.v1.until = WORLD_TIME - 1;)
CHANGE(v1_key_too_early, with_v1, p->root.v1.from = WORLD_TIME + 1;)
CHANGE(v1_other_seal, with_v1, p->v1_entry_of_other = true;)
BENT(v1_kind, with_v1, world_put(&e->kind, "intoto");)
BENT(v1_version, with_v1, world_put(&e->version, "0.0.2");)
BENT(v1_hash_bent, with_v1, e->hashes[1].bytes[31] ^= 1;)
BENT(v1_root_bent, with_v1, e->root.bytes[0] ^= 1;)
BENT(v1_hash_missing, with_v1, e->n_hashes--;)
BENT(v1_index, with_v1, e->proof_index = 0;)
BENT(v1_index_outside, with_v1, e->proof_index = 3;)
BENT(v1_promise_alone, with_v1, e->has_proof = false;)
BENT(v1_size, with_v1, e->tree_size = 4;)
CHANGE(v1_checkpoint_size, with_v1, p->checkpoint_size = 4;)
CHANGE(v1_checkpoint_root, with_v1, p->checkpoint_of_other_root = true;)
CHANGE(v1_checkpoint_key, with_v1, p->v1_checkpoint_by_other = true;)
BENT(v1_checkpoint_line, with_v1, e->checkpoint.data[e->checkpoint.len - 1] = 'x';)

/* ---- entries as Rekor v2 and our own log write them ---- */

BENT(v2_log_index, with_v2, e->log_index = 2;)
CHANGE(v2_origin, with_v2, p->v2_origin = "other.test";)
CHANGE(v2_checkpoint_key, with_v2, p->v2_checkpoint_by_other = true;)
CHANGE(v2_verifier, with_v2, p->v2_verifier_other = true;)
BENT(v2_body_bent, with_v2, e->body.data[e->body.len - 8] ^= 1;)
TREE(v2_hash_bent, with_v2, e->hashes[0].bytes[0] ^= 1;)
TREE(v2_root_bent, with_v2, e->root.bytes[0] ^= 1;)
TREE(v2_hash_more, with_v2, e->hashes[e->n_hashes++] = e->root;)
BENT(v2_no_checkpoint, with_v2, buf_clear(&e->checkpoint);)
BENT(v2_checkpoint_text, with_v2, e->checkpoint.data[sizeof(WORLD_ORIGIN)] = 'x';)
BENT(v2_no_proof, with_v2, e->has_proof = false;)
CHANGE(v2_witness, with_v2, p->cosigned = p->cosigned_by_other = true;)

/* A log of tiles says a time, as Rekor v1 does: it signs well, and nobody trusts it with the time. */
static void say_time(struct bundle *b)
{
	struct bundle_entry *e = b->entries;

	e->has_integrated_time = true;
	e->integrated_time = (uint64_t)WORLD_TIME;
	buf_clear(&e->promise);
	world_promise(e, world.v2, &e->promise);
}

CHANGE(v2_promise, with_v2, p->bent = say_time;)
CHANGE(v2_promise_alone, certificate_v2, p->timestamp = false; p->bent = say_time;)

/* ---- time ---- */

BENT(token_bent, with_token, b->timestamps[0].data[b->timestamps[0].len - 1] ^= 1;)
BENT(token_garbage, with_token, world_put(&b->timestamps[0], "no token");)
BENT(token_trailing, with_token, (void)buf_append(&b->timestamps[0], "x", 1);)
CHANGE(token_other, with_token, p->token_of_impostor = true;)
/* Right: nobody knows who that is, and the key vouches for the seal. */
CHANGE(token_of_a_stranger, with_token, p->token_of_stranger = true;)
CHANGE(token_authority_ended, with_token, p->root.timestamper.until = WORLD_TIME - 1;)
static void token_for_another(struct plan *p);

/* ---- certificates ---- */

CHANGE(other_identity, certificate_v1, p->san = "spiffe://example.org/node/2";)
CHANGE(longer_identity, certificate_v1, p->san = WORLD_SAN "/";)
CHANGE(other_issuer, certificate_v1, p->issuer = "https://issuer.test/";)
CHANGE(no_identity, certificate_v1, p->no_identity = true;)
CHANGE(no_san, certificate_v1, p->leaf.san = NULL;)
CHANGE(two_sans, certificate_v1, p->leaf.san = "URI:" WORLD_SAN ",URI:spiffe://example.org/node/2";)
CHANGE(no_issuer, certificate_v1, p->leaf.issuer_claim = NULL;)
CHANGE(unknown_ca, certificate_v1, p->self_signed = true;)
CHANGE(other_ca_trusted, certificate_v1, p->root.wrong_authority = true;)
CHANGE(no_ca, certificate_v1, p->root.no_authority = true;)
CHANGE(ca_ended, certificate_v1, p->root.authority.until = WORLD_TIME - 1;)
CHANGE(expired, certificate_v1, p->leaf.until = WORLD_TIME - 1;)
CHANGE(not_yet, certificate_v2, p->leaf.from = WORLD_TIME + 1;)
CHANGE(no_time, certificate_v2, p->timestamp = false;)
CHANGE(no_clock, certificate_v2, p->root.no_timestamper = true;)
CHANGE(no_sct, certificate_v1, p->root.ct_log = true;)
CHANGE(no_sct_of_kind, certificate_v1, p->root.ct_log = p->ct_log_of_other_kind = true;)
CHANGE(other_usage, certificate_v1, p->leaf.extended = "serverAuth";)
CHANGE(certificate_key, certificate_v1, p->certificate_of_other = true;)
CHANGE(certificate_signature, certificate_v2, p->v2 = false; p->sign_with_other = true;)
BENT(certificate_garbage, certificate_v2, world_put(&b->certificate, "no certificate");)
BENT(certificate_trailing, certificate_v2, (void)buf_append(&b->certificate, "x", 1);)

/* ---- asked for ---- */

CHANGE(no_entry, with_token, p->require_log = true;)
CHANGE(unknown_log, with_v2, p->root.no_logs = true;)
CHANGE(ended_log, in_time_v2, p->timestamp = false;)
CHANGE(log_ended_before, in_time_v2, p->token_time = WORLD_TIME + 1;)

static void another_signature(struct bundle *b)
{
	struct buf token = BUF_MAX(BUNDLE_TIMESTAMP_MAX);

	world_token(&world.tsa, &world.tsa_root, STR("another signature"), WORLD_TIME, &token);
	buf_done(&b->timestamps[0]);
	b->timestamps[0] = token;
}

static void token_for_another(struct plan *p)
{
	with_token(p);
	p->bent = another_signature;
}

#define ROW(kind_, change_, code_, says_, ...)                                                      \
	{                                                                                           \
		.name = #change_, .kind = kind_, .change = change_, .code = STELLA_FINDING_##code_, \
		.says = says_, __VA_ARGS__                                                          \
	}

static const struct row rows[] = {
	ROW("key", wrong_key, BAD_SIGNATURE, "not signed by the key that the seal names"),
	ROW("unknown key", unknown_key, UNTRUSTED_SIGNER, "names the key"),
	ROW("unknown key", no_key, UNTRUSTED_SIGNER, "which is not trusted"),
	ROW("key", bent_signature, BAD_SIGNATURE, "not signed"),
	ROW("key", cut_signature, BAD_SIGNATURE, "not signed"),
	ROW("key", bent_payload, BAD_SIGNATURE, "not signed", .others = 1),
	ROW("key", bent_type, BAD_SIGNATURE, "not signed", .others = 1),
	ROW("type", other_type, SCHEMA_VIOLATION, "payload type"),
	ROW("digest", lie_digest, CONTENT_MISMATCH, ""),
	ROW("name", lie_name, BROKEN_LINK, ""),
	ROW("predicate", lie_predicate, SCHEMA_VIOLATION, "predicateType"),
	ROW("statement type", lie_statement_type, SCHEMA_VIOLATION, "_type"),
	ROW("canonical", lie_spaces, NOT_CANONICAL, "not canonical"),
	ROW("canonical twice", lie_twice, NOT_CANONICAL, "not canonical"),
	ROW("behind", lie_behind, MALFORMED, "no JSON object"),
	ROW("place", lie_sequence, BROKEN_LINK, "says that it is number 2"),

	ROW("two signatures", two_signatures, MALFORMED, "signatures"),
	ROW("two signatures", no_signatures, MALFORMED, ""),
	ROW("keyid", keyid, MALFORMED, "keyid"),
	ROW("unknown member", unknown_top, MALFORMED, "not understood"),
	ROW("unknown member 2", unknown_envelope, MALFORMED, "not understood"),
	ROW("unknown member 3", unknown_material, MALFORMED, "not understood"),
	ROW("unknown member 4", unknown_entry, MALFORMED, "not understood"),
	ROW("unknown member 5", unknown_proof, MALFORMED, "not understood"),
	ROW("duplicate", duplicate, MALFORMED, "duplicate"),
	ROW("duplicate 2", duplicate_deep, MALFORMED, "duplicate"),
	ROW("base64", url_safe, MALFORMED, "base64"),
	ROW("base64", no_padding, MALFORMED, "base64"),
	ROW("media type", media_type, MALFORMED, "mediaType"),
	ROW("two identities", two_identities, MALFORMED, ""),
	ROW("number", bad_number, MALFORMED, "treeSize"),
	ROW("number", negative_number, MALFORMED, "treeSize"),
	ROW("hint", no_hint, MALFORMED, ""),
	ROW("trailing", trailing, MALFORMED, ""),
	ROW("trailing", trailing_object, MALFORMED, ""),

	ROW("promise", v1_promise_bent, LOG_PROOF_INVALID, "promise (SET) is not signed by the log"),
	ROW("promise", v1_promise_other, LOG_PROOF_INVALID, "promise (SET) is not signed by the log"),
	ROW("promise", v1_time_changed, LOG_PROOF_INVALID, "promise (SET) is not signed by the log"),
	ROW("promise", v1_log_index, LOG_PROOF_INVALID, "promise (SET) is not signed by the log"),
	ROW("promise time", v1_no_time, LOG_PROOF_INVALID, "promise without a time"),
	ROW("log's time", v1_key_too_late, LOG_PROOF_INVALID, "not to be believed"),
	ROW("log's time", v1_key_too_early, LOG_PROOF_INVALID, "not to be believed"),
	ROW("entry", v1_other_seal, LOG_PROOF_INVALID, "for another seal"),
	ROW("entry's kind", v1_kind, LOG_PROOF_INVALID, "neither a hashedrekord"),
	ROW("entry's kind", v1_version, LOG_PROOF_INVALID, "neither a hashedrekord"),
	ROW("v1 proof hash", v1_hash_bent, LOG_PROOF_INVALID, "leads to another root"),
	ROW("v1 root", v1_root_bent, LOG_PROOF_INVALID, "root that it names is not that of its proof"),
	ROW("v1 size", v1_hash_missing, LOG_PROOF_INVALID, "no tree of this size"),
	ROW("v1 proof hash", v1_index, LOG_PROOF_INVALID, "leads to another root"),
	ROW("v1 size", v1_index_outside, LOG_PROOF_INVALID, "no tree of this size"),
	ROW("v1 other size", v1_size, LOG_PROOF_INVALID, "tree of another size"),
	ROW("v1 other size", v1_checkpoint_size, LOG_PROOF_INVALID, "tree of another size"),
	ROW("v1 checkpoint's tree", v1_checkpoint_root, LOG_PROOF_INVALID, "checkpoint has another root"),
	ROW("v1 log key", v1_checkpoint_key, LOG_PROOF_INVALID, "not signed by the log"),
	ROW("checkpoint line", v1_checkpoint_line, LOG_PROOF_INVALID, ""),

	ROW("v2 index", v2_log_index, LOG_PROOF_INVALID, "do not agree"),
	ROW("v2 origin", v2_origin, LOG_PROOF_INVALID, "origin"),
	ROW("v2 log key", v2_checkpoint_key, LOG_PROOF_INVALID, "not signed by the log"),
	ROW("v2 entry", v2_verifier, LOG_PROOF_INVALID, "for another seal"),
	ROW("v2 entry", v2_body_bent, LOG_PROOF_INVALID, "for another seal"),
	ROW("v2 proof hash", v2_hash_bent, LOG_PROOF_INVALID, "leads to another root"),
	ROW("v2 proof hash", v2_root_bent, LOG_PROOF_INVALID, "root"),
	ROW("v2 size", v2_hash_more, LOG_PROOF_INVALID, "no tree of this size"),
	ROW("v2 no checkpoint", v2_no_checkpoint, LOG_PROOF_INVALID, ""),
	ROW("checkpoint text", v2_checkpoint_text, LOG_PROOF_INVALID, ""),
	ROW("v2 no proof", v2_no_proof, LOG_PROOF_INVALID, "neither a promise nor a proof"),
	ROW("witness", v2_witness, LOG_PROOF_INVALID, "cosignature"),
	ROW("v2 time", v2_promise, LOG_PROOF_INVALID, "no log of its kind"),
	ROW("v2 time", v2_promise_alone, LOG_PROOF_INVALID, "no log of its kind", .others = 1),

	ROW("token", token_bent, LOG_PROOF_INVALID, "timestamp"),
	ROW("token form", token_garbage, LOG_PROOF_INVALID, "timestamp"),
	ROW("token form", token_trailing, LOG_PROOF_INVALID, "timestamp"),
	ROW("token's authority", token_other, LOG_PROOF_INVALID, "timestamp"),
	ROW("token's time", token_authority_ended, LOG_PROOF_INVALID, "not to be believed"),
	ROW("token's subject", token_for_another, LOG_PROOF_INVALID, "timestamp"),

	ROW("identity", other_identity, UNTRUSTED_SIGNER, "identity that is not trusted"),
	ROW("identity", longer_identity, UNTRUSTED_SIGNER, "identity that is not trusted"),
	ROW("issuer", other_issuer, UNTRUSTED_SIGNER, "another issuer"),
	ROW("identity", no_identity, UNTRUSTED_SIGNER, "identity that is not trusted"),
	ROW("names", no_san, UNTRUSTED_SIGNER, ""),
	ROW("names", two_sans, UNTRUSTED_SIGNER, ""),
	ROW("no issuer", no_issuer, UNTRUSTED_SIGNER, "another issuer"),
	ROW("authority", unknown_ca, UNTRUSTED_SIGNER, ""),
	ROW("authority", other_ca_trusted, UNTRUSTED_SIGNER, ""),
	ROW("no authority", no_ca, UNTRUSTED_SIGNER, "no certificate authority is trusted"),
	ROW("no authority", ca_ended, UNTRUSTED_SIGNER, "no certificate authority is trusted"),
	ROW("expired", expired, UNTRUSTED_SIGNER, "no proven time lies in the certificate's validity"),
	ROW("expired", not_yet, UNTRUSTED_SIGNER, "no proven time lies in the certificate's validity"),
	ROW("no time", no_time, UNTRUSTED_SIGNER, "nothing proves that the certificate was valid"),
	ROW("no time", no_clock, UNTRUSTED_SIGNER, "nothing proves that the certificate was valid"),
	ROW("sct", no_sct, UNTRUSTED_SIGNER, "holds no certificate timestamp"),
	ROW("sct", no_sct_of_kind, UNTRUSTED_SIGNER, "holds no certificate timestamp"),
	ROW("usage", other_usage, UNTRUSTED_SIGNER, ""),
	ROW("certificate's key", certificate_key, BAD_SIGNATURE, "certificate's key"),
	ROW("certificate's key", certificate_signature, BAD_SIGNATURE, "certificate's key"),
	ROW("certificate's form", certificate_garbage, UNTRUSTED_SIGNER, ""),
	ROW("certificate's form", certificate_trailing, UNTRUSTED_SIGNER, ""),

	ROW("missing", no_entry, LOG_PROOF_MISSING, "no transparency-log proof of seal number 1"),
	ROW("missing", v1_promise_alone, LOG_PROOF_MISSING, "no transparency-log proof of seal number 1"),
	ROW("missing of known", unknown_log, LOG_PROOF_MISSING, "logs that you do not trust"),
	ROW("missing of known", ended_log, LOG_PROOF_MISSING, "logs that you do not trust"),
	ROW("missing of known", log_ended_before, LOG_PROOF_MISSING, "logs that you do not trust"),
};
