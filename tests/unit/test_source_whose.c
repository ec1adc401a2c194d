// SPDX-License-Identifier: Apache-2.0
/*
 * Whose was it, on the live kernel: pids of the process's own pid namespace. Needs root; skipped, with the reason,
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
	for (size_t i = 0; i < ARRAY_LEN(mixes); i++) {
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pids_are_told_as_the_process_sees_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
