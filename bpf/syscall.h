/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Which system call is returning, and with which arguments: at exit the saved registers still hold all of
 * them (arm64 loses only the first, which we do not need but for the calls that take the name first, and it
 * is kept aside). 32-bit programs on a 64-bit kernel have their own numbers and registers.
 *
 * Numbers: arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl; asm-generic/unistd.h and
 * arch/arm64/tools/syscall_32.tbl.
 */

#include "kernel.h"
#include "wire/records.h"

/*
 * What a number may be in either ABI: cheap, and asked at every system call of the machine. The tables of a group
 * then say exactly, and by the task's own ABI. One number must not be in two groups.
 */
enum syscall_group { SYSCALLS_OTHER, SYSCALLS_OPEN };

struct open_call {
	__u32 source; /* enum wire_source, 0 = not a call that opens */
	bool by_how; /* `flags_or_how` points at a struct open_how */
	unsigned long name; /* user address, 0 = the call takes no name */
	unsigned long flags_or_how;
	unsigned long mode;
};

/* Tables of system calls, one row a call. */
/* clang-format off */
#if defined(__TARGET_ARCH_x86)

#define TS_COMPAT 0x2 /* arch/x86/include/asm/thread_info.h */
#define X32_BIT 0x40000000UL

static __always_inline enum syscall_group syscall_group(struct pt_regs *regs)
{
	switch (regs->orig_ax & ~X32_BIT) {
	case 2: case 85: case 257: case 304: case 437: /* 64 bit */
	case 5: case 8: case 295: case 342: /* 32 bit; 64 bit: fstat, lseek, preadv */
		return SYSCALLS_OPEN;
	}
	return SYSCALLS_OTHER;
}

static __always_inline void syscall_open_32(struct pt_regs *regs, struct open_call *call)
{
	switch ((__u32)regs->orig_ax) {
	case 5:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPEN, false, (__u32)regs->bx, regs->cx, regs->dx };
		break;
	case 8:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_CREAT, false, (__u32)regs->bx, 01101, regs->cx };
		break;
	case 295:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPENAT, false, (__u32)regs->cx, regs->dx, regs->si };
		break;
	case 342:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPEN_BY_HANDLE_AT, false, 0, regs->dx, 0 };
		break;
	case 437:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPENAT2, true, (__u32)regs->cx, (__u32)regs->dx, 0 };
		break;
	}
}

static __always_inline void syscall_open_64(struct pt_regs *regs, struct open_call *call)
{
	switch (regs->orig_ax & ~X32_BIT) {
	case 2:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPEN, false, regs->di, regs->si, regs->dx };
		break;
	case 85:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_CREAT, false, regs->di, 01101, regs->si };
		break;
	case 257:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPENAT, false, regs->si, regs->dx, regs->r10 };
		break;
	case 304:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPEN_BY_HANDLE_AT, false, 0, regs->dx, 0 };
		break;
	case 437:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPENAT2, true, regs->si, regs->dx, 0 };
		break;
	}
}

/* A call of a 32-bit program, or by its door? */
static __always_inline bool syscall_is_32(struct task_struct *task)
{
	return READ(task, thread_info.status) & TS_COMPAT;
}

#elif defined(__TARGET_ARCH_arm64)

#define TIF_32BIT_BIT (1UL << 22) /* arch/arm64/include/asm/thread_info.h */

static __always_inline enum syscall_group syscall_group(struct pt_regs *regs)
{
	switch (regs->syscallno) {
	case 56: case 265: case 437: /* 64 bit */
	case 5: case 8: case 322: case 371: /* 32 bit */
		return SYSCALLS_OPEN;
	}
	return SYSCALLS_OTHER;
}

static __always_inline void syscall_open_32(struct pt_regs *regs, struct open_call *call)
{
	switch (regs->syscallno) {
	case 5:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPEN, false, regs->orig_x0, regs->regs[1],
					    regs->regs[2] };
		break;
	case 8:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_CREAT, false, regs->orig_x0, 01101, regs->regs[1] };
		break;
	case 322:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPENAT, false, regs->regs[1], regs->regs[2],
					    regs->regs[3] };
		break;
	case 371:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPEN_BY_HANDLE_AT, false, 0, regs->regs[2], 0 };
		break;
	case 437:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPENAT2, true, regs->regs[1], regs->regs[2], 0 };
		break;
	}
}

static __always_inline void syscall_open_64(struct pt_regs *regs, struct open_call *call)
{
	switch (regs->syscallno) {
	case 56:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPENAT, false, regs->regs[1], regs->regs[2],
					    regs->regs[3] };
		break;
	case 265:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPEN_BY_HANDLE_AT, false, 0, regs->regs[2], 0 };
		break;
	case 437:
		*call = (struct open_call){ WIRE_SOURCE_SYS_EXIT_OPENAT2, true, regs->regs[1], regs->regs[2], 0 };
		break;
	}
}

static __always_inline bool syscall_is_32(struct task_struct *task)
{
	return READ(task, thread_info.flags) & TIF_32BIT_BIT;
}

#endif
/* clang-format on */

static __always_inline void syscall_open(struct pt_regs *regs, struct task_struct *task, struct open_call *call)
{
	if (syscall_is_32(task))
		syscall_open_32(regs, call);
	else
		syscall_open_64(regs, call);
}
