// SPDX-License-Identifier: Apache-2.0
/*
 * Does each probe answer? A link that stands in the kernel's list says only that it is attached. So once a second the
 * collector does one thing of each kind that nobody else does (bpf/canary.h), and looks whether it was counted. Exec
 * and exit take a process, which is made every ten seconds. A kind whose canary could not be sent (an address or a
 * mapping refused) is not judged by it. A probe is silent after two rounds without an answer, and alive again with
 * the first one. Owns the descriptor of the program that is mapped.
 */

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/parts.h"

#define ROUNDS 2
#define CHILD_NS 10000000000ull

/* The hooks that canaries come by; others of the same kind stand beside them and are not asked. */
static const struct {
	enum wire_kind kind;
	const char *hook;
} asked_hooks[] = {
	{ WIRE_KIND_FILE_OPEN, "do_filp_open" },
	{ WIRE_KIND_FILE_OPEN, "sys_exit" },
	{ WIRE_KIND_PROCESS_EXEC, "sched_process_exec" },
	{ WIRE_KIND_TCP_STATE, "inet_sock_set_state" },
	{ WIRE_KIND_NET_CONNECT, "__sys_connect" },
	{ WIRE_KIND_NET_CONNECT, "sys_exit" },
	{ WIRE_KIND_PROCESS_EXIT, "sched_process_exit" },
	{ WIRE_KIND_LIBRARY_LOAD, "perf_event_mmap" },
	{ WIRE_KIND_LIBRARY_LOAD, "sys_exit" },
	{ WIRE_KIND_SSL_OP, "uprobe_multi" },
	{ WIRE_KIND_SSL_OP, "uprobe" },
	{ WIRE_KIND_FUNCTION_CALL, "uprobe_multi" },
	{ WIRE_KIND_FUNCTION_CALL, "uprobe" },
};

/* Each returns how often it must have been counted: 0 = it could not be done. */
static unsigned int act_open(struct source *source)
{
	_cleanup_(closep) int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)source;
	return fd >= 0;
}

static unsigned int act_tcp(struct source *source)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_addr.s_addr = htonl(WIRE_CANARY_ADDRESS) };
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)source;
	return fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	       listen(fd, 1) == 0;
}

static unsigned int act_connect(struct source *source)
{
	const struct sockaddr address = { .sa_family = AF_UNSPEC };
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)source;
	return fd >= 0 && connect(fd, &address, sizeof(address)) == 0;
}

static unsigned int act_library(struct source *source)
{
	size_t size = (size_t)getpagesize();
	void *page = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, source->canary.program, 0);

	if (page == MAP_FAILED)
		return 0;
	munmap(page, size);
	return 1;
}

static unsigned int (*const acts[WIRE_KIND_END])(struct source *source) = {
	[WIRE_KIND_FILE_OPEN] = act_open,	[WIRE_KIND_TCP_STATE] = act_tcp,
	[WIRE_KIND_LIBRARY_LOAD] = act_library, [WIRE_KIND_NET_CONNECT] = act_connect,
	[WIRE_KIND_SSL_OP] = canary_call_ssl,	[WIRE_KIND_FUNCTION_CALL] = canary_call_function,
};

/* The canaries counted so far; false: not known. */
static bool canaries_read(struct source *source, uint64_t ret_counts[WIRE_KIND_END])
{
	uint32_t zero = 0;

	if (bpf_map__lookup_elem(source->programs->maps.counters, &zero, sizeof(zero), source->per_cpu,
				 (size_t)source->n_cpus * sizeof(*source->per_cpu), 0) < 0)
		return false;
	for (int kind = 1; kind < WIRE_KIND_END; kind++) {
		ret_counts[kind] = 0;
		for (int cpu = 0; cpu < source->n_cpus; cpu++)
			ret_counts[kind] += source->per_cpu[cpu].canaries[kind - 1];
	}
	return true;
}

static void judge(struct canary_answer *answer, uint64_t count, unsigned int due)
{
	answer->silent = count >= answer->count + due ? 0 : answer->silent + 1;
	if (answer->silent == 0)
		answer->boot_ns = clock_now().boot_ns;
	answer->count = count;
}

/* ---- the child ---- */

