/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Filters before the ring: by cgroup, pid namespace, command and the beginning of a path; and by what the user half
 * decided about each container. What they leave out costs neither ring nor collector, and is counted. No filter set
 * is one load and one branch.
 *
 * What cannot be judged passes: a cgroup or namespace that is not known or too deep, a path that is cut. The user
 * half changes the settings while programs run: it writes the next generation beside the one in force, and one store
 * to scope_state makes it hold.
 */

#include "emit.h"
#include "walk.h"
#include "wire/prefix.h"

#define SCOPE_MEMBERS_MAX 4096 /* of two generations */
#define SCOPE_VERDICTS_MAX 8192 /* cgroups remembered */
#define SCOPE_DECISIONS_MAX 16384 /* cgroups decided about, or not yet */
#define SCOPE_CGROUP_DEPTH 32 /* a third of what programs cost the verifier at 64 */
#define SCOPE_PID_NS_DEPTH 33 /* include/linux/pid_namespace.h: MAX_PID_NS_LEVEL, and the first */

/* scope_state: these, and the generation above them. */
#define SCOPE_CGROUPS 1
#define SCOPE_PID_NAMESPACES 2
#define SCOPE_COMM_ALLOW 4
#define SCOPE_COMM_DENY 8
#define SCOPE_PATHS 16
#define SCOPE_TARGETS 32 /* decisions about cgroups hold */
#define SCOPE_HOST 64 /* and what is in no cgroup that was decided about is recorded */
#define SCOPE_PROCESS \
	(SCOPE_CGROUPS | SCOPE_PID_NAMESPACES | SCOPE_COMM_ALLOW | SCOPE_COMM_DENY | SCOPE_TARGETS)
#define SCOPE_GENERATION_SHIFT 8

/* Changed while running. */
__u32 scope_state = 0;
__u32 decision_generation = 0; /* goes up when a decision changes: what was found by climbing is void */
__u32 decisions_full = 0; /* one could not be kept: whom none is known of may be anybody, and passes */

struct scope_member {
	__u32 generation;
	__u32 list; /* SCOPE_CGROUPS, ... */
	__u64 value[2]; /* a cgroup's id, a namespace's inum, a command */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SCOPE_MEMBERS_MAX);
	__type(key, struct scope_member);
	__type(value, __u8);
} scope_members SEC(".maps");

/* What was decided about a cgroup, and so about all below it that have no entry of their own. */
enum scope_decision { DECISION_NONE, DECISION_LEAVE_OUT, DECISION_KEEP, DECISION_OPEN };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SCOPE_DECISIONS_MAX);
	__type(key, __u64);
	__type(value, __u8);
} decisions SEC(".maps");

/*
 * What is found by climbing from a cgroup to the root: SCOPE_FOUND_IN when it is one of the chosen or below one, and
 * the nearest decision. Asked once a cgroup and generations.
 */
#define SCOPE_FOUND_DECISION 3
#define SCOPE_FOUND_IN 4

struct scope_verdict {
	__u64 cgroup_id;
	__u64 generation; /* of the settings, and above it of the decisions */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SCOPE_VERDICTS_MAX);
	__type(key, struct scope_verdict);
	__type(value, __u8);
} scope_verdicts SEC(".maps");

/* By the generation's lowest bit. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct wire_prefixes);
} scope_paths SEC(".maps");

/* Is a process within the chosen pid namespaces? Kept with what is judged when the process no longer runs. */
struct scope_seat {
	__u32 generation; /* of the settings that it was asked under; 0 = was not asked */
	__u32 within;
};

/* Who is judged. */
struct scope_subject {
	struct cgroup *cgroup; /* NULL = unknown */
	__u64 cgroup_id;
	struct scope_seat seat;
	__u64 comm[2];
};

static __always_inline bool scope_has(__u32 state, __u32 list, __u64 first, __u64 second)
{
	struct scope_member member = { state >> SCOPE_GENERATION_SHIFT, list, { first, second } };

	return bpf_map_lookup_elem(&scope_members, &member);
}

static __always_inline __u32 decision_of(const __u64 *cgroup_id)
{
	__u8 *decision = bpf_map_lookup_elem(&decisions, cgroup_id);

	return decision ? *decision & SCOPE_FOUND_DECISION : DECISION_NONE;
}

