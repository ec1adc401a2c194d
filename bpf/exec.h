/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * process_exec, when the new program stands: what file the kernel loaded, under which name it was asked for,
 * and its arguments from the new memory's own argument block, in one read, so that boundaries are kept.
 */

#include "canary.h"
#include "layer.h"
#include "scope.h"
#include "mapping.h"
#include "walk.h"

const volatile bool cfg_execs = true; /* false: the program is here for the libraries only */

struct exec_scratch {
	struct walk walk;
	struct wire_process_exec record;
	char tail[WALK_ROOM + WIRE_PATH_MAX + WALK_ROOM + WIRE_ARGV_MAX];
};

/* By processor: a per-CPU map's values end at 32 KiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set before load: as many as processors can be */
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratch SEC(".maps");

#define EXEC_NAMES_MAX (3 * WIRE_PATH_MAX)
#define EXEC_PERF_MAX 65000 /* a perf sample's own length is 16 bits, header and padding included */

#define EXEC_PERF_ARGV_MAX (EXEC_PERF_MAX - sizeof(struct wire_process_exec) - EXEC_NAMES_MAX)

static __always_inline __u32 exec_filename(struct wire_process_exec *record, char *tail, __u32 len,
					   const char *filename)
{
	long got;

	record->filename_len = 0;
	if (len > WIRE_PATH_MAX)
		return len;
	got = bpf_probe_read_kernel_str(tail + len, WIRE_PATH_MAX, filename);
	if (got <= 0) {
		record->head.flags |= WIRE_FLAG_NO_NAME;
		loss_count(WIRE_KIND_PROCESS_EXEC, WIRE_LOSS_NAME_UNREADABLE);
		return len;
	}
	record->filename_len = got - 1;
	return len + record->filename_len;
}

/* A script's name may be relative: then the directory it is relative to goes along. */
static __always_inline __u32 exec_cwd(bool loop, struct wire_process_exec *record, char *tail, __u32 len,
				      struct walk *walk, struct task_struct *task)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	record->cwd_len = 0;
	if (len > 2 * WIRE_PATH_MAX)
		return len;
	walk_path(loop, walk, &fs->pwd, &fs->root, tail + len);
	record->cwd_len = walk->len;
	if (walk->flags & WIRE_FLAG_PATH_CUT) {
		record->head.flags |= WIRE_FLAG_CWD_CUT;
		loss_count(WIRE_KIND_PROCESS_EXEC, WIRE_LOSS_PATH_CUT);
	}
	if (walk->flags & WIRE_FLAG_UNREACHABLE)
		record->head.flags |= WIRE_FLAG_CWD_UNREACHABLE;
	return len + walk->len;
}

static __always_inline __u32 exec_argv(struct wire_process_exec *record, char *tail, __u32 len,
				       struct mm_struct *mm)
{
	unsigned long start = BPF_CORE_READ(mm, arg_start), end = BPF_CORE_READ(mm, arg_end);
	__u32 want = end - start;
	__u64 at = len;

	record->argv_bytes = want;
	record->argv_len = 0;
	if (cfg_perf_buffer && want > EXEC_PERF_ARGV_MAX)
		want = EXEC_PERF_ARGV_MAX;
	if (want > WIRE_ARGV_MAX)
		want = WIRE_ARGV_MAX;
	if (want < record->argv_bytes)
		loss_count(WIRE_KIND_PROCESS_EXEC, WIRE_LOSS_ARGV_CUT);
	/* Here, where it is used: what lay on the stack since has lost its bounds on kernels up to 6.1. */
	barrier_var(at);
	if (at > EXEC_NAMES_MAX)
		return len;
	if (bpf_probe_read_user(tail + at, want, (void *)start) < 0) {
		record->head.flags |= WIRE_FLAG_NO_ARGV;
		loss_count(WIRE_KIND_PROCESS_EXEC, WIRE_LOSS_ARGV_UNREADABLE);
		return len;
	}
	record->argv_len = want;
	return len + want;
}

static __always_inline int exec_record(bool loop, void *ctx, struct task_struct *task,
				       struct linux_binprm *bprm)
{
	struct exec_scratch *scratch;
	struct wire_process_exec *record;
	struct walk *walk;
	struct inode *inode;
	struct file *file;
	__u32 cpu = bpf_get_smp_processor_id(), len;

	scratch = bpf_map_lookup_elem(&exec_scratch, &cpu);
	if (!scratch) {
		loss_count(WIRE_KIND_PROCESS_EXEC, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record = &scratch->record;
	head_of_current(&record->head, WIRE_KIND_PROCESS_EXEC, WIRE_SOURCE_SCHED_PROCESS_EXEC);
	file = TYPED(struct file, BPF_CORE_READ(bprm, file));
	inode = BPF_CORE_READ(file, f_inode);
	record->head.flags |= layer_of_file(file);
	record->inode = BPF_CORE_READ(inode, i_ino);
	record->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	record->ppid = BPF_CORE_READ(task, real_parent, tgid);
	record->script = BPF_CORE_READ(bprm, interp) != BPF_CORE_READ(bprm, filename);
	record->cwd_len = 0;
	record->pad = record->pad2 = 0;

	walk = &scratch->walk;
	walk_path(loop, walk, &file->f_path, &BPF_CORE_READ(task, fs)->root, scratch->tail);
	len = walk->len;
	record->path_len = len;
	record->path_bytes = walk_true_length(walk);
	record->head.flags |= walk->flags;
	if (walk->flags & WIRE_FLAG_PATH_CUT)
		loss_count(WIRE_KIND_PROCESS_EXEC, WIRE_LOSS_PATH_CUT);
	len = exec_filename(record, scratch->tail, len, BPF_CORE_READ(bprm, filename));
	if (record->script)
		len = exec_cwd(loop, record, scratch->tail, len, walk, task);
	len = exec_argv(record, scratch->tail, len, BPF_CORE_READ(task, mm));
	if (len > EXEC_NAMES_MAX + WIRE_ARGV_MAX) {
		/* Cannot be: every part is bounded above. The verifier wants to hear it; were it so, it would count. */
		loss_count(WIRE_KIND_PROCESS_EXEC, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record->head.size = sizeof(*record) + len;
	emit(ctx, WIRE_KIND_PROCESS_EXEC, record, sizeof(*record) + len);
	return 0;
}

static __always_inline int exec_done(bool loop, void *ctx, struct task_struct *task, struct linux_binprm *bprm)
{
	if (canary_exec())
		return 0;
	if (cfg_execs && scope_wants(WIRE_KIND_PROCESS_EXEC))
		exec_record(loop, ctx, task, bprm);
	if (cfg_exec_maps)
		mapping_exec(loop, ctx, task, TYPED(struct file, BPF_CORE_READ(bprm, file)));
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return exec_done(true, ctx, task, bprm);
}

/* The same for kernels without bpf_loop. */
SEC("?tp_btf/sched_process_exec")
int BPF_PROG(on_exec_bounded, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	return exec_done(false, ctx, task, bprm);
}
