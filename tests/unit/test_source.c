// SPDX-License-Identifier: Apache-2.0
/*
 * The live source, in every mix of what older kernels lack: each loads, attaches, and sees one open, one exec and
 * one connection of ours, with the same result. Needs root; skipped, with the reason, elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/decode.h"
#include "source_world.h"

#define LONG_ARGUMENT ((size_t)100 * 1024) /* bytes; whole in the record */
#define RING_BYTES (8u << 20)
#define MIX_BITS 4

#include "source_lives.h"

struct seen {
	struct decode_scratch scratch;
	uint32_t child;
	uint16_t port;
	unsigned int opens, execs, connects, accepts, malformed;
};

static struct seen seen;

static void take(void *taker, const void *data, size_t len)
{
	struct seen *in = taker;
	struct event event;

	if (decode_record(data, len, &in->scratch, &event) != DECODE_OK) {
		in->malformed++;
		return;
	}
	if (!event.at_start && (event.pid == (uint32_t)getpid() || event.pid == in->child))
		report_seen(&event);
	if (event.kind == WIRE_KIND_FILE_OPEN && event.pid == (uint32_t)getpid() &&
	    str_equal(event.open.path, STR("/proc/version")))
		in->opens++;
	if (event.kind == WIRE_KIND_PROCESS_EXEC && event.pid == in->child && event.exec.argc == 3 &&
	    str_equal(event.exec.argv[1], STR("of the test")) && event.exec.argv[2].len == LONG_ARGUMENT &&
	    !event.exec.argv_truncated)
		in->execs++;
	if (event.kind == WIRE_KIND_TCP_STATE && event.pid == (uint32_t)getpid() && event.tcp.new_state == 1) {
		in->connects += event.tcp.dport == in->port;
		in->accepts += event.tcp.sport == in->port;
	}
}

