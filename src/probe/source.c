// SPDX-License-Identifier: Apache-2.0
/*
 * The live source: load, attach, snapshot, then drain. Coverage is open when source_open returns 0: all
 * programs attached and the sockets that were there before us have their owners. What the kernel half counted
 * as lost is read here and never reset. Owns the skeleton, the ring and all that hangs on them.
 */

#include "probe/source.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/file.h"
#include "signals.skel.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define BTF_MAX (64u << 20)
#define RING_HIGH_WATER(bytes) ((bytes) / 4)

struct source {
	struct signals_bpf *programs;
	struct ring_buffer *ring;
	const struct bpf_program *measured[WIRE_KIND_END - 1]; /* by kind: whose skipped runs are losses */
	struct source_probe probes[WIRE_KIND_END - 1];
	struct source_btf btf;
	struct wire_cpu_counters *per_cpu; /* n_cpus of them */
	int n_cpus;
	struct wire_loss_count missed[WIRE_KIND_END - 1];
	uint64_t missed_read_boot_ns;
	source_take_fn take;
	void *taker;
	size_t left; /* records that this drain may still hand over */
	int drained;
};

/* Explained in docs/probe-reference.md, each under its name; sorted. */
static const char *const open_blind_spots[] = {
	"caller_memory_at_exit",	 "descriptor_replaced_before_exit",
	"descriptors_not_from_open",	 "io_uring",
	"kernel_internal_opens",	 "renamed_during_open",
	"skipped_or_rewritten_syscalls", NULL
};
static const char *const exec_blind_spots[] = { NULL };
static const char *const tcp_blind_spots[] = { "accepted_by_another_process", "syn_recv_birth", NULL };

/* libbpf's talk, kept for the moment that something fails; one collector a process. */
static char last_warning[512];

static int on_libbpf_print(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN)
		vsnprintf(last_warning, sizeof(last_warning), format, args);
	return 0;
}

static int source_failed(struct diag *diag, int error, const char *what)
{
	last_warning[strcspn(last_warning, "\n")] = '\0';
	if (error == -EPERM || error == -EACCES)
		return diag_exit(diag, EXIT_NOT_PERMITTED, error,
				 "%s: the kernel refused; needs root, or CAP_BPF and CAP_PERFMON", what);
	return diag_error(diag, error, "%s: %s%s%s", what, strerror(-error), *last_warning ? ": " : "",
			  last_warning);
}

static int on_ring_record(void *context, void *data, size_t len)
{
	struct source *source = context;

	source->take(source->taker, data, len);
	source->drained++;
	/* Anything but 0 stops the reader behind this record: wanted only when the caller's turn is over. */
	return --source->left == 0 ? -EAGAIN : 0;
}

/* What a kernel may lack; tried from all to none. */
struct variant {
	bool loop;
	bool sock_storage;
};

static int source_load_variant(struct source *source, const struct source_options *options,
			       const struct variant *variant, struct diag *diag)
{
	struct signals_bpf *programs;
	int r;

	signals_bpf__destroy(source->programs);
	programs = source->programs = signals_bpf__open();
	if (!programs)
		return source_failed(diag, -errno, "cannot read the programs built into this binary");
	programs->rodata->cfg_ring_high_water = RING_HIGH_WATER(options->ring_bytes);
	programs->rodata->cfg_sock_storage = variant->sock_storage;
	programs->rodata->cfg_direct_reads = !options->no_direct_reads;
	bpf_program__set_autoload(programs->progs.on_sys_exit, variant->loop);
	bpf_program__set_autoload(programs->progs.on_sys_exit_bounded, !variant->loop);
	bpf_program__set_autoload(programs->progs.on_exec, variant->loop);
	bpf_program__set_autoload(programs->progs.on_exec_bounded, !variant->loop);
	r = bpf_map__set_max_entries(programs->maps.ring, (uint32_t)options->ring_bytes);
	if (r < 0)
		return source_failed(diag, r, "cannot size the ring buffer");
	source->measured[0] = variant->loop ? programs->progs.on_sys_exit : programs->progs.on_sys_exit_bounded;
	source->measured[1] = variant->loop ? programs->progs.on_exec : programs->progs.on_exec_bounded;
	source->measured[2] = programs->progs.on_tcp_state;
	return signals_bpf__load(programs);
}

