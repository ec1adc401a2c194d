/* SPDX-License-Identifier: Apache-2.0 */
/* The head that is remembered outside the directory: who cuts the tail, or empties it, does not get a new chain. */

#include "chain_world.h"

struct place {
	struct world *world;
	char heads[80];
	char file[160]; /* the one memory */
};

static int place_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct digest digest;
	char hex[DIGEST_TEXT_LEN + 1];

	assert_non_null(place);
	world_up((void **)&place->world);
	snprintf(place->heads, sizeof(place->heads), "%s-state/heads", place->world->path);
	/* /tmp has no link in it here: the path is the real one. */
	assert_int_equal(digest_of(place->world->path, strlen(place->world->path), &digest), 0);
	digest_hex(&digest, hex);
	snprintf(place->file, sizeof(place->file), "%s/%.16s.json", place->heads, hex);
	place->world->options.heads_directory = place->heads;
	*state = place;
	return 0;
}

static int place_down(void **state)
{
	struct place *place = *state;

	unlink(place->file);
	rmdir(place->heads);
	*strrchr(place->heads, '/') = '\0';
	unlink(place->heads);
	rmdir(place->heads);
	world_down((void **)&place->world);
	free(place);
	return 0;
}

static void chunks(struct world *world, unsigned int count)
{
	struct chain *chain = world_begin(world, NULL);

	for (unsigned int i = 1; i < count; i++) {
		world_append(world, chain, 2);
		world_rotate(world, chain);
	}
	world_close(world, chain);
}

static void recall(const struct place *place, struct buf *out)
{
	buf_clear(out);
	assert_int_equal(file_read_nofollow_at(AT_FDCWD, place->file, out, NULL), 0);
}

static void replace(const struct place *place, const char *text, size_t len)
{
	assert_int_equal(file_publish_at(AT_FDCWD, place->file, 0600, text, len, false, NULL), 0);
}

static void remove_chunk(const struct world *world, uint64_t sequence)
{
	char name[CHUNK_NAME_MAX];

	assert_int_equal(chunk_name(CHUNK_SEAL, sequence, name), 0);
	assert_int_equal(unlinkat(world->dir, name, 0), 0);
	assert_int_equal(chunk_name(CHUNK_PLAIN, sequence, name), 0);
	assert_int_equal(unlinkat(world->dir, name, 0), 0);
}

static void refused(const struct place *place, const char *word)
{
	struct chain_recovery recovery;
	struct diag diag = { .code = 0 };
	struct chain *chain = NULL;

	assert_int_equal(chain_open(place->world->path, &place->world->options, &diag, &recovery, &chain),
			 -EBADMSG);
	assert_int_equal(diag_exit_status(&diag, -EBADMSG), EXIT_UNSOUND);
	if (!strstr(diag.text, word) || !strstr(diag.text, place->file))
		fail_msg("'%s' does not say '%s' and name %s", diag.text, word, place->file);
	assert_null(chain);
}

