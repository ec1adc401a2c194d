/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What was there before the probes: each process's program, and each file that it has mapped executable. Records come
 * out of the iterator's own file, not through the ring. When that file's buffer is full the kernel shows the same
 * object again: nothing is taken for written before it is.
 *
 * A path's loops are as in walk.h: two programs each, of which a kernel gets one.
 */

#include "canary.h"
#include "layer.h"
#include "mapping.h"
#include "walk.h"

struct snapshot_exec {
	struct wire_process_exec record;
	char tail[WALK_ROOM];
};

struct snapshot_library {
	struct wire_library_load record;
	char tail[WALK_ROOM];
};

struct snapshot_scratch {
	struct walk walk;
	struct snapshot_exec exec;
	struct snapshot_library library;
	/* The mapping before: a file's mappings stand side by side, and one is enough. */
	__u64 last_inode;
	__u32 last_dev, last_tgid;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct snapshot_scratch);
} snapshot_scratch SEC(".maps");

static __always_inline void head_of_task(struct wire_head *head, enum wire_kind kind, enum wire_source source,
					 struct task_struct *task)
{
	head_begin(head, kind, source);
	head->flags = WIRE_FLAG_AT_START;
	head->cgroup_id = task_cgroup_id(task);
	head->pid = task->tgid;
	head->tid = task->pid;
	head->ns_pid = task_ns_pid(task);
	head->sequence = 0; /* it is none of a processor's sequence */
	head->cpu = 0;
	bpf_probe_read_kernel(head->comm, sizeof(head->comm), task->comm);
}

/*
 * One task stands for a process: its first thread, or another when that has gone before the others. The collector's
 * own canary is nobody's.
 */
static __always_inline bool stands_for_process(struct task_struct *task)
{
	__u32 child = canary_child;

	if (child != 0 && (__u32)task->tgid == child)
		return false;
	return task->mm && (task->pid == task->tgid || !BPF_CORE_READ(task, group_leader, mm));
}

/* Walks into `tail`; returns the flags, with AT_START. */
static __always_inline __u32 snapshot_walk(bool loop, struct snapshot_scratch *scratch, const struct path *path,
					   struct task_struct *task, char *tail, enum wire_kind kind)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	walk_path(loop, &scratch->walk, path, &fs->root, tail);
	if (scratch->walk.flags & WIRE_FLAG_PATH_CUT)
		loss_count_in(kind, WIRE_LOSS_PATH_CUT, task_cgroup_id(task));
	return scratch->walk.flags | WIRE_FLAG_AT_START;
}

static __always_inline int snapshot_task(bool loop, struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct seq_file *seq = ctx->meta->seq;
	struct wire_process_exec *record;
	struct snapshot_scratch *scratch;
	struct file *file;
	struct inode *inode;
	__u32 zero = 0, len;

	if (!task || !stands_for_process(task) || !scope_wants_task(WIRE_KIND_PROCESS_EXEC, task))
		return 0;
	file = BPF_CORE_READ(task, mm, exe_file);
	scratch = bpf_map_lookup_elem(&snapshot_scratch, &zero);
	if (!file || !scratch) {
		loss_count(WIRE_KIND_PROCESS_EXEC, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record = &scratch->exec.record;
	__builtin_memset(record, 0, sizeof(*record));
	head_of_task(&record->head, WIRE_KIND_PROCESS_EXEC, WIRE_SOURCE_ITER_TASK, task);
	inode = BPF_CORE_READ(file, f_inode);
	record->inode = BPF_CORE_READ(inode, i_ino);
	record->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	record->ppid = BPF_CORE_READ(task, real_parent, tgid);
	record->head.flags =
		WIRE_FLAG_NO_ARGV | layer_of_file(file) |
		snapshot_walk(loop, scratch, &file->f_path, task, scratch->exec.tail, WIRE_KIND_PROCESS_EXEC);
	len = scratch->walk.len;
	record->path_len = len;
	record->path_bytes = walk_true_length(&scratch->walk);
	if (len > WIRE_PATH_MAX) {
		/* Cannot be, as in mapping.h. */
		loss_count(WIRE_KIND_PROCESS_EXEC, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record->head.size = sizeof(*record) + len;
	bpf_seq_write(seq, record, sizeof(*record) + len);
	return 0;
}

SEC("iter/task")
int on_task(struct bpf_iter__task *ctx)
{
	return snapshot_task(true, ctx);
}

SEC("?iter/task")
int on_task_bounded(struct bpf_iter__task *ctx)
{
	return snapshot_task(false, ctx);
}

static __always_inline int snapshot_vma(bool loop, struct bpf_iter__task_vma *ctx)
{
	struct task_struct *task = ctx->task;
	struct vm_area_struct *vma = ctx->vma;
	struct seq_file *seq = ctx->meta->seq;
	struct wire_library_load *record;
	struct snapshot_scratch *scratch;
	struct mapping mapping;
	struct inode *inode;
	const struct path *path;
	__u32 zero = 0, len;

	if (!task || !vma || !mapping_of_vma(&mapping, vma) || !stands_for_process(task))
		return 0;
	if (!scope_wants_task(WIRE_KIND_LIBRARY_LOAD, task))
		return 0;
	scratch = bpf_map_lookup_elem(&snapshot_scratch, &zero);
	if (!scratch) {
		loss_count(WIRE_KIND_LIBRARY_LOAD, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record = &scratch->library.record;
	path = mapping_path(TYPED(struct file, mapping.file));
	inode = mapping_inode(path);
	mapping_fill(record, &mapping, inode);
	if (record->inode == scratch->last_inode && record->dev == scratch->last_dev &&
	    (__u32)task->tgid == scratch->last_tgid)
		return 0;
	head_of_task(&record->head, WIRE_KIND_LIBRARY_LOAD, WIRE_SOURCE_ITER_TASK_VMA, task);
	record->head.flags =
		layer_of_mapping(TYPED(struct file, mapping.file), inode) |
		snapshot_walk(loop, scratch, path, task, scratch->library.tail, WIRE_KIND_LIBRARY_LOAD);
	len = scratch->walk.len;
	record->path_len = len;
	record->path_bytes = walk_true_length(&scratch->walk);
	if (len > WIRE_PATH_MAX) {
		/* Cannot be, as in mapping.h. */
		loss_count(WIRE_KIND_LIBRARY_LOAD, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record->head.size = sizeof(*record) + len;
	if (bpf_seq_write(seq, record, sizeof(*record) + len) == 0) {
		scratch->last_inode = record->inode;
		scratch->last_dev = record->dev;
		scratch->last_tgid = task->tgid;
	}
	return 0;
}

SEC("?iter/task_vma")
int on_task_vma(struct bpf_iter__task_vma *ctx)
{
	return snapshot_vma(true, ctx);
}

SEC("?iter/task_vma")
int on_task_vma_bounded(struct bpf_iter__task_vma *ctx)
{
	return snapshot_vma(false, ctx);
}
