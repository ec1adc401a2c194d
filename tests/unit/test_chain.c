/* SPDX-License-Identifier: Apache-2.0 */
/* The open chunk, rotation, the sealer and a full disk: what a collector that is alive promises. */

#include "chain_world.h"

#include <sys/mount.h>
#include <sys/stat.h>

static void lines_become_a_sealed_chain(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;
	struct chain *chain = world_begin(world, NULL);
	struct chain_state seen;
	uint64_t sequence, bytes, records;
	struct moment opened;

	assert_int_equal(world_append(world, chain, 3), 0);
	chain_current(chain, &sequence, &bytes, &records, &opened);
	assert_int_equal(sequence, 1);
	assert_int_equal(records, 3);
	world_rotate(world, chain);
	assert_int_equal(world_append(world, chain, 2), 0);
	assert_int_equal(chain_wait(chain, WAIT_MS), 0);
	chain_state(chain, &seen);
	assert_int_equal(seen.sealed_sequence, 1);
	assert_int_equal(seen.waiting, 0);
	assert_int_equal(seen.error, 0);
	assert_false(seen.compression_on);
	/* What is still open is no evidence. */
	assert_true(world_has(world, "chunk-000002.ndjson.open"));
	assert_false(world_has(world, "chunk-000002.sigstore.json"));
	world_close(world, chain);
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 2);
	assert_int_equal(sealed->records, 5);
	assert_string_equal(sealed->statements[1].chain_id, seen.chain_id);
	assert_int_equal(sealed->statements[1].gap, GAP_NONE);
	assert_int_equal(sealed->statements[2].gap, GAP_NONE);
	assert_false(sealed->statements[1].final);
	assert_true(sealed->statements[2].final);
	assert_int_equal(sealed->statements[1].n_probes, 1);
	assert_int_equal(sealed->statements[2].opened.boot_ns, sealed->statements[1].closed.boot_ns);
	world_is_tidy(world);
}

static void a_restart_continues_and_says_so(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;
	struct chain_recovery recovery;
	struct chain *chain = world_begin(world, NULL);

	world_append(world, chain, 1);
	world_close(world, chain);
	chain = world_begin(world, &recovery);
	assert_int_equal(recovery.recovered_chunks + recovery.torn_bytes + recovery.finished, 0);
	world_close(world, chain);
	world->boot_id = "22222222-2222-4222-8222-222222222222";
	world_close(world, world_begin(world, NULL));
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 3);
	assert_int_equal(sealed->statements[2].gap, GAP_RESTART);
	assert_null(sealed->statements[2].gap_from_boot_id);
	assert_memory_equal(&sealed->statements[2].gap_from, &sealed->statements[1].closed,
			    sizeof(struct moment));
	assert_memory_equal(&sealed->statements[2].gap_to, &sealed->statements[2].opened,
			    sizeof(struct moment));
	assert_string_equal(sealed->statements[3].gap_from_boot_id, "11111111-1111-4111-8111-111111111111");
}

static void zstd_holds_the_same_text(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;
	struct chain *chain;

	world->options.compression = CHAIN_ZSTD;
	chain = world_begin(world, NULL);
	assert_int_equal(world_append(world, chain, 5000), 0);
	world_rotate(world, chain);
	world_close(world, chain); /* an empty chunk too */
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 2);
	assert_string_equal(sealed->statements[1].chunk_name, "chunk-000001.ndjson.zst");
	assert_string_equal(sealed->statements[1].encoding, "zstd");
	assert_int_equal(sealed->statements[1].records, 5000);
	assert_int_equal(sealed->statements[2].bytes, 0);
	world_is_tidy(world);
}

static void a_second_collector_is_refused(void **state)
{
	struct world *world = *state;
	struct chain *chain = world_begin(world, NULL), *second = NULL;
	struct chain_recovery recovery;
	struct diag diag = { .code = 0 };

	assert_int_equal(chain_open(world->path, &world->options, &diag, &recovery, &second), -EBUSY);
	assert_int_equal(diag_exit_status(&diag, -EBUSY), EXIT_TRY_AGAIN);
	assert_null(second);
	world_append(world, chain, 1);
	world_close(world, chain);
	world_close(world, world_open(world, NULL));
}

