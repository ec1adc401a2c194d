/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Processes that come and go, files that become executable, and what the snapshot finds, in every mix of what older
 * kernels lack. Part of test_source.c, so that it runs as the only test of a machine, too.
 */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "resolve/elf.h"

/* What came, of the kinds that are looked at. */
struct lives {
	struct decode_scratch scratch;
	struct life {
		enum wire_kind kind;
		enum wire_source source;
		uint32_t pid, tid, ppid, status, signal;
		uint64_t inode, started;
		bool at_start, unreachable;
		char path[64], argument[32];
		uint8_t build_id[ELF_BUILD_ID_MAX];
		size_t build_id_len;
		uint8_t state;
		uint16_t port;
	} lives[8192];
	size_t count;
	unsigned int malformed;
};

static void life_text(char *out, size_t size, struct str text)
{
	snprintf(out, size, "%.*s", (int)text.len, text.data ? text.data : "");
}

static void lives_take(void *taker, const void *data, size_t len)
{
	struct lives *in = taker;
	struct life *life = &in->lives[in->count];
	struct event event;

	if (decode_record(data, len, &in->scratch, &event) != DECODE_OK) {
		in->malformed++;
		return;
	}
	if (event.kind == WIRE_KIND_FILE_OPEN || in->count == ARRAY_LEN(in->lives))
		return;
	in->count++;
	*life = (struct life) { .kind = event.kind,
				.source = event.source,
				.pid = event.pid,
				.tid = event.tid,
				.at_start = event.at_start };
	if (event.kind == WIRE_KIND_PROCESS_EXEC) {
		life->ppid = event.exec.ppid;
		life->inode = event.exec.inode;
		life->unreachable = event.exec.unreachable;
		life_text(life->path, sizeof(life->path), event.exec.filename);
		if (event.exec.argc > 0)
			life_text(life->argument, sizeof(life->argument), event.exec.argv[event.exec.argc - 1]);
	} else if (event.kind == WIRE_KIND_PROCESS_EXIT) {
		life->ppid = event.exit.ppid;
		life->status = event.exit.exit_status;
		life->signal = event.exit.signal;
		life->started = event.exit.started_boot_ns;
	} else if (event.kind == WIRE_KIND_LIBRARY_LOAD) {
		life->inode = event.library.inode;
		life->build_id_len = event.library.build_id.len;
		if (event.library.build_id.len > 0)
			memcpy(life->build_id, event.library.build_id.data, event.library.build_id.len);
		life_text(life->path, sizeof(life->path), event.library.path);
	} else if (event.kind == WIRE_KIND_TCP_STATE) {
		life->state = event.tcp.new_state;
		life->port = event.tcp.sport;
	}
}

/* How many of this kind the process has; *ret_last is one of them. */
static unsigned int lives_of(const struct lives *lives, enum wire_kind kind, pid_t pid, uint64_t inode,
			     const struct life **ret_last)
{
	unsigned int found = 0;

	for (size_t i = 0; i < lives->count; i++) {
		const struct life *life = &lives->lives[i];

		if (life->kind != kind || life->pid != (uint32_t)pid || (inode && life->inode != inode))
			continue;
		*ret_last = life;
		found++;
	}
	return found;
}

/* A fresh copy of a program that is there on every machine, open for reading; its inode is nobody else's. */
static int copy_of_true(const char *name, int memory, uint64_t *ret_inode)
{
	_cleanup_(closep) int from = open("/bin/true", O_RDONLY | O_CLOEXEC);
	int to = memory >= 0 ? memory : open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	char bytes[4096];
	struct stat info;
	ssize_t n;

	assert_true(from >= 0 && to >= 0);
	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(to, bytes, (size_t)n), n);
	assert_int_equal(fstat(to, &info), 0);
	*ret_inode = info.st_ino;
	return to;
}

static void wait_for(pid_t child)
{
	int status;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
}

static pid_t act_memfd_exec(uint64_t *ret_inode)
{
	int memory = copy_of_true(NULL, memfd_create("lives", MFD_CLOEXEC), ret_inode);
	char *arguments[] = { (char[]) { "true" }, (char[]) { "from memory" }, NULL }, *none[] = { NULL };
	pid_t child = fork();

	if (child == 0) {
		fexecve(memory, arguments, none);
		_exit(1);
	}
	wait_for(child);
	close(memory);
	return child;
}

