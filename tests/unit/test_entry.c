/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of logs. The bodies of real servers are made again to the byte; entries of real servers and of a log of
 * our own are proved, and each changed place is refused as what it is.
 */

#include <errno.h>

#include "golden_seals.h"
#include "log_maker.h"

static struct trusted_root root;

static int set_up(void **state)
{
	(void)state;
	golden_root(&root);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trusted_root_done(&root);
	return 0;
}

/* As entries have it: a key of the tests' own, or the seal's certificate. */
static struct str verifier_of(const struct bundle *bundle, const struct public_key *key)
{
	return bundle->identity == BUNDLE_CERTIFICATE ? buf_str(&bundle->certificate) : public_key_spki(key);
}

/* ---- bodies ---- */

static void bodies_are_what_real_servers_write(void **state)
{
	static const struct {
		const char *name;
		enum entry_form form;
		bool respaced; /* the log saw another text of the envelope */
	} rows[] = {
		{ "key-v1.json", ENTRY_DSSE_V1, false },
		{ "key-v1-spaced.json", ENTRY_DSSE_V1, true },
		{ "cosign-key-v1.json", ENTRY_DSSE_V1, false },
		{ "cosign-spiffe-v1.json", ENTRY_DSSE_V1, false },
		{ "cosign-key-v2-tsa.json", ENTRY_HASHEDREKORD_V2, false },
		{ "cosign-k8s-v2-tsa.json", ENTRY_HASHEDREKORD_V2, false },
	};
	_cleanup_(public_key_freep) struct public_key *key = golden_key();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(buf_done) struct buf body = BUF_MAX(1u << 20);
		_cleanup_(bundle_done) struct bundle bundle;
		struct buf *theirs;
		char *hash;

		golden_seal(rows[i].name, &bundle);
		theirs = &bundle.entries[0].body;
		assert_int_equal(entry_body(&body, rows[i].form, &bundle, verifier_of(&bundle, key), NULL), 0);
		assert_int_equal(body.len, theirs->len);
		assert_true(str_equal(buf_str(&body), buf_str(theirs)) == !rows[i].respaced);
		if (!rows[i].respaced)
			continue;
		hash = memmem(body.data, body.len, "\"value\":\"", 9);
		assert_non_null(hash);
		memcpy(hash + 9, theirs->data + (hash + 9 - body.data), DIGEST_TEXT_LEN);
		assert_true(str_equal(buf_str(&body), buf_str(theirs)));
	}
}

static void what_is_no_verifier_has_no_body(void **state)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(1u << 20), small = BUF_MAX(100);
	_cleanup_(public_key_freep) struct public_key *key = golden_key();
	_cleanup_(bundle_done) struct bundle bundle;

	(void)state;
	golden_seal("key-v1.json", &bundle);
	assert_int_equal(entry_body(&body, ENTRY_HASHEDREKORD_V2, &bundle, STR("x"), NULL), -EINVAL);
	assert_int_equal(entry_body(&small, ENTRY_HASHEDREKORD_V2, &bundle, public_key_spki(key), NULL),
			 -E2BIG);
	assert_int_equal(entry_body(&small, ENTRY_DSSE_V1, &bundle, public_key_spki(key), NULL), -E2BIG);
	assert_int_equal(body.len + small.len, 0);
}

/* ---- one change each ---- */

#define V1 "key-v1.json"
#define V2 "cosign-k8s-v2-tsa.json"

struct change {
	const char *what, *seal;
	void (*make)(struct bundle *bundle, struct bundle_entry *entry);
	enum entry_part part;
};

#define UNUSED __attribute__((unused))
#define CHANGE(name) static void name(struct bundle *bundle UNUSED, struct bundle_entry *entry UNUSED)

