/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * file_open where programs may hang on the kernel's functions: at the return of the two that every open by name or
 * by handle goes through, the system calls', io_uring's, exec's, and the kernel's own. There the outcome is known,
 * the name is in the kernel's memory, and O_PATH opens are seen, which the security hook is not asked about. Flags
 * are the kernel's: O_LARGEFILE added, O_CLOEXEC taken away.
 */

#include "open.h"

#define MAX_ERRNO 4095 /* linux/err.h: an error instead of a pointer */

const volatile bool cfg_root_is_path = true; /* false: before 5.13 the root came as two arguments */

static __always_inline int open_late(bool loop, void *ctx, struct opened *opened, const void *op,
				     struct file *file)
{
	struct open_flags *flags = TYPED(struct open_flags, op);

	if ((unsigned long)file >= (unsigned long)-MAX_ERRNO)
		return 0;
	opened->kernel_name = true;
	opened->file = TYPED(struct file, file);
	opened->flags = READ(flags, open_flag);
	opened->mode = READ(flags, mode);
	return open_record(loop, ctx, current_task(), opened);
}

static __always_inline int filp_open(bool loop, void *ctx, const void *asked, const void *op, struct file *file)
{
	struct filename *filename = TYPED(struct filename, asked);
	struct opened opened = {
		.source = WIRE_SOURCE_DO_FILP_OPEN,
		.slot = OPEN_SLOT_FIRST,
		.name = READ(filename, name),
	};

	return open_late(loop, ctx, &opened, op, file);
}

static __always_inline int file_open_root(bool loop, unsigned long long *ctx)
{
	struct opened opened = { .source = WIRE_SOURCE_DO_FILE_OPEN_ROOT, .slot = OPEN_SLOT_ROOT };

	if (cfg_root_is_path) {
		opened.name = (const void *)ctx[1];
		return open_late(loop, ctx, &opened, (const void *)ctx[2], (struct file *)ctx[3]);
	}
	opened.name = (const void *)ctx[2];
	return open_late(loop, ctx, &opened, (const void *)ctx[3], (struct file *)ctx[4]);
}

SEC("?fexit/do_filp_open")
int BPF_PROG(on_filp_open, int dfd, struct filename *asked, const struct open_flags *op, struct file *file)
{
	return filp_open(true, ctx, asked, op, file);
}

SEC("?fexit/do_file_open_root")
int on_file_open_root(unsigned long long *ctx)
{
	return file_open_root(true, ctx);
}

/* The same for kernels without bpf_loop. */
SEC("?fexit/do_filp_open")
int BPF_PROG(on_filp_open_bounded, int dfd, struct filename *asked, const struct open_flags *op,
	     struct file *file)
{
	return filp_open(false, ctx, asked, op, file);
}

SEC("?fexit/do_file_open_root")
int on_file_open_root_bounded(unsigned long long *ctx)
{
	return file_open_root(false, ctx);
}