static pid_t act_exit(int status, int signal)
{
	pid_t child = fork();

	if (child == 0) {
		if (signal)
			kill(getpid(), signal);
		_exit(status);
	}
	wait_for(child);
	return child;
}

static void *outlive(void *main_thread)
{
	pthread_join(*(pthread_t *)main_thread, NULL);
	_exit(9);
}

/* The first thread goes before the other. */
static pid_t act_threads(void)
{
	pid_t child = fork();

	if (child == 0) {
		static pthread_t first;
		pthread_t other;

		first = pthread_self();
		pthread_create(&other, NULL, outlive, &first);
		syscall(SYS_exit, 0); /* this thread alone; libc's way needs a library of gcc's */
	}
	wait_for(child);
	return child;
}

/* A grandchild whose parent is gone when it executes: we inherit it. */
static pid_t act_orphan(void)
{
	int ends[2];
	pid_t child, orphan = 0;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		pid_t parent = getpid();

		orphan = fork();
		if (orphan > 0)
			_exit(write(ends[1], &orphan, sizeof(orphan)) != sizeof(orphan));
		while (getppid() == parent)
			sched_yield();
		execl("/bin/true", "true", "orphan", NULL);
		_exit(1);
	}
	wait_for(child);
	assert_int_equal(read(ends[0], &orphan, sizeof(orphan)), sizeof(orphan));
	wait_for(orphan);
	close(ends[0]);
	close(ends[1]);
	return orphan;
}

/* Maps a file executable at once, or protects it so later. */
static uint64_t act_map(const char *name, bool later)
{
	uint64_t inode;
	int fd = copy_of_true(name, -1, &inode);
	int protection = later ? PROT_READ : PROT_READ | PROT_EXEC;
	void *at = mmap(NULL, 8192, protection, MAP_PRIVATE, fd, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	if (later)
		assert_int_equal(mprotect(at, 8192, PROT_READ | PROT_EXEC), 0);
	close(fd);
	return inode;
}

/* The file by another name, twice: folded, that is one record more. */
static void act_map_link(const char *name, const char *other)
{
	int fd;

	unlink(other);
	assert_int_equal(link(name, other), 0);
	fd = open(other, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_ptr_not_equal(mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), MAP_FAILED);
	assert_ptr_not_equal(mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), MAP_FAILED);
	close(fd);
}

static void assert_build_id_of_true(const struct life *life)
{
	_cleanup_(closep) int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	struct elf_build_id id;

	assert_int_equal(elf_build_id(fd, &id), 0);
	assert_int_equal(life->build_id_len, id.len);
	assert_memory_equal(life->build_id, id.bytes, id.len);
}

static void assert_exit(const struct lives *lives, pid_t pid, unsigned int status, unsigned int signal)
{
	const struct life *life = NULL;

	assert_int_equal(lives_of(lives, WIRE_KIND_PROCESS_EXIT, pid, 0, &life), 1);
	assert_int_equal(life->status, status);
	assert_int_equal(life->signal, signal);
	assert_int_equal(life->ppid, getpid());
	assert_true(life->started > 0);
}

static void assert_exec(const struct lives *lives, pid_t pid, const char *argument, const char *path)
{
	const struct life *life = NULL;

	assert_int_equal(lives_of(lives, WIRE_KIND_PROCESS_EXEC, pid, 0, &life), 1);
	assert_string_equal(life->argument, argument);
	assert_int_equal(life->ppid, getpid());
	if (path)
		assert_string_equal(life->path, path);
	assert_int_equal(life->unreachable, path != NULL);
}

/* The snapshot has us: our program, our libc, our listening socket. */
static void assert_found_at_start(const struct lives *lives, uint16_t port, bool mapped)
{
	bool self = false, library = false, socket = false;
	struct stat info;

	assert_int_equal(stat("/proc/self/exe", &info), 0);
	for (size_t i = 0; i < lives->count; i++) {
		const struct life *life = &lives->lives[i];

		if (life->pid != (uint32_t)getpid())
			continue;
		assert_true(life->at_start);
		self |= life->source == WIRE_SOURCE_ITER_TASK && life->inode == info.st_ino &&
			life->argument[0];
		library |= life->source == WIRE_SOURCE_ITER_TASK_VMA && strstr(life->path, "/libc.so") &&
			   life->build_id_len > 0;
		socket |= life->source == WIRE_SOURCE_ITER_TASK_FILE && life->port == port && life->state == 10;
	}
	assert_true(self);
	assert_int_equal(library, mapped);
	assert_true(socket);
}

