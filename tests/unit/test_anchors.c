/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What anchors a chain, and who may sign in it: trees and tiles against a tree that is computed the slow way, logs that
 * grow and logs that lie, keys that are announced in time and out of time.
 */

#include "tests/unit/seal_world.h"

#include <jansson.h>

#include "stella/verify.h"
#include "sigstore/tile.h"
#include "verify/tiles.h"
#include "verify/tree.h"
#include "verify/verifier.h"

#define CHAIN "0123456789abcdef0123456789abcdef"
#define LEAVES_MAX 700

static struct world world;

/* ---- a log, the slow way ---- */

struct slow_log {
	struct digest leaves[LEAVES_MAX];
	uint64_t count;
};

static void log_add(struct slow_log *log, struct str body)
{
	assert_true(log->count < LEAVES_MAX);
	assert_int_equal(merkle_leaf(body, &log->leaves[log->count++]), 0);
}

static void log_fill(struct slow_log *log, uint64_t count, const char *with)
{
	while (log->count < count) {
		char body[64];

		snprintf(body, sizeof(body), "%s %" PRIu64, with, log->count);
		log_add(log, str_of(body));
	}
}

static uint64_t split_of(uint64_t count)
{
	uint64_t split = 1;

	while (split * 2 < count)
		split *= 2;
	return split;
}

/* RFC 6962, 2.1, word for word. */
static struct digest log_root(const struct digest *leaves, uint64_t count)
{
	uint64_t split = split_of(count);
	struct digest left, right, root;

	if (count == 1)
		return leaves[0];
	left = log_root(leaves, split);
	right = log_root(leaves + split, count - split);
	assert_int_equal(merkle_node(&left, &right, &root), 0);
	return root;
}

static void log_proof(const struct digest *leaves, uint64_t index, uint64_t count, struct digest *hashes,
		      size_t *n)
{
	uint64_t split = split_of(count);

	if (count == 1)
		return;
	if (index < split) {
		log_proof(leaves, index, split, hashes, n);
		hashes[(*n)++] = log_root(leaves + split, count - split);
	} else {
		log_proof(leaves + split, index - split, count - split, hashes, n);
		hashes[(*n)++] = log_root(leaves, split);
	}
}

static bool same(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_LEN) == 0;
}

/* ---- what one proof tells ---- */

static void nodes_of(const struct slow_log *log, uint64_t index, uint64_t size, struct tree_nodes *nodes)
{
	struct digest hashes[MERKLE_PROOF_MAX], root, wanted = log_root(log->leaves, size);
	size_t n = 0;

	log_proof(log->leaves, index, size, hashes, &n);
	assert_int_equal(tree_nodes_read(&log->leaves[index], index, size, hashes, n, nodes, &root), 0);
	assert_true(same(&root, &wanted));
}

static void a_proof_tells_the_roots_before_its_leaf(void **state)
{
	static struct slow_log log;
	uint64_t told = 0;

	(void)state;
	log_fill(&log, 40, "leaf");
	for (uint64_t size = 1; size <= 40; size++) {
		for (uint64_t index = 0; index < size; index++) {
			struct tree_nodes nodes;

			nodes_of(&log, index, size, &nodes);
			for (uint64_t before = 1; before <= size; before++) {
				struct digest root, wanted = log_root(log.leaves, before);
				int r = tree_nodes_root(&nodes, before, &root);

				if (r == 0 && !same(&root, &wanted))
					fail_msg("leaf %" PRIu64 " of %" PRIu64 ": wrong root of %" PRIu64,
						 index, size, before);
				if (r != 0 && (before == index || before == index + 1))
					fail_msg("leaf %" PRIu64 " of %" PRIu64 ": no root of %" PRIu64, index,
						 size, before);
				told += r == 0;
			}
		}
	}
	assert_true(told > 3000);
}

static void proofs_of_other_forms_tell_nothing(void **state)
{
	static struct slow_log log;
	struct digest hashes[MERKLE_PROOF_MAX + 1] = { 0 }, root;
	struct tree_nodes nodes;
	size_t n = 0;

	(void)state;
	log_fill(&log, 13, "leaf");
	log_proof(log.leaves, 12, 13, hashes, &n);
	assert_int_equal(tree_nodes_read(&log.leaves[12], 12, 13, hashes, n, &nodes, &root), 0);
	assert_int_equal(tree_nodes_read(&log.leaves[12], 12, 13, hashes, n - 1, &nodes, &root), -EBADMSG);
	assert_int_equal(tree_nodes_read(&log.leaves[12], 12, 13, hashes, n + 1, &nodes, &root), -EBADMSG);
	assert_int_equal(tree_nodes_read(&log.leaves[12], 13, 13, hashes, n, &nodes, &root), -EBADMSG);
	assert_int_equal(tree_nodes_read(&log.leaves[12], 0, 0, hashes, 0, &nodes, &root), -EBADMSG);
	assert_int_equal(
		tree_nodes_read(&log.leaves[12], 0, UINT64_MAX, hashes, MERKLE_PROOF_MAX, &nodes, &root),
		-EBADMSG);
	assert_int_equal(tree_nodes_read(&log.leaves[12], 0, MERKLE_SIZE_MAX, hashes, MERKLE_PROOF_MAX + 1,
					 &nodes, &root),
			 -EBADMSG);
	assert_int_equal(tree_nodes_root(&nodes, 0, &root), -ENOENT);
}

