// SPDX-License-Identifier: Apache-2.0
/*
 * Recall on the live kernel, by the hooks that it gets by itself: two processes at once make 2,000 opens, 200 execs
 * and 200 connections, nothing folded, and each is a record or in the counted losses. Needs root; skipped elsewhere.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "probe/decode.h"
#include "source_world.h"

#define RING_BYTES (8u << 20)
#define WORKERS 2
#define OPENS 1000 /* each worker's */
#define EXECS 100
#define CONNECTS 100

enum what { OPENED, EXECUTED, EXITED, TCP_CONNECTED, CONNECTED, WHATS };

static const struct {
	const char *name;
	enum wire_kind kind;
	uint64_t made;
} truth[WHATS] = {
	[OPENED] = { "opens", WIRE_KIND_FILE_OPEN, WORKERS *OPENS },
	[EXECUTED] = { "execs", WIRE_KIND_PROCESS_EXEC, WORKERS *EXECS },
	[EXITED] = { "exits", WIRE_KIND_PROCESS_EXIT, WORKERS *EXECS },
	[TCP_CONNECTED] = { "tcp_connections", WIRE_KIND_TCP_STATE, WORKERS *CONNECTS },
	[CONNECTED] = { "connects", WIRE_KIND_NET_CONNECT, WORKERS *CONNECTS },
};

static struct {
	struct decode_scratch scratch;
	char path[64], mark[64];
	pid_t workers[WORKERS];
	uint32_t executed[WORKERS * EXECS]; /* pids, as their records say */
	uint64_t found[WHATS], malformed;
} seen;

static bool is_worker(uint32_t pid)
{
	for (size_t i = 0; i < WORKERS; i++)
		if ((uint32_t)seen.workers[i] == pid)
			return true;
	return false;
}

static bool was_executed(uint32_t pid)
{
	for (size_t i = 0; i < seen.found[EXECUTED]; i++)
		if (seen.executed[i] == pid)
			return true;
	return false;
}

/* Which of ours a record is; WHATS: none. */
static enum what what_of(const struct event *event)
{
	switch (event->kind) {
	case WIRE_KIND_FILE_OPEN:
		return is_worker(event->pid) && str_equal(event->open.path, str_of(seen.path)) ? OPENED : WHATS;
	case WIRE_KIND_PROCESS_EXEC:
		return event->exec.argc == 2 && str_equal(event->exec.argv[1], str_of(seen.mark)) ? EXECUTED
												  : WHATS;
	case WIRE_KIND_PROCESS_EXIT:
		return was_executed(event->pid) ? EXITED : WHATS;
	case WIRE_KIND_TCP_STATE: /* SYN_SENT is the connecting side's alone; 2 in include/net/tcp_states.h */
		return is_worker(event->pid) && event->tcp.new_state == 2 ? TCP_CONNECTED : WHATS;
	case WIRE_KIND_NET_CONNECT:
		return is_worker(event->pid) && !event->connect.accept && event->connect.result == 0 ? CONNECTED
												     : WHATS;
	default:
		return WHATS;
	}
}

static void take(void *taker, const void *data, size_t len)
{
	struct event event;
	enum what what;

	(void)taker;
	if (decode_record(data, len, &seen.scratch, &event) != DECODE_OK) {
		seen.malformed++;
		return;
	}
	what = event.at_start ? WHATS : what_of(&event);
	if (what == WHATS)
		return;
	report_seen(&event);
	if (what == EXECUTED && seen.found[EXECUTED] < ARRAY_LEN(seen.executed))
		seen.executed[seen.found[EXECUTED]] = event.pid;
	seen.found[what]++;
}

