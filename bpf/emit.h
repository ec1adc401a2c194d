/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The kernel half's end of the border: counters, the transport, and the head that each record begins with.
 * Every path that gives a record up goes through loss_count.
 */

#include "whose.h"
#include "wire/records.h"

/* Settings, written before load. */
const volatile __u64 cfg_ring_high_water = 1 << 20; /* bytes waiting that wake the reader before its timer */
const volatile bool cfg_perf_buffer = false; /* true: kernels without a ring buffer, or a setting for tests */
const volatile __u32 cfg_collector =
	0; /* the collector's process: some of its acts are canaries, see canary.h */

#define EMIT_SHORT 1024 /* bytes: sixteen of them are next to nothing in any ring */
#define EMIT_LOOK_EVERY 16
#define LOSING_CGROUPS_MAX 4096 /* rows of (cgroup, kind, cause); beyond, a loss is in the totals only */

/* Changed while running. */
__u32 fold_epoch = 1; /* the chunk that is being written: what was folded before counts no more */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); /* set before load */
} ring SEC(".maps");

/* One perf buffer a processor, in place of the ring; sized by libbpf to the processors there are. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} perf_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wire_cpu_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LOSING_CGROUPS_MAX);
	__type(key, struct wire_loss_key);
	__type(value, struct wire_loss_count);
} losses_by_cgroup SEC(".maps");

/* One element of an array: always there; the verifier wants to hear what if not. */
static __always_inline struct wire_cpu_counters *counters_mine(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

/* A program may be interrupted by another of ours: the additions are atomic, the times may be a neighbour's. */
static __always_inline void loss_add(struct wire_loss_count *loss, __u64 now)
{
	if (loss->count == 0)
		loss->first_boot_ns = now;
	__sync_fetch_and_add(&loss->count, 1);
	loss->last_boot_ns = now;
}

/* Counts one loss; in the cgroup's own count too when it is known (not 0). Out of line: it is the rare way. */
static __noinline int loss_count_in(__u32 kind, __u32 cause, __u64 cgroup_id)
{
	struct wire_loss_key key = { .cgroup_id = cgroup_id, .kind = kind, .cause = cause };
	struct wire_loss_count *loss, none = {};
	struct wire_cpu_counters *mine = counters_mine();
	__u64 now = bpf_ktime_get_boot_ns();

	if (!mine || kind - 1 >= WIRE_KIND_END - 1 || cause >= WIRE_LOSS_KERNEL_END)
		return 0;
	loss_add(&mine->losses[kind - 1][cause], now);
	if (cgroup_id == 0)
		return 0;
	loss = bpf_map_lookup_elem(&losses_by_cgroup, &key);
	if (!loss) {
		bpf_map_update_elem(&losses_by_cgroup, &key, &none, BPF_NOEXIST);
		loss = bpf_map_lookup_elem(&losses_by_cgroup, &key);
	}
	if (loss)
		loss_add(loss, now);
	return 0;
}

/* What the current task itself lost. */
static __always_inline void loss_count(enum wire_kind kind, enum wire_loss cause)
{
	loss_count_in(kind, cause, current_cgroup_id());
}

/*
 * A wake-up costs ten times the record, so the reader looks at the ring by its own clock and is woken only
 * when so much waits that the next tick could be too late. Short records look every sixteenth time.
 */
static __always_inline __u64 emit_flags(__u32 sequence, __u64 size)
{
	if (size < EMIT_SHORT && sequence % EMIT_LOOK_EVERY)
		return BPF_RB_NO_WAKEUP;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= cfg_ring_high_water)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/*
 * Sends `size` bytes that begin with a wire_head, or counts why not. False: it was lost. `ctx` is the program's own.
 * A kind's sequence on a processor has no atomics: the kernel does not let a program interrupt itself there. Where
 * programs of one kind may be preempted by one another (uprobes, on preemptible kernels) a step can be lost: two
 * records then share a number, and one that never came could go unnoticed as a hole. What the ring refused is
 * counted all the same.
 */
static __always_inline bool emit(void *ctx, enum wire_kind kind, void *record, __u64 size)
{
	struct wire_cpu_counters *mine = counters_mine();
	struct wire_head *head = record;
	long r;

	if (!mine)
		return false;
	head->sequence = mine->sequence[kind - 1]++;
	head->cpu = bpf_get_smp_processor_id();
	if (cfg_perf_buffer)
		r = bpf_perf_event_output(ctx, &perf_ring, BPF_F_CURRENT_CPU, record, size);
	else
		r = bpf_ringbuf_output(&ring, record, size, emit_flags(head->sequence, size));
	if (r < 0) {
		loss_count_in(kind, WIRE_LOSS_RING_FULL, head->cgroup_id);
		return false;
	}
	mine->records[kind - 1]++;
	return true;
}

/* What every head has before it is known whose it is. */
static __always_inline void head_begin(struct wire_head *head, enum wire_kind kind, enum wire_source source)
{
	head->kind = kind;
	head->source = source;
	head->flags = 0;
	head->boot_ns = bpf_ktime_get_boot_ns();
	head->epoch = fold_epoch; /* after the time: who reads the old epoch was there before the new one */
	head->count = 0;
	head->last_boot_ns = 0;
	head->ns_pid = 0;
}

/* The head for what the current task itself does. */
static __always_inline void head_of_current(struct wire_head *head, enum wire_kind kind,
					    enum wire_source source)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct task_struct *task = current_task();

	head_begin(head, kind, source);
	head->cgroup_id = current_cgroup_id();
	head->pid = id >> 32;
	head->tid = (__u32)id;
	head->ns_pid = task_ns_pid(task);
	/* Padded by the kernel itself where it is read directly; before, only by the helper. */
	if (DIRECT())
		read_16(head->comm, task->comm);
	else
		bpf_get_current_comm(head->comm, sizeof(head->comm));
}

/* The collector's own act that only asks whether this probe lives: counted, not recorded. */
static __always_inline void canary_count(enum wire_kind kind)
{
	struct wire_cpu_counters *mine = counters_mine();

	if (mine)
		__sync_fetch_and_add(&mine->canaries[kind - 1], 1);
}

static __always_inline bool is_collector(void)
{
	return bpf_get_current_pid_tgid() >> 32 == cfg_collector;
}
