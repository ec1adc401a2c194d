/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * connect, accept and accept4 of a C library make no records: their entry marks the thread, and where the system call
 * is seen (connect.h) the mark becomes the record's `src`. So each call is one record, with the kernel's own answer,
 * whichever way it came.
 *
 * A mark is believed only by the thread's next call that connects or accepts, of the same operation on the same
 * descriptor (connect: with the same address, at the same place, and length); whatever that call is, the mark goes
 * with it. Only a call that the kernel may begin anew leaves it there.
 *
 * Said too little (the record has the system call's own `src`): the mark was forgotten because too many threads had
 * one; a signal's handler connected or accepted between the function's entry and its system call, or before the
 * interrupted call was begun anew. Said too much: the thread left the function before its system call was seen
 * (cancelled, a jump out of a signal's handler, refused by seccomp, interrupted and not begun anew), and its next such
 * call is a bare system call with the same arguments.
 */

#include "user.h"
#include "wire/records.h"

#define LIBC_MARKS_MAX 16384 /* threads within one of the functions; each waiting accept is one */

const volatile bool cfg_libc = false; /* are there marks at all? */

struct libc_mark {
	__u32 source; /* enum wire_source */
	__s32 fd;
	__u64 address; /* connect */
	__u32 address_len; /* connect */
	__u32 pad;
};

/* Threads die within the functions, so the oldest goes when it is full. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LIBC_MARKS_MAX);
	__type(key, __u64); /* pid and tid */
	__type(value, struct libc_mark);
} libc_marks SEC(".maps");

static __always_inline int libc_enter(const struct pt_regs *regs, __u32 source)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct libc_mark mark = { .source = source, .fd = (__s32)user_argument_1(regs) };

	if (source == WIRE_SOURCE_UPROBE_CONNECT) {
		mark.address = user_argument_2(regs);
		mark.address_len = (__u32)user_argument_3(regs);
	}
	/* Without its mark the call is recorded all the same. */
	(void)bpf_map_update_elem(&libc_marks, &thread, &mark, BPF_ANY);
	return 0;
}

/* Programs of their own, for not every kernel can tell one program where it was hit. */
SEC("?uprobe")
int on_libc_connect(struct pt_regs *ctx)
{
	return libc_enter(ctx, WIRE_SOURCE_UPROBE_CONNECT);
}

SEC("?uprobe")
int on_libc_accept(struct pt_regs *ctx)
{
	return libc_enter(ctx, WIRE_SOURCE_UPROBE_ACCEPT);
}

SEC("?uprobe")
int on_libc_accept4(struct pt_regs *ctx)
{
	return libc_enter(ctx, WIRE_SOURCE_UPROBE_ACCEPT4);
}

/* The `src` of a call that returns, `own` or the mark's; `accepts`: it is no connect. `again`: it may begin anew. */
static __always_inline __u32 libc_source(const struct libc_mark *call, bool accepts, bool again, __u32 own)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct libc_mark *mark;
	bool same;

	if (!cfg_libc)
		return own;
	mark = bpf_map_lookup_elem(&libc_marks, &thread);
	if (!mark)
		return own;
	same = mark->fd == call->fd && accepts == (mark->source != WIRE_SOURCE_UPROBE_CONNECT) &&
	       (accepts || (mark->address == call->address && mark->address_len == call->address_len));
	if (same)
		own = mark->source;
	if (!same || !again)
		bpf_map_delete_elem(&libc_marks, &thread);
	return own;
}
