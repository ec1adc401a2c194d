/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Folding: what is equal to a record that the chunk already has makes none of its own, only a count. Equal is: the
 * same scope (process or cgroup), file, kind and access, in the same chunk. A table that is full forgets the oldest:
 * then a record comes twice, and never not at all. For the same reason an event is remembered only when its record
 * is in the ring: what was lost is tried again.
 *
 * A process is its group leader's start time with the number of its execs: pids come again, and a new program in
 * the same process is somebody else.
 */

#include "emit.h"

#define FOLDS_MAX 65536 /* set before load */
#define FOLD_AGAIN 16 /* a record with the count so far at 16, 256, 4096, ... equal events */

enum fold_scope { FOLD_OFF, FOLD_PROCESS, FOLD_CONTAINER };

const volatile __u32 cfg_fold_scope = FOLD_PROCESS;

struct fold_key {
	__u64 started; /* process: boot ns; container: cgroup id */
	__u64 inode;
	__u32 tgid, exec_id; /* container: 0 */
	__u32 dev;
	__u16 epoch;
	__u8 kind, access;
};

struct fold {
	__u64 first_boot_ns;
	__u32 count;
	__u32 next; /* the count at which a record is written again */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FOLDS_MAX);
	__type(key, struct fold_key);
	__type(value, struct fold);
} folds SEC(".maps");

static __always_inline void fold_scope_of(struct fold_key *key, struct task_struct *task, __u64 cgroup_id)
{
	struct task_struct *leader;

	if (cfg_fold_scope == FOLD_CONTAINER) {
		key->started = cgroup_id;
		return;
	}
	leader = READ(task, group_leader);
	key->started = READ(leader, start_boottime);
	key->tgid = bpf_get_current_pid_tgid() >> 32;
	key->exec_id = READ(task, self_exec_id);
}

/*
 * Is it equal to what is recorded? Then it is counted, and true. Else the record is to be made: `head` says so with
 * its count, and fold_remember follows when it is in the ring. `key` is zeroed but for inode, dev and access.
 */
static __always_inline bool fold_hides(struct fold_key *key, struct wire_head *head, struct task_struct *task)
{
	struct wire_cpu_counters *mine;
	struct fold *fold;
	__u32 kind;

	if (cfg_fold_scope == FOLD_OFF)
		return false;
	key->kind = head->kind;
	key->epoch = head->epoch;
	fold_scope_of(key, task, head->cgroup_id);
	fold = bpf_map_lookup_elem(&folds, key);
	if (!fold)
		return false;
	__sync_fetch_and_add(&fold->count, 1);
	if (fold->count == fold->next) {
		fold->next *= FOLD_AGAIN;
		head->count = fold->count;
		head->last_boot_ns = head->boot_ns;
		head->boot_ns = fold->first_boot_ns;
		return false;
	}
	mine = counters_mine();
	kind = head->kind - 1;
	if (mine && kind < WIRE_KIND_END - 1)
		mine->folded[kind]++;
	return true;
}

static __always_inline void fold_remember(const struct fold_key *key, const struct wire_head *head)
{
	struct fold fold = { .first_boot_ns = head->boot_ns, .count = 1, .next = FOLD_AGAIN };

	if (cfg_fold_scope != FOLD_OFF && head->count == 0)
		bpf_map_update_elem(&folds, key, &fold, BPF_NOEXIST);
}
