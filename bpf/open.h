/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * file_open, at the exit of the system call: only opens that succeeded, the caller's memory is resident, and
 * nothing has to be carried over from the entry. The path is the kernel's own, taken from the descriptor that
 * the call returned.
 */

#include "fold.h"
#include "syscall.h"
#include "walk.h"

struct open_scratch {
	struct walk walk;
	struct wire_file_open record;
	char tail[WALK_ROOM + WIRE_PATH_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct open_scratch);
} open_scratch SEC(".maps");

struct open_how_view {
	__u64 flags, mode;
};

static __always_inline struct file *open_file(struct task_struct *task, unsigned int fd)
{
	struct files_struct *files = READ(task, files);
	struct fdtable *table = READ(files, fdt);
	struct file **slots, *file = NULL;

	/* The descriptor was valid a moment ago; the table may have been replaced, never shrunk. */
	if (fd >= READ(table, max_fds))
		return NULL;
	slots = READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), &slots[fd]);
	return file ? TYPED(struct file, file) : NULL;
}

/* Flags and mode as the caller asked. False: they lie in memory that cannot be read. */
static __always_inline bool open_flags(struct wire_file_open *record, const struct open_call *call)
{
	record->flags = call->flags_or_how;
	record->mode = call->mode & 07777;
	if (call->by_how) {
		struct open_how_view how = {};

		if (bpf_probe_read_user(&how, sizeof(how), (void *)call->flags_or_how) < 0)
			return false;
		record->flags = how.flags;
		record->mode = how.mode & 07777;
	}
	if (!(record->flags & (KERNEL_O_CREAT | KERNEL_O_TMPFILE_BIT)))
		record->mode = 0; /* the kernel ignores it, and it may be anything */
	return true;
}

/* Appends the caller's name for the file behind `len` bytes of tail; returns the new length. */
static __always_inline __u32 open_requested(struct wire_file_open *record, char *tail, __u32 len,
					    unsigned long name)
{
	long got;

	record->requested_len = 0;
	if (!name || len > WIRE_PATH_MAX)
		return len;
	got = bpf_probe_read_user_str(tail + len, WIRE_PATH_MAX, (void *)name);
	if (got <= 0) {
		record->head.flags |= WIRE_FLAG_NO_NAME;
		loss_count(WIRE_KIND_FILE_OPEN, WIRE_LOSS_NAME_UNREADABLE);
		return len;
	}
	record->requested_len = got - 1;
	return len + record->requested_len;
}

/* The exit of a call that is one of SYSCALLS_OPEN, or looks like it. */
static __always_inline int open_exit(bool loop, void *ctx, struct pt_regs *regs, long ret)
{
	struct open_call call = {};
	struct open_scratch *scratch;
	struct wire_file_open *record;
	struct task_struct *task;
	struct walk *walk;
	struct super_block *super;
	struct fs_struct *fs;
	struct inode *inode;
	struct fold_key key = {};
	struct file *file;
	__u32 zero = 0, len;

	if (ret < 0)
		return 0;
	task = current_task();
	syscall_open(regs, task, &call);
	if (!call.source)
		return 0;
	scratch = bpf_map_lookup_elem(&open_scratch, &zero);
	if (!scratch) {
		loss_count(WIRE_KIND_FILE_OPEN, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record = &scratch->record;
	head_of_current(&record->head, WIRE_KIND_FILE_OPEN, call.source);
	if (!open_flags(record, &call)) {
		loss_count(WIRE_KIND_FILE_OPEN, WIRE_LOSS_FLAGS_UNREADABLE);
		return 0;
	}
	file = open_file(task, ret);
	if (!file) {
		loss_count(WIRE_KIND_FILE_OPEN, WIRE_LOSS_FILE_GONE);
		return 0;
	}
	inode = READ(file, f_inode);
	super = READ(inode, i_sb);
	record->inode = READ(inode, i_ino);
	record->dev = READ(super, s_dev);
	fs = READ(task, fs);
	record->granted = READ(file, f_mode);
	record->pad = 0;
	key.inode = record->inode;
	key.dev = record->dev;
	key.access = record->granted & (WIRE_GRANTED_READ | WIRE_GRANTED_WRITE);
	if (fold_hides(&key, &record->head, task))
		return 0;

	walk = &scratch->walk;
	walk_path(loop, walk, &file->f_path, &fs->root, scratch->tail);
	len = walk->len;
	record->path_len = len;
	record->path_bytes = walk_true_length(walk);
	record->head.flags |= walk->flags;
	if (walk->flags & WIRE_FLAG_PATH_CUT)
		loss_count(WIRE_KIND_FILE_OPEN, WIRE_LOSS_PATH_CUT);
	len = open_requested(record, scratch->tail, len, call.name);
	if (len > 2 * WIRE_PATH_MAX) {
		/* Cannot be: every part is bounded above. The verifier wants to hear it; were it so, it would count. */
		loss_count(WIRE_KIND_FILE_OPEN, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record->head.size = sizeof(*record) + len;
	if (emit(ctx, WIRE_KIND_FILE_OPEN, record, sizeof(*record) + len))
		fold_remember(&key, &record->head);
	return 0;
}
