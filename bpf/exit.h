/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * process_exit: one record when the last thread of a process goes, with the status that its parent is told. Until
 * 6.15 the hook comes behind the counting of threads, so that two that go at once may both find themselves the last:
 * the one that is first in the table of those that have gone makes the record.
 */

#include "canary.h"
#include "scope.h"

#define GONE_MAX 4096 /* the race is one of microseconds */

struct gone_key {
	__u64 started;
	__u32 tgid, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GONE_MAX);
	__type(key, struct gone_key);
	__type(value, __u8);
} gone SEC(".maps");

/* The record's status as wait(2) tells it; with WIFEXITED's and WTERMSIG's bits. */
static __always_inline int exit_code(struct signal_struct *signal, struct task_struct *leader)
{
	if (READ(signal, flags) & KERNEL_SIGNAL_GROUP_EXIT)
		return READ(signal, group_exit_code);
	return READ(leader, exit_code);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *exiting)
{
	struct task_struct *task = current_task(), *leader, *parent;
	struct wire_process_exit record = { .head = { .size = sizeof(record) } };
	struct gone_key key = {};
	struct signal_struct *signal;
	__u8 yes = 1;
	int code;

	if (READ(task, flags) & KERNEL_PF_KTHREAD)
		return 0;
	signal = READ(task, signal);
	if (READ(signal, live.counter) != 0)
		return 0;
	leader = READ(task, group_leader);
	key.started = READ(leader, start_boottime);
	key.tgid = READ(task, tgid);
	if (map_update_fails(&gone, &key, &yes, BPF_NOEXIST) && bpf_map_lookup_elem(&gone, &key))
		return 0; /* its record is there */
	if (canary_exit() || !scope_wants(WIRE_KIND_PROCESS_EXIT))
		return 0;
	head_of_current(&record.head, WIRE_KIND_PROCESS_EXIT, WIRE_SOURCE_SCHED_PROCESS_EXIT);
	record.started_boot_ns = key.started;
	parent = READ(leader, real_parent);
	record.ppid = READ(parent, tgid);
	code = exit_code(signal, leader);
	record.signal = code & 0x7f;
	record.exit_status = code >> 8 & 0xff;
	emit(ctx, WIRE_KIND_PROCESS_EXIT, &record, sizeof(record));
	return 0;
}