CHANGE(payload)
{
	bundle->payload.data[3] ^= 1;
}
CHANGE(payload_type)
{
	bundle->payload_type.data[0] ^= 1;
}
CHANGE(signature)
{
	bundle->signature.data[9] ^= 1;
}
CHANGE(kind)
{
	entry->kind.data[0] ^= 1;
}
CHANGE(version)
{
	entry->version.data[0] ^= 1;
}
CHANGE(no_kind)
{
	buf_clear(&entry->kind);
}
CHANGE(other_kind)
{
	bool v1 = entry->kind.len == 4;

	buf_clear(&entry->kind);
	buf_clear(&entry->version);
	assert_int_equal(buf_append_str(&entry->kind, v1 ? STR("hashedrekord") : STR("dsse")), 0);
	assert_int_equal(buf_append_str(&entry->version, v1 ? STR("0.0.2") : STR("0.0.1")), 0);
}
CHANGE(body_first)
{
	entry->body.data[0] ^= 1;
}
CHANGE(body_last)
{
	entry->body.data[entry->body.len - 1] ^= 1;
}
CHANGE(body_longer)
{
	assert_int_equal(buf_append_str(&entry->body, STR("\n")), 0);
}
CHANGE(body_shorter)
{
	entry->body.len--;
}
CHANGE(no_body)
{
	buf_clear(&entry->body);
}
/* The one place that is not compared is still signed and hashed. */
CHANGE(envelope_hash)
{
	entry->body.data[100] = entry->body.data[100] == '0' ? '1' : '0';
}
CHANGE(promise)
{
	entry->promise.data[entry->promise.len / 2] ^= 1;
}
CHANGE(promise_of_nothing)
{
	entry->promise.len = 1;
}
CHANGE(time)
{
	entry->integrated_time++;
}
CHANGE(no_time)
{
	entry->has_integrated_time = false;
}
CHANGE(huge_time)
{
	entry->integrated_time = UINT64_MAX;
}
CHANGE(log_index)
{
	entry->log_index++;
}
CHANGE(proof_index)
{
	entry->proof_index--;
}
CHANGE(proof_index_beyond)
{
	entry->proof_index = entry->log_index = entry->tree_size;
}
CHANGE(size)
{
	entry->tree_size *= 2;
}
CHANGE(size_of_nothing)
{
	entry->tree_size = 0;
}
CHANGE(root_hash)
{
	entry->root.bytes[31] ^= 1;
}
CHANGE(hash)
{
	entry->hashes[0].bytes[0] ^= 1;
}
CHANGE(hash_more)
{
	entry->n_hashes++;
}
CHANGE(hash_less)
{
	entry->n_hashes--;
}
CHANGE(no_checkpoint)
{
	buf_clear(&entry->checkpoint);
}
CHANGE(neither)
{
	buf_clear(&entry->promise);
	entry->has_proof = false;
}
CHANGE(checkpoint_origin)
{
	entry->checkpoint.data[0] ^= 1;
}
CHANGE(checkpoint_size)
{
	char *line = memchr(entry->checkpoint.data, '\n', entry->checkpoint.len);

	line[1] = line[1] == '9' ? '8' : '9';
}
CHANGE(checkpoint_root)
{
	char *line = memchr(entry->checkpoint.data, '\n', entry->checkpoint.len);

	line = memchr(line + 1, '\n', (size_t)(entry->checkpoint.data + entry->checkpoint.len - line) - 1);
	line[1] = line[1] == 'A' ? 'B' : 'A';
}
CHANGE(checkpoint_signature)
{
	entry->checkpoint.data[entry->checkpoint.len - 20] ^= 1;
}
CHANGE(checkpoint_line)
{
	char *gap = memmem(entry->checkpoint.data, entry->checkpoint.len, "\n\n", 2);
	size_t at = (size_t)(gap + 1 - entry->checkpoint.data);

	assert_int_equal(buf_append_str(&entry->checkpoint, STR("  ")), 0);
	memmove(entry->checkpoint.data + at + 2, entry->checkpoint.data + at, entry->checkpoint.len - 2 - at);
	memcpy(entry->checkpoint.data + at, "x\n", 2);
}
CHANGE(checkpoint_cut)
{
	entry->checkpoint.len--;
}

