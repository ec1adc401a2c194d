/* SPDX-License-Identifier: Apache-2.0 */
/* What a killed collector, a power cut or an intruder left in the directory, and what the next start makes of it. */

#include "chain_world.h"

#include <signal.h>

#include "collect/signed.h"

static enum chain_step die_at;

static void die(enum chain_step step)
{
	if (step == die_at)
		_exit(77);
}

/* A collector that appends `first`, checkpoints, rotates when asked, appends `second`, and dies without a word. */
static int life(struct world *world, unsigned int first, bool rotate, unsigned int second)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct chain *chain = world_begin(world, NULL);

		world_append(world, chain, first);
		chain_checkpoint(chain, world_later(world, SECOND), NULL);
		if (rotate) {
			world_rotate(world, chain);
			chain_wait(chain, WAIT_MS);
		}
		world_append(world, chain, second);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	world_later(world, 10 * SECOND);
	return WEXITSTATUS(status);
}

static int truncateat(const struct world *world, const char *name, off_t size)
{
	_cleanup_(closep) int fd = openat(world->dir, name, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : ftruncate(fd, size);
}

static void a_killed_chunk_is_sealed_as_recovered(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;
	struct chain_recovery recovery;

	life(world, 5, false, 3);
	world_close(world, world_begin(world, &recovery));
	assert_int_equal(recovery.recovered_chunks, 1);
	assert_int_equal(recovery.recovered_records, 8);
	assert_int_equal(recovery.torn_bytes, 0);
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 2);
	assert_true(sealed->statements[1].recovered);
	assert_true(sealed->statements[1].losses_known);
	assert_int_equal(sealed->statements[2].gap, GAP_CRASH);
	assert_memory_equal(&sealed->statements[2].gap_from, &sealed->statements[1].closed,
			    sizeof(struct moment));
	/* The window reaches the last record, coverage only the last checkpoint. */
	assert_true(sealed->statements[1].closed.boot_ns > sealed->statements[1].probes[0].to_boot_ns);
	world_is_tidy(world);
}

static void a_torn_line_is_cut_and_counted(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;
	struct chain_recovery recovery;

	life(world, 5, true, 3);
	world_put(world, "chunk-000002.ndjson.open", O_APPEND, "{\"comm\":\"ca", 11);
	world_close(world, world_begin(world, &recovery));
	assert_int_equal(recovery.torn_bytes, 11);
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 3);
	assert_int_equal(sealed->records, 8);
	assert_int_equal(loss_of(&sealed->statements[2], "torn_tail")->count, 1);
	assert_int_equal(loss_of(&sealed->statements[1], "torn_tail")->count, 0);
}

static void what_a_power_cut_took_is_a_loss(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;
	struct chain_recovery recovery;

	life(world, 5, false, 0);
	assert_int_equal(unlinkat(world->dir, "chunk-000001.ndjson.open", 0), 0);
	world_close(world, world_begin(world, &recovery));
	assert_int_equal(recovery.recovered_chunks, 1);
	sealed = world_walk(world);
	assert_int_equal(sealed->statements[1].records, 0);
	assert_int_equal(loss_of(&sealed->statements[1], "write_failed")->count, 5);
}

static void without_a_draft_losses_are_unknown(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;

	life(world, 2, true, 3);
	/* A power cut can leave a draft that is there and empty. */
	world_put(world, "chunk-000002.json.open", O_TRUNC, "", 0);
	world_close(world, world_begin(world, NULL));
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 3);
	assert_true(sealed->statements[2].recovered);
	assert_false(sealed->statements[2].losses_known);
	assert_int_equal(sealed->statements[2].n_probes, 0);
	assert_int_equal(sealed->statements[2].records, 3);
	assert_int_equal(sealed->statements[2].closed.boot_ns - sealed->statements[2].opened.boot_ns, 2000);
	assert_int_equal(sealed->statements[2].gap, GAP_CRASH);
	world_is_tidy(world);
}

static void an_empty_chunk_without_a_draft_covered_nothing(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;
	struct chain_recovery recovery;

	world_put(world, "chunk-000001.ndjson.open", 0, "", 0);
	world_close(world, world_begin(world, &recovery));
	assert_int_equal(recovery.recovered_chunks, 0);
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 1);
	assert_false(sealed->statements[1].recovered);
}