static int source_load(struct source *source, const struct source_options *options, struct diag *diag)
{
	static const struct variant variants[] = { { true, true }, { false, true }, { false, false } };
	int r = -ENOENT;

	for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
		if ((variants[i].loop && options->no_loop) ||
		    (variants[i].sock_storage && options->no_sock_storage))
			continue;
		r = source_load_variant(source, options, &variants[i], diag);
		if (r >= 0 || r == -EPERM || r == -EACCES)
			break;
	}
	if (r < 0)
		return source_failed(diag, r, "cannot load the programs into the kernel");
	source->ring = ring_buffer__new(bpf_map__fd(source->programs->maps.ring), on_ring_record, source, NULL);
	if (!source->ring)
		return source_failed(diag, -errno, "cannot map the ring buffer");
	return 0;
}

/* Whose are the sockets that were there before us? One walk over all open files, in the kernel. */
static int source_snapshot_sockets(struct source *source, struct diag *diag)
{
	_cleanup_(closep) int iterator = -1;
	char sink[256];
	ssize_t n;

	iterator = bpf_iter_create(bpf_link__fd(source->programs->links.on_open_socket));
	if (iterator < 0)
		return source_failed(diag, iterator, "cannot walk the open sockets");
	do {
		n = read(iterator, sink, sizeof(sink));
	} while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	return n < 0 ? source_failed(diag, -errno, "cannot walk the open sockets") : 0;
}

/* Our link is in the kernel and our program hangs on it; what the kernel does not confirm is not so. */
static bool is_attached(const struct bpf_link *link, const struct bpf_program *program)
{
	struct bpf_link_info held = { 0 };
	struct bpf_prog_info wanted = { 0 };
	uint32_t held_size = sizeof(held), wanted_size = sizeof(wanted);

	return link && bpf_link_get_info_by_fd(bpf_link__fd(link), &held, &held_size) == 0 &&
	       bpf_prog_get_info_by_fd(bpf_program__fd(program), &wanted, &wanted_size) == 0 &&
	       held.prog_id == wanted.id;
}

void source_refresh(struct source *source)
{
	const struct signals_bpf *programs = source->programs;
	const struct bpf_link *links[] = {
		programs->links.on_sys_exit ? programs->links.on_sys_exit : programs->links.on_sys_exit_bounded,
		programs->links.on_exec ? programs->links.on_exec : programs->links.on_exec_bounded,
		programs->links.on_tcp_state,
	};

	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		source->probes[i].alive = is_attached(links[i], source->measured[i]);
}

static void source_opened(struct source *source)
{
	uint64_t now = clock_now().boot_ns;

	source->probes[0] =
		(struct source_probe) { WIRE_KIND_FILE_OPEN, "sys_exit", now, true, open_blind_spots };
	source->probes[1] = (struct source_probe) { WIRE_KIND_PROCESS_EXEC, "sched_process_exec", now, true,
						    exec_blind_spots };
	source->probes[2] = (struct source_probe) { WIRE_KIND_TCP_STATE, "inet_sock_set_state", now, true,
						    tcp_blind_spots };
	source_refresh(source);
}

static int source_read_btf(struct source *source, struct diag *diag)
{
	_cleanup_(buf_done) struct buf types = BUF_MAX(BTF_MAX);
	int r;

	r = file_read_at(AT_FDCWD, BTF_PATH, &types, diag);
	if (r < 0)
		return r;
	source->btf.source_kind = "kernel";
	source->btf.source_path = BTF_PATH;
	source->btf.selection_reason = "kernel_btf_present";
	return digest_of(types.data, types.len, &source->btf.digest);
}

