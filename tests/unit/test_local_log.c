// SPDX-License-Identifier: Apache-2.0
/* A log of our own: what it signs, what a crash leaves, and what it refuses to go on from. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "transparency/local_log.h"

#define ORIGIN "host.example"

struct world {
	char path[64], log[96], key[96];
	struct diag diag;
	struct local_log *open;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	strcpy(world->path, "/tmp/stella-log-XXXXXX");
	if (!mkdtemp(world->path))
		return -1;
	snprintf(world->log, sizeof(world->log), "%s/log", world->path);
	snprintf(world->key, sizeof(world->key), "%s/log.pem", world->path);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	char line[96];

	local_log_close(world->open);
	snprintf(line, sizeof(line), "rm -rf %s", world->path);
	if (system(line) != 0)
		return -1;
	free(world);
	return 0;
}

static void open_log(struct world *world)
{
	local_log_close(TAKE(world->open));
	world->diag.text[0] = 0;
	if (local_log_open(world->log, world->key, ORIGIN, &world->diag, &world->open) < 0)
		fail_msg("%s", world->diag.text);
}

static void refused(struct world *world, const char *origin, int error, const char *word)
{
	local_log_close(TAKE(world->open));
	world->diag.text[0] = 0;
	assert_int_equal(local_log_open(world->log, world->key, origin, &world->diag, &world->open), error);
	if (!strstr(world->diag.text, word))
		fail_msg("'%s' does not say '%s'", world->diag.text, word);
	assert_null(world->open);
}

/* The body number `n`; as long as Rekor's, more or less. */
static struct str body_of(unsigned int n, char text[800])
{
	int len = snprintf(text, 800, "{\"body\":%u,\"padding\":\"%0700u\"}", n, 0);

	return (struct str) { text, (size_t)len };
}

static int add(struct world *world, unsigned int from, size_t count, uint64_t *indices)
{
	static char texts[LOCAL_LOG_BATCH_MAX][800];
	struct str bodies[LOCAL_LOG_BATCH_MAX];

	for (size_t i = 0; i < count; i++)
		bodies[i] = body_of(from + (unsigned int)i, texts[i]);
	world->diag.text[0] = 0;
	return local_log_add(world->open, bodies, count, &world->diag, indices);
}

static void added(struct world *world, unsigned int from, size_t count)
{
	uint64_t indices[LOCAL_LOG_BATCH_MAX];

	if (add(world, from, count, indices) < 0)
		fail_msg("%s", world->diag.text);
	/* The first leaf is the log's own. */
	for (size_t i = 0; i < count; i++)
		assert_int_equal(indices[i], 1 + from + i);
}

struct view {
	struct buf note;
	struct checkpoint checkpoint;
};

static void view_done(struct view *view)
{
	checkpoint_done(&view->checkpoint);
	buf_done(&view->note);
}

static void look(struct world *world, struct view *view)
{
	_cleanup_(trusted_root_done) struct trusted_root root = { .n_logs = 0 };
	_cleanup_(note_key_done) struct note_key key = { .name = NULL };
	_cleanup_(public_key_freep) struct public_key *copy = NULL;
	uint64_t size;

	view->note = BUF_MAX(NOTE_MAX);
	assert_int_equal(local_log_checkpoint(world->open, &view->note, &size), 0);
	assert_int_equal(checkpoint_parse(buf_str(&view->note), NULL, &view->checkpoint), 0);
	assert_int_equal(view->checkpoint.size, size);
	assert_true(str_equal(view->checkpoint.origin, STR(ORIGIN)));
	assert_int_equal(public_key_copy(local_log_key(world->open), &copy), 0);
	assert_int_equal(note_key_make(ORIGIN, NOTE_ED25519, &copy, &key), 0);
	assert_true(checkpoint_signed_by(&view->checkpoint, &key, NULL));
	assert_int_equal(local_log_trust(world->open, &root, NULL), 0);
	assert_memory_equal(&root.logs[0].id, local_log_id(world->open), DIGEST_LEN);
}

/* The entry leads from the body to the root that was signed. */
static void proved(struct world *world, unsigned int n)
{
	_cleanup_(view_done) struct view view = { .checkpoint = { .size = 0 } };
	_cleanup_(bundle_entry_done) struct bundle_entry entry;
	char text[800];
	struct str body = body_of(n, text);
	struct digest leaf, root;

	bundle_entry_init(&entry);
	look(world, &view);
	assert_int_equal(local_log_prove(world->open, 1 + n, body, buf_str(&view.note), view.checkpoint.size,
					 &world->diag, &entry),
			 0);
	assert_int_equal(merkle_leaf(body, &leaf), 0);
	assert_int_equal(merkle_root(&leaf, 1 + n, entry.tree_size, entry.hashes, entry.n_hashes, &root), 0);
	assert_memory_equal(&root, &view.checkpoint.root, sizeof(root));
	assert_memory_equal(&entry.root, &root, sizeof(root));
	assert_true(str_equal(buf_str(&entry.body), body));
	assert_int_equal(entry.log_index, 1 + n);
}