static void temporaries_of_ours_go_and_strangers_stay(void **state)
{
	struct world *world = *state;

	world_put(world, "chunk-000001.sigstore.json.tmp-00ff", 0, "x", 1);
	world_put(world, "chunk-000009.json.open.tmp-1", 0, "x", 1);
	world_put(world, "notes.tmp-1", 0, "x", 1);
	world_put(world, "README", 0, "x", 1);
	world_close(world, world_begin(world, NULL));
	assert_false(world_has(world, "chunk-000001.sigstore.json.tmp-00ff"));
	assert_false(world_has(world, "chunk-000009.json.open.tmp-1"));
	assert_true(world_has(world, "notes.tmp-1"));
	assert_true(world_has(world, "README"));
}

static void dying_between_any_two_steps_loses_nothing(struct world *world, enum chain_compression compression)
{
	for (int step = 0; step < CHAIN_STEPS; step++) {
		_cleanup_(sealed_done) struct sealed *sealed = NULL, *before = world_walk(world);
		struct chain_recovery recovery;
		bool never =
			compression == CHAIN_PLAIN && (step == STEP_COMPRESSED || step == STEP_PLAIN_REMOVED);
		const struct statement *s;

		world->options.compression = compression;
		die_at = (enum chain_step)step;
		chain_step_hook = die;
		assert_int_equal(life(world, 5, true, 3), never ? 0 : 77);
		chain_step_hook = NULL;
		world_close(world, world_begin(world, &recovery));
		sealed = world_walk(world);
		assert_true(sealed->records >= before->records + 5);
		/* What lay there without a seal says so, even when it was closed in order. */
		s = &sealed->statements[before->count + 1];
		assert_int_equal(s->records, 5);
		assert_int_equal(s->recovered, !never && step < STEP_SEAL_PUBLISHED);
		assert_int_equal(recovery.finished,
				 step >= STEP_SEAL_PUBLISHED && !never &&
					 (step != STEP_DRAFT_REMOVED || compression == CHAIN_ZSTD) &&
					 step != STEP_PLAIN_REMOVED);
		world_is_tidy(world);
	}
}

static void dying_between_steps_plain(void **state)
{
	dying_between_any_two_steps_loses_nothing(*state, CHAIN_PLAIN);
}

static void dying_between_steps_zstd(void **state)
{
	dying_between_any_two_steps_loses_nothing(*state, CHAIN_ZSTD);
}

/* ---- kill -9 anywhere ---- */

static void work_until_killed(struct world *world, int told)
{
	struct chain *chain = world_begin(world, NULL);

	for (unsigned int i = 1;; i++) {
		unsigned char count = (unsigned char)(i % 20 + 1);

		if (world_append(world, chain, count) < 0 || write(told, &count, 1) != 1)
			_exit(1);
		if (i % 5 == 0)
			chain_checkpoint(chain, world_later(world, SECOND), NULL);
		if (i % 7 == 0)
			world_rotate(world, chain);
	}
}

static void killed_anywhere_the_chain_goes_on(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;
	uint64_t told_records = 0, crashes = 0;

	srand(20261123);
	for (unsigned int round = 0; round < 40; round++) {
		unsigned int until = (unsigned int)rand() % 120;
		struct chain_recovery recovery;
		unsigned char count;
		int pipes[2], status;
		pid_t child;

		world->options.compression = round % 2 ? CHAIN_ZSTD : CHAIN_PLAIN;
		assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
		child = fork();
		if (child == 0)
			work_until_killed(world, pipes[1]);
		close(pipes[1]);
		for (unsigned int i = 0; i < until && read(pipes[0], &count, 1) == 1; i++)
			told_records += count;
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		while (read(pipes[0], &count, 1) == 1)
			told_records += count;
		close(pipes[0]);
		world_later(world, 10000 * SECOND);
		world_close(world, world_begin(world, &recovery));
		world_is_tidy(world);
	}
	sealed = world_walk(world);
	for (uint64_t n = 2; n <= sealed->count; n++)
		crashes += sealed->statements[n].gap == GAP_CRASH;
	/* Killed before the first chunk was open there was nothing to recover; that happens rarely. */
	assert_true(crashes >= 30);
	/* All that a collector had been told was written is sealed. */
	assert_true(sealed->records >= told_records);
}

/* ---- refused ---- */

