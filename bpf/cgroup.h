/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * cgroup: one of the hierarchy in which containers are was made or removed, or a task moved into another. The kernel
 * tells it before anybody can see the new directory, so the record stands in the ring before those of the tasks in it.
 * No filter leaves such a record out: by it the others are understood.
 *
 * The path is the kernel's own text. It calls us under a lock of its own, so there is one of these at a time.
 */

#include "scope.h"

const volatile int cfg_cgroup_hierarchy = 0; /* the kernel's number of the hierarchy; 0 = the second version */

struct cgroup_message {
	struct wire_cgroup record;
	char path[WIRE_CGROUP_PATH_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cgroup_message);
} cgroup_scratch SEC(".maps");

static __always_inline bool cgroup_is_of_hierarchy(struct cgroup *cgroup)
{
	struct cgroup_root *root = READ(cgroup, root);

	return READ(root, hierarchy_id) == cfg_cgroup_hierarchy;
}

static __always_inline struct cgroup *cgroup_parent(struct cgroup *cgroup)
{
	struct cgroup_subsys_state *parent = BPF_CORE_READ(cgroup, self.parent);

	return parent ? BPF_CORE_READ(parent, cgroup) : NULL;
}

/* The text as far as the kernel made it: where its room ended, the end is missing. */
static __always_inline __u32 cgroup_path(struct cgroup_message *message, const char *path)
{
	long got = bpf_probe_read_kernel_str(message->path, sizeof(message->path), path);

	if (got > 1 && got < WIRE_CGROUP_PATH_MAX)
		return got - 1;
	message->record.head.flags |= WIRE_FLAG_PATH_CUT;
	loss_count(WIRE_KIND_CGROUP, WIRE_LOSS_PATH_CUT);
	if (got > 1)
		return WIRE_CGROUP_PATH_MAX - 1;
	message->path[0] = '/';
	return 1;
}

/* Whoever was moved, in place of whoever moved it. */
static __always_inline void cgroup_moved(struct wire_head *head, struct task_struct *task)
{
	head->pid = READ(task, tgid);
	head->tid = READ(task, pid);
	head->ns_pid = task_ns_pid(task);
	__builtin_memset(head->comm, 0, sizeof(head->comm));
	bpf_probe_read_kernel_str(head->comm, sizeof(head->comm), task->comm);
}

static __always_inline int cgroup_record(void *ctx, struct cgroup *cgroup, const char *path, __u8 op,
					 enum wire_source source, struct task_struct *moved)
{
	struct cgroup_message *message;
	struct wire_cgroup *record;
	__u32 zero = 0;
	__u64 len;

	if (!cgroup_is_of_hierarchy(cgroup))
		return 0;
	message = bpf_map_lookup_elem(&cgroup_scratch, &zero);
	if (!message) {
		loss_count(WIRE_KIND_CGROUP, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record = &message->record;
	__builtin_memset(record, 0, sizeof(*record));
	head_of_current(&record->head, WIRE_KIND_CGROUP, source);
	if (moved)
		cgroup_moved(&record->head, moved);
	record->head.cgroup_id = cgroup_id_of(cgroup);
	record->parent_id = cgroup_id_of(cgroup_parent(cgroup));
	record->op = op;
	len = cgroup_path(message, path);
	/* It is bounded where it was read; old verifiers lose sight of that, and the compiler would drop a comparison. */
	asm volatile("%[len] &= %[mask]" : [len] "+r"(len) : [mask] "i"(WIRE_CGROUP_PATH_MAX - 1));
	record->path_len = len;
	record->head.size = sizeof(*record) + len;
	emit(ctx, WIRE_KIND_CGROUP, message, sizeof(*record) + len);
	return 0;
}

SEC("?tp_btf/cgroup_mkdir")
int BPF_PROG(on_cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	if (cgroup_is_of_hierarchy(cgroup))
		scope_cgroup_born(cgroup, cgroup_parent(cgroup));
	return cgroup_record(ctx, cgroup, path, WIRE_CGROUP_CREATE, WIRE_SOURCE_CGROUP_MKDIR, NULL);
}

SEC("?tp_btf/cgroup_rmdir")
int BPF_PROG(on_cgroup_rmdir, struct cgroup *cgroup, const char *path)
{
	return cgroup_record(ctx, cgroup, path, WIRE_CGROUP_REMOVE, WIRE_SOURCE_CGROUP_RMDIR, NULL);
}

SEC("?tp_btf/cgroup_attach_task")
int BPF_PROG(on_cgroup_attach, struct cgroup *cgroup, const char *path, struct task_struct *task)
{
	return cgroup_record(ctx, cgroup, path, WIRE_CGROUP_ATTACH, WIRE_SOURCE_CGROUP_ATTACH_TASK, task);
}