/*
 * It lives in our memory until it has its own, so it can say who it is before anything of it is seen. What a program
 * of ours then does at its start is nobody's evidence.
 */
static void child_make(struct source *source, uint64_t now)
{
	struct canaries *canary = &source->canary;
	char *const arguments[] = { (char *)"canary", (char *)CANARY_ARGUMENT, NULL };
	volatile uint32_t *child = &source->programs->bss->canary_child;
	pid_t pid;

	canary->child_due_ns = now + CHILD_NS;
	pid = vfork();
	if (pid == 0) {
		*child = (uint32_t)getpid();
		execve(source->options.canary_program, arguments, environ);
		_exit(1);
	}
	canary->child = pid > 0 ? pid : 0; /* no process to be had: the next round tries again */
}

/* When it has gone, both of its acts must have been counted: read after it has, for it may just have been going. */
static void child_reap(struct source *source)
{
	struct canaries *canary = &source->canary;
	uint64_t counts[WIRE_KIND_END];
	int status;

	if (canary->child <= 0 || waitpid(canary->child, &status, WNOHANG) != canary->child)
		return;
	canary->child = 0;
	source->programs->bss->canary_child = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !canaries_read(source, counts))
		return; /* it was no program: nothing was asked */
	judge(&canary->answers[WIRE_KIND_PROCESS_EXEC], counts[WIRE_KIND_PROCESS_EXEC], 1);
	judge(&canary->answers[WIRE_KIND_PROCESS_EXIT], counts[WIRE_KIND_PROCESS_EXIT], 1);
}

/* ---- all of them ---- */

static void round_of_acts(struct source *source)
{
	struct canaries *canary = &source->canary;
	uint64_t counts[WIRE_KIND_END];
	unsigned int due[WIRE_KIND_END] = { 0 };

	for (size_t i = 0; i < source->n_hooks; i++) {
		enum wire_kind kind = source->hooks[i].row->kind;

		if (acts[kind] && due[kind] == 0)
			due[kind] = acts[kind](source);
	}
	if (!canaries_read(source, counts))
		return;
	for (int kind = 1; kind < WIRE_KIND_END; kind++) {
		if (due[kind] > 0)
			judge(&canary->answers[kind], counts[kind], due[kind]);
	}
}

void canary_round(struct source *source)
{
	uint64_t now = clock_now().boot_ns;

	round_of_acts(source);
	child_reap(source);
	if (source->options.canary_program && source->canary.child == 0 && now >= source->canary.child_due_ns &&
	    getpid() == (pid_t)source->collector)
		child_make(source, now);
}

static bool is_asked(const struct hook *row)
{
	for (size_t i = 0; i < ARRAY_LEN(asked_hooks); i++) {
		if (row->kind == asked_hooks[i].kind && strcmp(row->name, asked_hooks[i].hook) == 0)
			return true;
	}
	return false;
}

bool canary_answers(const struct source *source, const struct hook *row)
{
	return !is_asked(row) || source->canary.answers[row->kind].silent < ROUNDS;
}

uint64_t canary_answered_ns(const struct source *source, const struct hook *row)
{
	const struct canary_answer *answer = &source->canary.answers[row->kind];

	return is_asked(row) && answer->silent > 0 ? answer->boot_ns : UINT64_MAX;
}

int canary_begin(struct source *source)
{
	source->canary.program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	return source->canary.program < 0 ? -errno : 0;
}

void canary_end(struct source *source)
{
	int status;

	canary_calls_end(source);
	closep(&source->canary.program);
	if (source->canary.child > 0)
		(void)waitpid(source->canary.child, &status, 0);
}

/* ---- who are we? ---- */

/* Our pid as the kernel's programs see it: in a container it is another than our own word for it. */
uint32_t canary_own_pid(void)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_current_pid_tgid },
		{ .code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = BPF_REG_0, .imm = 32 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_test_run_opts, run);
	_cleanup_(closep) int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "stella_self", "GPL", program,
						 ARRAY_LEN(program), NULL);

	if (fd >= 0 && bpf_prog_test_run_opts(fd, &run) == 0 && run.retval != 0)
		return run.retval;
	return (uint32_t)getpid(); /* before 5.10 it cannot be asked */
}
