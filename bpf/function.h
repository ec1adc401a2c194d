/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * function_call: a function of the function map was entered. The probe's cookie is the function's number; what that
 * means, the user half knows.
 *
 * A hit is a trap and costs a thousand times what is done here, so in one-shot mode the user half takes off probes that
 * have answered in every cgroup; until it has, the table of answers keeps the repeats out of the ring. It forgets the
 * oldest when it is full: then a record comes twice.
 */

#include "callers.h"
#include "canary.h"
#include "fold.h"
#include "scope.h"

#define ANSWERS_MAX 65536 /* set before load */

const volatile bool cfg_function_once = true; /* false: each call is a record, or folded as opens are */

struct answer {
	__u64 cgroup_id;
	__u32 function;
	__u32 epoch;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ANSWERS_MAX);
	__type(key, struct answer);
	__type(value, __u8);
} answers SEC(".maps");

static __always_inline void function_folded(void)
{
	struct wire_cpu_counters *mine = counters_mine();

	if (mine)
		mine->folded[WIRE_KIND_FUNCTION_CALL - 1]++;
}

static __always_inline void function_once(struct pt_regs *ctx, struct wire_function_call *record)
{
	struct answer answer = { .cgroup_id = record->head.cgroup_id,
				 .function = record->target,
				 .epoch = record->head.epoch };
	__u8 yes = 1;

	if (bpf_map_lookup_elem(&answers, &answer)) {
		function_folded();
		return;
	}
	callers_find(ctx, record);
	if (emit(ctx, WIRE_KIND_FUNCTION_CALL, record, sizeof(*record)))
		bpf_map_update_elem(&answers, &answer, &yes, BPF_ANY);
}

static __always_inline __u64 function_mix(__u64 hash, __u64 value, __u64 odd)
{
	hash = (hash ^ value) * odd;
	return hash ^ hash >> 29;
}

/* Calls from different places are not equal. Of the callers the key has 128 bits that stand for all of them. */
static __always_inline void function_key(struct fold_key *key, const struct wire_function_call *record)
{
	__u64 one = 0, two = record->target;

	key->dev = record->target;
#pragma unroll
	for (int i = 0; i < WIRE_CALLERS; i++) {
		const struct wire_caller *caller = &record->callers[i];
		__u64 content = caller->changed_s << 30 ^ caller->changed_ns ^ (__u64)caller->dev << 32;

		one = function_mix(one, caller->offset, 0x9e3779b97f4a7c15ull);
		one = function_mix(one, caller->inode, 0x9e3779b97f4a7c15ull);
		one = function_mix(one, content, 0x9e3779b97f4a7c15ull);
		two = function_mix(two, content, 0xc2b2ae3d27d4eb4full);
		two = function_mix(two, caller->inode, 0xc2b2ae3d27d4eb4full);
		two = function_mix(two, caller->offset, 0xc2b2ae3d27d4eb4full);
	}
	key->inode = one ^ record->target;
	key->generation = (__u32)two;
	key->name = two >> 32;
}

SEC("?uprobe")
int on_function(struct pt_regs *ctx)
{
	struct wire_function_call record = {};
	struct fold_key key = {};

	if (canary_call(WIRE_KIND_FUNCTION_CALL, bpf_get_attach_cookie(ctx)))
		return 0;
	/*
	 * It computes digests: each record would make it call what makes the next one, and in one-shot mode its call
	 * would be the answer of everybody in its cgroup. Blind spot collector_itself.
	 */
	if (is_collector())
		return 0;
	if (!scope_wants(WIRE_KIND_FUNCTION_CALL))
		return 0;
	head_of_current(&record.head, WIRE_KIND_FUNCTION_CALL, WIRE_SOURCE_UPROBE_FUNCTION_ENTRY);
	record.head.size = sizeof(record);
	record.target = bpf_get_attach_cookie(ctx);
	if (cfg_function_once) {
		function_once(ctx, &record);
		return 0;
	}
	callers_find(ctx, &record);
	function_key(&key, &record);
	if (fold_hides(&key, &record.head, current_task()))
		return 0;
	if (emit(ctx, WIRE_KIND_FUNCTION_CALL, &record, sizeof(record)))
		fold_remember(&key, &record.head);
	return 0;
}