/* Never a word against a log that only grew; always one when the forked leaf is in a range that both name. */
static void only_forks_differ(void **state)
{
	static struct slow_log log, fork;
	uint64_t caught = 0;

	(void)state;
	log_fill(&log, 24, "leaf");
	log_fill(&fork, 1, "other");
	log_fill(&fork, 24, "leaf");
	for (uint64_t old = 1; old <= 24; old++) {
		for (uint64_t size = old; size <= 24; size++) {
			struct tree_nodes first, second, forked;

			nodes_of(&log, old - 1, old, &first);
			nodes_of(&log, size - 1, size, &second);
			nodes_of(&fork, size - 1, size, &forked);
			assert_false(tree_nodes_differ(&first, &second));
			caught += tree_nodes_differ(&first, &forked);
		}
	}
	assert_true(caught > 100);
}

/* ---- tiles ---- */

static void put(const char *directory, const char *name, const void *data, size_t len)
{
	char path[256], command[600];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	snprintf(command, sizeof(command), "mkdir -p \"$(dirname '%s')\"", path);
	assert_int_equal(system(command), 0);
	assert_int_equal(file_publish_at(AT_FDCWD, path, 0644, data, len, false, NULL), 0);
}

static void remove_tree(const char *directory)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	assert_int_equal(system(command), 0);
}

static void tiles_checkpoint(const struct slow_log *log, const char *directory, const struct key *key)
{
	struct digest root = log_root(log->leaves, log->count);
	struct buf checkpoint = BUF_MAX(65536);

	assert_int_equal(checkpoint_write(&checkpoint, WORLD_ORIGIN, log->count, &root, key, NULL), 0);
	put(directory, "checkpoint", checkpoint.data, checkpoint.len);
	buf_done(&checkpoint);
}

/* Two levels are enough for LEAVES_MAX. */
static void tiles_write(const struct slow_log *log, const char *directory)
{
	struct digest upper[LEAVES_MAX / TILE_WIDTH + 1];
	char name[64];
	uint64_t full = log->count / TILE_WIDTH, rest = log->count % TILE_WIDTH;

	for (uint64_t i = 0; i < full; i++) {
		snprintf(name, sizeof(name), "tile/0/%03" PRIu64, i);
		put(directory, name, log->leaves + i * TILE_WIDTH, TILE_WIDTH * DIGEST_LEN);
		upper[i] = log_root(log->leaves + i * TILE_WIDTH, TILE_WIDTH);
	}
	snprintf(name, sizeof(name), "tile/0/%03" PRIu64 ".p/%" PRIu64, full, rest);
	if (rest > 0)
		put(directory, name, log->leaves + full * TILE_WIDTH, rest * DIGEST_LEN);
	snprintf(name, sizeof(name), "tile/1/000.p/%" PRIu64, full);
	if (full > 0)
		put(directory, name, upper, full * DIGEST_LEN);
	tiles_checkpoint(log, directory, world.v2);
}

static struct trusted_root trust_v2(void)
{
	struct public_key *v2 = world_public(world.v2);
	struct trusted_root root = { 0 };

	assert_int_equal(
		trusted_root_add_log(&root, v2, WORLD_ORIGIN, NULL, (struct validity) { 0, INT64_MAX }, NULL),
		0);
	public_key_free(v2);
	return root;
}

