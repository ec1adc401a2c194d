/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The one program at the exit of every system call of the machine, for what has no better hook on this kernel: it
 * looks at the number, and a call that is none of ours costs no more than that. What each group records stands in
 * its own file.
 */

#include "open_exit.h"
#include "syscall.h"

const volatile __u32 cfg_sys_exit_kinds = 0; /* a bit 1 << enum wire_kind each: those that come from here */

static __always_inline bool sys_exit_brings(enum wire_kind kind)
{
	return cfg_sys_exit_kinds & 1u << kind;
}

static __always_inline int sys_exit(bool loop, void *ctx, struct pt_regs *regs, long ret)
{
	switch (syscall_group(regs)) {
	case SYSCALLS_OTHER:
		return 0;
	case SYSCALLS_OPEN:
		return sys_exit_brings(WIRE_KIND_FILE_OPEN) ? open_exit(loop, ctx, regs, ret) : 0;
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	return sys_exit(true, ctx, regs, ret);
}

/* The same for kernels without bpf_loop. */
SEC("?tp_btf/sys_exit")
int BPF_PROG(on_sys_exit_bounded, struct pt_regs *regs, long ret)
{
	return sys_exit(false, ctx, regs, ret);
}