static void act_open(void)
{
	int fd = open("/proc/version", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	close(fd);
}

static void act_exec(void)
{
	static char longest[LONG_ARGUMENT + 1];
	pid_t child = fork();
	int status;

	if (child == 0) {
		memset(longest, 'x', LONG_ARGUMENT);
		execl("/bin/true", "true", "of the test", longest, NULL);
		_exit(1);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	seen.child = (uint32_t)child;
}

static void act_connect(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted;

	assert_true(listener >= 0 && client >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
	/* Not before it is accepted has its last change happened: that comes in softirq, in its own time. */
	accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(accepted >= 0);
	seen.port = ntohs(address.sin_port);
	close(accepted);
	close(client);
	close(listener);
}

/* Seen once; or counted as lost to the cause that may take it, of which `lost` is the count. */
static void assert_accounted(unsigned int times, uint64_t lost)
{
	if (times == 0 && lost > 0)
		print_message("# counted as lost\n");
	else
		assert_int_equal(times, 1);
}

/* Slow machines interrupt a program with itself, and the kernel skips the second run: that may take any record. */
static void assert_all_accounted(struct source *source)
{
	struct wire_cpu_counters counters;
	const struct wire_loss_count *open, *exec, *tcp;

	assert_int_equal(source_counters(source, &counters), 0);
	open = counters.losses[WIRE_KIND_FILE_OPEN - 1];
	exec = counters.losses[WIRE_KIND_PROCESS_EXEC - 1];
	tcp = counters.losses[WIRE_KIND_TCP_STATE - 1];
	assert_accounted(seen.opens, open[WIRE_LOSS_MISSED].count);
	assert_accounted(seen.execs, exec[WIRE_LOSS_MISSED].count);
	assert_accounted(seen.connects, tcp[WIRE_LOSS_MISSED].count);
	/* Where the owner cannot be kept with the socket, an accepted connection's is not known. */
	assert_accounted(seen.accepts, tcp[WIRE_LOSS_MISSED].count + tcp[WIRE_LOSS_OWNER_UNKNOWN].count);
}

/* Emulation in software takes minutes for all mixes: there none, each alone, and all together. */
static bool mix_wanted(unsigned int mix)
{
	int n = __builtin_popcount(mix);

	return !getenv("STELLA_TEST_SLOW_MACHINE") || n <= 1 || n == MIX_BITS;
}

static void each_mix_sees_the_same(void **state)
{
	(void)state;
	if (!source_possible())
		skip();
	for (unsigned int mix = 0; mix < 1u << MIX_BITS; mix++) {
		_cleanup_(source_closep) struct source *source = NULL;
		struct source_options options = { .ring_bytes = RING_BYTES,
						  .without = (mix & 1 ? FEATURE_DIRECT_READS : 0) |
							     (mix & 2 ? FEATURE_LOOP : 0) |
							     (mix & 4 ? FEATURE_SOCK_STORAGE : 0) |
							     (mix & 8 ? FEATURE_TRAMPOLINE : 0) };
		struct diag diag = { .text = "" };
		int r;

		if (!mix_wanted(mix))
			continue;
		r = source_open(&options, &diag, &source);
		if (source_too_long(r, options.without))
			continue;
		if (r < 0)
			fail_msg("mix %u: %s", mix, diag.text);
		report_source(source, options.without == 0);
		assert_int_equal(source_snapshot(source, take, &seen, &diag), 0);
		memset(&seen, 0, sizeof(seen));
		act_open();
		act_exec();
		act_connect();
		while (source_drain(source, SIZE_MAX, take, &seen) > 0)
			;
		assert_int_equal(seen.malformed, 0);
		assert_all_accounted(source);
	}
}

/* Takes every link of this process away from the kernel; the descriptors stay, and are something else. */
static unsigned int cut_links(void)
{
	unsigned int cut = 0;

	for (int fd = 3; fd < 256; fd++) {
		_cleanup_(closep) int info = -1;
		_cleanup_(closep) int other = -1;
		char name[64], text[256] = "";

		snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
		info = open(name, O_RDONLY | O_CLOEXEC);
		if (info < 0 || read(info, text, sizeof(text) - 1) < 0 || !strstr(text, "link_type:"))
			continue;
		other = memfd_create("cut", MFD_CLOEXEC);
		assert_int_equal(dup2(other, fd), fd);
		cut++;
	}
	return cut;
}

static void assert_alive(struct source *source, bool alive)
{
	const struct source_probe *probes;
	size_t count = source_probes(source, &probes);

	assert_true(count >= 3); /* by the kernel: more where programs may hang on functions */
	for (size_t i = 0; i < count; i++)
		assert_int_equal(probes[i].alive, alive);
}

static void a_probe_that_is_gone_is_not_alive(void **state)
{
	_cleanup_(source_closep) struct source *source = NULL;
	struct source_options options = { .ring_bytes = RING_BYTES };
	struct diag diag = { .text = "" };

	(void)state;
	if (!source_possible())
		skip();
	if (source_open(&options, &diag, &source) < 0)
		fail_msg("%s", diag.text);
	assert_alive(source, true);
	source_refresh(source);
	assert_alive(source, true);
	assert_true(cut_links() >= 3);
	source_refresh(source);
	assert_alive(source, false);
}

/* In this process the canaries answer; in another one with the same probes nobody does. */
static void only_the_collector_is_answered(void **state)
{
	_cleanup_(source_closep) struct source *source = NULL;
	struct source_options options = { .ring_bytes = RING_BYTES };
	const struct source_probe *probes;
	struct diag diag = { .text = "" };
	uint64_t before;
	pid_t child;
	int status;

	(void)state;
	if (geteuid() != 0 || access("/sys/kernel/btf/vmlinux", R_OK) < 0) {
		print_message("# skip: needs root and a kernel with BTF\n");
		skip();
	}
	if (source_open(&options, &diag, &source) < 0)
		fail_msg("%s", diag.text);
	source_refresh(source);
	source_probes(source, &probes);
	before = probes[0].to_boot_ns;
	source_refresh(source);
	assert_alive(source, true);
	assert_true(probes[0].to_boot_ns > before);
	child = fork();
	if (child == 0) {
		before = probes[0].to_boot_ns;
		source_refresh(source);
		if (!probes[0].alive || probes[0].to_boot_ns > before)
			_exit(1); /* one round without an answer is not yet death, but nothing is claimed for it */
		source_refresh(source);
		_exit(probes[0].kind == WIRE_KIND_FILE_OPEN && !probes[0].alive &&
				      probes[0].to_boot_ns <= before
			      ? 0
			      : 2);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	source_refresh(source);
	assert_alive(source, true);
}

static void count_own(void *taker, const void *data, size_t len)
{
	struct wire_head head;

	assert_true(len >= sizeof(head));
	memcpy(&head, data, sizeof(head));
	*(unsigned int *)taker += head.pid == (uint32_t)getpid();
}

static void canaries_are_no_records(void **state)
{
	_cleanup_(source_closep) struct source *source = NULL;
	struct source_options options = { .ring_bytes = RING_BYTES };
	struct wire_cpu_counters counters;
	struct diag diag = { .text = "" };
	unsigned int own = 0, before;

	(void)state;
	if (geteuid() != 0 || access("/sys/kernel/btf/vmlinux", R_OK) < 0) {
		print_message("# skip: needs root and a kernel with BTF\n");
		skip();
	}
	if (source_open(&options, &diag, &source) < 0)
		fail_msg("%s", diag.text);
	while (source_drain(source, SIZE_MAX, count_own, &own) > 0)
		;
	before = own;
	for (int i = 0; i < 10; i++)
		source_refresh(source);
	while (source_drain(source, SIZE_MAX, count_own, &own) > 0)
		;
	assert_int_equal(own, before);
	assert_int_equal(source_counters(source, &counters), 0);
	assert_true(counters.canaries[WIRE_KIND_FILE_OPEN - 1] >= 10);
	assert_true(counters.canaries[WIRE_KIND_TCP_STATE - 1] >= 10);
	assert_true(counters.canaries[WIRE_KIND_LIBRARY_LOAD - 1] >= 10);
	for (int kind = 1; kind < WIRE_KIND_END; kind++)
		assert_int_equal(counters.filtered[kind - 1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_mix_sees_the_same),
		cmocka_unit_test(lives_are_whole_in_each_mix),
		cmocka_unit_test(a_probe_that_is_gone_is_not_alive),
		cmocka_unit_test(only_the_collector_is_answered),
		cmocka_unit_test(canaries_are_no_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