static void tiles_tell_every_root(void **state)
{
	static struct slow_log log;
	struct trusted_root root = trust_v2();
	char directory[] = "/tmp/stella-tiles-XXXXXX";
	struct tiles *tiles = NULL;
	struct diag diag = { 0 };
	struct digest found;

	(void)state;
	assert_non_null(mkdtemp(directory));
	log_fill(&log, 600, "leaf");
	tiles_write(&log, directory);
	if (tiles_open(directory, &root, &diag, &tiles) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(tiles_size(tiles), 600);
	assert_ptr_equal(tiles_log(tiles), &root.logs[0]);
	for (uint64_t size = 1; size <= 600; size++) {
		struct digest wanted = log_root(log.leaves, size);

		if (tiles_root(tiles, size, &diag, &found) != 0 || !same(&found, &wanted))
			fail_msg("%" PRIu64 " leaves: another root; %s", size, diag.text);
	}
	assert_int_equal(tiles_root(tiles, 601, &diag, &found), -ENOENT);
	assert_int_equal(tiles_root(tiles, 0, &diag, &found), -ENOENT);
	tiles_free(tiles);
	trusted_root_done(&root);
	remove_tree(directory);
}

static void tiles_that_are_none_are_refused(void **state)
{
	static struct slow_log log;
	struct trusted_root root = trust_v2();
	char directory[] = "/tmp/stella-tiles-XXXXXX";
	struct tiles *tiles = NULL;
	struct diag diag = { 0 };

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(tiles_open("/nonexistent", &root, &diag, &tiles), -ENOENT);
	assert_int_equal(tiles_open(directory, &root, &diag, &tiles), -EINVAL);
	log_fill(&log, 300, "leaf");
	tiles_write(&log, directory);
	tiles_checkpoint(&log, directory, world.v2_other);
	assert_int_equal(tiles_open(directory, &root, &diag, &tiles), -EINVAL);
	log.leaves[299].bytes[0] ^= 1;
	tiles_checkpoint(&log, directory, world.v2);
	assert_int_equal(tiles_open(directory, &root, &diag, &tiles), -EBADMSG);
	put(directory, "tile/0/001.p/44", "short", 5);
	assert_int_equal(tiles_open(directory, &root, &diag, &tiles), -EBADMSG);
	put(directory, "checkpoint", "no checkpoint", 13);
	assert_int_equal(tiles_open(directory, &root, &diag, &tiles), -EINVAL);
	assert_null(tiles);
	trusted_root_done(&root);
	remove_tree(directory);
}

/* The checkpoint, and the tiles up to its root, are of the log; a tile below is another's. */
static void a_tile_counts_by_the_checkpoint_alone(void **state)
{
	static struct slow_log log, fork;
	struct trusted_root root = trust_v2();
	char directory[] = "/tmp/stella-tiles-XXXXXX";
	struct tiles *tiles = NULL;
	struct diag diag = { 0 };
	struct digest found, other;

	(void)state;
	assert_non_null(mkdtemp(directory));
	log_fill(&log, 600, "leaf");
	log_fill(&fork, 600, "another past");
	tiles_write(&log, directory);
	put(directory, "tile/0/000", fork.leaves, TILE_WIDTH * DIGEST_LEN);
	if (tiles_open(directory, &root, &diag, &tiles) < 0)
		fail_msg("%s", diag.text);
	other = log_root(fork.leaves, 200);
	if (tiles_root(tiles, 200, &diag, &found) == 0 && same(&found, &other))
		fail_msg("the root of a tree that the log never signed");
	assert_int_equal(tiles_root(tiles, 200, &diag, &found), -ENOENT);
	assert_int_equal(tiles_root(tiles, 512, &diag, &found), 0);
	other = log_root(log.leaves, 400); /* leaf tile 1 is the log's own */
	assert_int_equal(tiles_root(tiles, 400, &diag, &found), 0);
	assert_true(same(&found, &other));
	/* What was read when it was opened is not read again. */
	put(directory, "tile/0/002.p/88", fork.leaves + 512, 88 * DIGEST_LEN);
	other = log_root(log.leaves, 555);
	assert_int_equal(tiles_root(tiles, 555, &diag, &found), 0);
	assert_true(same(&found, &other));
	tiles_free(tiles);
	trusted_root_done(&root);
	remove_tree(directory);
}

/* ---- chains ---- */

struct seal_wish {
	const struct key *key; /* who signs, and is named */
	const struct key *announces;
	bool announces_garbage;
	struct slow_log *log; /* NULL: no entry */
	uint64_t grow; /* leaves of others in the tree behind ours */
	const char *tree; /* of a log as Rekor v1: the origin of its checkpoint, "NAME - NUMBER" */
};

static void sign_tree(const struct seal_wish *wish, struct bundle_entry *entry)
{
	struct public_key *v1 = world_public(world.v1), *v2 = world_public(world.v2);

	if (wish->tree) {
		entry->log_id = *public_key_id(v1);
		world_checkpoint_v1(&entry->checkpoint, wish->tree, WORLD_V1_NAME, entry->tree_size,
				    &entry->root, world.v1);
	} else {
		assert_int_equal(trusted_root_log_id(v2, WORLD_ORIGIN, &entry->log_id), 0);
		assert_int_equal(checkpoint_write(&entry->checkpoint, WORLD_ORIGIN, entry->tree_size,
						  &entry->root, world.v2, NULL),
				 0);
	}
	public_key_free(v1);
	public_key_free(v2);
}

static void add_entry(const struct seal_wish *wish, struct bundle *bundle)
{
	struct public_key *public = world_public(wish->key);
	struct bundle_entry entry;

	bundle_entry_init(&entry);
	assert_int_equal(entry_body(&entry.body, ENTRY_HASHEDREKORD_V2, bundle, public_key_spki(public), NULL),
			 0);
	world_put(&entry.kind, "hashedrekord");
	world_put(&entry.version, "0.0.2");
	entry.log_index = entry.proof_index = wish->log->count;
	log_add(wish->log, buf_str(&entry.body));
	log_fill(wish->log, wish->log->count + wish->grow, "of others");
	entry.tree_size = wish->log->count;
	entry.root = log_root(wish->log->leaves, wish->log->count);
	log_proof(wish->log->leaves, entry.proof_index, entry.tree_size, entry.hashes, &entry.n_hashes);
	entry.has_proof = true;
	sign_tree(wish, &entry);
	assert_int_equal(bundle_add_entry(bundle, &entry), 0);
	bundle_entry_done(&entry);
	public_key_free(public);
}

static void sign(const struct seal_wish *wish, const struct statement *statement, struct bundle *bundle)
{
	struct public_key *public = world_public(wish->key);
	struct buf pae = BUF_MAX(BUNDLE_FILE_MAX);

	assert_int_equal(statement_write(&bundle->payload, statement), 0);
	world_put(&bundle->payload_type, STATEMENT_PAYLOAD_TYPE);
	assert_int_equal(dsse_pae(&pae, buf_str(&bundle->payload_type), buf_str(&bundle->payload)), 0);
	assert_int_equal(key_sign(wish->key, pae.data, pae.len, &bundle->signature, NULL), 0);
	bundle->key_id = *public_key_id(public);
	public_key_free(public);
	buf_done(&pae);
}

static void announce(const struct seal_wish *wish, struct statement *statement)
{
	struct public_key *next;

	if (wish->announces_garbage)
		assert_int_equal(statement_set_next_key(statement, STR("no key")), 0);
	if (!wish->announces)
		return;
	next = world_public(wish->announces);
	assert_int_equal(statement_set_next_key(statement, public_key_spki(next)), 0);
	public_key_free(next);
}

static void add_chunk(struct maker *maker, const struct seal_wish *wish)
{
	struct buf lines = BUF_MAX(1u << 20), text = BUF_MAX(2 * BUNDLE_FILE_MAX);
	struct bundle bundle = BUNDLE_EMPTY;
	struct statement statement;
	char name[CHUNK_NAME_MAX];

	maker_record(&lines, 0, maker->boot_ns);
	statement = maker_statement(maker, buf_str(&lines), 1);
	maker_file(maker, &statement, buf_str(&lines));
	announce(wish, &statement);
	sign(wish, &statement, &bundle);
	if (wish->log)
		add_entry(wish, &bundle);
	assert_int_equal(digest_of(bundle.payload.data, bundle.payload.len, &maker->previous), 0);
	assert_int_equal(bundle_write(&text, &bundle), 0);
	assert_int_equal(chunk_name(CHUNK_SEAL, ++maker->sequence, name), 0);
	maker_put(maker, name, buf_str(&text));
	maker->boot_ns = statement.closed.boot_ns;
	statement_done(&statement);
	bundle_done(&bundle);
	buf_done(&lines);
	buf_done(&text);
}

/* The signer's key and the log's as files of a trust directory, with something that is none of its business. */
static void trust_directory(struct maker *maker, struct stella_verifier *verifier)
{
	struct public_key *signer = world_public(world.signer), *v2 = world_public(world.v2);
	struct buf pem = BUF_MAX(65536), vkeys = BUF_MAX(65536);
	struct note_key key = { 0 };
	char directory[96];

	snprintf(directory, sizeof(directory), "%s.trust", maker->path);
	assert_int_equal(public_key_pem(signer, &pem, NULL), 0);
	assert_int_equal(file_publish_at(AT_FDCWD, maker->key_path, 0644, pem.data, pem.len, false, NULL), 0);
	put(directory, "signer.pub", pem.data, pem.len);
	assert_int_equal(note_key_make(WORLD_ORIGIN, NOTE_ED25519, &v2, &key), 0);
	assert_int_equal(buf_append_str(&vkeys, STR("# the log\n\n  ")), 0);
	assert_int_equal(note_key_write(&key, &vkeys), 0);
	assert_int_equal(buf_append_str(&vkeys, STR(" \r\n")), 0);
	put(directory, "log.vkey", vkeys.data, vkeys.len);
	put(directory, "notes.txt", "no key", 6);
	if (stella_verifier_trust_directory(verifier, directory) < 0)
		fail_msg("%s", stella_verifier_error(verifier));
	remove_tree(directory);
	note_key_done(&key);
	public_key_free(signer);
	buf_done(&pem);
	buf_done(&vkeys);
}

static void trust_v1(struct stella_verifier *verifier)
{
	struct public_key *v1 = world_public(world.v1);

	assert_int_equal(trusted_root_add_log(&verifier->trust.root, v1, NULL, "https://" WORLD_V1_NAME,
					      (struct validity) { 0, INT64_MAX }, NULL),
			 0);
	public_key_free(v1);
}

/* The report's JSON; the signer is trusted, and the logs. */
static json_t *verdict(struct maker *maker, const char *tiles)
{
	struct stella_verifier *verifier = NULL;
	struct stella_report *report = NULL;
	json_t *json;

	assert_int_equal(stella_verifier_new(&verifier), 0);
	trust_directory(maker, verifier);
	trust_v1(verifier);
	if (tiles)
		assert_int_equal(stella_verifier_log_directory(verifier, tiles), 0);
	if (stella_verify_directory(verifier, maker->path, &report) < 0)
		fail_msg("%s", stella_verifier_error(verifier));
	json = json_loads(stella_report_json(report), 0, NULL);
	assert_non_null(json);
	stella_report_free(report);
	stella_verifier_free(verifier);
	return json;
}

static void assert_consistency(json_t *json, json_int_t proved, json_int_t unproved)
{
	json_t *log = json_array_get(json_object_get(json_object_get(json, "log"), "anchors"), 0);
	json_t *row = json_object_get(log, "consistency");

	if (!json_is_true(json_object_get(json, "sound")) ||
	    json_integer_value(json_object_get(row, "proved")) != proved ||
	    json_integer_value(json_object_get(row, "unproved")) != unproved)
		fail_msg("wanted %lld proved and %lld not: %s", (long long)proved, (long long)unproved,
			 json_dumps(json, 0));
	json_decref(json);
}

/* The only finding. */
static void assert_finding(json_t *json, const char *code, json_int_t chunk, const char *says)
{
	json_t *findings = json_object_get(json, "findings"), *finding = json_array_get(findings, 0);
	const char *found = json_string_value(json_object_get(finding, "code"));
	const char *sentence = json_string_value(json_object_get(finding, "sentence"));

	if (json_array_size(findings) != 1 || !found || strcmp(found, code) != 0 || !strstr(sentence, says) ||
	    json_integer_value(json_object_get(finding, "chunk")) != chunk)
		fail_msg("wanted %s \"%s\" in chunk %lld: %s", code, says, (long long)chunk,
			 json_dumps(json, 0));
	json_decref(json);
}

static void a_log_of_our_own_is_proved_by_its_proofs(void **state)
{
	static struct slow_log log;
	struct maker maker = maker_new(CHAIN);
	struct seal_wish wish = { .key = world.signer, .log = &log };

	(void)state;
	for (int i = 0; i < 9; i++)
		add_chunk(&maker, &wish);
	assert_consistency(verdict(&maker, NULL), 8, 0);
	maker_remove(&maker);
}

static void what_lies_between_needs_the_tiles(void **state)
{
	static struct slow_log log;
	struct maker maker = maker_new(CHAIN);
	struct seal_wish wish = { .key = world.signer, .log = &log, .grow = 3 };
	char directory[] = "/tmp/stella-tiles-XXXXXX";

	(void)state;
	log_fill(&log, 1, "of others");
	add_chunk(&maker, &wish); /* tree of 5 */
	log_fill(&log, 9, "of others");
	add_chunk(&maker, &wish); /* leaf 9 of 13: nobody says what leaf 4 was */
	assert_consistency(verdict(&maker, NULL), 0, 1);
	assert_non_null(mkdtemp(directory));
	tiles_write(&log, directory);
	assert_consistency(verdict(&maker, directory), 2, 0);
	remove_tree(directory);
	maker_remove(&maker);
}

static void a_log_that_forks_is_found(void **state)
{
	static struct slow_log log, fork, same_size;
	struct maker maker = maker_new(CHAIN);
	struct seal_wish wish = { .key = world.signer, .log = &log };
	char directory[] = "/tmp/stella-tiles-XXXXXX";

	(void)state;
	add_chunk(&maker, &wish);
	add_chunk(&maker, &wish);
	assert_non_null(mkdtemp(directory));
	log_fill(&fork, 2, "another past");
	wish.log = &fork;
	add_chunk(&maker, &wish);
	assert_finding(verdict(&maker, NULL), "log_proof_invalid", 3,
		       "the larger is not the smaller with leaves added");
	maker_remove(&maker);

	maker = maker_new(CHAIN);
	log.count = 0;
	wish.log = &log;
	log_fill(&log, 1, "of others");
	add_chunk(&maker, &wish);
	log_fill(&same_size, 1, "of whoever");
	wish.log = &same_size;
	add_chunk(&maker, &wish);
	assert_finding(verdict(&maker, NULL), "log_proof_invalid", 2, "two different trees of 2 leaves");
	tiles_write(&log, directory);
	assert_finding(verdict(&maker, directory), "log_proof_invalid", 2, "not the one in its directory");
	maker_remove(&maker);
	remove_tree(directory);
}

/* A copy of the log from before, kept elsewhere: what the log signs later must still have in it what the copy has. */
static void a_kept_log_refutes_what_came_later(void **state)
{
	static struct slow_log log, fork;
	struct maker maker = maker_new(CHAIN);
	struct seal_wish wish = { .key = world.signer, .log = &log, .grow = 600 };
	char directory[] = "/tmp/stella-tiles-XXXXXX";
	struct slow_log kept;

	(void)state;
	assert_non_null(mkdtemp(directory));
	log_fill(&log, 5, "of others");
	kept = log;
	add_chunk(&maker, &wish); /* leaf 5 of 606 */
	tiles_write(&kept, directory); /* 5 leaves: the proof names the root of what is before its leaf */
	assert_consistency(verdict(&maker, directory), 1, 0);
	kept.count = 4;
	tiles_write(&kept, directory);
	assert_consistency(verdict(&maker, directory), 1, 0);
	kept.count = 3; /* neither named nor contradicted */
	tiles_write(&kept, directory);
	assert_consistency(verdict(&maker, directory), 0, 1);
	log_fill(&fork, 4, "of a fork");
	tiles_write(&fork, directory);
	assert_finding(verdict(&maker, directory), "log_proof_invalid", 1, "not the one in its directory");
	/* Another leaf at our place, in a tree of which the proof names no root. */
	fork.count = 0;
	while (fork.count < 5) {
		fork.leaves[fork.count] = log.leaves[fork.count];
		fork.count++;
	}
	log_fill(&fork, 7, "of a fork");
	tiles_write(&fork, directory);
	assert_finding(verdict(&maker, directory), "log_proof_invalid", 1, "not the one in its directory");
	remove_tree(directory);
	maker_remove(&maker);
}

/* Rekor v1 begins a new tree now and then, with the same key: the tree's number is in the origin. */
static void trees_of_one_log_are_apart(void **state)
{
	static struct slow_log first, second, fork;
	struct maker maker = maker_new(CHAIN);
	struct seal_wish wish = { .key = world.signer };
	json_t *json, *anchors;

	(void)state;
	log_fill(&first, 4, "of the first");
	log_fill(&second, 3, "of the second");
	for (int i = 0; i < 4; i++) {
		wish.log = i < 2 ? &first : &second;
		wish.tree = i < 2 ? WORLD_V1_ORIGIN : WORLD_V1_NAME " - 78";
		add_chunk(&maker, &wish);
	}
	json = verdict(&maker, NULL);
	anchors = json_object_get(json_object_get(json, "log"), "anchors");
	assert_int_equal(json_array_size(anchors), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(anchors, 0), "name")),
			    "https://" WORLD_V1_NAME);
	assert_string_equal(json_string_value(json_object_get(json_array_get(anchors, 1), "name")),
			    WORLD_V1_NAME " - 78");
	assert_consistency(json, 1, 0);
	log_fill(&fork, 3, "of a fork");
	wish.log = &fork;
	wish.tree = WORLD_V1_ORIGIN;
	add_chunk(&maker, &wish);
	assert_finding(verdict(&maker, NULL), "log_proof_invalid", 5, "the larger is not the smaller");
	maker_remove(&maker);
}

