/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A program of the user's, as its registers are at a probe: what machines differ in. 64-bit code, unless told.
 */

#include "kernel.h"

/* Of a user's function in a program at its entry: its arguments; at its return: the result. */
static __always_inline __u64 user_argument_1(const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->di;
#else
	return regs->regs[0];
#endif
}

static __always_inline __u64 user_argument_2(const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->si;
#else
	return regs->regs[1];
#endif
}

static __always_inline __u64 user_argument_3(const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->dx;
#else
	return regs->regs[2];
#endif
}

static __always_inline __u64 user_argument_4(const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->cx;
#else
	return regs->regs[3];
#endif
}

/*
 * Of 64-bit code, at a function's first instruction: where its caller's frame is marked, and the end of the stack. False:
 * it is 32-bit code.
 */
static __always_inline bool user_frame(const struct pt_regs *regs, __u64 *ret_frame, __u64 *ret_stack)
{
#if defined(__TARGET_ARCH_x86)
	*ret_frame = regs->bp;
	*ret_stack = regs->sp;
	return regs->cs != KERNEL_USER32_CS;
#else
	*ret_frame = regs->regs[29];
	*ret_stack = regs->sp;
	return !(regs->pstate & KERNEL_PSR_MODE32_BIT);
#endif
}

/* At the same place: the address to which the function returns. */
static __always_inline long user_return_address(const struct pt_regs *regs, __u64 *ret_address)
{
#if defined(__TARGET_ARCH_x86)
	return bpf_probe_read_user(ret_address, sizeof(*ret_address), (void *)regs->sp);
#else
	*ret_address = regs->regs[30];
	return 0;
#endif
}

/* An address that lay in a frame: there it may be signed. */
static __always_inline __u64 user_unsigned_address(__u64 address)
{
#if defined(__TARGET_ARCH_x86)
	return address;
#else
	return address & ((1ull << 48) - 1);
#endif
}

static __always_inline __u64 user_result(const struct pt_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->ax;
#else
	return regs->regs[0];
#endif
}
