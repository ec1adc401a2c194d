/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of publication that are done again: after a sync that failed, and after a rename that had succeeded. */

#include "chain_world.h"

#include "collect/publish.h"

static struct publish_job *job_of(struct world *world, const char *name, const char *text)
{
	struct publish_job *job = NULL;
	int fd = openat(world->dir, name, O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(publish_job_new(&fd, &job), 0);
	assert_int_equal(fd, -1);
	job->statement.sequence = 1;
	job->statement.bytes = strlen(text);
	assert_int_equal(digest_of(text, strlen(text), &job->statement.plain_digest), 0);
	return job;
}

static void a_failed_sync_writes_the_same_bytes_again(void **state)
{
	_cleanup_(publish_job_freep) struct publish_job *job = NULL;
	_cleanup_(buf_done) struct buf text = BUF_MAX(100);
	struct world *world = *state;
	struct publish_context context = { .dir = world->dir };

	job = job_of(world, "chunk-000001.ndjson.open", "one\ntwo\n");
	job->rewrite = true;
	assert_int_equal(publish_step(&context, job, NULL, NULL), 0);
	assert_int_equal(job->stage, PUBLISH_COMPRESS);
	assert_false(job->rewrite);
	world_get(world, "chunk-000001.ndjson.open", &text);
	assert_true(str_equal(buf_str(&text), STR("one\ntwo\n")));
}

static void what_the_disk_lost_is_not_sealed(void **state)
{
	_cleanup_(publish_job_freep) struct publish_job *job = NULL;
	struct world *world = *state;
	struct publish_context context = { .dir = world->dir };
	struct diag diag = { .code = 0 };

	job = job_of(world, "chunk-000001.ndjson.open", "one\ntwo\n");
	job->rewrite = true;
	assert_int_equal(pwrite(job->fd, "\0\0", 2, 4), 2);
	assert_int_equal(publish_step(&context, job, NULL, &diag), -EIO);
	assert_int_equal(job->stage, PUBLISH_SYNC);
	assert_non_null(strstr(diag.text, "chunk 1"));
	assert_int_equal(ftruncate(job->fd, 4), 0);
	assert_int_equal(publish_step(&context, job, NULL, NULL), -EIO);
}

static void a_chunk_that_changed_its_length_is_not_compressed(void **state)
{
	_cleanup_(publish_job_freep) struct publish_job *job = NULL;
	struct world *world = *state;
	struct publish_context context = { .dir = world->dir, .compression = CHAIN_ZSTD };

	job = job_of(world, "chunk-000001.ndjson.open", "one\ntwo\n");
	job->stage = PUBLISH_COMPRESS;
	assert_int_equal(ftruncate(job->fd, 7), 0);
	assert_int_equal(publish_step(&context, job, NULL, NULL), -EIO);
	assert_int_equal(ftruncate(job->fd, 9), 0);
	assert_int_equal(publish_step(&context, job, NULL, NULL), -EIO);
	assert_false(world_has(world, "chunk-000001.ndjson.zst.tmp-seal"));
	assert_int_equal(ftruncate(job->fd, 8), 0);
	assert_int_equal(publish_step(&context, job, NULL, NULL), 0);
	assert_true(world_has(world, "chunk-000001.ndjson.zst.tmp-seal"));
}

static void steps_done_twice_are_done_once(void **state)
{
	struct world *world = *state;

	world_put(world, "a", 0, "x", 1);
	assert_int_equal(publish_rename(world->dir, "a", "b", NULL), 0);
	assert_int_equal(publish_rename(world->dir, "a", "b", NULL), 0);
	assert_int_equal(publish_rename(world->dir, "a", "c", NULL), -ENOENT);
	assert_int_equal(publish_remove(world->dir, "b", NULL), 0);
	assert_int_equal(publish_remove(world->dir, "b", NULL), 0);
	assert_int_equal(publish_rename(world->dir, "a", "b", NULL), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_failed_sync_writes_the_same_bytes_again),
		TEST(what_the_disk_lost_is_not_sealed),
		TEST(a_chunk_that_changed_its_length_is_not_compressed),
		TEST(steps_done_twice_are_done_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