/*
 * A global function, so that it is verified once a program and not at each call: that was half of the time that the
 * collector took to start. Such a function takes no kernel pointers but as numbers.
 */
__noinline int scope_cgroup_climb(__u32 state, __u64 address)
{
	struct scope_member member = { .generation = state >> SCOPE_GENERATION_SHIFT, .list = SCOPE_CGROUPS };
	struct cgroup *cgroup = (struct cgroup *)address;
	struct cgroup_subsys_state *parent;
	__u32 found = 0;

	for (int depth = 0; depth < SCOPE_CGROUP_DEPTH; depth++) {
		member.value[0] = 0;
		BPF_CORE_READ_INTO(&member.value[0], cgroup, kn, id);
		if (bpf_map_lookup_elem(&scope_members, &member))
			found |= SCOPE_FOUND_IN;
		if (!(found & SCOPE_FOUND_DECISION))
			found |= decision_of(&member.value[0]);
		parent = BPF_CORE_READ(cgroup, self.parent);
		if (!parent)
			return found;
		cgroup = BPF_CORE_READ(parent, cgroup);
	}
	/* Too deep to be judged. */
	return SCOPE_FOUND_IN | (found & SCOPE_FOUND_DECISION ? found : DECISION_OPEN);
}

static __always_inline __u32 scope_cgroup(__u32 state, const struct scope_subject *subject)
{
	struct scope_verdict key = { .cgroup_id = subject->cgroup_id,
				     .generation = (__u64)decision_generation << 32 |
						   state >> SCOPE_GENERATION_SHIFT };
	__u8 *known, found;
	__u32 decision;

	known = bpf_map_lookup_elem(&scope_verdicts, &key);
	if (known)
		return *known;
	if (!subject->cgroup) {
		decision = decision_of(&key.cgroup_id);
		return SCOPE_FOUND_IN | (decision ? decision : DECISION_OPEN);
	}
	/*
	 * Through a helper the pointer is a number for the verifier; through the key, because the callers of this leave
	 * little stack on 6.1.
	 */
	bpf_probe_read_kernel(&key.cgroup_id, sizeof(key.cgroup_id), &subject->cgroup);
	found = scope_cgroup_climb(state, key.cgroup_id);
	key.cgroup_id = subject->cgroup_id;
	bpf_map_update_elem(&scope_verdicts, &key, &found, BPF_ANY);
	return found;
}

static __always_inline bool scope_cgroup_wants(__u32 state, const struct scope_subject *subject)
{
	__u32 found = scope_cgroup(state, subject), decision = found & SCOPE_FOUND_DECISION;

	if (state & SCOPE_CGROUPS && !(found & SCOPE_FOUND_IN))
		return false;
	if (!(state & SCOPE_TARGETS) || decision >= DECISION_KEEP)
		return true;
	return decision == DECISION_NONE && (state & SCOPE_HOST || decisions_full);
}

/*
 * A cgroup that was just made, and that nobody is in yet: open, until the user half has looked at it. Below one that
 * was decided about it shares its fate; below one that is open itself it may be another container.
 */
static __always_inline void scope_cgroup_born(struct cgroup *cgroup, struct cgroup *parent)
{
	__u64 id = cgroup_id_of(cgroup);
	__u32 state = scope_state, above;
	__u8 open = DECISION_OPEN;

	if (!(state & SCOPE_TARGETS) || !parent)
		return;
	above = scope_cgroup_climb(state, (__u64)parent) & SCOPE_FOUND_DECISION;
	if (above == DECISION_LEAVE_OUT || above == DECISION_KEEP)
		return;
	if (map_update_fails(&decisions, &id, &open, BPF_NOEXIST) && !bpf_map_lookup_elem(&decisions, &id))
		decisions_full = 1;
}

/* A process is in its own pid namespace and in all that hold that one. */
static __noinline int scope_pid_ns(__u32 state, struct pid *pid)
{
	__u32 level = pid ? BPF_CORE_READ(pid, level) : SCOPE_PID_NS_DEPTH;
	struct pid_namespace *ns = NULL;
	struct upid *upid;

	for (__u32 i = 0; i < SCOPE_PID_NS_DEPTH; i++) {
		if (level >= SCOPE_PID_NS_DEPTH)
			return 1;
		if (i > level)
			return 0;
		upid = (struct upid *)((char *)pid + bpf_core_field_offset(pid->numbers) +
				       i * bpf_core_type_size(struct upid));
		bpf_core_read(&ns, sizeof(ns), &upid->ns);
		if (scope_has(state, SCOPE_PID_NAMESPACES, BPF_CORE_READ(ns, ns.inum), 0))
			return 1;
	}
	return 0;
}