static void what_is_remembered_is_the_last_seal(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(4096), want = BUF_MAX(4096);
	struct place *place = *state;
	struct world *world = place->world;
	struct chain *chain = world_begin(world, NULL);
	struct chain_state seen;
	char hex[DIGEST_TEXT_LEN + 1];
	struct stat st;

	world_rotate(world, chain);
	world_rotate(world, chain);
	assert_int_equal(chain_wait(chain, WAIT_MS), 0);
	chain_state(chain, &seen);
	assert_int_equal(seen.head_error, 0);
	digest_hex(&seen.sealed_head, hex);
	buf_printf(&want, "{\"chain\":\"%s\",\"directory\":\"%s\",\"sequence\":2,\"sha256\":\"%s\"}",
		   seen.chain_id, world->path, hex);
	recall(place, &text);
	assert_true(str_equal(buf_str(&text), buf_str(&want)));
	assert_int_equal(stat(place->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(place->heads, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	world_close(world, chain);
	chunks(world, 2); /* a chain that is whole goes on */
}

static void a_cut_tail_is_noticed(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct place *place = *state;
	struct world *world = place->world;

	chunks(world, 3);
	remove_chunk(world, 3);
	refused(place, "chunk 3 of chain");
	refused(place, "the last one there is 2 now");
	assert_false(world_has(world, "chunk-000003.ndjson.open"));
	/* The way out. */
	assert_int_equal(unlink(place->file), 0);
	chunks(world, 1);
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 3);
	remove_chunk(world, 3); /* and from there on it is remembered again */
	refused(place, "the last one there is 2 now");
}

static void an_emptied_directory_is_noticed(void **state)
{
	struct place *place = *state;
	struct world *world = place->world;

	chunks(world, 2);
	remove_chunk(world, 1);
	remove_chunk(world, 2);
	refused(place, "there is no chain now");
	/* Not even by what looks like the leftovers of a first start. */
	world_put(world, "chunk-000001.ndjson.open", O_EXCL, "", 0);
	refused(place, "there is no chain now");
	assert_true(world_has(world, "chunk-000001.ndjson.open"));
	assert_int_equal(unlink(place->file), 0);
	chunks(world, 1);
	assert_true(world_has(world, "chunk-000001.sigstore.json"));
}

static void another_chain_in_its_place_is_noticed(void **state)
{
	_cleanup_(buf_done) struct buf first = BUF_MAX(4096);
	struct place *place = *state;
	struct world *world = place->world;

	chunks(world, 2);
	recall(place, &first);
	remove_chunk(world, 1);
	remove_chunk(world, 2);
	assert_int_equal(unlink(place->file), 0);
	chunks(world, 3);
	replace(place, first.data, first.len);
	refused(place, "there is chunk 3 of chain");
}

/* The same chain, forked: a copy of its first chunk, continued elsewhere with the same key. */
static void a_fork_is_noticed(void **state)
{
	_cleanup_(buf_done) struct buf memory = BUF_MAX(4096);
	struct place *place = *state;
	struct world *world = place->world;

	chunks(world, 2);
	recall(place, &memory);
	remove_chunk(world, 2);
	assert_int_equal(unlink(place->file), 0);
	chunks(world, 1);
	replace(place, memory.data, memory.len);
	refused(place, "there is another chunk 2 now");
	/* Longer than the memory does not help. */
	assert_int_equal(unlink(place->file), 0);
	chunks(world, 2);
	replace(place, memory.data, memory.len);
	refused(place, "there is another chunk 2 now");
}

static void a_directory_ahead_of_the_memory_goes_on(void **state)
{
	_cleanup_(buf_done) struct buf before = BUF_MAX(4096), after = BUF_MAX(4096);
	struct place *place = *state;
	struct world *world = place->world;

	chunks(world, 2);
	recall(place, &before);
	chunks(world, 2);
	replace(place, before.data, before.len);
	chunks(world, 1);
	recall(place, &after);
	assert_non_null(buf_cstr(&after));
	assert_non_null(strstr(after.data, "\"sequence\":5,"));
	/* What a power cut leaves of a file that was not synced. */
	replace(place, "", 0);
	chunks(world, 1);
}

static void a_damaged_memory_is_not_read_as_none(void **state)
{
	_cleanup_(buf_done) struct buf good = BUF_MAX(4096), other = BUF_MAX(4096);
	struct place *place = *state;
	struct world *world = place->world;
	static const char *const bad[] = { "{}", "x", "null", " ", "{\"chain\":\"\"}" };

	chunks(world, 1);
	recall(place, &good);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		replace(place, bad[i], strlen(bad[i]));
		refused(place, "is damaged");
	}
	for (size_t len = 1; len < good.len; len += 7) {
		replace(place, good.data, len);
		refused(place, "is damaged");
	}
	/* The memory of another directory. */
	assert_int_equal(buf_append_str(&other, buf_str(&good)), 0);
	*strstr(buf_cstr(&other), "stella-chain") = 'S';
	replace(place, other.data, other.len);
	refused(place, "is damaged");
	replace(place, good.data, good.len);
	chunks(world, 1);
}

static void a_memory_that_cannot_be_written_stops_nothing(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct place *place = *state;
	struct world *world = place->world;
	char parent[96];
	struct chain_state seen;
	struct chain *chain;
	int fd;

	/* A file where the state directory should be; read-only for root too, unlike a mode. */
	snprintf(parent, sizeof(parent), "%s-state", world->path);
	assert_int_equal(mkdir(parent, 0700), 0);
	chain = world_begin(world, NULL);
	assert_int_equal(rmdir(parent), 0);
	fd = open(parent, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	world_append(world, chain, 3);
	world_rotate(world, chain);
	assert_int_equal(chain_wait(chain, WAIT_MS), 0);
	chain_state(chain, &seen);
	assert_int_equal(seen.head_error, -ENOTDIR);
	assert_int_equal(seen.error, 0);
	assert_int_equal(seen.sealed_sequence, 1);
	assert_int_equal(unlink(parent), 0);
	world_rotate(world, chain);
	assert_int_equal(chain_wait(chain, WAIT_MS), 0);
	chain_state(chain, &seen);
	assert_int_equal(seen.head_error, 0); /* well again */
	world_close(world, chain);
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 3);
}

static void nothing_is_remembered_unasked(void **state)
{
	struct place *place = *state;
	struct world *world = place->world;

	world->options.heads_directory = NULL;
	chunks(world, 2);
	assert_int_equal(access(place->heads, F_OK), -1);
	remove_chunk(world, 2);
	chunks(world, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_up, place_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_remembered_is_the_last_seal),
		TEST(a_cut_tail_is_noticed),
		TEST(an_emptied_directory_is_noticed),
		TEST(another_chain_in_its_place_is_noticed),
		TEST(a_fork_is_noticed),
		TEST(a_directory_ahead_of_the_memory_goes_on),
		TEST(a_damaged_memory_is_not_read_as_none),
		TEST(a_memory_that_cannot_be_written_stops_nothing),
		TEST(nothing_is_remembered_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
