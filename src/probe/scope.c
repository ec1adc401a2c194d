// SPDX-License-Identifier: Apache-2.0
/*
 * The settings of the filters in the kernel: writes the next generation beside the one in force, makes it hold by one
 * store, and takes the old one away when no program looks at it any more. Promises that on failure the old one holds.
 * And the decisions about containers, which change one by one: each change makes void what programs found before.
 * Owns nothing.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/parts.h"

/* As in bpf/scope.h. */
enum scope_list { SCOPE_CGROUPS = 1, SCOPE_PID_NAMESPACES = 2, SCOPE_COMM_ALLOW = 4, SCOPE_COMM_DENY = 8 };

#define SCOPE_PATHS 16
#define SCOPE_TARGETS 32
#define SCOPE_HOST 64
#define SCOPE_PASS 128
#define SCOPE_DECISIONS (SCOPE_TARGETS | SCOPE_HOST | SCOPE_PASS) /* what source_target_mode sets */
#define SCOPE_GENERATION_SHIFT 8
#define SCOPE_GENERATION_MAX 0xffffffu

struct scope_member {
	uint32_t generation, list;
	uint64_t value[2];
};

static int put(const struct source *source, uint32_t generation, enum scope_list list, const void *value,
	       size_t len)
{
	struct scope_member member = { .generation = generation, .list = list };
	uint8_t there = 1;

	memcpy(member.value, value, len);
	return bpf_map__update_elem(source->programs->maps.scope_members, &member, sizeof(member), &there,
				    sizeof(there), BPF_ANY);
}

static int put_comms(const struct source *source, uint32_t generation, enum scope_list list, char *const *comms,
		     size_t count)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < count; i++)
		r = put(source, generation, list, comms[i], strnlen(comms[i], WIRE_COMM - 1));
	return r;
}

static int put_all(const struct source *source, uint32_t generation, const struct source_filter *filter)
{
	uint32_t bank = generation & 1;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < filter->n_cgroups; i++)
		r = put(source, generation, SCOPE_CGROUPS, &filter->cgroups[i], sizeof(filter->cgroups[i]));
	for (size_t i = 0; r >= 0 && i < filter->n_pid_namespaces; i++) {
		uint64_t inum = filter->pid_namespaces[i];

		r = put(source, generation, SCOPE_PID_NAMESPACES, &inum, sizeof(inum));
	}
	if (r >= 0)
		r = put_comms(source, generation, SCOPE_COMM_ALLOW, filter->comm_allow, filter->n_comm_allow);
	if (r >= 0)
		r = put_comms(source, generation, SCOPE_COMM_DENY, filter->comm_deny, filter->n_comm_deny);
	if (r >= 0 && filter->paths)
		r = bpf_map__update_elem(source->programs->maps.scope_paths, &bank, sizeof(bank), filter->paths,
					 sizeof(*filter->paths), BPF_ANY);
	return r;
}

static void take_away(const struct source *source, uint32_t generation)
{
	const struct bpf_map *map = source->programs->maps.scope_members;
	struct scope_member member, next;
	int r = bpf_map__get_next_key(map, NULL, &next, sizeof(next));

	while (r == 0) {
		member = next;
		r = bpf_map__get_next_key(map, &member, &next, sizeof(next));
		if (member.generation == generation)
			(void)bpf_map__delete_elem(map, &member, sizeof(member), 0);
	}
}

static uint32_t state_of(uint32_t generation, const struct source_filter *filter)
{
	uint32_t state = 0;

	state |= filter->n_cgroups > 0 ? SCOPE_CGROUPS : 0;
	state |= filter->n_pid_namespaces > 0 ? SCOPE_PID_NAMESPACES : 0;
	state |= filter->n_comm_allow > 0 ? SCOPE_COMM_ALLOW : 0;
	state |= filter->n_comm_deny > 0 ? SCOPE_COMM_DENY : 0;
	state |= filter->paths && filter->paths->n_deny + filter->paths->n_allow > 0 ? SCOPE_PATHS : 0;
	return state | generation << SCOPE_GENERATION_SHIFT;
}

int source_filter(struct source *source, const struct source_filter *filter)
{
	uint32_t *state = &source->programs->bss->scope_state;
	uint32_t old = *state >> SCOPE_GENERATION_SHIFT, generation = old % SCOPE_GENERATION_MAX + 1;
	int r;

	if (filter->n_cgroups + filter->n_pid_namespaces + filter->n_comm_allow + filter->n_comm_deny >
	    SOURCE_FILTER_MAX)
		return -E2BIG;
	r = put_all(source, generation, filter);
	if (r < 0) {
		take_away(source, generation);
		return r;
	}
	__atomic_store_n(state, state_of(generation, filter) | (*state & SCOPE_DECISIONS), __ATOMIC_SEQ_CST);
	/* As in source_epoch: behind it nobody judges by the old settings; without it they stay, and take up room. */
	if (old > 0 && syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0)
		take_away(source, old);
	return 0;
}

static int set_mode(struct source *source, uint32_t bits)
{
	uint32_t *state = &source->programs->bss->scope_state;

	/* Without the records of new cgroups none of these would be open until it is decided about. */
	if (bits && !(source->options.kinds & 1u << WIRE_KIND_CGROUP))
		return -EOPNOTSUPP;
	__atomic_store_n(state, (*state & ~(uint32_t)SCOPE_DECISIONS) | bits, __ATOMIC_SEQ_CST);
	return 0;
}

int source_target_mode(struct source *source, bool on, bool host)
{
	return set_mode(source, (on ? SCOPE_TARGETS : 0) | (on && host ? SCOPE_HOST : 0));
}

int source_target_pass(struct source *source)
{
	return set_mode(source, SCOPE_TARGETS | SCOPE_PASS);
}

int source_target_set(struct source *source, uint64_t cgroup_id, enum source_verdict verdict)
{
	const struct bpf_map *map = source->programs->maps.decisions;
	uint8_t value = (uint8_t)verdict;
	int r;

	if (verdict == SOURCE_VERDICT_NONE)
		r = bpf_map__delete_elem(map, &cgroup_id, sizeof(cgroup_id), 0);
	else
		r = bpf_map__update_elem(map, &cgroup_id, sizeof(cgroup_id), &value, sizeof(value), BPF_ANY);
	if (r < 0 && verdict != SOURCE_VERDICT_NONE)
		__atomic_store_n(&source->programs->bss->decisions_full, 1, __ATOMIC_SEQ_CST);
	/* Behind the change: who reads the new number reads the new decision too. */
	__atomic_fetch_add(&source->programs->bss->decision_generation, 1, __ATOMIC_SEQ_CST);
	return verdict == SOURCE_VERDICT_NONE && r == -ENOENT ? 0 : r;
}

bool source_target_full(const struct source *source)
{
	return __atomic_load_n(&source->programs->bss->decisions_full, __ATOMIC_SEQ_CST) != 0;
}