static bool work_open(void)
{
	int fd = open(seen.path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && close(fd) == 0;
}

static bool work_exec(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		execl("/bin/true", "true", seen.mark, NULL);
		_exit(1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool work_connect(int listener, const struct sockaddr_in *address)
{
	_cleanup_(closep) int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_(closep) int accepted = -1;

	if (client < 0 || connect(client, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return false;
	accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	return accepted >= 0;
}

/* A worker: all of it, or not 0. It begins when its parent knows its pid. */
static int work(int begin)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	if (read(begin, &byte, 1) != 1 || listener < 0 ||
	    bind(listener, (struct sockaddr *)&address, len) < 0 || listen(listener, 4) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) < 0)
		return 1;
	for (int i = 0; i < OPENS; i++)
		if (!work_open())
			return 2;
	for (int i = 0; i < EXECS; i++)
		if (!work_exec())
			return 3;
	for (int i = 0; i < CONNECTS; i++)
		if (!work_connect(listener, &address))
			return 4;
	return 0;
}

static void drain(struct source *source)
{
	while (source_drain(source, SIZE_MAX, take, NULL) > 0)
		;
}

static void work_all(struct source *source)
{
	const struct timespec tick = { .tv_nsec = 2000000 };
	int begin[2], status;

	assert_int_equal(pipe(begin), 0);
	for (size_t i = 0; i < WORKERS; i++) {
		seen.workers[i] = fork();
		assert_true(seen.workers[i] >= 0);
		if (seen.workers[i] == 0)
			_exit(work(begin[0]));
	}
	assert_int_equal(write(begin[1], "go", WORKERS), WORKERS);
	for (size_t i = 0; i < WORKERS; i++) {
		pid_t ended;

		while ((ended = waitpid(seen.workers[i], &status, WNOHANG)) == 0) {
			drain(source);
			nanosleep(&tick, NULL); /* as the collector does */
		}
		assert_int_equal(ended, seen.workers[i]);
		assert_int_equal(status, 0);
	}
	drain(source);
	close(begin[0]);
	close(begin[1]);
}

/* Records of this kind that were given up, all causes but those that only cost a member. */
static uint64_t lost_of(const struct wire_cpu_counters *counters, enum wire_kind kind)
{
	const struct wire_loss_count *losses = counters->losses[kind - 1];

	return losses[WIRE_LOSS_RING_FULL].count + losses[WIRE_LOSS_MISSED].count +
	       losses[WIRE_LOSS_SCRATCH].count +
	       (kind == WIRE_KIND_FILE_OPEN ? losses[WIRE_LOSS_FILE_GONE].count : 0);
}

/* A hook on the ring of others only counts what it cannot follow. */
static bool brings(const struct source *source, enum wire_kind kind)
{
	const struct source_probe *probes;
	size_t count = source_probes(source, &probes);

	for (size_t i = 0; i < count; i++)
		if (probes[i].kind == kind && strcmp(probes[i].hook, "io_uring_submit") != 0)
			return true;
	return false;
}

static void all_is_found_or_counted_as_lost(void **state)
{
	_cleanup_(source_closep) struct source *source = NULL;
	struct source_options options = { .ring_bytes = RING_BYTES, .fold = SOURCE_FOLD_OFF };
	struct wire_cpu_counters counters;
	struct diag diag = { .text = "" };
	int fd;

	(void)state;
	if (!source_possible())
		skip();
	snprintf(seen.mark, sizeof(seen.mark), "recall %d", (int)getpid());
	snprintf(seen.path, sizeof(seen.path), "/tmp/stella-recall-%d", (int)getpid());
	fd = open(seen.path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	if (source_open(&options, &diag, &source) < 0)
		fail_msg("%s", diag.text);
	report_source(source, true);
	assert_int_equal(source_snapshot(source, take, NULL, &diag), 0);
	work_all(source);
	unlink(seen.path);
	assert_int_equal(source_counters(source, &counters), 0);
	assert_int_equal(seen.malformed, 0);
	assert_int_equal(source_holes(source), 0);
	for (size_t i = 0; i < WHATS; i++) {
		uint64_t lost = lost_of(&counters, truth[i].kind);

		if (!brings(source, truth[i].kind))
			continue;
		printf("# recall %s %llu of %llu\n", truth[i].name, (unsigned long long)seen.found[i],
		       (unsigned long long)truth[i].made);
		assert_true(seen.found[i] <= truth[i].made);
		assert_true(seen.found[i] + lost >= truth[i].made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_found_or_counted_as_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
