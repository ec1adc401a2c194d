/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * file_open at the exit of the system call, where no program may hang on the kernel's own functions: only opens
 * that succeeded, the caller's memory is resident, and nothing has to be carried over from the entry. The file is
 * taken from the descriptor that the call returned.
 */

#include "open.h"
#include "syscall.h"

struct open_how_view {
	__u64 flags, mode;
};

static __always_inline struct file *open_file(struct task_struct *task, unsigned int fd)
{
	struct files_struct *files = READ(task, files);
	struct fdtable *table = READ(files, fdt);
	struct file **slots, *file;

	/* The descriptor was valid a moment ago; the table may have been replaced, never shrunk. */
	if (fd >= READ(table, max_fds))
		return NULL;
	slots = READ(table, fd);
	file = read_pointer(&slots[fd]);
	return file ? TYPED(struct file, file) : NULL;
}

/* Flags and mode as the caller asked. False: they lie in memory that cannot be read. */
static __always_inline bool open_flags(struct opened *opened, const struct open_call *call)
{
	opened->flags = call->flags_or_how;
	opened->mode = call->mode;
	if (call->by_how) {
		struct open_how_view how = {};

		if (bpf_probe_read_user(&how, sizeof(how), (void *)call->flags_or_how) < 0)
			return false;
		opened->flags = how.flags;
		opened->mode = how.mode;
	}
	return true;
}

/* The exit of a call that is one of SYSCALLS_OPEN, or looks like it. */
static __always_inline int open_exit(bool loop, void *ctx, struct pt_regs *regs, long ret)
{
	struct open_call call = {};
	struct opened opened = {};
	struct task_struct *task;

	if (ret < 0)
		return 0;
	task = current_task();
	syscall_open(regs, task, &call);
	if (!call.source)
		return 0;
	opened.source = call.source;
	opened.slot = OPEN_SLOT_FIRST;
	opened.name = (const void *)call.name;
	if (!open_flags(&opened, &call)) {
		loss_count(WIRE_KIND_FILE_OPEN, WIRE_LOSS_FLAGS_UNREADABLE);
		return 0;
	}
	opened.file = open_file(task, ret);
	if (!opened.file) {
		loss_count(WIRE_KIND_FILE_OPEN, WIRE_LOSS_FILE_GONE);
		return 0;
	}
	return open_record(loop, ctx, task, &opened);
}
