/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Who called a function that is being entered: the return address, which the call itself left, and the one above it, by
 * the caller's frame pointer. An address means nothing to a reader, so each is told as a file and an offset in it, of
 * the mapping that holds it, read under the lock of the process's memory: nothing is looked up later. What lies in no
 * executable mapping of a file is unknown, and so is all above it.
 *
 * To code that keeps no frame pointer its register is one like any other: what it seems to say is taken only when it
 * points into the stack, above the return address. Whether the caller does keep one, the user half looks up in the
 * caller's code (src/probe/callers.c), and drops the second where it does not.
 */

#include "emit.h"
#include "mapping.h"
#include "user.h"

#define CALLERS_FRAME_MAX (8u << 20) /* bytes of one function's frame: the usual limit of a whole stack */
#define CALLERS_TRIES 3 /* while another thread changes the mappings */

const volatile __u32 cfg_page_shift = 12;

/* `caller` has the address in place of the offset. Nothing in it is touched when the mapping is no file's, or no code. */
static long caller_found(struct task_struct *task, struct vm_area_struct *vma, struct wire_caller *caller)
{
	__u64 start = READ(vma, vm_start), end = READ(vma, vm_end);
	struct file *file = READ(vma, vm_file);
	__u64 address = caller->offset;
	struct inode *inode;

	if (address < start || address >= end || !file || !(READ(vma, vm_flags) & KERNEL_VM_EXEC))
		return 0;
	inode = mapping_inode(mapping_path(TYPED(struct file, file)));
	caller->dev = mapping_dev(inode);
	caller->address = start;
	caller->address_end = end;
	mapping_changed(inode, &caller->changed_s, &caller->changed_ns);
	caller->offset = (READ(vma, vm_pgoff) << cfg_page_shift) + (address - start);
	caller->inode = READ(inode, i_ino);
	return 0;
}

/* False: unknown, and `caller` is zeroed. */
static __always_inline bool caller_find(struct wire_caller *caller, __u64 address, bool *cut)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int r = -KERNEL_EBUSY;

	caller->offset = address;
#pragma unroll
	for (int i = 0; i < CALLERS_TRIES; i++) {
		if (r == -KERNEL_EBUSY)
			r = bpf_find_vma(task, address, caller_found, caller, 0);
	}
	if (r == -KERNEL_EBUSY)
		*cut = true;
	if (caller->inode != 0)
		return true;
	caller->offset = 0;
	return false;
}

/* The return address above: where the caller's frame says. False: nothing of the kind is there. */
static __always_inline bool caller_above(__u64 frame, __u64 stack, __u64 *ret_address)
{
	if (frame < stack || frame - stack > CALLERS_FRAME_MAX || frame & (sizeof(__u64) - 1))
		return false;
	return bpf_probe_read_user(ret_address, sizeof(*ret_address), (void *)(frame + sizeof(__u64))) == 0;
}

/* Fills in record->callers, which are zeroed. */
static __always_inline void callers_find(const struct pt_regs *regs, struct wire_function_call *record)
{
	__u64 frame, stack, address = 0;
	bool cut = false;

	if (!cfg_find_vma || !user_frame(regs, &frame, &stack))
		return;
	if (user_return_address(regs, &address) < 0)
		cut = true;
	else if (caller_find(&record->callers[0], address, &cut) && caller_above(frame, stack, &address))
		caller_find(&record->callers[1], user_unsigned_address(address), &cut);
	if (cut)
		loss_count_in(WIRE_KIND_FUNCTION_CALL, WIRE_LOSS_CALLERS_CUT, record->head.cgroup_id);
}
