/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The one program at the exit of every system call of the machine, for what has no better hook on this kernel: it
 * looks at the number, and a call that is none of ours costs no more than that. What each group records stands in
 * its own file.
 */

#include "connect.h"
#include "mapping_exit.h"
#include "open_exit.h"
#include "syscall.h"

const volatile __u32 cfg_sys_exit_kinds = 0; /* a bit 1 << enum wire_kind each: those that come from here */

static __always_inline bool sys_exit_brings(enum wire_kind kind)
{
	return cfg_sys_exit_kinds & 1u << kind;
}

#define REGS_MAX 512

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(value_size, REGS_MAX);
} regs_copy SEC(".maps");

/* Where the hook's arguments have no types, the registers are read from a copy. NULL: they cannot be read. */
static __always_inline struct pt_regs *sys_exit_regs(struct pt_regs *regs)
{
	__u32 zero = 0, size = bpf_core_type_size(struct pt_regs);
	void *copy;

	if (cfg_typed_args)
		return regs;
	copy = bpf_map_lookup_elem(&regs_copy, &zero);
	if (!copy || size > REGS_MAX || bpf_probe_read_kernel(copy, size, regs) < 0)
		return NULL; /* cannot be: the call that returns saved them */
	return copy;
}

static __always_inline int sys_exit(bool loop, void *ctx, struct pt_regs *regs, long ret)
{
	regs = sys_exit_regs(regs);
	if (!regs)
		return 0;
	switch (syscall_group(regs)) {
	case SYSCALLS_OTHER:
		return 0;
	case SYSCALLS_OPEN:
		return sys_exit_brings(WIRE_KIND_FILE_OPEN) ? open_exit(loop, ctx, regs, ret) : 0;
	case SYSCALLS_CONNECT:
		return sys_exit_brings(WIRE_KIND_NET_CONNECT) ? connect_exit(ctx, regs, ret) : 0;
	case SYSCALLS_MAP:
		return sys_exit_brings(WIRE_KIND_LIBRARY_LOAD) ? map_exit(loop, ctx, regs, ret) : 0;
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
