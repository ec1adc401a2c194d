/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Whose an event is: the pid by which a process knows itself, and its cgroup, of all that it has the one in which
 * containers are told apart.
 */

#include "kernel.h"

/* The process's own pid where its pid namespace is not the initial one; else 0. */
static __always_inline __u32 task_ns_pid(struct task_struct *task)
{
	struct task_struct *leader = READ(task, group_leader);
	struct pid *pid = READ(leader, thread_pid);
	__u32 level, nr = 0;

	if (!pid)
		return 0; /* it is being taken apart */
	level = READ(pid, level);
	if (level == 0)
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (char *)pid + bpf_core_field_offset(pid->numbers) +
				      level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	return nr;
}

/*
 * Which hierarchy of cgroups says whose an event is: the second version's, or that of a controller of the first, by its
 * place in the kernel's enum cgroup_subsys_id.
 */
const volatile int cfg_cgroup_subsys = -1; /* negative: the second version */

static __always_inline struct cgroup *task_cgroup(struct task_struct *task)
{
	struct css_set *set = READ(task, cgroups);
	struct cgroup_subsys_state *state;

	if (cfg_cgroup_subsys < 0)
		return READ(set, dfl_cgrp);
	state = read_pointer((char *)set + bpf_core_field_offset(struct css_set, subsys) +
			     cfg_cgroup_subsys * (int)sizeof(void *));
	state = TYPED(struct cgroup_subsys_state, state);
	return READ(state, cgroup);
}

/* Its kernfs id in that hierarchy. */
static __always_inline __u64 task_cgroup_id(struct task_struct *task)
{
	struct cgroup *cgroup = task_cgroup(task);
	struct kernfs_node *node = READ(cgroup, kn);

	return READ(node, id);
}

static __always_inline __u64 current_cgroup_id(void)
{
	return cfg_cgroup_subsys < 0 ? bpf_get_current_cgroup_id() : task_cgroup_id(current_task());
}

/* The cgroup that a socket was made in, of the second version; NULL = unknown. */
static __always_inline struct cgroup *sock_cgroup(const struct sock *sk)
{
	const struct sock_cgroup_data___tagged *tagged = (const void *)&sk->sk_cgrp_data;
	__u64 val;

	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	val = BPF_CORE_READ(tagged, val);
	return val & 1 ? NULL /* holds net_prio and net_cls numbers */ : (struct cgroup *)(val & ~3ULL);
}

/* Of a cgroup whose pointer was kept: NULL = unknown, id 0. */
static __always_inline __u64 cgroup_id_of(const struct cgroup *cgroup)
{
	return cgroup ? BPF_CORE_READ(cgroup, kn, id) : 0;
}