static void what_no_collector_wrote_is_not_signed(void **state)
{
	_cleanup_(buf_done) struct buf lines = BUF_MAX(1 << 20);
	_cleanup_(buf_done) struct buf good = BUF_MAX(1 << 20);
	struct world *world = *state;
	static const char *const bad[] = { "garbage\n", "{}\n", "\n", "{\"comm\": \"a\"}\n", "null\n" };

	life(world, 5, false, 0);
	world_get(world, "chunk-000001.ndjson.open", &good);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_(buf_done) struct buf after = BUF_MAX(1 << 20);

		world_put(world, "chunk-000001.ndjson.open", O_APPEND, bad[i], strlen(bad[i]));
		world_refused(world, -EBADMSG, "line 6 of chunk-000001.ndjson.open");
		world_get(world, "chunk-000001.ndjson.open", &after);
		assert_int_equal(after.len, good.len + strlen(bad[i])); /* nothing was changed */
		world_put(world, "chunk-000001.ndjson.open", O_TRUNC, good.data, good.len);
	}
	/* A record that was exchanged for another, just as canonical. */
	world_lines(world, 5, &lines);
	assert_int_equal(lines.len, good.len);
	world_put(world, "chunk-000001.ndjson.open", O_TRUNC, lines.data, lines.len);
	world_refused(world, -EBADMSG, "altered");
	world_put(world, "chunk-000001.ndjson.open", O_TRUNC, good.data, good.len);
	world_close(world, world_begin(world, NULL));
}

static void nothing_is_added_to_a_closed_chunk(void **state)
{
	_cleanup_(buf_done) struct buf lines = BUF_MAX(1 << 20);
	struct world *world = *state;

	die_at = STEP_CLOSED_DRAFTED;
	chain_step_hook = die;
	life(world, 5, true, 0);
	chain_step_hook = NULL;
	world_lines(world, 1, &lines);
	world_put(world, "chunk-000001.ndjson.open", O_APPEND, lines.data, lines.len);
	world_refused(world, -EBADMSG, "altered");
}

static void links_are_not_followed(void **state)
{
	_cleanup_(buf_done) struct buf victim = BUF_MAX(100);
	struct world *world = *state;
	char target[128];

	world_close(world, world_begin(world, NULL));
	world_put(world, "victim", 0, "no newline", 10);
	snprintf(target, sizeof(target), "%s/victim", world->path);
	assert_int_equal(symlinkat(target, world->dir, "chunk-000002.ndjson.open"), 0);
	world_refused(world, -EBADMSG, "chunk-000002.ndjson.open is a link");
	unlinkat(world->dir, "chunk-000002.ndjson.open", 0);
	/* All of it would be a torn tail. */
	assert_int_equal(linkat(world->dir, "victim", world->dir, "chunk-000002.ndjson.open", 0), 0);
	world_refused(world, -EBADMSG, "is a link");
	unlinkat(world->dir, "chunk-000002.ndjson.open", 0);
	assert_int_equal(mkfifoat(world->dir, "chunk-000002.ndjson.open", 0600), 0);
	world_refused(world, -EBADMSG, "no regular file");
	unlinkat(world->dir, "chunk-000002.ndjson.open", 0);
	world_get(world, "victim", &victim);
	assert_int_equal(victim.len, 10);
	world_close(world, world_begin(world, NULL));
}

static void a_chain_is_not_continued_over_a_hole(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 3; i++)
		world_close(world, world_begin(world, NULL));
	assert_int_equal(renameat(world->dir, "chunk-000002.sigstore.json", world->dir, "kept"), 0);
	world_refused(world, -EBADMSG, "seal 3 is there and 2 is missing");
	assert_int_equal(renameat(world->dir, "kept", world->dir, "chunk-000002.sigstore.json"), 0);
	assert_int_equal(renameat(world->dir, "chunk-000003.sigstore.json", world->dir, "kept"), 0);
	world_refused(world, -EBADMSG, "chunk 3 lies there without its seal");
	assert_int_equal(renameat(world->dir, "kept", world->dir, "chunk-000003.sigstore.json"), 0);
	world_put(world, "chunk-000005.ndjson.open", 0, "", 0);
	world_refused(world, -EBADMSG, "open chunk 5 is there and 4 is missing");
	unlinkat(world->dir, "chunk-000005.ndjson.open", 0);
	world_put(world, "chunk-000003.ndjson", O_APPEND, "x", 1);
	world_refused(world, -EBADMSG, "is not what its seal says");
	unlinkat(world->dir, "chunk-000003.ndjson", 0);
	world_refused(world, -EBADMSG, "chunk-000003.ndjson is missing");
}

