// SPDX-License-Identifier: Apache-2.0
/*
 * Which way a connect or an accept came: through the C library or past it, with signals in between, and for each way
 * of seeing system calls that the live kernel has. Needs root and a C library that is a file; skipped, with the
 * reason, elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/source.h"

#define RING_BYTES (8u << 20)
#define LEN ((socklen_t)sizeof(struct sockaddr_in))

static struct wire_net_connect records[64];
static size_t n_records, n_looked_at;
static struct source *source;
static enum wire_source own_connect, own_accept, own_accept4; /* of the system calls, on this kernel */

static void take(void *taker, const void *data, size_t len)
{
	const struct wire_head *head = data;

	(void)taker;
	if (head->kind != WIRE_KIND_NET_CONNECT || head->pid != (uint32_t)getpid())
		return;
	assert_true(n_records < ARRAY_LEN(records) && len >= sizeof(records[0]));
	memcpy(&records[n_records++], data, sizeof(records[0]));
}

/* The next record of ours is this one. */
static void assert_next(enum wire_source wanted, uint8_t op, int result)
{
	while (source_drain(source, SIZE_MAX, take, NULL) > 0)
		;
	assert_true(n_looked_at < n_records);
	assert_int_equal(records[n_looked_at].head.source, wanted);
	assert_int_equal(records[n_looked_at].op, op);
	assert_int_equal(records[n_looked_at].result, result);
	n_looked_at++;
}

static void assert_no_more(void)
{
	while (source_drain(source, SIZE_MAX, take, NULL) > 0)
		;
	assert_int_equal(n_looked_at, n_records);
}

static int listener_of(struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = LEN;

	*address = (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)address, LEN), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
	return fd;
}

static int client_of(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

static void each_function_and_each_call(void)
{
	struct sockaddr_in address;
	_cleanup_(closep) int listener = listener_of(&address);
	_cleanup_(closep) int one = client_of(SOCK_STREAM), two = client_of(SOCK_STREAM),
			      datagrams = client_of(SOCK_DGRAM);
	_cleanup_(closep) int first = -1, second = -1;

	assert_int_equal(connect(one, (struct sockaddr *)&address, LEN), 0);
	assert_next(WIRE_SOURCE_UPROBE_CONNECT, WIRE_CONNECT, 0);
	first = accept(listener, NULL, NULL);
	assert_true(first >= 0);
	assert_next(WIRE_SOURCE_UPROBE_ACCEPT, WIRE_ACCEPT, 0);
	assert_int_equal(syscall(SYS_connect, two, &address, LEN), 0);
	assert_next(own_connect, WIRE_CONNECT, 0);
	second = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(second >= 0);
	assert_next(WIRE_SOURCE_UPROBE_ACCEPT4, WIRE_ACCEPT, 0);
	/* The same again, at once: no mark is left of the call before. */
	assert_int_equal(connect(datagrams, (struct sockaddr *)&address, LEN), 0);
	assert_next(WIRE_SOURCE_UPROBE_CONNECT, WIRE_CONNECT, 0);
	assert_int_equal(syscall(SYS_connect, datagrams, &address, LEN), 0);
	assert_next(own_connect, WIRE_CONNECT, 0);
	assert_no_more();
}

static void accepts_past_the_library(void)
{
	struct sockaddr_in address;
	_cleanup_(closep) int listener = listener_of(&address);
	_cleanup_(closep) int one = client_of(SOCK_STREAM), two = client_of(SOCK_STREAM);
	_cleanup_(closep) int first = -1, second = -1;

	assert_int_equal(connect(one, (struct sockaddr *)&address, LEN), 0);
	assert_int_equal(connect(two, (struct sockaddr *)&address, LEN), 0);
	assert_next(WIRE_SOURCE_UPROBE_CONNECT, WIRE_CONNECT, 0);
	assert_next(WIRE_SOURCE_UPROBE_CONNECT, WIRE_CONNECT, 0);
	first = (int)syscall(SYS_accept, listener, NULL, NULL);
	second = (int)syscall(SYS_accept4, listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(first >= 0 && second >= 0);
	assert_next(own_accept, WIRE_ACCEPT, 0);
	assert_next(own_accept4, WIRE_ACCEPT, 0);
	assert_no_more();
}

/* What fails is marked as what does not, and its mark is gone with it even where there is no record. */
static void failures(void)
{
	struct sockaddr_un unix_address = { .sun_family = AF_UNIX, .sun_path = "/nowhere/at all" };
	struct sockaddr_in address;
	_cleanup_(closep) int listener = listener_of(&address);
	_cleanup_(closep) int one = client_of(SOCK_STREAM),
			      name = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(name, (struct sockaddr *)&unix_address, sizeof(unix_address)), -1);
	assert_next(WIRE_SOURCE_UPROBE_CONNECT, WIRE_CONNECT, -ENOENT);
	assert_int_equal(connect(-1, (struct sockaddr *)&address, LEN), -1);
	assert_next(WIRE_SOURCE_UPROBE_CONNECT, WIRE_CONNECT, -EBADF);
	assert_int_equal(accept(one, NULL, NULL), -1);
	assert_int_equal(syscall(SYS_connect, one, &address, LEN), 0);
	assert_next(own_connect, WIRE_CONNECT, 0);
	assert_no_more();
}

/* ---- signals within an accept ---- */

static struct sockaddr_in signal_address;
static volatile int signal_connects = -1; /* a socket that the handler connects past the library */

static void on_alarm(int signal)
{
	(void)signal;
	if (signal_connects >= 0)
		(void)syscall(SYS_connect, signal_connects, &signal_address, LEN);
}

/* accept, broken off after 50 ms; what it answered in the end. */
static int accept_with_alarm(int listener, int flags)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags }, before;
	struct itimerval soon = { .it_value.tv_usec = 50000 };
	int fd;

	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	fd = accept(listener, NULL, NULL);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	return fd;
}

