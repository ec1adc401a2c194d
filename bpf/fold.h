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
#define FOLD_COUNT_MAX 0xffffffffULL /* what the record can hold */
#define FOLD_AGAIN 16 /* a record with the count so far at 16, 256, 4096, ... equal events */

enum fold_scope { FOLD_OFF, FOLD_PROCESS, FOLD_CONTAINER };

const volatile __u32 cfg_fold_scope = FOLD_PROCESS;

struct fold_key {
	__u64 started; /* process: boot ns; container: cgroup id */
	__u64 inode;
	__u32 tgid, exec_id; /* container: 0 */
	__u32 dev;
	__u32 generation; /* of the inode: its number comes again, for another file */
	__u16 epoch;
	__u8 kind, access;
	__u32 name; /* fold_name: a file has a record for each of its names */
};

struct fold {
	__u64 first_boot_ns;
	__u64 count;
	__u64 next; /* the count at which a record is written again */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FOLDS_MAX);
	__type(key, struct fold_key);
	__type(value, struct fold);
} folds SEC(".maps");

/*
 * What was found last, by processor, in front of the table: the same process opens the same file again and again,
 * and comparing a key costs a fifth of looking it up. Its place is only taken by an entry of the table, whose record
 * is in the ring; what it hides it tells the table when the next record is due, or when it must go.
 */
struct fold_near {
	struct fold_key key;
	__u64 left; /* how many more it may hide before the table is to be asked */
	__u32 hidden; /* since the table was told */
	__u32 sequence; /* odd while it is being written: programs may be preempted by one another */
};

#define FOLD_NEARS 64 /* a power of two */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FOLD_NEARS);
	__type(key, __u32);
	__type(value, struct fold_near);
} fold_nears SEC(".maps");

/* What became of an event. FOLD_HIDDEN: it is counted, and that is all. */
enum fold_verdict { FOLD_NEW, FOLD_DUE, FOLD_HIDDEN };

static __always_inline void fold_scope_of(struct fold_key *key, struct task_struct *task)
{
	struct task_struct *leader;

	if (cfg_fold_scope == FOLD_CONTAINER) {
		key->started = current_cgroup_id();
		return;
	}
	leader = READ(task, group_leader);
	key->started = READ(leader, start_boottime);
	key->tgid = READ(task, tgid);
	key->exec_id = READ(task, self_exec_id);
}

/* The kernel's hash of an entry holds its name and its directory's address: a link and a rename are another name. */
static __always_inline __u32 fold_name(struct dentry *dentry)
{
	return READ(dentry, d_name.hash);
}

static __always_inline struct fold_near *fold_near(const struct fold_key *key)
{
	__u32 index = (key->inode ^ key->tgid * 31 ^ key->access) & (FOLD_NEARS - 1);

	return bpf_map_lookup_elem(&fold_nears, &index);
}

static __always_inline bool fold_near_is(const struct fold_near *near, const struct fold_key *key)
{
	const volatile __u64 *a = (const volatile __u64 *)&near->key;
	const __u64 *b = (const __u64 *)key;
	__u32 before = *(const volatile __u32 *)&near->sequence;
	__u64 differs = 0;

#pragma unroll
	for (unsigned int i = 0; i < sizeof(*key) / sizeof(*b); i++)
		differs |= a[i] ^ b[i];
	return !differs && !(before & 1) && before == *(const volatile __u32 *)&near->sequence;
}

/* `fold` is the table's entry for `key`, and knows of all events so far. */
static __always_inline void fold_near_take(struct fold_near *near, const struct fold_key *key,
					   const struct fold *fold)
{
	struct fold *old;

	if (near->hidden > 0 && !fold_near_is(near, key)) {
		old = bpf_map_lookup_elem(&folds, &near->key);
		if (old)
			__sync_fetch_and_add(&old->count, near->hidden);
	}
	near->sequence |= 1;
	barrier();
	near->key = *key;
	near->hidden = 0;
	near->left = fold->next > fold->count + 1 ? fold->next - fold->count - 1 : 0;
	barrier();
	near->sequence++;
}

static __always_inline enum fold_verdict fold_hidden(enum wire_kind kind)
{
	struct wire_cpu_counters *mine = counters_mine();

	if (mine && (__u32)kind - 1 < WIRE_KIND_END - 1)
		mine->folded[kind - 1]++;
	return FOLD_HIDDEN;
}

/*
 * Is the current task's event equal to what is recorded? It may be asked before there is a head, because most are.
 * `key` is zeroed but for what tells the kind's events apart; fold_head follows for the head, and fold_remember when
 * the record is in the ring. Two processors may both find a count due: one record more, and never one less.
 */
static __always_inline enum fold_verdict fold_count(struct fold_key *key, enum wire_kind kind,
						    struct task_struct *task, struct fold **ret_fold)
{
	struct fold_near *near;
	struct fold *fold;
	__u64 events = 1;

	*ret_fold = NULL;
	if (cfg_fold_scope == FOLD_OFF)
		return FOLD_NEW;
	key->kind = kind;
	key->epoch = fold_epoch;
	fold_scope_of(key, task);
	near = fold_near(key);
	if (!near)
		return FOLD_NEW; /* one of an array: always there */
	if (fold_near_is(near, key)) {
		if (near->left > 0) {
			near->left--;
			near->hidden++;
			return fold_hidden(kind);
		}
		events += near->hidden;
		near->hidden = 0;
	}
	fold = bpf_map_lookup_elem(&folds, key);
	if (!fold)
		return FOLD_NEW;
	*ret_fold = fold;
	__sync_fetch_and_add(&fold->count, events);
	if (fold->count >= fold->next)
		return FOLD_DUE;
	fold_near_take(near, key, fold);
	return fold_hidden(kind);
}

/* A record belongs to the chunk in whose folding it stands, also when that ends before there is a head. */
static __always_inline void fold_belongs(const struct fold_key *key, struct wire_head *head)
{
	if (cfg_fold_scope != FOLD_OFF)
		head->epoch = key->epoch;
}

/* The head of a record that tells how often it was so far. */
static __always_inline void fold_head(struct fold *fold, struct wire_head *head)
{
	__u64 count = fold->count;

	fold->next *= FOLD_AGAIN;
	head->count = count < FOLD_COUNT_MAX ? count : FOLD_COUNT_MAX;
	head->last_boot_ns = head->boot_ns;
	head->boot_ns = fold->first_boot_ns;
}

/* Both in one, for kinds that have their head anyway. False: the record is to be made. */
static __always_inline bool fold_hides(struct fold_key *key, struct wire_head *head, struct task_struct *task)
{
	struct fold *fold;
	enum fold_verdict verdict = fold_count(key, head->kind, task, &fold);

	if (fold && verdict == FOLD_DUE)
		fold_head(fold, head);
	fold_belongs(key, head);
	return verdict == FOLD_HIDDEN;
}

static __always_inline void fold_remember(const struct fold_key *key, const struct wire_head *head)
{
	struct fold fold = { .first_boot_ns = head->boot_ns, .count = 1, .next = FOLD_AGAIN };

	if (cfg_fold_scope != FOLD_OFF && head->count == 0)
		bpf_map_update_elem(&folds, key, &fold, BPF_NOEXIST);
}