static void a_log_cannot_have_any_number_of_trees(void **state)
{
	struct maker maker = maker_new(CHAIN);
	struct seal_wish wish = { .key = world.signer };

	(void)state;
	for (int i = 0; i <= ANCHORS_TREES_MAX; i++) {
		struct slow_log log = { .count = 0 };
		char tree[64];

		snprintf(tree, sizeof(tree), WORLD_V1_NAME " - %d", i);
		wish.log = &log;
		wish.tree = tree;
		add_chunk(&maker, &wish);
	}
	assert_finding(verdict(&maker, NULL), "log_proof_invalid", ANCHORS_TREES_MAX + 1, "different names");
	maker_remove(&maker);
}

/* ---- announced keys ---- */

static void an_announced_key_signs_behind_its_announcement(void **state)
{
	struct maker maker = maker_new(CHAIN);
	struct seal_wish old = { .key = world.signer }, telling = old, new = { .key = world.other };
	struct public_key *signer = world_public(world.signer);
	char hex[DIGEST_TEXT_LEN + 1];
	json_t *json, *second;

	(void)state;
	telling.announces = world.other;
	digest_hex(public_key_id(signer), hex);
	add_chunk(&maker, &old);
	add_chunk(&maker, &telling);
	add_chunk(&maker, &telling);
	add_chunk(&maker, &new);
	add_chunk(&maker, &old);
	new.announces = world.v2; /* and so on: an Ed25519 key */
	add_chunk(&maker, &new);
	add_chunk(&maker, &(struct seal_wish) { .key = world.v2 });
	json = verdict(&maker, NULL);
	if (!json_is_true(json_object_get(json, "sound")))
		fail_msg("%s", json_dumps(json, 0));
	second = json_array_get(json_object_get(json, "signers"), 1);
	assert_int_equal(json_array_size(json_object_get(json, "signers")), 3);
	assert_string_equal(json_string_value(json_object_get(second, "announced_by")), hex);
	assert_int_equal(json_integer_value(json_object_get(second, "announced_in")), 2);
	assert_int_equal(json_integer_value(json_object_get(second, "chunks")), 2);
	json_decref(json);
	public_key_free(signer);
	maker_remove(&maker);
}

