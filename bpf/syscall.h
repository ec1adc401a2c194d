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
enum syscall_group { SYSCALLS_OTHER, SYSCALLS_OPEN, SYSCALLS_CONNECT, SYSCALLS_MAP };

struct open_call {
	__u32 source; /* enum wire_source, 0 = not a call that opens */
	bool by_how; /* `flags_or_how` points at a struct open_how */
	unsigned long name; /* user address, 0 = the call takes no name */
	unsigned long flags_or_how;
	unsigned long mode;
};

struct connect_call {
	__u32 source; /* enum wire_source, 0 = not one of these calls */
	__s32 fd; /* the caller's socket */
	__s32 result; /* as the kernel returned it */
	__s32 address_len; /* connect */
	unsigned long address; /* connect: in the caller's memory */
};

struct map_call {
	__u32 source; /* enum wire_source, 0 = not a call that maps or protects */
	bool by_struct; /* `address` points at the arguments */
	__u64 address, length, protection, flags;
	__u32 fd;
};

/* Tables of system calls, one row a call. */
/* clang-format off */
#if defined(__TARGET_ARCH_x86)

#define TS_COMPAT 0x2 /* arch/x86/include/asm/thread_info.h */
#define X32_BIT 0x40000000U

/* The kernel looks at the lower half of the register only: what a caller puts into the upper one hides no call. */
static __always_inline __u32 syscall_number(struct pt_regs *regs)
{
	return (__u32)regs->orig_ax & ~X32_BIT;
}

