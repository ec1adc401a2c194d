/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * tcp_state, attributed by the socket. The tracepoint mostly fires in softirq, where the current task is
 * whoever was interrupted; so the owner is remembered with the socket when it can only be the current task
 * (connect and listen), inherited by the connections that a listener gets, and for sockets older than us
 * read once from the tables of open files. A socket whose owner is not known is a counted loss, never a guess.
 */

#include "canary.h"
#include "scope.h"

#define TCP_ESTABLISHED 1 /* net/tcp_states.h */
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_CLOSE 7
#define TCP_LISTEN 10

#define OWNERS_MAX 65536 /* sockets at once, where the kernel cannot keep the owner with the socket */

const volatile bool cfg_sock_storage = true; /* false: kernels before 5.11 */

struct owner {
	__u32 pid, tid;
	char comm[WIRE_COMM];
	struct scope_seat seat;
};

/* Lives and dies with the socket; a listener's is copied to its connections. Tracing may use it since 5.11. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct owner);
} owner_of_socket SEC(".maps");

/* The same by the socket's address, for older kernels; accepted connections stay unknown there. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, OWNERS_MAX);
	__type(key, __u64);
	__type(value, struct owner);
} owner_by_address SEC(".maps");

static __always_inline struct owner *owner_find(struct sock *sk)
{
	__u64 address = (__u64)sk;

	if (cfg_sock_storage)
		return bpf_sk_storage_get(&owner_of_socket, sk, NULL, 0);
	return bpf_map_lookup_elem(&owner_by_address, &address);
}

static __always_inline void owner_set(struct sock *sk, const struct owner *owner)
{
	__u64 address = (__u64)sk;

	if (cfg_sock_storage) {
		struct owner *kept =
			bpf_sk_storage_get(&owner_of_socket, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

		if (kept)
			*kept = *owner;
		else
			loss_count_in(WIRE_KIND_TCP_STATE, WIRE_LOSS_OWNER_MAP_FULL, sock_cgroup_id(sk));
		return;
	}
	if (map_update_fails(&owner_by_address, &address, owner, BPF_ANY))
		loss_count_in(WIRE_KIND_TCP_STATE, WIRE_LOSS_OWNER_MAP_FULL, sock_cgroup_id(sk));
}

static __always_inline void owner_is_current(struct sock *sk)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct owner owner = { .pid = id >> 32, .tid = (__u32)id };

	bpf_get_current_comm(owner.comm, sizeof(owner.comm));
	scope_sit(&owner.seat, current_task());
	owner_set(sk, &owner);
}

/*
 * 0 = it has none: a client's port is chosen after the change to SYN_SENT. When a socket closes its skc_num is taken
 * away before the last change, while the port in its headers stays.
 */
static __always_inline __u16 tcp_own_port(const struct sock *sk)
{
	__u16 port = BPF_CORE_READ(sk, __sk_common.skc_num);

	if (port == 0)
		port = __builtin_bswap16(BPF_CORE_READ((const struct inet_sock *)sk, inet_sport));
	return port;
}