static void the_last_seal_must_be_what_it_claims(void **state)
{
	_cleanup_(buf_done) struct buf good = BUF_MAX(BUNDLE_FILE_MAX);
	_cleanup_(buf_done) struct buf forged = BUF_MAX(BUNDLE_FILE_MAX);
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	struct world *world = *state;
	struct key *other = NULL;
	struct signer *others = NULL;

	world_close(world, world_begin(world, NULL));
	world_get(world, "chunk-000001.sigstore.json", &good);
	world_put(world, "chunk-000001.sigstore.json", O_TRUNC, good.data, good.len / 2);
	world_refused(world, -EBADMSG, "damaged");
	assert_int_equal(bundle_parse(buf_str(&good), NULL, &bundle), 0);
	assert_non_null(buf_cstr(&bundle.payload));
	*strstr(bundle.payload.data, "0.1.0") = '9';
	assert_int_equal(bundle_write_signed(&forged, buf_str(&bundle.payload_type), buf_str(&bundle.payload),
					     buf_str(&bundle.signature), &bundle.key_id),
			 0);
	world_put(world, "chunk-000001.sigstore.json", O_TRUNC, forged.data, forged.len);
	world_refused(world, -EBADMSG, "its signature is not ours");
	/* The seal of chunk 1 does not serve as that of chunk 2. */
	world_put(world, "chunk-000001.sigstore.json", O_TRUNC, good.data, good.len);
	world_put(world, "chunk-000002.sigstore.json", 0, good.data, good.len);
	world_refused(world, -EBADMSG, "another chunk");
	unlinkat(world->dir, "chunk-000002.sigstore.json", 0);
	/* Keys are changed: another one continues the chain. */
	assert_int_equal(key_generate(NULL, &other), 0);
	assert_int_equal(signer_of_key(other, NULL, &others), 0);
	world->options.signer = others;
	world_close(world, world_begin(world, NULL));
	world->options.signer = world->signer;
	signer_free(others);
	world_close(world, world_begin(world, NULL));
	assert_true(world_has(world, "chunk-000003.ndjson"));
	key_free(other);
}

static void a_draft_of_another_chain_is_refused(void **state)
{
	_cleanup_(statement_done) struct statement draft = { 0 };
	struct world *world = *state;

	life(world, 5, true, 3);
	assert_int_equal(draft_read(world->dir, 2, world->key, &draft), 0);
	draft.chain_id[0] = draft.chain_id[0] == '0' ? '1' : '0';
	assert_int_equal(draft_write(world->dir, &draft, world->key, NULL), 0);
	world_refused(world, -EBADMSG, "of chain");
}

/* ---- forged drafts: whoever can write the directory has every byte of it, but not the key ---- */

typedef void (*forge_fn)(struct world *world, const struct statement *draft, struct buf *out);

static void signed_as(struct buf *out, const char *type, const struct statement *draft, const struct key *key)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(STATEMENT_MAX);
	struct digest key_id;

	assert_int_equal(statement_write(&text, draft), 0);
	assert_int_equal(signed_key_id(key, NULL, &key_id), 0);
	assert_int_equal(
		signed_write(out, (struct str) { type, strlen(type) }, buf_str(&text), key, &key_id, NULL), 0);
}

static void unsigned_as_it_once_was(struct world *world, const struct statement *draft, struct buf *out)
{
	(void)world;
	assert_int_equal(statement_write(out, draft), 0);
}

static void signed_by_another_key(struct world *world, const struct statement *draft, struct buf *out)
{
	_cleanup_(key_freep) struct key *other = NULL;

	(void)world;
	assert_int_equal(key_generate(NULL, &other), 0);
	signed_as(out, DRAFT_PAYLOAD_TYPE, draft, other);
}

/* The other key's signature under our key's name. */
static void signed_by_another_in_our_name(struct world *world, const struct statement *draft, struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(STATEMENT_MAX);
	_cleanup_(key_freep) struct key *other = NULL;
	struct digest our_id;

	assert_int_equal(key_generate(NULL, &other), 0);
	assert_int_equal(signed_key_id(world->key, NULL, &our_id), 0);
	assert_int_equal(statement_write(&text, draft), 0);
	assert_int_equal(signed_write(out, STR(DRAFT_PAYLOAD_TYPE), buf_str(&text), other, &our_id, NULL), 0);
}

