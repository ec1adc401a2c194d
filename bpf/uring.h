/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What is asked for through io_uring passes the exits of the system calls by. Where they are all there is, each such
 * request is counted as lost when it is submitted, whatever becomes of it: in the submitter's cgroup, whose coverage
 * then says so.
 */

#include "scope.h"

const volatile __u32 cfg_uring_kinds = 0; /* a bit 1 << enum wire_kind each: those that nothing else sees */

/* Where the request or its opcode stands among the tracepoint's arguments. */
enum uring_layout { URING_REQUEST_FIRST, URING_REQUEST_SECOND, URING_OPCODE_SECOND };

const volatile __u32 cfg_uring_layout = URING_REQUEST_FIRST;

/* uapi/linux/io_uring.h: IORING_OP_* */
#define URING_ACCEPT 13
#define URING_CONNECT 16
#define URING_OPENAT 18
#define URING_OPENAT2 28

/* By name, so that no branch ends in one load at an offset that is chosen: programs' arguments are not read so. */
#define URING_ARGUMENT(ctx, offset)                                                                      \
	({                                                                                               \
		unsigned long long argument_;                                                            \
		asm volatile("%0 = *(u64 *)(%1 + " #offset ")" : "=r"(argument_) : "r"(ctx) : "memory"); \
		argument_;                                                                               \
	})

static __always_inline __u8 uring_opcode(const unsigned long long *ctx)
{
	struct io_kiocb *request;

	if (cfg_uring_layout == URING_OPCODE_SECOND)
		return URING_ARGUMENT(ctx, 8);
	if (cfg_uring_layout == URING_REQUEST_SECOND)
		request = TYPED(struct io_kiocb, (void *)URING_ARGUMENT(ctx, 8));
	else
		request = TYPED(struct io_kiocb, (void *)URING_ARGUMENT(ctx, 0));
	return READ(request, opcode);
}

static __always_inline int uring_lost(enum wire_kind kind)
{
	if (cfg_uring_kinds & 1u << kind && scope_wants(kind))
		loss_count(kind, WIRE_LOSS_IO_URING);
	return 0;
}

SEC("?tp_btf/io_uring_submit_req")
int on_uring_submit(unsigned long long *ctx)
{
	switch (uring_opcode(ctx)) {
	case URING_OPENAT:
	case URING_OPENAT2:
		return uring_lost(WIRE_KIND_FILE_OPEN);
	case URING_ACCEPT:
	case URING_CONNECT:
		return uring_lost(WIRE_KIND_NET_CONNECT);
	}
	return 0;
}