int source_open(const struct source_options *options, struct diag *diag, struct source **ret_source)
{
	_cleanup_(source_closep) struct source *source = calloc(1, sizeof(*source));
	int r;

	if (!source)
		return -ENOMEM;
	libbpf_set_print(on_libbpf_print);
	source->n_cpus = libbpf_num_possible_cpus();
	if (source->n_cpus < 0)
		return source_failed(diag, source->n_cpus, "cannot count the processors");
	source->per_cpu = calloc((size_t)source->n_cpus, sizeof(*source->per_cpu));
	if (!source->per_cpu)
		return -ENOMEM;
	r = source_read_btf(source, diag);
	if (r < 0)
		return r;
	r = source_load(source, options, diag);
	if (r < 0)
		return r;
	r = signals_bpf__attach(source->programs);
	if (r < 0)
		return source_failed(diag, r, "cannot attach the programs");
	r = source_snapshot_sockets(source, diag);
	if (r < 0)
		return r;
	malloc_trim(0); /* the kernel's types are 10 MB on the way, and nobody needs them again */
	source_opened(source);
	*ret_source = TAKE(source);
	return 0;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	ring_buffer__free(source->ring);
	signals_bpf__destroy(source->programs);
	free(source->per_cpu);
	free(source);
}

int source_fd(const struct source *source)
{
	return ring_buffer__epoll_fd(source->ring);
}

int source_drain(struct source *source, size_t max_records, source_take_fn take, void *taker)
{
	int r;

	source->take = take;
	source->taker = taker;
	source->left = max_records;
	source->drained = 0;
	r = ring_buffer__consume(source->ring);
	return r < 0 && r != -EAGAIN ? r : source->drained;
}

/*
 * Runs that the kernel skipped because the same program was already at work on that processor: it counts them
 * (since 5.12) but does not say when, so the times are those of our readings around them.
 */
static int source_missed(struct source *source, struct wire_cpu_counters *sum)
{
	uint64_t now = clock_now().boot_ns;

	for (size_t i = 0; i < ARRAY_LEN(source->measured); i++) {
		struct wire_loss_count *missed = &source->missed[i];
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);
		int r = bpf_prog_get_info_by_fd(bpf_program__fd(source->measured[i]), &info, &size);

		if (r < 0)
			return r;
		if (info.recursion_misses > missed->count) {
			if (missed->count == 0)
				missed->first_boot_ns = source->missed_read_boot_ns;
			missed->count = info.recursion_misses;
			missed->last_boot_ns = now;
		}
		sum->losses[i][WIRE_LOSS_MISSED] = *missed;
	}
	source->missed_read_boot_ns = now;
	return 0;
}

static void loss_merge(struct wire_loss_count *sum, const struct wire_loss_count *one)
{
	if (one->count == 0)
		return;
	if (sum->count == 0 || one->first_boot_ns < sum->first_boot_ns)
		sum->first_boot_ns = one->first_boot_ns;
	if (one->last_boot_ns > sum->last_boot_ns)
		sum->last_boot_ns = one->last_boot_ns;
	sum->count += one->count;
}

static void counters_merge(struct wire_cpu_counters *sum, const struct wire_cpu_counters *one)
{
	for (int kind = 0; kind < WIRE_KIND_END - 1; kind++) {
		for (int cause = 0; cause < WIRE_LOSS_KERNEL_END; cause++)
			loss_merge(&sum->losses[kind][cause], &one->losses[kind][cause]);
		sum->records[kind] += one->records[kind];
	}
}

int source_counters(struct source *source, struct wire_cpu_counters *ret_sum)
{
	struct wire_cpu_counters sum = { 0 };
	uint32_t zero = 0;
	int r;

	r = bpf_map__lookup_elem(source->programs->maps.counters, &zero, sizeof(zero), source->per_cpu,
				 (size_t)source->n_cpus * sizeof(*source->per_cpu), 0);
	if (r < 0)
		return r;
	for (int cpu = 0; cpu < source->n_cpus; cpu++)
		counters_merge(&sum, &source->per_cpu[cpu]);
	r = source_missed(source, &sum);
	if (r < 0)
		return r;
	*ret_sum = sum;
	return 0;
}

void source_ring(const struct source *source, size_t *ret_used, size_t *ret_size)
{
	const struct ring *ring = ring_buffer__ring(source->ring, 0);

	*ret_used = ring__avail_data_size(ring);
	*ret_size = ring__size(ring);
}

size_t source_probes(const struct source *source, const struct source_probe **ret_probes)
{
	*ret_probes = source->probes;
	return ARRAY_LEN(source->probes);
}

const struct source_btf *source_btf(const struct source *source)
{
	return &source->btf;
}