static void altered_under_its_signature(struct world *world, const struct statement *draft, struct buf *out)
{
	_cleanup_(buf_done) struct buf good = BUF_MAX(BUNDLE_FILE_MAX);
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;

	signed_as(&good, DRAFT_PAYLOAD_TYPE, draft, world->key);
	assert_int_equal(bundle_parse(buf_str(&good), NULL, &bundle), 0);
	assert_non_null(buf_cstr(&bundle.payload));
	*strstr(bundle.payload.data, "0.1.0") = '9';
	assert_int_equal(bundle_write_signed(out, buf_str(&bundle.payload_type), buf_str(&bundle.payload),
					     buf_str(&bundle.signature), &bundle.key_id),
			 0);
}

/* Signed by us, of this chain and sequence, and yet no draft: what a seal taken from elsewhere would be. */
static void a_seal_of_ours(struct world *world, const struct statement *draft, struct buf *out)
{
	signed_as(out, STATEMENT_PAYLOAD_TYPE, draft, world->key);
}

/* That very seal, its type exchanged for the draft's: the signature covers the type. */
static void a_seal_with_the_type_exchanged(struct world *world, const struct statement *draft, struct buf *out)
{
	_cleanup_(buf_done) struct buf good = BUF_MAX(BUNDLE_FILE_MAX);
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;

	a_seal_of_ours(world, draft, &good);
	assert_int_equal(bundle_parse(buf_str(&good), NULL, &bundle), 0);
	assert_int_equal(bundle_write_signed(out, STR(DRAFT_PAYLOAD_TYPE), buf_str(&bundle.payload),
					     buf_str(&bundle.signature), &bundle.key_id),
			 0);
}

static void our_draft_of_another_sequence(struct world *world, const struct statement *draft, struct buf *out)
{
	_cleanup_(statement_done) struct statement other = { 0 };

	assert_int_equal(statement_copy(draft, &other), 0);
	other.sequence++;
	signed_as(out, DRAFT_PAYLOAD_TYPE, &other, world->key);
}

/* The table's own proof: what our key signs as a draft is believed, so nothing but the forgery is refused above. */
static void what_only_the_key_can_make(struct world *world, const struct statement *draft, struct buf *out)
{
	signed_as(out, DRAFT_PAYLOAD_TYPE, draft, world->key);
}

static void a_forged_draft_is_no_draft(void **state)
{
	static const forge_fn forges[] = {
		unsigned_as_it_once_was,      signed_by_another_key, signed_by_another_in_our_name,
		altered_under_its_signature,  a_seal_of_ours,	     a_seal_with_the_type_exchanged,
		our_draft_of_another_sequence
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(forges); i++) {
		_cleanup_(sealed_done) struct sealed *before = world_walk(world), *sealed = NULL;
		_cleanup_(statement_done) struct statement draft = { 0 };
		_cleanup_(buf_done) struct buf lines = BUF_MAX(1 << 20), forged = BUF_MAX(BUNDLE_FILE_MAX);
		uint64_t sequence = before->count + 1;
		char name[CHUNK_NAME_MAX];
		const struct statement *s;

		life(world, 5, false, 0);
		assert_int_equal(draft_read(world->dir, sequence, world->key, &draft), 0);
		/* Other records of the same length, and a closed draft that knows nothing else. */
		world_lines(world, 5, &lines);
		assert_int_equal(chunk_name(CHUNK_OPEN, sequence, name), 0);
		world_put(world, name, O_TRUNC, lines.data, lines.len);
		assert_int_equal(digest_of(lines.data, lines.len, &draft.plain_digest), 0);
		draft.bytes = lines.len;
		draft_mark(&draft, true);
		forges[i](world, &draft, &forged);
		assert_int_equal(chunk_name(CHUNK_DRAFT, sequence, name), 0);
		world_put(world, name, O_TRUNC, forged.data, forged.len);
		world_close(world, world_begin(world, NULL));
		sealed = world_walk(world);
		s = &sealed->statements[sequence];
		assert_true(s->recovered);
		assert_false(s->final);
		assert_int_equal(s->losses_known, forges[i] == what_only_the_key_can_make);
		assert_int_equal(s->n_probes, forges[i] == what_only_the_key_can_make);
		world_is_tidy(world);
	}
}

static void a_draft_is_no_seal(void **state)
{
	_cleanup_(buf_done) struct buf draft = BUF_MAX(BUNDLE_FILE_MAX);
	struct world *world = *state;

	die_at = STEP_CLOSED_DRAFTED;
	chain_step_hook = die;
	life(world, 5, true, 0);
	chain_step_hook = NULL;
	world_get(world, "chunk-000001.json.open", &draft);
	world_put(world, "chunk-000001.sigstore.json", O_EXCL, draft.data, draft.len);
	assert_int_equal(renameat(world->dir, "chunk-000001.ndjson.open", world->dir, "chunk-000001.ndjson"),
			 0);
	world_refused(world, -EBADMSG, "chunk-000001.sigstore.json holds no canonical statement");
}

