/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whose was it: a process that opens, connects, executes and ends, wherever a test puts it, and what its records say
 * of it. Part of the tests on a live source.
 */

#include <arpa/inet.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "probe/decode.h"
#include "probe/hierarchy.h"
#include "source_world.h"

#define WHOSE_RING_BYTES (8u << 20)
#define WHOSE_PATH "/tmp/stella-whose"

/* By name; NULL: the one that is chosen. False: it is that one, or not here. */
static inline bool whose_hierarchy(const char *name)
{
	struct hierarchy chosen, named;

	if (!name)
		return true;
	return hierarchy_find(NULL, NULL, &chosen) == 0 && strcmp(chosen.name, name) != 0 &&
	       hierarchy_find(name, NULL, &named) == 0;
}

static const char *const whose_hierarchies[] = { NULL, "unified", "pids" };

/* Emulation in software takes minutes for each way of older kernels, and is one itself. */
static inline size_t whose_mixes(size_t count)
{
	return getenv("STELLA_TEST_SLOW_MACHINE") ? 1 : count;
}

/* What came of one process. */
struct whose {
	struct decode_scratch scratch;
	uint32_t pid; /* as the host names it */
	unsigned int came[WIRE_KIND_END];
	uint64_t cgroup_id; /* of all of them; the first that differs is in `other_cgroup_id` */
	uint64_t other_cgroup_id;
	uint32_t ns_pid, other_ns_pid;
	unsigned int malformed;
};

static inline void whose_take(void *taker, const void *data, size_t len)
{
	struct whose *in = taker;
	struct event event;

	if (decode_record(data, len, &in->scratch, &event) != DECODE_OK) {
		in->malformed++;
		return;
	}
	if (event.pid != in->pid ||
	    (event.kind == WIRE_KIND_FILE_OPEN && !str_equal(event.open.path, STR(WHOSE_PATH))))
		return;
	report_seen(&event);
	if (in->came[0]++ == 0) {
		in->cgroup_id = in->other_cgroup_id = event.cgroup_id;
		in->ns_pid = in->other_ns_pid = event.ns_pid;
	}
	in->came[event.kind]++;
	if (event.cgroup_id != in->cgroup_id)
		in->other_cgroup_id = event.cgroup_id;
	if (event.ns_pid != in->ns_pid)
		in->other_ns_pid = event.ns_pid;
}

/* A listener on the loopback. */
static inline int whose_listen(struct sockaddr_in *ret_address)
{
	socklen_t len = sizeof(*ret_address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*ret_address =
		(struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)ret_address, len), 0);
	assert_int_equal(listen(listener, 256), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)ret_address, &len), 0);
	return listener;
}

/* A connection to itself. */
static inline void whose_accept(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(address);

	if (listener < 0 || client < 0 || bind(listener, (struct sockaddr *)&address, len) < 0 ||
	    listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&address, &len) < 0 ||
	    connect(client, (struct sockaddr *)&address, len) < 0 ||
	    accept4(listener, NULL, NULL, SOCK_CLOEXEC) < 0)
		_exit(5);
}

/* In the process itself, once `gate` is closed: it opens, connects, accepts, and becomes a program that ends. */
static inline void whose_live(int gate, const struct sockaddr_in *address)
{
	char byte;
	int fd;

	if (read(gate, &byte, 1) != 0)
		_exit(1);
	fd = open(WHOSE_PATH, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		_exit(2);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		_exit(3);
	whose_accept();
	execl("/bin/true", "true", NULL);
	_exit(4);
}

/* A process that waits, made with these clone flags; closing *ret_gate lets it live. */
static inline pid_t whose_fork(unsigned long flags, const struct sockaddr_in *address, int *ret_gate)
{
	int ends[2];
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
	if (child == 0) {
		/* Nothing else of ours: it would hold other processes' gates open. */
		dup2(ends[0], 0);
		for (int fd = 3; fd < 256; fd++)
			close(fd);
		whose_live(0, address);
	}
	assert_true(child > 0);
	close(ends[0]);
	*ret_gate = ends[1];
	return child;
}

static inline void whose_ends(pid_t child, int gate)
{
	int status;

	close(gate);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* A cgroup below the hierarchy's root; false: none can be made here. */
static inline bool whose_cgroup(const char *mount, const char *name, char *path, size_t room, uint64_t *ret_id)
{
	struct stat info;

	snprintf(path, room, "%s/%s.%d", mount ? mount : "/nowhere", name, getpid());
	if (mkdir(path, 0755) < 0 || stat(path, &info) < 0)
		return false;
	*ret_id = info.st_ino;
	return true;
}

static inline void whose_move(pid_t child, const char *cgroup)
{
	char path[PATH_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "%d", child) > 0);
	close(fd);
}

static inline void whose_drain(struct source *source, struct whose *whose)
{
	while (source_drain(source, SIZE_MAX, whose_take, whose) > 0)
		;
	assert_int_equal(whose->malformed, 0);
}

/* One of all that it did; the exec maps more than one file. */
static inline void whose_is_whole(const struct whose *whose)
{
	assert_int_equal(whose->came[WIRE_KIND_FILE_OPEN], 1);
	assert_int_equal(whose->came[WIRE_KIND_PROCESS_EXEC], 1);
	assert_int_equal(whose->came[WIRE_KIND_PROCESS_EXIT], 1);
	assert_int_equal(whose->came[WIRE_KIND_NET_CONNECT], 3);
	assert_true(whose->came[WIRE_KIND_TCP_STATE] >= 5); /* two connected, one listens, at the least */
	assert_true(whose->came[WIRE_KIND_LIBRARY_LOAD] >= 1);
}