static const struct change changes[] = {
	{ "payload", V1, payload, ENTRY_BODY },
	{ "signature", V1, signature, ENTRY_BODY },
	{ "kind", V1, kind, ENTRY_BODY },
	{ "version", V1, version, ENTRY_BODY },
	{ "no kind", V1, no_kind, ENTRY_BODY },
	{ "other kind", V1, other_kind, ENTRY_BODY },
	{ "body's first byte", V1, body_first, ENTRY_BODY },
	{ "body's last byte", V1, body_last, ENTRY_BODY },
	{ "body longer", V1, body_longer, ENTRY_BODY },
	{ "body shorter", V1, body_shorter, ENTRY_BODY },
	{ "no body", V1, no_body, ENTRY_BODY },
	{ "envelope hash", V1, envelope_hash, ENTRY_PROMISE },
	{ "promise", V1, promise, ENTRY_PROMISE },
	{ "promise of nothing", V1, promise_of_nothing, ENTRY_PROMISE },
	{ "time", V1, time, ENTRY_PROMISE },
	{ "no time", V1, no_time, ENTRY_PROMISE },
	{ "huge time", V1, huge_time, ENTRY_PROMISE },
	{ "log index", V1, log_index, ENTRY_PROMISE },
	{ "proof index", V1, proof_index, ENTRY_INCLUSION },
	{ "size", V1, size, ENTRY_INCLUSION },
	{ "size of nothing", V1, size_of_nothing, ENTRY_INCLUSION },
	{ "root", V1, root_hash, ENTRY_INCLUSION },
	{ "hash", V1, hash, ENTRY_INCLUSION },
	{ "hash more", V1, hash_more, ENTRY_INCLUSION },
	{ "hash less", V1, hash_less, ENTRY_INCLUSION },
	{ "neither", V1, neither, ENTRY_INCLUSION },
	{ "no checkpoint", V1, no_checkpoint, ENTRY_CHECKPOINT },
	{ "checkpoint's origin", V1, checkpoint_origin, ENTRY_CHECKPOINT },
	{ "checkpoint's size", V1, checkpoint_size, ENTRY_CHECKPOINT },
	{ "checkpoint's root", V1, checkpoint_root, ENTRY_CHECKPOINT },
	{ "checkpoint's signature", V1, checkpoint_signature, ENTRY_CHECKPOINT },
	{ "checkpoint's lines", V1, checkpoint_line, ENTRY_CHECKPOINT },
	{ "checkpoint cut", V1, checkpoint_cut, ENTRY_CHECKPOINT },
	{ "payload", V2, payload, ENTRY_BODY },
	{ "payload type", V2, payload_type, ENTRY_BODY },
	{ "signature", V2, signature, ENTRY_BODY },
	{ "other kind", V2, other_kind, ENTRY_BODY },
	{ "body's last byte", V2, body_last, ENTRY_BODY },
	{ "log index", V2, log_index, ENTRY_INCLUSION },
	{ "index beyond", V2, proof_index_beyond, ENTRY_INCLUSION },
	{ "size", V2, size, ENTRY_INCLUSION },
	{ "root", V2, root_hash, ENTRY_INCLUSION },
	{ "hash", V2, hash, ENTRY_INCLUSION },
	{ "neither", V2, neither, ENTRY_INCLUSION },
	{ "checkpoint's origin", V2, checkpoint_origin, ENTRY_CHECKPOINT },
	{ "checkpoint's signature", V2, checkpoint_signature, ENTRY_CHECKPOINT },
	{ "checkpoint's lines", V2, checkpoint_line, ENTRY_CHECKPOINT },
};

static void each_change_is_refused_as_what_it_is(void **state)
{
	_cleanup_(public_key_freep) struct public_key *key = golden_key();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		_cleanup_(bundle_done) struct bundle bundle;
		struct entry_facts facts = { 0 };
		struct diag diag = { 0 };
		enum entry_part part = ENTRY_BODY;
		struct str verifier;
		int r;

		golden_seal(changes[i].seal, &bundle);
		verifier = verifier_of(&bundle, key);
		assert_int_equal(entry_verify(&bundle, verifier, &bundle.entries[0], &root, NULL, &facts), 0);
		assert_true(facts.included);
		facts.included = false;
		changes[i].make(&bundle, &bundle.entries[0]);
		r = entry_verify_part(&bundle, verifier, &bundle.entries[0], &root, &diag, &facts, &part);
		if (r != -EBADMSG || part != changes[i].part || diag.text[0] == '\0' || facts.included)
			fail_msg("%s of %s: %d, part %d: \"%s\"", changes[i].what, changes[i].seal, r, part,
				 diag.text);
	}
}