static int listen_anywhere(uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(address);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return listener;
}

static void lives_in_mix(unsigned int without, bool perf, struct lives *lives)
{
	_cleanup_(source_closep) struct source *source = NULL;
	struct source_options options = {
		.ring_bytes = RING_BYTES, .fold = SOURCE_FOLD_PROCESS, .without = without, .perf_buffer = perf
	};
	struct diag diag = { .text = "" };
	_cleanup_(closep) int listener = -1;
	const struct life *life = NULL;
	pid_t memory, died, killed, threads, orphan;
	uint64_t memory_inode, mapped, protected;
	unsigned int has;
	uint16_t port;
	int r;

	listener = listen_anywhere(&port);
	r = source_open(&options, &diag, &source);
	if (source_too_long(r, without))
		return;
	if (r < 0)
		fail_msg("without %x: %s", without, diag.text);
	has = source_features(source);
	lives->count = lives->malformed = 0;
	assert_int_equal(source_snapshot(source, lives_take, lives, &diag), 0);
	assert_int_equal(lives->malformed, 0);
	assert_found_at_start(lives, port, has & FEATURE_ITER_VMA);

	lives->count = 0;
	memory = act_memfd_exec(&memory_inode);
	died = act_exit(7, 0);
	killed = act_exit(0, SIGKILL);
	threads = act_threads();
	orphan = act_orphan();
	mapped = act_map("/tmp/lives-mapped", false);
	act_map_link("/tmp/lives-mapped", "/tmp/lives-linked");
	protected = act_map("/tmp/lives-protected", true);
	while (source_drain(source, SIZE_MAX, lives_take, lives) > 0)
		;
	assert_int_equal(lives->malformed, 0);
	assert_exec(lives, memory, "from memory", "/memfd:lives");
	assert_true(lives_of(lives, WIRE_KIND_LIBRARY_LOAD, memory, memory_inode, &life) >= 1);
	assert_exec(lives, orphan, "orphan", NULL);
	assert_exit(lives, orphan, 0, 0);
	assert_exit(lives, died, 7, 0);
	assert_exit(lives, killed, 0, SIGKILL);
	assert_exit(lives, threads, 9, 0);
	assert_int_equal(lives_of(lives, WIRE_KIND_LIBRARY_LOAD, getpid(), mapped, &life), 2);
	assert_string_equal(life->path, "/tmp/lives-linked");
	assert_build_id_of_true(life);
	/* Where a mapping cannot be looked up, this is the blind spot protected_executable_later. */
	assert_int_equal(lives_of(lives, WIRE_KIND_LIBRARY_LOAD, getpid(), protected, &life),
			 has & FEATURE_FIND_VMA ? 1 : 0);
	unlink("/tmp/lives-mapped");
	unlink("/tmp/lives-linked");
	unlink("/tmp/lives-protected");
}

static void lives_are_whole_in_each_mix(void **state)
{
	static const unsigned int mixes[] = { 0,
					      FEATURE_TRAMPOLINE,
					      FEATURE_DIRECT_READS,
					      FEATURE_TRAMPOLINE | FEATURE_FIND_VMA,
					      FEATURE_TRAMPOLINE | FEATURE_FIND_VMA | FEATURE_LOOP,
					      FEATURE_TRAMPOLINE | FEATURE_FIND_VMA | FEATURE_LOOP |
						      FEATURE_ITER_VMA | FEATURE_DIRECT_READS,
					      0 };
	static struct lives lives;

	(void)state;
	if (geteuid() != 0 || access("/sys/kernel/btf/vmlinux", R_OK) < 0) {
		print_message("# skip: needs root and a kernel with BTF\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(mixes); i++)
		lives_in_mix(mixes[i], i == ARRAY_LEN(mixes) - 1, &lives);
}