static __always_inline void tcp_addresses(struct wire_tcp_state *record, const struct sock *sk)
{
	record->sport = tcp_own_port(sk);
	record->dport = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == KERNEL_AF_INET) {
		record->family = 4;
		BPF_CORE_READ_INTO((__u32 *)record->saddr, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((__u32 *)record->daddr, sk, __sk_common.skc_daddr);
		return;
	}
	record->family = 6;
	bpf_probe_read_kernel(record->saddr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	bpf_probe_read_kernel(record->daddr, 16, &sk->__sk_common.skc_v6_daddr);
}

static __always_inline void tcp_record(void *ctx, struct sock *sk, int old_state, int new_state)
{
	struct wire_tcp_state record = {
		.head = { .size = sizeof(record) },
		.old_state = old_state,
		.new_state = new_state,
	};
	struct owner *owner = owner_find(sk);

	if (!owner) {
		loss_count_in(WIRE_KIND_TCP_STATE, WIRE_LOSS_OWNER_UNKNOWN, sock_cgroup_id(sk));
		return;
	}
	if (!scope_wants_sock(WIRE_KIND_TCP_STATE, sk, owner->comm, &owner->seat))
		return;
	head_begin(&record.head, WIRE_KIND_TCP_STATE, WIRE_SOURCE_INET_SOCK_SET_STATE);
	record.head.pid = owner->pid;
	record.head.tid = owner->tid;
	__builtin_memcpy(record.head.comm, owner->comm, WIRE_COMM);
	record.head.cgroup_id = sock_cgroup_id(sk);
	tcp_addresses(&record, sk);
	emit(ctx, WIRE_KIND_TCP_STATE, &record, sizeof(record));
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_tcp_state, struct sock *sk, int old_state, int new_state)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	__u64 address = (__u64)sk;

	if (BPF_CORE_READ(sk, sk_protocol) != KERNEL_IPPROTO_TCP)
		return 0;
	if (family != KERNEL_AF_INET && family != KERNEL_AF_INET6)
		return 0;
	if (family == KERNEL_AF_INET &&
	    canary_tcp(BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr), old_state, new_state, TCP_LISTEN))
		return 0;
	/*
	 * A connection's birth from its listener: the socket is still the listener's copy, the peer's address
	 * not in it yet (inet_csk_clone_lock). The next change, to ESTABLISHED, says it all.
	 */
	if (old_state == TCP_LISTEN && new_state == TCP_SYN_RECV)
		return 0;
	if (new_state == TCP_SYN_SENT || new_state == TCP_LISTEN)
		owner_is_current(sk);
	tcp_record(ctx, sk, old_state, new_state);
	if (new_state == TCP_CLOSE && !cfg_sock_storage)
		bpf_map_delete_elem(&owner_by_address, &address);
	return 0;
}

/* The socket's record; false: it has to be shown again, when there is room. */
static __always_inline bool tcp_snapshot(struct seq_file *seq, struct sock *sk, const struct owner *owner)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	struct wire_tcp_state record = {
		.head = { .size = sizeof(record) },
		.old_state = state,
		.new_state = state,
	};

	if (state == TCP_CLOSE || !scope_wants_sock(WIRE_KIND_TCP_STATE, sk, owner->comm, &owner->seat))
		return true; /* neither connected nor listening, or left out */
	head_begin(&record.head, WIRE_KIND_TCP_STATE, WIRE_SOURCE_ITER_TASK_FILE);
	record.head.flags = WIRE_FLAG_AT_START;
	record.head.pid = owner->pid;
	record.head.tid = owner->tid;
	__builtin_memcpy(record.head.comm, owner->comm, WIRE_COMM);
	record.head.cgroup_id = sock_cgroup_id(sk);
	tcp_addresses(&record, sk);
	return bpf_seq_write(seq, &record, sizeof(record)) == 0;
}

/* Run once at start over all open files: whose are the sockets that were there before us? */
SEC("iter/task_file")
int on_open_socket(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct seq_file *seq = ctx->meta->seq;
	struct file *file = ctx->file;
	struct owner owner = {};
	struct socket *socket;
	struct sock *sk;
	__u16 family;

	/* The first thread stands for its process; when it has gone before the others, each of those does. */
	if (!task || !file || (task->pid != task->tgid && BPF_CORE_READ(task, group_leader, files)))
		return 0;
	if ((file->f_inode->i_mode & KERNEL_S_IFMT) != KERNEL_S_IFSOCK)
		return 0;
	if (cfg_sock_storage) {
		socket = bpf_sock_from_file(file);
		if (!socket)
			return 0;
		sk = socket->sk;
	} else {
		sk = BPF_CORE_READ((struct socket *)file->private_data, sk);
	}
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != KERNEL_IPPROTO_TCP)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != KERNEL_AF_INET && family != KERNEL_AF_INET6)
		return 0;
	if (owner_find(sk))
		return 0;
	owner.pid = task->tgid;
	owner.tid = task->pid;
	bpf_probe_read_kernel_str(owner.comm, sizeof(owner.comm), task->comm);
	scope_sit(&owner.seat, task);
	if (tcp_snapshot(seq, sk, &owner))
		owner_set(sk, &owner);
	return 0;
}