/* ---- what is around it ---- */

static void facts_are_told(void **state)
{
	_cleanup_(public_key_freep) struct public_key *key = golden_key();
	_cleanup_(bundle_done) struct bundle v1, v2;
	struct entry_facts facts = { 0 };
	const struct bundle_entry *entry;

	(void)state;
	golden_seal(V1, &v1);
	golden_seal(V2, &v2);
	entry = &v1.entries[0];
	assert_int_equal(entry_verify(&v1, public_key_spki(key), entry, &root, NULL, &facts), 0);
	assert_true(facts.included && facts.promised && facts.has_time);
	assert_int_equal(facts.time, entry->integrated_time);
	assert_int_equal(facts.index, entry->proof_index);
	assert_int_equal(facts.tree_size, entry->tree_size);
	assert_memory_equal(&facts.root, &entry->root, sizeof(facts.root));
	assert_ptr_equal(facts.log, trusted_root_find_log(&root, &entry->log_id));
	entry = &v2.entries[0];
	assert_int_equal(entry_verify(&v2, buf_str(&v2.certificate), entry, &root, NULL, &facts), 0);
	assert_true(facts.included && !facts.promised && !facts.has_time);

	/* A promise alone is one, and so is a proof alone. */
	v1.entries[0].has_proof = false;
	assert_int_equal(entry_verify(&v1, public_key_spki(key), &v1.entries[0], &root, NULL, &facts), 0);
	assert_true(facts.promised && !facts.included);
	v1.entries[0].has_proof = true;
	buf_clear(&v1.entries[0].promise);
	assert_int_equal(entry_verify(&v1, public_key_spki(key), &v1.entries[0], &root, NULL, &facts), 0);
	assert_true(facts.included && !facts.promised && !facts.has_time); /* nobody signed that time */
}

static void other_verifiers_and_logs_are_told_apart(void **state)
{
	_cleanup_(public_key_freep) struct public_key *key = golden_key();
	_cleanup_(log_maker_done) struct log_maker maker;
	_cleanup_(bundle_done) struct bundle bundle;
	const struct trusted_root nobody = { 0 };
	struct entry_facts facts;
	struct log_key *log;

	(void)state;
	log_maker_init(&maker, false);
	golden_seal(V1, &bundle);
	assert_int_equal(entry_verify(&bundle, maker_spki(&maker), &bundle.entries[0], &root, NULL, &facts),
			 -EBADMSG);
	assert_int_equal(entry_verify(&bundle, public_key_spki(key), &bundle.entries[0], &nobody, NULL, &facts),
			 -ENOKEY);
	bundle.entries[0].log_id.bytes[0] ^= 1;
	assert_int_equal(entry_verify(&bundle, public_key_spki(key), &bundle.entries[0], &root, NULL, &facts),
			 -ENOKEY);
	bundle.entries[0].log_id.bytes[0] ^= 1;

	/* The log's key counts within its time only. */
	log = (struct log_key *)trusted_root_find_log(&root, &bundle.entries[0].log_id);
	log->validity.until = (int64_t)bundle.entries[0].integrated_time - 1;
	assert_int_equal(entry_verify(&bundle, public_key_spki(key), &bundle.entries[0], &root, NULL, &facts),
			 -EBADMSG);
	log->validity = (struct validity) { (int64_t)bundle.entries[0].integrated_time + 1, INT64_MAX };
	assert_int_equal(entry_verify(&bundle, public_key_spki(key), &bundle.entries[0], &root, NULL, &facts),
			 -EBADMSG);
	log->validity = VALIDITY_ALWAYS;
	/* Another key under the same id. */
	public_key_free(log->key);
	assert_int_equal(public_key_copy(maker.signer_public, &log->key), 0);
	assert_int_equal(entry_verify(&bundle, public_key_spki(key), &bundle.entries[0], &root, NULL, &facts),
			 -EBADMSG);
	trusted_root_done(&root);
	golden_root(&root);
}

/* ---- a log of our own ---- */