/* Who may sign could write the past anew, also who has not signed yet. */
static void a_key_that_never_signed_can_rewrite(void **state)
{
	struct maker maker = maker_new(CHAIN);
	json_t *json, *sentences;

	(void)state;
	for (int i = 0; i < 2; i++) {
		add_chunk(&maker,
			  &(struct seal_wish) { .key = world.signer, .announces = i ? world.other : NULL });
		json = verdict(&maker, NULL);
		sentences = json_object_get(json_object_get(json, "log"), "rewriting");
		assert_int_equal(json_array_size(sentences), 1);
		assert_string_equal(json_string_value(json_array_get(sentences, 0)),
				    i ? "rewriting any chunk up to 2 would need one of the trusted keys and "
					"nothing else"
				      : "rewriting any chunk up to 1 would need the signing key and nothing "
					"else");
		json_decref(json);
	}
	maker_remove(&maker);
}

static void a_key_does_not_announce_itself(void **state)
{
	struct maker maker = maker_new(CHAIN);

	(void)state;
	add_chunk(&maker, &(struct seal_wish) { .key = world.signer });
	add_chunk(&maker, &(struct seal_wish) { .key = world.other, .announces = world.other });
	assert_finding(verdict(&maker, NULL), "untrusted_signer", 2, "which is not trusted");
	add_chunk(&maker, &(struct seal_wish) { .key = world.signer, .announces = world.other });
	assert_finding(verdict(&maker, NULL), "untrusted_signer", 2, "which is not trusted");
	maker_remove(&maker);
}