static void a_dropped_chunk_leaves_nothing_and_the_chain_goes_on(void **state)
{
	struct world *world = *state;
	struct chain *chain = world_begin(world, NULL);
	struct diag diag = { .code = 0 };

	world_append(world, chain, 3);
	world_rotate(world, chain);
	world_append(world, chain, 2);
	assert_int_equal(chain_drop(chain, WAIT_MS, &diag), 0);
	assert_true(world_has(world, "chunk-000001.ndjson"));
	assert_false(world_has(world, "chunk-000002.ndjson.open"));
	assert_false(world_has(world, "chunk-000002.json.open"));
	assert_false(world_has(world, "chunk-000002.ndjson"));
	/* Before anything was begun, and what nobody opened. */
	assert_int_equal(chain_drop(world_open(world, NULL), WAIT_MS, &diag), 0);
	assert_int_equal(chain_drop(NULL, 0, &diag), 0);
	chain = world_begin(world, NULL);
	assert_true(world_has(world, "chunk-000002.ndjson.open"));
	world_close(world, chain);
}

static void suspend_and_losses_go_where_they_belong(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;
	struct chain *chain = world_begin(world, NULL);
	struct moment asleep = world->now;

	ledger_add(&world->ledger, LEDGER_DISK_FULL, 4, world_later(world, 1).boot_ns);
	chain_gap(chain, GAP_SUSPEND, asleep, world_later(world, 60 * SECOND));
	world_rotate(world, chain);
	ledger_cut(&world->ledger);
	world_rotate(world, chain);
	world_close(world, chain);
	sealed = world_walk(world);
	assert_int_equal(loss_of(&sealed->statements[1], "disk_full")->count, 4);
	assert_int_equal(loss_of(&sealed->statements[2], "disk_full")->count, 0);
	assert_int_equal(sealed->statements[1].gap, GAP_NONE);
	assert_int_equal(sealed->statements[2].gap, GAP_SUSPEND);
	assert_memory_equal(&sealed->statements[2].gap_from, &asleep, sizeof(asleep));
	assert_int_equal(sealed->statements[3].gap, GAP_NONE);
}

static void drafts_follow_the_chunk(void **state)
{
	_cleanup_(statement_done) struct statement draft = { 0 };
	struct world *world = *state;
	struct chain *chain = world_begin(world, NULL);
	struct moment before, first;

	assert_int_equal(draft_read(world->dir, 1, world->key, &draft), 0);
	before = draft.closed;
	assert_int_equal(chain_checkpoint(chain, world_later(world, SECOND), NULL), 0);
	statement_done(&draft);
	assert_int_equal(draft_read(world->dir, 1, world->key, &draft), 0);
	assert_memory_equal(&draft.closed, &before, sizeof(before)); /* nothing changed: not written */
	world_append(world, chain, 2);
	first = world_later(world, SECOND);
	assert_int_equal(chain_checkpoint(chain, first, NULL), 0);
	statement_done(&draft);
	assert_int_equal(draft_read(world->dir, 1, world->key, &draft), 0);
	assert_int_equal(draft.records, 2);
	assert_false(draft_is_closed(&draft));
	assert_memory_equal(&draft.closed, &first, sizeof(first));
	/* Coverage goes on when nothing happens. */
	assert_int_equal(chain_checkpoint(chain, world_later(world, 11 * SECOND), NULL), 0);
	statement_done(&draft);
	assert_int_equal(draft_read(world->dir, 1, world->key, &draft), 0);
	assert_memory_equal(&draft.closed, &world->now, sizeof(world->now));
	assert_int_equal(draft.container_coverage[0].records, 3);
	/* The next chunk begins with nothing covered of anyone, but with all names that were known. */
	assert_int_equal(chain_rotate(chain, world_later(world, SECOND), NULL), 0);
	statement_done(&draft);
	assert_int_equal(draft_read(world->dir, 2, world->key, &draft), 0);
	assert_int_equal(draft.n_container_coverage, 1);
	assert_int_equal(draft.container_coverage[0].from_boot_ns, world->now.boot_ns);
	assert_int_equal(draft.container_coverage[0].to_boot_ns, world->now.boot_ns);
	assert_int_equal(draft.container_coverage[0].records, 0);
	world_close(world, chain);
}