static void our_own_log_proves(void **state)
{
	(void)state;
	for (int ed25519 = 0; ed25519 < 2; ed25519++) {
		_cleanup_(trusted_root_done) struct trusted_root own = TRUSTED_ROOT_EMPTY;
		_cleanup_(bundle_entry_done) struct bundle_entry entry;
		_cleanup_(log_maker_done) struct log_maker maker;
		_cleanup_(bundle_done) struct bundle bundle;
		struct entry_facts facts;

		log_maker_init(&maker, ed25519);
		maker_trust(&maker, &own);
		maker_seal(&maker, "{}", &bundle);
		maker_entry(&maker, &bundle, maker_spki(&maker), 1700000000, &entry);
		assert_int_equal(entry_verify(&bundle, maker_spki(&maker), &entry, &own, NULL, &facts), 0);
		assert_true(facts.included && !facts.has_time);
		/* What stock verifiers expect of an Ed25519 key. */
		assert_true((memmem(entry.body.data, entry.body.len, "PKIX_ED25519_PH", 15) != NULL) ==
			    ed25519);
		assert_true((memmem(entry.body.data, entry.body.len, "SHA2_512", 8) != NULL) == ed25519);
		assert_int_equal(facts.n_cosignatures, 1);
		assert_int_equal(facts.cosignatures[0].time, 1700000000);
		assert_string_equal(facts.cosignatures[0].witness->name, MAKER_WITNESS);
	}
}

static void lies_of_our_own_log_are_seen(void **state)
{
	_cleanup_(trusted_root_done) struct trusted_root own = TRUSTED_ROOT_EMPTY;
	_cleanup_(log_maker_done) struct log_maker maker;
	_cleanup_(bundle_entry_done) struct bundle_entry entry;
	_cleanup_(bundle_done) struct bundle bundle;
	enum entry_part part = ENTRY_BODY;
	struct entry_facts facts;

	(void)state;
	log_maker_init(&maker, false);
	maker_trust(&maker, &own);
	maker_seal(&maker, "{}", &bundle);
	maker_entry(&maker, &bundle, maker_spki(&maker), 0, &entry);

	/* The right key under another origin: whose id is another log's. */
	buf_clear(&entry.checkpoint);
	assert_int_equal(checkpoint_write(&entry.checkpoint, "other.example", 3, &entry.root, maker.key, NULL),
			 0);
	assert_int_equal(entry_verify_part(&bundle, maker_spki(&maker), &entry, &own, NULL, &facts, &part),
			 -EBADMSG);
	assert_int_equal(part, ENTRY_CHECKPOINT);

	/* Trees of three and of four leaves share the shape of this proof: only the checkpoint tells them apart. */
	buf_clear(&entry.checkpoint);
	assert_int_equal(checkpoint_write(&entry.checkpoint, MAKER_ORIGIN, 3, &entry.root, maker.key, NULL), 0);
	entry.tree_size = 4;
	part = ENTRY_BODY;
	assert_int_equal(entry_verify_part(&bundle, maker_spki(&maker), &entry, &own, NULL, &facts, &part),
			 -EBADMSG);
	assert_int_equal(part, ENTRY_CHECKPOINT);
	entry.tree_size = 3;

	/* A trusted witness's name on what it did not sign. */
	buf_clear(&entry.checkpoint);
	assert_int_equal(checkpoint_write(&entry.checkpoint, MAKER_ORIGIN, 3, &entry.root, maker.key, NULL), 0);
	maker_cosign(&maker, &entry.checkpoint, 5);
	assert_int_equal(entry_verify(&bundle, maker_spki(&maker), &entry, &own, NULL, &facts), 0);
	entry.checkpoint.data[entry.checkpoint.len - 20] ^= 1;
	part = ENTRY_BODY;
	assert_int_equal(entry_verify_part(&bundle, maker_spki(&maker), &entry, &own, NULL, &facts, &part),
			 -EBADMSG);
	assert_int_equal(part, ENTRY_CHECKPOINT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_what_real_servers_write),
		cmocka_unit_test(what_is_no_verifier_has_no_body),
		cmocka_unit_test(each_change_is_refused_as_what_it_is),
		cmocka_unit_test(facts_are_told),
		cmocka_unit_test(other_verifiers_and_logs_are_told_apart),
		cmocka_unit_test(our_own_log_proves),
		cmocka_unit_test(lies_of_our_own_log_are_seen),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
