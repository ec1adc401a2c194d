// SPDX-License-Identifier: Apache-2.0
/*
 * Whose was it, on the live kernel: pids of the process's own pid namespace, cgroups of the hierarchy in
 * which containers are. Needs root; skipped, with the reason,
 * elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "whose_world.h"

static struct source *open_source(struct source_options options)
{
	struct source *source = NULL;
	struct diag diag = { .text = "" };

	options.ring_bytes = WHOSE_RING_BYTES;
	if (source_open(&options, &diag, &source) < 0)
		fail_msg("%s", diag.text);
	report_source(source, options.without == 0);
	return source;
}

/* Older kernels' ways to read memory, too. */
static const unsigned int mixes[] = { 0, FEATURE_DIRECT_READS, FEATURE_TRAMPOLINE | FEATURE_SOCK_STORAGE };

static void pids_are_told_as_the_process_sees_itself(void **state)
{
	static struct whose inner, outer, found;

	(void)state;
	if (!source_possible())
		skip();
	for (size_t i = 0; i < whose_mixes(ARRAY_LEN(mixes)); i++) {
		_cleanup_(source_closep) struct source *source = NULL;
		_cleanup_(closep) int listener = -1;
		struct diag diag = { .text = "" };
		struct sockaddr_in address;
		int inner_gate, outer_gate;

		listener = whose_listen(&address);
		inner = outer = found = (struct whose) { .pid = 0 };
		inner.pid = (uint32_t)whose_fork(CLONE_NEWPID, &address, &inner_gate);
		outer.pid = (uint32_t)whose_fork(0, &address, &outer_gate);
		source = open_source((struct source_options) { .without = mixes[i] });
		found.pid = inner.pid;
		assert_int_equal(source_snapshot(source, whose_take, &found, &diag), 0);
		assert_int_equal(found.came[WIRE_KIND_PROCESS_EXEC], 1);
		assert_int_equal(found.ns_pid, 1);
		assert_int_equal(found.other_ns_pid, 1);

		whose_ends((pid_t)inner.pid, inner_gate);
		whose_drain(source, &inner);
		whose_is_whole(&inner);
		assert_int_equal(inner.ns_pid, 1);
		assert_int_equal(inner.other_ns_pid, 1);

		whose_ends((pid_t)outer.pid, outer_gate);
		whose_drain(source, &outer);
		whose_is_whole(&outer);
		assert_int_equal(outer.ns_pid, 0);
		assert_int_equal(outer.other_ns_pid, 0);
	}
	unlink(WHOSE_PATH);
}

/* The cgroup's directory, by each hierarchy and each way to read memory. */
static void in_hierarchy(const char *name, unsigned int without)
{
	_cleanup_(source_closep) struct source *source =
		open_source((struct source_options) { .without = without, .cgroup_hierarchy = name });
	_cleanup_(closep) int listener = -1;
	static struct whose inside, outside;
	struct sockaddr_in address;
	char path[PATH_MAX];
	int gate, other_gate;
	uint64_t id;

	if (!whose_cgroup(source_cgroup_mount(source), "stella-whose", path, sizeof(path), &id)) {
		print_message("# no cgroup can be made in the hierarchy %s\n", name ? name : "that is chosen");
		return;
	}
	if (name)
		assert_string_equal(source_cgroup_hierarchy(source), name);
	listener = whose_listen(&address);
	inside = outside = (struct whose) { .pid = 0 };
	inside.pid = (uint32_t)whose_fork(0, &address, &gate);
	outside.pid = (uint32_t)whose_fork(0, &address, &other_gate);
	whose_move((pid_t)inside.pid, path);
	whose_ends((pid_t)inside.pid, gate);
	whose_drain(source, &inside);
	whose_is_whole(&inside);
	assert_int_equal(inside.cgroup_id, id);
	assert_int_equal(inside.other_cgroup_id, id);
	whose_ends((pid_t)outside.pid, other_gate);
	whose_drain(source, &outside);
	whose_is_whole(&outside);
	assert_int_equal(outside.cgroup_id, outside.other_cgroup_id);
	assert_true(outside.cgroup_id != 0 && outside.cgroup_id != id);
	assert_int_equal(rmdir(path), 0);
}

static void cgroups_are_of_the_chosen_hierarchy(void **state)
{
	(void)state;
	if (!source_possible())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(whose_hierarchies); i++) {
		for (size_t mix = 0;
		     whose_hierarchy(whose_hierarchies[i]) && mix < whose_mixes(ARRAY_LEN(mixes)); mix++)
			in_hierarchy(whose_hierarchies[i], mixes[mix]);
	}
	unlink(WHOSE_PATH);
}

/* Processes and sockets that were there before us. */
static void what_is_found_has_its_cgroup(void **state)
{
	_cleanup_(source_closep) struct source *source = NULL;
	_cleanup_(closep) int listener = -1;
	static struct whose found;
	struct hierarchy hierarchy;
	struct diag diag = { .text = "" };
	struct sockaddr_in address;
	char path[PATH_MAX];
	uint64_t id;
	int gate;

	(void)state;
	if (!source_possible())
		skip();
	assert_int_equal(hierarchy_find(NULL, &diag, &hierarchy), 0);
	if (!whose_cgroup(hierarchy.mount, "stella-found", path, sizeof(path), &id))
		skip();
	listener = whose_listen(&address);
	found = (struct whose) { .pid = 0 };
	found.pid = (uint32_t)whose_fork(0, &address, &gate);
	whose_move((pid_t)found.pid, path);
	source = open_source((struct source_options) { .without = 0 });
	assert_int_equal(source_snapshot(source, whose_take, &found, &diag), 0);
	assert_true(found.came[WIRE_KIND_PROCESS_EXEC] == 1);
	assert_int_equal(found.cgroup_id, id);
	assert_int_equal(found.other_cgroup_id, id);
	whose_ends((pid_t)found.pid, gate);
	assert_int_equal(rmdir(path), 0);
	unlink(WHOSE_PATH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pids_are_told_as_the_process_sees_itself),
		cmocka_unit_test(cgroups_are_of_the_chosen_hierarchy),
		cmocka_unit_test(what_is_found_has_its_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
