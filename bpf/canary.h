/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Canaries: acts of the collector itself, by which it sees that a probe answers. Each is an act that has no other
 * reason in the collector; the probe counts it and makes no record of it. A probe asks its function here before it
 * folds or filters; true: it was a canary, or a thing done by the process that is one, and is done with.
 */

#include "emit.h"

#if defined(__TARGET_ARCH_x86)
#define CANARY_OPEN_FLAGS (010000000 | 0200000) /* O_PATH | O_DIRECTORY */
#elif defined(__TARGET_ARCH_arm64)
#define CANARY_OPEN_FLAGS (010000000 | 040000)
#endif

const volatile __u64 cfg_canary_bytes = 4096; /* of the mapping: one page */

/* Changed while running. */
__u32 canary_child = 0; /* the process that the collector made to see exec and exit; 0 = none */

static __always_inline bool canary_hides(void)
{
	__u32 child = canary_child;

	return child != 0 && bpf_get_current_pid_tgid() >> 32 == child;
}

static __always_inline bool canary_open(__u32 flags)
{
	if (canary_hides())
		return true;
	if ((flags & CANARY_OPEN_FLAGS) != CANARY_OPEN_FLAGS || !is_collector())
		return false;
	canary_count(WIRE_KIND_FILE_OPEN);
	return true;
}

static __always_inline bool canary_exec(void)
{
	if (!canary_hides())
		return false;
	canary_count(WIRE_KIND_PROCESS_EXEC);
	return true;
}

static __always_inline bool canary_exit(void)
{
	if (!canary_hides())
		return false;
	canary_count(WIRE_KIND_PROCESS_EXIT);
	return true;
}

/* `bytes` of a file, executable. */
static __always_inline bool canary_library(__u64 bytes)
{
	if (canary_hides())
		return true;
	if (bytes != cfg_canary_bytes || !is_collector())
		return false;
	canary_count(WIRE_KIND_LIBRARY_LOAD);
	return true;
}

/* A connect without a family: what a socket is told to forget its peer. */
static __always_inline bool canary_connect(__u16 family)
{
	if (family != 0 || !is_collector())
		return canary_hides();
	canary_count(WIRE_KIND_NET_CONNECT);
	return true;
}

/*
 * A socket that listens on the canary's own address, or stops to; `address` in network order. Nothing else that
 * happens there is ours: a packet for anybody's socket may come while the collector is the current task.
 */
static __always_inline bool canary_tcp(__u32 address, int old_state, int new_state, int listen)
{
	if (address != __builtin_bswap32(WIRE_CANARY_ADDRESS) || !is_collector() ||
	    (new_state != listen && old_state != listen))
		return false;
	if (new_state == listen)
		canary_count(WIRE_KIND_TCP_STATE);
	return true; /* its close too */
}

/* A probe on a function of the collector's own, that nobody else calls. */
static __always_inline bool canary_call(enum wire_kind kind, __u32 target)
{
	if (target != WIRE_CANARY_TARGET)
		return canary_hides();
	if (is_collector())
		canary_count(kind);
	return true;
}