static void nothing_is_written_through_a_planted_name(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	_cleanup_(buf_done) struct buf victim = BUF_MAX(100);
	struct world *world = *state;
	struct chain *chain = world_begin(world, NULL);
	uint64_t sequence, bytes, records;
	struct moment opened;
	char target[128];

	world_put(world, "victim", 0, "precious", 8);
	snprintf(target, sizeof(target), "%s/victim", world->path);
	assert_int_equal(symlinkat(target, world->dir, "chunk-000002.ndjson.open"), 0);
	assert_int_equal(chain_rotate(chain, world_later(world, SECOND), NULL), -EEXIST);
	chain_current(chain, &sequence, &bytes, &records, &opened);
	assert_int_equal(sequence, 1);
	assert_int_equal(world_append(world, chain, 1), 0);
	assert_int_equal(unlinkat(world->dir, "chunk-000002.ndjson.open", 0), 0);
	world_rotate(world, chain);
	world_close(world, chain);
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 2);
	assert_int_equal(sealed->statements[1].records, 1);
	world_get(world, "victim", &victim);
	assert_true(str_equal(buf_str(&victim), STR("precious")));
}

/* ---- a disk that is full, and one that nobody may write to ---- */

static int tmpfs_up(void **state)
{
	struct world *world;
	int r = world_up(state);

	world = *state;
	if (mount("tmpfs", world->path, "tmpfs", 0, "size=512k,nr_inodes=100") < 0) {
		print_message("mounting a tmpfs is not permitted here (%s): skipped\n", strerror(errno));
		return r;
	}
	close(world->dir);
	world->dir = open(world->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return world->dir < 0 ? -1 : r;
}

static int tmpfs_down(void **state)
{
	struct world *world = *state;

	close(world->dir);
	umount2(world->path, MNT_DETACH);
	world->dir = open(world->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return world_down(state);
}

static bool is_tmpfs(const struct world *world)
{
	struct stat here, above;

	return fstat(world->dir, &here) == 0 && stat("/tmp", &above) == 0 && here.st_dev != above.st_dev;
}

static const struct world *filled;

static void fill(void)
{
	_cleanup_(closep) int fd = openat(filled->dir, "filler", O_WRONLY | O_CREAT | O_APPEND, 0600);
	static const char page[4096] = { 1 };

	assert_true(fd >= 0);
	while (write(fd, page, sizeof(page)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
}

static void fill_after_signing(enum chain_step step)
{
	if (step == STEP_SIGNED)
		fill();
}

static void a_full_disk_costs_what_did_not_fit(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;
	struct diag diag = { .code = 0 };
	uint64_t sequence, bytes, records;
	struct moment opened;
	struct chain *chain;
	struct stat st;

	if (!is_tmpfs(world))
		skip();
	filled = world;
	chain = world_begin(world, NULL);
	assert_int_equal(world_append(world, chain, 10), 0);
	fill();
	assert_int_equal(world_append(world, chain, 5000), -ENOSPC);
	chain_current(chain, &sequence, &bytes, &records, &opened);
	assert_int_equal(records, 10);
	assert_int_equal(fstatat(world->dir, "chunk-000001.ndjson.open", &st, 0), 0);
	assert_int_equal(st.st_size, bytes);
	fill(); /* the page that was given back */
	assert_int_equal(chain_rotate(chain, world_later(world, SECOND), &diag), -ENOSPC);
	assert_non_null(strstr(diag.text, "make room"));
	assert_false(world_has(world, "chunk-000002.ndjson.open"));
	assert_int_equal(unlinkat(world->dir, "filler", 0), 0);
	assert_int_equal(world_append(world, chain, 20), 0);
	world_rotate(world, chain);
	world_close(world, chain);
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 2);
	assert_int_equal(sealed->records, 30);
}

static void the_sealer_waits_for_room(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;
	struct chain_state seen;
	struct chain *chain;

	if (!is_tmpfs(world))
		skip();
	filled = world;
	chain = world_begin(world, NULL);
	world_append(world, chain, 10);
	chain_step_hook = fill_after_signing;
	world_rotate(world, chain);
	do
		chain_state(chain, &seen);
	while (seen.error == 0);
	assert_int_equal(seen.error, -ENOSPC);
	assert_int_equal(seen.waiting, 1);
	assert_non_null(strstr(seen.error_text, "chunk-000001.sigstore.json"));
	assert_int_equal(chain_wait(chain, 0), -EAGAIN);
	chain_step_hook = NULL;
	assert_int_equal(unlinkat(world->dir, "filler", 0), 0);
	assert_int_equal(chain_wait(chain, WAIT_MS), 0);
	chain_state(chain, &seen);
	assert_int_equal(seen.error, 0);
	world_close(world, chain);
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 2);
	world_is_tidy(world);
}

static void what_could_not_be_sealed_at_the_end_is_sealed_by_the_next(void **state)
{
	_cleanup_(sealed_done) struct sealed *sealed = NULL;
	struct world *world = *state;
	struct diag diag = { .code = 0 };
	struct chain_recovery recovery;
	struct chain *chain;

	if (!is_tmpfs(world))
		skip();
	filled = world;
	chain = world_begin(world, NULL);
	world_append(world, chain, 10);
	chain_step_hook = fill_after_signing;
	assert_int_equal(chain_close(chain, world_later(world, SECOND), 50, &diag), -EAGAIN);
	assert_non_null(strstr(diag.text, "1 closed chunk"));
	chain_step_hook = NULL;
	assert_int_equal(unlinkat(world->dir, "filler", 0), 0);
	world_close(world, world_begin(world, &recovery));
	assert_int_equal(recovery.recovered_chunks, 1);
	sealed = world_walk(world);
	assert_int_equal(sealed->count, 2);
	assert_false(sealed->statements[1].final);
	assert_true(sealed->statements[1].recovered);
	assert_int_equal(sealed->statements[1].records, 10);
	assert_int_equal(sealed->statements[2].gap, GAP_CRASH);
	world_is_tidy(world);
}

static void a_directory_nobody_may_write_gives_one_line(void **state)
{
	struct world *world = *state;
	int status;
	pid_t child;

	if (geteuid() != 0) {
		print_message("needs root to become somebody else: skipped\n");
		skip();
	}
	assert_int_equal(fchmod(world->dir, 0555), 0);
	child = fork();
	if (child == 0) {
		struct chain_recovery recovery;
		struct diag diag = { .code = 0 };
		struct chain *chain = NULL;
		int r;

		if (setresuid(65534, 65534, 65534) < 0)
			_exit(1);
		r = chain_open(world->path, &world->options, &diag, &recovery, &chain);
		if (r == 0)
			r = chain_begin(chain, world->now, &diag);
		_exit(r == -EACCES && strstr(diag.text, world->path) &&
				      diag_exit_status(&diag, r) == EXIT_NOT_PERMITTED
			      ? 42
			      : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_become_a_sealed_chain, world_up, world_down),
		cmocka_unit_test_setup_teardown(a_restart_continues_and_says_so, world_up, world_down),
		cmocka_unit_test_setup_teardown(zstd_holds_the_same_text, world_up, world_down),
		cmocka_unit_test_setup_teardown(a_second_collector_is_refused, world_up, world_down),
		cmocka_unit_test_setup_teardown(a_dropped_chunk_leaves_nothing_and_the_chain_goes_on, world_up,
						world_down),
		cmocka_unit_test_setup_teardown(suspend_and_losses_go_where_they_belong, world_up, world_down),
		cmocka_unit_test_setup_teardown(drafts_follow_the_chunk, world_up, world_down),
		cmocka_unit_test_setup_teardown(nothing_is_written_through_a_planted_name, world_up,
						world_down),
		cmocka_unit_test_setup_teardown(a_full_disk_costs_what_did_not_fit, tmpfs_up, tmpfs_down),
		cmocka_unit_test_setup_teardown(the_sealer_waits_for_room, tmpfs_up, tmpfs_down),
		cmocka_unit_test_setup_teardown(what_could_not_be_sealed_at_the_end_is_sealed_by_the_next,
						tmpfs_up, tmpfs_down),
		cmocka_unit_test_setup_teardown(a_directory_nobody_may_write_gives_one_line, world_up,
						world_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