static void begun_anew(void)
{
	_cleanup_(closep) int listener = listener_of(&signal_address);
	_cleanup_(closep) int accepted = -1;
	pid_t child = fork();
	int status;

	if (child == 0) {
		usleep(300000);
		_exit(connect(client_of(SOCK_STREAM), (struct sockaddr *)&signal_address, LEN) < 0);
	}
	assert_true(child > 0);
	accepted = accept_with_alarm(listener, SA_RESTART);
	assert_true(accepted >= 0);
	assert_next(WIRE_SOURCE_UPROBE_ACCEPT, WIRE_ACCEPT, 0);
	assert_no_more();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* The handler's own call is not mistaken for the library's; that the other one was it is forgotten. */
static void connected_in_between(void)
{
	_cleanup_(closep) int listener = listener_of(&signal_address);
	_cleanup_(closep) int client = client_of(SOCK_STREAM), accepted = -1;

	signal_connects = client;
	accepted = accept_with_alarm(listener, SA_RESTART);
	signal_connects = -1;
	assert_true(accepted >= 0);
	assert_next(own_connect, WIRE_CONNECT, 0);
	assert_next(own_accept, WIRE_ACCEPT, 0);
	assert_no_more();
}

static void broken_off(void)
{
	_cleanup_(closep) int listener = listener_of(&signal_address);
	_cleanup_(closep) int client = client_of(SOCK_STREAM), accepted = -1;

	assert_int_equal(accept_with_alarm(listener, 0), -1);
	assert_int_equal(errno, EINTR);
	assert_int_equal(syscall(SYS_connect, client, &signal_address, LEN), 0);
	assert_next(own_connect, WIRE_CONNECT, 0);
	accepted = (int)syscall(SYS_accept, listener, NULL, NULL);
	assert_true(accepted >= 0);
	assert_next(own_accept, WIRE_ACCEPT, 0);
	assert_no_more();
}

/* ---- */

/* This process's own library is a row with its three functions. */
static void assert_target(void)
{
	const struct source_target *targets;
	size_t count = source_targets(source, &targets), found = 0;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(targets[i].kind, WIRE_KIND_NET_CONNECT);
		assert_true(targets[i].from_boot_ns > 0 && targets[i].to_boot_ns == 0);
		found += strstr(targets[i].library, "libc.so.6") && targets[i].attached == 3;
	}
	assert_true(found > 0);
}

static void open_source(unsigned int without, bool libc)
{
	struct source_options options = {
		.ring_bytes = RING_BYTES, .kinds = 1u << WIRE_KIND_NET_CONNECT, .libc = libc, .without = without
	};
	const struct source_probe *probes;
	struct diag diag = { .text = "" };
	bool function;

	if (source_open(&options, &diag, &source) < 0)
		fail_msg("without %x: %s", without, diag.text);
	assert_true(source_probes(source, &probes) > 0);
	function = false;
	for (size_t i = 0; i < source_probes(source, &probes); i++)
		function |= strcmp(probes[i].hook, "__sys_connect") == 0;
	print_message("# without %x: %s\n", without, function ? "__sys_connect" : "sys_exit");
	own_connect = function ? WIRE_SOURCE_SYS_CONNECT : WIRE_SOURCE_SYS_EXIT_CONNECT;
	own_accept = function ? WIRE_SOURCE_SYS_ACCEPT4 : WIRE_SOURCE_SYS_EXIT_ACCEPT;
	own_accept4 = function ? WIRE_SOURCE_SYS_ACCEPT4 : WIRE_SOURCE_SYS_EXIT_ACCEPT4;
	n_records = n_looked_at = 0;
}

static bool cannot_run(void)
{
	if (geteuid() == 0 && access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		return false;
	print_message("# skip: needs root and a kernel with BTF\n");
	return true;
}

static void each_way_tells_the_library(void **state)
{
	static const unsigned int mixes[] = { 0, FEATURE_TRAMPOLINE,
					      FEATURE_UPROBE_MULTI | FEATURE_ATTACH_COOKIE,
					      FEATURE_TRAMPOLINE | FEATURE_LOOP | FEATURE_DIRECT_READS };

	(void)state;
	if (cannot_run())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(mixes); i++) {
		open_source(mixes[i], true);
		assert_target();
		each_function_and_each_call();
		accepts_past_the_library();
		failures();
		begun_anew();
		connected_in_between();
		broken_off();
		source_close(TAKE(source));
	}
}

/* Not asked for, nothing hangs on the library and nothing says that it does. */
static void none_unasked(void **state)
{
	const struct source_target *targets;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(9),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	(void)state;
	if (cannot_run())
		skip();
	open_source(0, false);
	assert_int_equal(source_targets(source, &targets), 0);
	assert_int_equal(connect(-1, (struct sockaddr *)&address, LEN), -1);
	assert_next(own_connect, WIRE_CONNECT, -EBADF);
	source_close(TAKE(source));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_tells_the_library),
		cmocka_unit_test(none_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
