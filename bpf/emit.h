/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The kernel half's end of the border: counters, the ring, and the head that each record begins with.
 * Every path that gives a record up goes through loss_count.
 */

#include "kernel.h"
#include "wire/records.h"

/* Settings, written before load. */
const volatile __u64 cfg_ring_high_water = 1 << 20; /* bytes waiting that wake the reader before its timer */
const volatile bool cfg_sock_storage = true; /* false: kernels before 5.11, see tcp.h */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); /* set before load */
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wire_cpu_counters);
} counters SEC(".maps");

static __always_inline void loss_count(enum wire_kind kind, enum wire_loss cause)
{
	__u32 zero = 0;
	struct wire_cpu_counters *mine = bpf_map_lookup_elem(&counters, &zero);
	struct wire_loss_count *loss;
	__u64 now = bpf_ktime_get_boot_ns();

	if (!mine)
		return; /* one element of an array: always there */
	loss = &mine->losses[kind - 1][cause];
	if (loss->count++ == 0)
		loss->first_boot_ns = now;
	loss->last_boot_ns = now;
}

/*
 * A wake-up costs ten times the record, so the reader looks at the ring by its own clock and is woken only
 * when so much waits that the next tick could be too late.
 */
static __always_inline __u64 emit_flags(void)
{
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= cfg_ring_high_water)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/* Sends `size` bytes that begin with a wire_head, or counts why not. */
static __always_inline void emit(enum wire_kind kind, void *record, __u64 size)
{
	__u32 zero = 0;
	struct wire_cpu_counters *mine;

	if (bpf_ringbuf_output(&ring, record, size, emit_flags()) < 0) {
		loss_count(kind, WIRE_LOSS_RING_FULL);
		return;
	}
	mine = bpf_map_lookup_elem(&counters, &zero);
	if (mine)
		mine->records[kind - 1]++;
}

/* The head for what the current task itself does. */
static __always_inline void head_of_current(struct wire_head *head, enum wire_kind kind,
					    enum wire_source source)
{
	__u64 id = bpf_get_current_pid_tgid();

	head->kind = kind;
	head->source = source;
	head->flags = 0;
	head->boot_ns = bpf_ktime_get_boot_ns();
	head->cgroup_id = bpf_get_current_cgroup_id();
	head->pid = id >> 32;
	head->tid = (__u32)id;
	bpf_get_current_comm(head->comm, sizeof(head->comm));
}