static __noinline int scope_judge(__u32 state, const struct scope_subject *subject)
{
	if (state & SCOPE_COMM_DENY && scope_has(state, SCOPE_COMM_DENY, subject->comm[0], subject->comm[1]))
		return 0;
	if (state & SCOPE_COMM_ALLOW && !scope_has(state, SCOPE_COMM_ALLOW, subject->comm[0], subject->comm[1]))
		return 0;
	if (state & (SCOPE_CGROUPS | SCOPE_TARGETS) && !scope_cgroup_wants(state, subject))
		return 0;
	if (state & SCOPE_PID_NAMESPACES && subject->seat.generation == state >> SCOPE_GENERATION_SHIFT)
		return subject->seat.within;
	return 1;
}

static __always_inline void scope_sit(struct scope_seat *seat, struct task_struct *task)
{
	__u32 state = scope_state;

	if (!(state & SCOPE_PID_NAMESPACES))
		return;
	seat->within = scope_pid_ns(state, BPF_CORE_READ(task, thread_pid));
	seat->generation = state >> SCOPE_GENERATION_SHIFT;
}

/* Out of line: what is judged would lie on the stack of callers that have none left, on 6.1. */
static __noinline int scope_judge_task(__u32 state, struct task_struct *task)
{
	struct scope_subject subject = { .cgroup = task_cgroup(task) };

	subject.cgroup_id = cgroup_id_of(subject.cgroup);
	scope_sit(&subject.seat, task);
	/* As text: older kernels leave what they like behind the NUL. */
	bpf_probe_read_kernel_str(subject.comm, sizeof(subject.comm), &task->comm);
	return scope_judge(state, &subject);
}

static __always_inline bool scope_leave_out(enum wire_kind kind)
{
	struct wire_cpu_counters *mine = counters_mine();

	if (mine)
		__sync_fetch_and_add(&mine->filtered[kind - 1], 1);
	return false;
}

/* Is there anything to ask about who does it? */
static __always_inline bool scope_asks(void)
{
	return scope_state & SCOPE_PROCESS;
}

/* Is what `task` does to be recorded? What is not, is counted. */
static __always_inline bool scope_wants_task(enum wire_kind kind, struct task_struct *task)
{
	__u32 state = scope_state;

	if (!(state & SCOPE_PROCESS) || scope_judge_task(state, task))
		return true;
	return scope_leave_out(kind);
}

static __always_inline bool scope_wants(enum wire_kind kind)
{
	return !scope_asks() || scope_wants_task(kind, current_task());
}

/* What is done by nobody who runs now. */
static __always_inline bool scope_wants_subject(enum wire_kind kind, const struct scope_subject *subject)
{
	return scope_judge(scope_state, subject) || scope_leave_out(kind);
}

static __noinline int scope_path(__u32 state, const char *tail, __u32 len)
{
	__u32 bank = state >> SCOPE_GENERATION_SHIFT & 1;
	struct wire_prefixes *prefixes = bpf_map_lookup_elem(&scope_paths, &bank);

	if (!prefixes || len > WIRE_PATH_MAX)
		return 1;
	return !wire_prefixes_leave_out(prefixes, (const __u64 *)(tail + len - WIRE_PREFIX_MAX), len);
}

/*
 * Is a file by this path to be recorded? `tail` holds the components that `walk` wrote, with WIRE_PREFIX_MAX readable
 * bytes in front. A path outside the process's root may hold a slash within a component, so it is not judged here.
 */
static __always_inline bool scope_wants_path(enum wire_kind kind, const char *tail, const struct walk *walk)
{
	__u32 state = scope_state;

	if (!(state & SCOPE_PATHS) || walk->flags & (WIRE_FLAG_PATH_CUT | WIRE_FLAG_UNREACHABLE))
		return true;
	return scope_path(state, tail, walk->len) || scope_leave_out(kind);
}
