/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * library_load at the exit of mmap and mprotect, where no trampoline loads. The mapping is looked up by its address;
 * between the call's work and its exit another thread may have put something else there, or be at it now.
 */

#include "mapping.h"
#include "open_exit.h"

#define MAPPING_PIECES_MAX 256 /* mappings that one mprotect is followed over */
#define MAPPING_ERRNO_MAX 4095ul

struct mmap_arguments_32 {
	__u32 address, length, protection, flags, fd, offset;
};

/* Is the call's protection executable? Some programs get that whenever they ask to read. */
static __always_inline bool map_executes(struct task_struct *task, __u64 protection)
{
	if (protection & KERNEL_PROT_EXEC)
		return true;
	return protection & KERNEL_PROT_READ && READ(task, personality) & KERNEL_READ_IMPLIES_EXEC;
}

static __always_inline bool map_arguments(struct map_call *call)
{
	struct mmap_arguments_32 old = {};

	if (!call->by_struct)
		return true;
	if (bpf_probe_read_user(&old, sizeof(old), (void *)call->address) < 0)
		return false;
	call->length = old.length;
	call->protection = old.protection;
	call->flags = old.flags;
	call->fd = old.fd;
	return true;
}

static __always_inline void map_made(bool loop, void *ctx, struct task_struct *task, struct map_call *call,
				     __u64 address)
{
	struct mapping mapping = {};

	if (loop && cfg_find_vma && mapping_find(bpf_get_current_task_btf(), address, &mapping)) {
		if (mapping.file)
			mapping_emit(loop, ctx, &mapping, call->source);
		return;
	}
	if (!map_arguments(call)) {
		loss_count(WIRE_KIND_LIBRARY_LOAD, WIRE_LOSS_MAPPING_GONE);
		return;
	}
	if (call->flags & KERNEL_MAP_ANONYMOUS || !map_executes(task, call->protection))
		return;
	mapping.file = open_file(task, call->fd);
	mapping.start = address;
	mapping.end = address + ((call->length + MAPPING_PAGE - 1) & ~(MAPPING_PAGE - 1));
	if (mapping.file)
		mapping_emit(loop, ctx, &mapping, call->source);
	else
		loss_count(WIRE_KIND_LIBRARY_LOAD, WIRE_LOSS_MAPPING_GONE);
}

/* Where a walk over the mappings of one mprotect stands; in map memory, for the reason that struct walk is. */
struct protect_walk {
	__u64 at, end;
	__u32 source;
	__s32 found; /* of the last that was looked up: 0, or why not */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct protect_walk);
} protect_scratch SEC(".maps");

struct protect_state {
	void *ctx;
	struct protect_walk *walk;
};

/* One mapping of the range. 1: that was the last, or it could not be looked up. */
static long map_protected_one(__u32 step, struct protect_state *state)
{
	struct protect_walk *walk = state->walk;
	struct mapping mapping = {};

	if (walk->at >= walk->end)
		return 1;
	walk->found = mapping_look_up(bpf_get_current_task_btf(), walk->at, &mapping);
	if (walk->found != 0)
		return 1;
	if (mapping.file)
		mapping_emit(true, state->ctx, &mapping, walk->source);
	walk->at = mapping.end;
	return 0;
}

/*
 * All mappings in the range have the new protection; those of files are recorded. A call that failed has changed what
 * lies before the place that it failed at: there the walk goes as far as there are mappings, and what was executable
 * before is recorded once more or folded. Kernels that can look a mapping up have bpf_loop too, so that one step is
 * verified and not each.
 */
static __always_inline int map_protected(void *ctx, const struct map_call *call, bool failed)
{
	struct protect_state state = { .ctx = ctx };
	__u32 zero = 0;

	state.walk = bpf_map_lookup_elem(&protect_scratch, &zero);
	if (!state.walk) {
		loss_count(WIRE_KIND_LIBRARY_LOAD, WIRE_LOSS_SCRATCH);
		return 0;
	}
	*state.walk = (struct protect_walk) { .at = call->address,
					      .end = call->address + call->length,
					      .source = call->source };
	bpf_loop(MAPPING_PIECES_MAX, map_protected_one, &state, 0);
	if (state.walk->at < state.walk->end && !(failed && state.walk->found == -KERNEL_ENOENT))
		loss_count(WIRE_KIND_LIBRARY_LOAD, WIRE_LOSS_MAPPING_GONE);
	return 0;
}

static __always_inline int map_exit(bool loop, void *ctx, struct pt_regs *regs, long ret)
{
	struct task_struct *task = current_task();
	struct map_call call = {};
	bool failed = (unsigned long)ret > ~MAPPING_ERRNO_MAX;

	if (failed && (int)ret == -KERNEL_EINVAL)
		return 0; /* refused as a whole */
	syscall_map(regs, task, &call);
	/* Arguments in the caller's memory say nothing any more: the new mapping may lie over them. */
	if (!call.source || (!call.by_struct && !map_executes(task, call.protection)))
		return 0;
	if (call.source == WIRE_SOURCE_SYS_EXIT_MMAP) {
		if (!failed)
			map_made(loop, ctx, task, &call, ret);
	} else if (loop && cfg_find_vma) {
		map_protected(ctx, &call, failed);
	}
	return 0;
}