/* An older draft of this chunk is ours too: with it the tail can be cut, but not what was cut be called clean. */
static void an_older_draft_never_makes_a_clean_chunk(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	_cleanup_(buf_done) struct buf older = BUF_MAX(BUNDLE_FILE_MAX), lines = BUF_MAX(1 << 20);
	struct world *world = *state;
	struct chain *chain = world_begin(world, NULL);

	world_append(world, chain, 5);
	assert_int_equal(chain_checkpoint(chain, world_later(world, SECOND), NULL), 0);
	world_get(world, "chunk-000001.json.open", &older);
	world_get(world, "chunk-000001.ndjson.open", &lines);
	world_append(world, chain, 5);
	world_close(world, chain);
	assert_int_equal(unlinkat(world->dir, "chunk-000001.ndjson", 0), 0);
	assert_int_equal(unlinkat(world->dir, "chunk-000001.sigstore.json", 0), 0);
	world_put(world, "chunk-000001.json.open", O_EXCL, older.data, older.len);
	world_put(world, "chunk-000001.ndjson.open", O_EXCL, lines.data, lines.len);
	world_close(world, world_begin(world, NULL));
	sealed = world_walk(world);
	assert_int_equal(sealed->statements[1].records, 5);
	assert_true(sealed->statements[1].recovered);
	assert_false(sealed->statements[1].final);
	assert_int_equal(sealed->statements[2].gap, GAP_CRASH);
}

/* ---- files that would take hours to read ---- */

static void a_sparse_chunk_stalls_nothing(void **state)
{
	struct world *world = *state;
	const off_t huge = (off_t)50 << 30;
	uint64_t began = clock_now().boot_ns;

	world_close(world, world_begin(world, NULL));
	assert_int_equal(truncateat(world, "chunk-000001.ndjson", huge), 0);
	world_refused(world, -EBADMSG, "chunk-000001.ndjson is missing or is not what its seal says");
	assert_int_equal(truncateat(world, "chunk-000001.ndjson", 0), 0);
	world_put(world, "chunk-000001.ndjson.open", O_EXCL, "", 0);
	assert_int_equal(truncateat(world, "chunk-000001.ndjson.open", huge), 0);
	world->options.compression = CHAIN_ZSTD;
	world_close(world, world_begin(world, NULL));
	assert_int_equal(truncateat(world, "chunk-000002.ndjson.zst", huge), 0);
	world_refused(world, -EBADMSG, "chunk-000002.ndjson.zst is missing or is not what its seal says");
	assert_int_equal(unlinkat(world->dir, "chunk-000002.ndjson.zst", 0), 0);
	world_put(world, "chunk-000002.ndjson.zst.tmp-seal", O_EXCL, "", 0);
	assert_int_equal(truncateat(world, "chunk-000002.ndjson.zst.tmp-seal", huge), 0);
	world_refused(world, -EBADMSG, "chunk-000002.ndjson.zst is missing");
	/* Reading 50 GiB four times takes minutes. */
	assert_true(clock_now().boot_ns - began < 5 * SECOND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_killed_chunk_is_sealed_as_recovered),
		TEST(a_torn_line_is_cut_and_counted),
		TEST(what_a_power_cut_took_is_a_loss),
		TEST(without_a_draft_losses_are_unknown),
		TEST(an_empty_chunk_without_a_draft_covered_nothing),
		TEST(temporaries_of_ours_go_and_strangers_stay),
		TEST(dying_between_steps_plain),
		TEST(dying_between_steps_zstd),
		TEST(killed_anywhere_the_chain_goes_on),
		TEST(what_no_collector_wrote_is_not_signed),
		TEST(nothing_is_added_to_a_closed_chunk),
		TEST(links_are_not_followed),
		TEST(a_chain_is_not_continued_over_a_hole),
		TEST(the_last_seal_must_be_what_it_claims),
		TEST(a_draft_of_another_chain_is_refused),
		TEST(a_forged_draft_is_no_draft),
		TEST(a_draft_is_no_seal),
		TEST(an_older_draft_never_makes_a_clean_chunk),
		TEST(a_sparse_chunk_stalls_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