/* A seal that stands elsewhere announces nothing, whoever signed it: here one of another chain. */
static void a_seal_out_of_place_announces_nothing(void **state)
{
	struct maker maker = maker_new(CHAIN);
	json_t *json;
	size_t i, untrusted = 0;
	json_t *finding;

	(void)state;
	add_chunk(&maker, &(struct seal_wish) { .key = world.signer });
	maker.chain_id = "fedcba9876543210fedcba9876543210";
	add_chunk(&maker, &(struct seal_wish) { .key = world.signer, .announces = world.other });
	maker.chain_id = CHAIN;
	add_chunk(&maker, &(struct seal_wish) { .key = world.other });
	json = verdict(&maker, NULL);
	json_array_foreach (json_object_get(json, "findings"), i, finding)
		untrusted +=
			strcmp(json_string_value(json_object_get(finding, "code")), "untrusted_signer") == 0;
	assert_int_equal(untrusted, 1);
	json_decref(json);
	maker_remove(&maker);
}

static void what_is_announced_must_be_a_key(void **state)
{
	struct maker maker = maker_new(CHAIN);

	(void)state;
	add_chunk(&maker, &(struct seal_wish) { .key = world.signer, .announces_garbage = true });
	assert_finding(verdict(&maker, NULL), "schema_violation", 1, "no public key of a kind");
	maker_remove(&maker);
}