static __always_inline enum syscall_group syscall_group(struct pt_regs *regs)
{
	switch (syscall_number(regs)) {
	case 2: case 85: case 257: case 304: case 437: /* 64 bit */
	case 5: case 8: case 295: case 342: /* 32 bit; 64 bit: fstat, lseek, preadv */
		return SYSCALLS_OPEN;
	case 42: case 43: case 288: /* 64 bit; 32 bit: pipe, times, keyctl */
	case 102: case 362: case 364: /* 32 bit; 64 bit: getuid */
		return SYSCALLS_CONNECT;
	case 9: case 10: case 329: /* 64 bit; 32 bit: link, unlink, setfsuid */
	case 90: case 125: case 192: case 380: /* 32 bit; 64 bit: chmod, capget, lgetxattr */
		return SYSCALLS_MAP;
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
	switch (syscall_number(regs)) {
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

/* socketcall, the one door of old 32-bit programs: its number and a table of its arguments in the caller's memory. */
static __always_inline void syscall_socketcall(struct pt_regs *regs, struct connect_call *call)
{
	__u32 number = regs->bx, arguments[3];

	if (number != 3 && number != 5 && number != 18) /* SYS_CONNECT, SYS_ACCEPT, SYS_ACCEPT4 */
		return;
	call->source = number == 3 ? WIRE_SOURCE_SYS_EXIT_CONNECT :
		       number == 5 ? WIRE_SOURCE_SYS_EXIT_ACCEPT : WIRE_SOURCE_SYS_EXIT_ACCEPT4;
	if (number != 3)
		return;
	if (bpf_probe_read_user(arguments, sizeof(arguments), (void *)(unsigned long)(__u32)regs->cx) < 0) {
		call->fd = -1;
		call->address_len = 16; /* as long as any, at no address: reading it fails, and that is counted */
		return;
	}
	call->fd = arguments[0];
	call->address = arguments[1];
	call->address_len = arguments[2];
}

static __always_inline void syscall_connect_32(struct pt_regs *regs, struct connect_call *call)
{
	switch ((__u32)regs->orig_ax) {
	case 102:
		syscall_socketcall(regs, call);
		break;
	case 362:
		*call = (struct connect_call){ WIRE_SOURCE_SYS_EXIT_CONNECT, regs->bx, 0, regs->dx, (__u32)regs->cx };
		break;
	case 364:
		*call = (struct connect_call){ WIRE_SOURCE_SYS_EXIT_ACCEPT4, regs->bx, 0, 0, 0 };
		break;
	}
}

static __always_inline void syscall_connect_64(struct pt_regs *regs, struct connect_call *call)
{
	switch (syscall_number(regs)) {
	case 42:
		*call = (struct connect_call){ WIRE_SOURCE_SYS_EXIT_CONNECT, regs->di, 0, regs->dx, regs->si };
		break;
	case 43:
		*call = (struct connect_call){ WIRE_SOURCE_SYS_EXIT_ACCEPT, regs->di, 0, 0, 0 };
		break;
	case 288:
		*call = (struct connect_call){ WIRE_SOURCE_SYS_EXIT_ACCEPT4, regs->di, 0, 0, 0 };
		break;
	}
}

/* A call of a 32-bit program, or by its door? */
static __always_inline bool syscall_is_32(struct task_struct *task)
{
	return READ(task, thread_info.status) & TS_COMPAT;
}

static __always_inline void syscall_map_32(struct pt_regs *regs, struct map_call *call)
{
	__u64 address = (__u32)regs->bx;

	switch ((__u32)regs->orig_ax) {
	case 90:
		*call = (struct map_call){ WIRE_SOURCE_SYS_EXIT_MMAP, true, address, 0, 0, 0, 0 };
		break;
	case 192:
		*call = (struct map_call){ WIRE_SOURCE_SYS_EXIT_MMAP, false, address, regs->cx, regs->dx, regs->si,
					   regs->di };
		break;
	case 125: case 380:
		*call = (struct map_call){ WIRE_SOURCE_SYS_EXIT_MPROTECT, false, address, (__u32)regs->cx, regs->dx,
					   0, 0 };
		break;
	}
}

static __always_inline void syscall_map_64(struct pt_regs *regs, struct map_call *call)
{
	switch (syscall_number(regs)) {
	case 9:
		*call = (struct map_call){ WIRE_SOURCE_SYS_EXIT_MMAP, false, regs->di, regs->si, regs->dx, regs->r10,
					   regs->r8 };
		break;
	case 10: case 329:
		*call = (struct map_call){ WIRE_SOURCE_SYS_EXIT_MPROTECT, false, regs->di, regs->si, regs->dx, 0, 0 };
		break;
	}
}

static __always_inline void syscall_map(struct pt_regs *regs, struct task_struct *task, struct map_call *call)
{
	if (READ(task, thread_info.status) & TS_COMPAT)
		syscall_map_32(regs, call);
	else
		syscall_map_64(regs, call);
}

#elif defined(__TARGET_ARCH_arm64)

#define TIF_32BIT_BIT (1UL << 22) /* arch/arm64/include/asm/thread_info.h */

static __always_inline enum syscall_group syscall_group(struct pt_regs *regs)
{
	switch (regs->syscallno) {
	case 56: case 265: case 437: /* 64 bit */
	case 5: case 8: case 322: case 371: /* 32 bit */
		return SYSCALLS_OPEN;
	case 202: case 203: case 242: /* 64 bit */
	case 283: case 285: case 366: /* 32 bit */
		return SYSCALLS_CONNECT;
	case 222: case 226: case 288: /* 64 bit */
	case 125: case 192: case 394: /* 32 bit */
		return SYSCALLS_MAP;
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

static __always_inline void syscall_connect_32(struct pt_regs *regs, struct connect_call *call)
{
	switch (regs->syscallno) {
	case 283:
		*call = (struct connect_call){ WIRE_SOURCE_SYS_EXIT_CONNECT, regs->orig_x0, 0, regs->regs[2],
					       (__u32)regs->regs[1] };
		break;
	case 285:
		*call = (struct connect_call){ WIRE_SOURCE_SYS_EXIT_ACCEPT, regs->orig_x0, 0, 0, 0 };
		break;
	case 366:
		*call = (struct connect_call){ WIRE_SOURCE_SYS_EXIT_ACCEPT4, regs->orig_x0, 0, 0, 0 };
		break;
	}
}

static __always_inline void syscall_connect_64(struct pt_regs *regs, struct connect_call *call)
{
	switch (regs->syscallno) {
	case 203:
		*call = (struct connect_call){ WIRE_SOURCE_SYS_EXIT_CONNECT, regs->orig_x0, 0, regs->regs[2],
					       regs->regs[1] };
		break;
	case 202:
		*call = (struct connect_call){ WIRE_SOURCE_SYS_EXIT_ACCEPT, regs->orig_x0, 0, 0, 0 };
		break;
	case 242:
		*call = (struct connect_call){ WIRE_SOURCE_SYS_EXIT_ACCEPT4, regs->orig_x0, 0, 0, 0 };
		break;
	}
}

static __always_inline bool syscall_is_32(struct task_struct *task)
{
	return READ(task, thread_info.flags) & TIF_32BIT_BIT;
}

static __always_inline void syscall_map_32(struct pt_regs *regs, struct map_call *call)
{
	switch (regs->syscallno) {
	case 192:
		*call = (struct map_call){ WIRE_SOURCE_SYS_EXIT_MMAP, false, regs->orig_x0, regs->regs[1],
					   regs->regs[2], regs->regs[3], regs->regs[4] };
		break;
	case 125: case 394:
		*call = (struct map_call){ WIRE_SOURCE_SYS_EXIT_MPROTECT, false, regs->orig_x0, regs->regs[1],
					   regs->regs[2], 0, 0 };
		break;
	}
}

static __always_inline void syscall_map_64(struct pt_regs *regs, struct map_call *call)
{
	switch (regs->syscallno) {
	case 222:
		*call = (struct map_call){ WIRE_SOURCE_SYS_EXIT_MMAP, false, regs->orig_x0, regs->regs[1],
					   regs->regs[2], regs->regs[3], regs->regs[4] };
		break;
	case 226: case 288:
		*call = (struct map_call){ WIRE_SOURCE_SYS_EXIT_MPROTECT, false, regs->orig_x0, regs->regs[1],
					   regs->regs[2], 0, 0 };
		break;
	}
}

static __always_inline void syscall_map(struct pt_regs *regs, struct task_struct *task, struct map_call *call)
{
	if (READ(task, thread_info.flags) & TIF_32BIT_BIT)
		syscall_map_32(regs, call);
	else
		syscall_map_64(regs, call);
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

static __always_inline void syscall_connect(struct pt_regs *regs, struct task_struct *task,
					    struct connect_call *call)
{
	if (syscall_is_32(task))
		syscall_connect_32(regs, call);
	else
		syscall_connect_64(regs, call);
}