static bool has(const struct world *world, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", world->log, name);
	return access(path, F_OK) == 0;
}

static void put(const struct world *world, const char *name, const void *data, size_t len)
{
	_cleanup_(closep) int dir = open(world->log, O_RDONLY | O_DIRECTORY);

	assert_int_equal(file_publish_at(dir, name, 0644, data, len, false, NULL), 0);
}

static void get(const struct world *world, const char *name, struct buf *out)
{
	_cleanup_(closep) int dir = open(world->log, O_RDONLY | O_DIRECTORY);

	assert_int_equal(file_read_at(dir, name, out, NULL), 0);
}

/* ---- the tests ---- */

static void a_log_begins(void **state)
{
	struct world *world = *state;
	_cleanup_(view_done) struct view view = { .checkpoint = { .size = 0 } };
	struct stat st;

	open_log(world);
	look(world, &view);
	assert_int_equal(view.checkpoint.size, 1);
	assert_string_equal(local_log_origin(world->open), ORIGIN);
	assert_int_equal(stat(world->key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(has(world, "tile/0/000.p/1"));
	assert_true(has(world, "tile/entries/000.p/1"));
}

static void what_is_added_is_proved(void **state)
{
	struct world *world = *state;

	open_log(world);
	added(world, 0, 1);
	added(world, 1, 5);
	for (unsigned int i = 0; i < 6; i++)
		proved(world, i);
}

static void tiles_become_full(void **state)
{
	struct world *world = *state;

	open_log(world);
	added(world, 0, 100);
	assert_true(has(world, "tile/0/000.p/101"));
	added(world, 100, 256);
	assert_true(has(world, "tile/0/000"));
	assert_false(has(world, "tile/0/000.p"));
	assert_true(has(world, "tile/entries/000"));
	assert_false(has(world, "tile/entries/000.p"));
	assert_true(has(world, "tile/0/001.p/101"));
	assert_true(has(world, "tile/1/000.p/1"));
	added(world, 356, 256);
	added(world, 612, 155); /* 768 leaves: three full tiles, and nothing besides */
	assert_true(has(world, "tile/0/002"));
	assert_false(has(world, "tile/0/003.p"));
	assert_true(has(world, "tile/1/000.p/3"));
	for (unsigned int i = 0; i < 767; i += 13)
		proved(world, i);
	added(world, 767, 1);
	proved(world, 767);
	open_log(world);
	added(world, 768, 2);
	proved(world, 0);
	proved(world, 769);
}

static void all_checkpoints_are_consistent(void **state)
{
	struct world *world = *state;
	struct digest roots[64];
	uint64_t sizes[64];
	unsigned int n = 0;

	open_log(world);
	for (unsigned int from = 0; n < ARRAY_LEN(sizes); n++) {
		_cleanup_(view_done) struct view view = { .checkpoint = { .size = 0 } };

		added(world, from, n % 17 + 1);
		from += n % 17 + 1;
		look(world, &view);
		sizes[n] = view.checkpoint.size;
		roots[n] = view.checkpoint.root;
		if (n % 3 == 0)
			open_log(world);
		for (unsigned int i = 0; i <= n; i++) {
			struct digest hashes[TILE_PROOF_MAX];
			size_t count;

			assert_int_equal(
				local_log_consistency(world->open, sizes[i], sizes[n], NULL, hashes, &count),
				0);
			assert_int_equal(
				merkle_consistent(sizes[i], &roots[i], sizes[n], &roots[n], hashes, count), 0);
		}
	}
}

static void adding_again_adds_nothing(void **state)
{
	struct world *world = *state;
	_cleanup_(view_done) struct view view = { .checkpoint = { .size = 0 } };

	open_log(world);
	added(world, 0, 10);
	added(world, 0, 10);
	open_log(world);
	added(world, 3, 7);
	added(world, 5, 10); /* half of them new */
	look(world, &view);
	assert_int_equal(view.checkpoint.size, 16);
	proved(world, 14);
}

static void the_origin_stays(void **state)
{
	struct world *world = *state;

	open_log(world);
	refused(world, "other.example", -EINVAL, "a log keeps its origin");
	assert_int_equal(local_log_open(world->log, world->key, NULL, &world->diag, &world->open), 0);
	assert_string_equal(local_log_origin(world->open), ORIGIN);
}

static void origins_are_bare_host_names(void **state)
{
	static const char *const wrong[] = { "https://host", "a b", "a/b", "-a", "a.", "h\xc3\xb6st", "a+b" };
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		refused(world, wrong[i], -EINVAL, "bare host name");
	assert_false(has(world, "checkpoint"));
}

static void the_key_is_needed(void **state)
{
	struct world *world = *state;

	open_log(world);
	assert_int_equal(unlink(world->key), 0);
	refused(world, ORIGIN, -ENOENT, "has no key");
}

static void another_key_is_refused(void **state)
{
	struct world *world = *state;
	_cleanup_(key_freep) struct key *key = NULL;

	open_log(world);
	assert_int_equal(unlink(world->key), 0);
	assert_int_equal(key_generate_ed25519(NULL, &key), 0);
	assert_int_equal(key_save(key, world->key, NULL), 0);
	refused(world, ORIGIN, -EBADMSG, "is not signed by the log's key");
}

static void a_p256_key_is_refused(void **state)
{
	struct world *world = *state;
	_cleanup_(key_freep) struct key *key = NULL;

	assert_int_equal(key_generate(NULL, &key), 0);
	assert_int_equal(key_save(key, world->key, NULL), 0);
	refused(world, ORIGIN, -EINVAL, "must be Ed25519");
}

static void a_lost_checkpoint_is_no_new_log(void **state)
{
	struct world *world = *state;
	char path[128];

	open_log(world);
	added(world, 0, 1);
	snprintf(path, sizeof(path), "%s/checkpoint", world->log);
	assert_int_equal(unlink(path), 0);
	refused(world, ORIGIN, -EBADMSG, "tiles and no checkpoint");
}

static void a_changed_tile_is_noticed(void **state)
{
	struct world *world = *state;
	_cleanup_(buf_done) struct buf tile = BUF_MAX(TILE_BYTES);
	uint64_t index;

	open_log(world);
	added(world, 0, 4);
	get(world, "tile/0/000.p/5", &tile);
	tile.data[40] ^= 1;
	put(world, "tile/0/000.p/5", tile.data, tile.len);
	/* While it is open: nothing is signed over it. */
	assert_int_equal(add(world, 4, 1, &index), -EBADMSG);
	assert_non_null(strstr(world->diag.text, "changed by somebody else"));
	refused(world, ORIGIN, -EBADMSG, "not what its checkpoint says");
	tile.data[40] ^= 1;
	put(world, "tile/0/000.p/5", tile.data, tile.len);
	open_log(world);
	added(world, 4, 1);
	proved(world, 4);
}

/* Killed after the tiles and before the checkpoint: what is beyond it is written over. */
static void what_a_crash_left_is_not_in_the_log(void **state)
{
	struct world *world = *state;
	_cleanup_(buf_done) struct buf before = BUF_MAX(NOTE_MAX), after = BUF_MAX(NOTE_MAX);

	open_log(world);
	added(world, 0, 250);
	get(world, "checkpoint", &before);
	added(world, 250,
	      20); /* a tile becomes full; then its parts are taken away, but for the one that is put back */
	get(world, "checkpoint", &after);
	put(world, "checkpoint", before.data, before.len);
	local_log_close(TAKE(world->open));
	open_log(world);
	proved(world, 249);
}

static void an_exchanged_checkpoint_is_refused(void **state)
{
	struct world *world = *state;
	_cleanup_(buf_done) struct buf before = BUF_MAX(NOTE_MAX);
	_cleanup_(buf_done) struct buf after = BUF_MAX(NOTE_MAX);
	uint64_t index;

	open_log(world);
	added(world, 0, 3);
	get(world, "checkpoint", &before);
	added(world, 3, 3);
	get(world, "checkpoint", &after);
	put(world, "checkpoint", before.data, before.len);
	assert_int_equal(add(world, 6, 1, &index), -EBADMSG);
	assert_non_null(strstr(world->diag.text, "does not extend"));
	/* And the one that was there lets it go on. */
	put(world, "checkpoint", after.data, after.len);
	added(world, 6, 1);
	proved(world, 6);
}

static void two_processes_take_turns(void **state)
{
	struct world *world = *state;
	struct local_log *other;
	char text[800];
	struct str body = body_of(1, text);
	uint64_t index;

	open_log(world);
	assert_int_equal(local_log_open(world->log, world->key, ORIGIN, &world->diag, &other), 0);
	added(world, 0, 1);
	assert_int_equal(local_log_add(other, &body, 1, &world->diag, &index), 0);
	assert_int_equal(index, 2);
	added(world, 2, 1);
	for (unsigned int i = 0; i < 3; i++)
		proved(world, i);
	local_log_close(other);
}

static void too_large_bodies_are_refused(void **state)
{
	struct world *world = *state;
	char *large = calloc(1, TILE_ENTRY_MAX + 1);
	struct str body = { large, TILE_ENTRY_MAX + 1 };
	uint64_t index;

	open_log(world);
	assert_int_equal(local_log_add(world->open, &body, 1, &world->diag, &index), -E2BIG);
	body.len = TILE_ENTRY_MAX;
	assert_int_equal(local_log_add(world->open, &body, 1, &world->diag, &index), 0);
	free(large);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_log_begins),
		TEST(what_is_added_is_proved),
		TEST(tiles_become_full),
		TEST(all_checkpoints_are_consistent),
		TEST(adding_again_adds_nothing),
		TEST(the_origin_stays),
		TEST(origins_are_bare_host_names),
		TEST(the_key_is_needed),
		TEST(another_key_is_refused),
		TEST(a_p256_key_is_refused),
		TEST(a_lost_checkpoint_is_no_new_log),
		TEST(a_changed_tile_is_noticed),
		TEST(what_a_crash_left_is_not_in_the_log),
		TEST(an_exchanged_checkpoint_is_refused),
		TEST(two_processes_take_turns),
		TEST(too_large_bodies_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