/* ---- presence ---- */

struct fake_log {
	enum presence answer;
	uint64_t asked;
	int result;
};

static int fake_ask(void *user, const struct presence_question *question, struct buf *detail,
		    enum presence *ret_presence)
{
	struct fake_log *fake = user;

	assert_false(question->v1);
	assert_int_equal(question->index, fake->asked++);
	*ret_presence = fake->answer;
	assert_int_equal(buf_append(detail, "as told", 7), 0);
	return fake->result;
}

static struct stella_report *ask(struct maker *maker, struct fake_log *fake)
{
	struct stella_verifier *verifier = NULL;
	struct stella_report *report = NULL;
	struct public_key *v2 = world_public(world.v2);
	int r;

	fake->asked = 0;
	assert_int_equal(stella_verifier_new(&verifier), 0);
	assert_int_equal(stella_verifier_trust_key(verifier, maker->key_path), 0);
	assert_int_equal(trusted_root_add_log(&verifier->trust.root, v2, WORLD_ORIGIN, NULL,
					      (struct validity) { 0, INT64_MAX }, NULL),
			 0);
	verifier_ask_logs(verifier, fake_ask, fake);
	r = stella_verify_directory(verifier, maker->path, &report);
	assert_int_equal(r, fake->result < 0 ? fake->result : 0);
	stella_verifier_free(verifier);
	public_key_free(v2);
	return report;
}

static void a_log_is_asked_for_each_entry(void **state)
{
	static struct slow_log log;
	struct maker maker = maker_new(CHAIN);
	struct seal_wish wish = { .key = world.signer, .log = &log };
	struct fake_log fake = { .answer = PRESENCE_PRESENT };
	struct stella_report *report;

	(void)state;
	add_chunk(&maker, &wish);
	add_chunk(&maker, &wish);
	json_decref(verdict(&maker, NULL)); /* leaves the key's file */
	report = ask(&maker, &fake);
	assert_int_equal(fake.asked, 2);
	assert_true(stella_report_sound(report));
	assert_non_null(strstr(stella_report_json(report),
			       "\"online\":{\"absent\":0,\"not_asked\":0,\"present\":2,\"unknown\":0}"));
	stella_report_free(report);
	fake.answer = PRESENCE_UNKNOWN;
	report = ask(&maker, &fake);
	assert_true(stella_report_sound(report));
	assert_non_null(strstr(stella_report_json(report), "\"present\":0,\"unknown\":2}"));
	stella_report_free(report);
	for (int i = 0; i < 2; i++) {
		fake.answer = i ? PRESENCE_CHANGED : PRESENCE_ABSENT;
		report = ask(&maker, &fake);
		assert_int_equal(stella_report_findings_total(report), 2);
		assert_int_equal(stella_report_finding(report, 0)->code, STELLA_FINDING_LOG_PROOF_INVALID);
		assert_non_null(strstr(stella_report_finding(report, 0)->sentence, "asked now: as told"));
		stella_report_free(report);
	}
	fake.result = 1;
	report = ask(&maker, &fake);
	assert_non_null(strstr(stella_report_json(report), "\"not_asked\":2,\"present\":0"));
	stella_report_free(report);
	fake.result = -EIO;
	assert_null(ask(&maker, &fake));
	maker_remove(&maker);
}

static int make_world(void **state)
{
	(void)state;
	world = world_new();
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	world_done(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proof_tells_the_roots_before_its_leaf),
		cmocka_unit_test(proofs_of_other_forms_tell_nothing),
		cmocka_unit_test(only_forks_differ),
		cmocka_unit_test(tiles_tell_every_root),
		cmocka_unit_test(tiles_that_are_none_are_refused),
		cmocka_unit_test(a_tile_counts_by_the_checkpoint_alone),
		cmocka_unit_test(a_log_of_our_own_is_proved_by_its_proofs),
		cmocka_unit_test(what_lies_between_needs_the_tiles),
		cmocka_unit_test(a_log_that_forks_is_found),
		cmocka_unit_test(a_kept_log_refutes_what_came_later),
		cmocka_unit_test(trees_of_one_log_are_apart),
		cmocka_unit_test(a_log_cannot_have_any_number_of_trees),
		cmocka_unit_test(an_announced_key_signs_behind_its_announcement),
		cmocka_unit_test(a_key_that_never_signed_can_rewrite),
		cmocka_unit_test(a_key_does_not_announce_itself),
		cmocka_unit_test(a_seal_out_of_place_announces_nothing),
		cmocka_unit_test(what_is_announced_must_be_a_key),
		cmocka_unit_test(a_log_is_asked_for_each_entry),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
