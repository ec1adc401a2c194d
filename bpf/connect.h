/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * net_connect, when the call returns. A connect is recorded with whatever the kernel answered and with the address
 * that the caller gave; an accept only when there is a connection, with the peer that its socket has.
 *
 * No record and no loss: an accept without a connection; a connect whose address is too short or too long to be one,
 * or cannot be read by the kernel either. Such calls name nobody, and the kernel refuses each of them.
 */

#include "canary.h"
#include "libc.h"
#include "open_exit.h"
#include "scope.h"
#include "syscall.h"

#define CONNECT_TYPES_MAX 10 /* include/linux/net.h: SOCK_PACKET, the highest */
#define ADDRESS_MAX 128 /* struct sockaddr_storage */
#define IPV6_ADDRESS_MIN 24 /* include/linux/in6.h: SIN6_LEN_RFC2133 */

/* Sent as it lies. */
struct connect_message {
	struct wire_net_connect record;
	char path[WIRE_SOCKET_PATH_MAX];
	char pad[4];
};

/* Programs that may be preempted by one another have their own. */
enum connect_slot { CONNECT_SLOT_SYS_EXIT, CONNECT_SLOT_CONNECT, CONNECT_SLOT_ACCEPT, CONNECT_SLOTS };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CONNECT_SLOTS);
	__type(key, __u32);
	__type(value, struct connect_message);
} connect_scratch SEC(".maps");

/* struct sockaddr_in, sockaddr_in6 and what all have, as they lie in memory. */
struct address_ip {
	__u16 family;
	__be16 port;
	union {
		__u8 ipv4[4];
		struct {
			__u32 flow;
			__u8 ipv6[16];
		};
	};
};

/* The socket behind a descriptor; NULL when there is none any more, or it is no socket. */
static __always_inline struct socket *connect_socket(int fd)
{
	struct file *file = fd >= 0 ? open_file(current_task(), fd) : NULL;
	struct inode *inode;

	if (!file)
		return NULL;
	inode = READ(file, f_inode);
	if ((READ(inode, i_mode) & KERNEL_S_IFMT) != KERNEL_S_IFSOCK)
		return NULL;
	return READ(file, private_data); /* NULL for the name of a socket in a file system, opened by O_PATH */
}

static __always_inline void connect_type(struct wire_net_connect *record, const struct socket *socket)
{
	__u16 type = 0;

	if (socket)
		BPF_CORE_READ_INTO(&type, socket, type);
	record->type = type <= CONNECT_TYPES_MAX ? type : 0;
}

static __always_inline bool is_broken_off(__s32 result)
{
	return result <= -KERNEL_ERESTARTSYS && result >= -KERNEL_ERESTART_RESTARTBLOCK;
}

/* A call that a signal broke off: begun anew by the kernel or not, this one was interrupted. */
static __always_inline __s32 connect_result(__s32 result)
{
	return is_broken_off(result) ? -KERNEL_EINTR : result;
}

/* The caller's address by its family. 0: it is none; negative: its memory cannot be read. */
static __always_inline int connect_address(struct connect_message *message, const struct connect_call *call)
{
	struct wire_net_connect *record = &message->record;
	struct address_ip ip = {};
	__u32 len = call->address_len;
	__u32 name_len = len - sizeof(record->family);
	void *address = (void *)call->address;

	if (len < sizeof(record->family) || len > ADDRESS_MAX)
		return 0;
	if (bpf_probe_read_user(&record->family, sizeof(record->family), address) < 0)
		return -1;
	switch (record->family) {
	case KERNEL_AF_INET:
		if (len < 8)
			return 0;
		if (bpf_probe_read_user(&ip, 8, address) < 0)
			return -1;
		__builtin_memcpy(record->addr, ip.ipv4, sizeof(ip.ipv4));
		record->port = __builtin_bswap16(ip.port);
		return 1;
	case KERNEL_AF_INET6:
		if (len < IPV6_ADDRESS_MIN)
			return 0;
		if (bpf_probe_read_user(&ip, IPV6_ADDRESS_MIN, address) < 0)
			return -1;
		__builtin_memcpy(record->addr, ip.ipv6, sizeof(ip.ipv6));
		record->port = __builtin_bswap16(ip.port);
		return 1;
	case KERNEL_AF_UNIX:
		if (name_len > WIRE_SOCKET_PATH_MAX)
			return 0;
		if (name_len > 0 &&
		    bpf_probe_read_user(message->path, name_len, address + sizeof(record->family)) < 0)
			return -1;
		record->path_len = name_len;
		return 1;
	}
	return 1; /* a family that is recorded by its number only */
}

/* The name that a Unix socket is bound to; none is a length of 0. False: it cannot be read. */
static __always_inline bool unix_name(struct connect_message *message, const struct unix_sock *sk)
{
	struct unix_address *address = BPF_CORE_READ(sk, addr);
	__u32 len;

	message->record.path_len = 0;
	if (!address)
		return true;
	len = BPF_CORE_READ(address, len) - sizeof(message->record.family);
	if (len > WIRE_SOCKET_PATH_MAX)
		return len == -(__u32)sizeof(message->record.family);
	if (len > 0 && bpf_probe_read_kernel(message->path, len,
					     (char *)address + bpf_core_field_offset(address->name) +
						     sizeof(message->record.family)) < 0)
		return false;
	message->record.path_len = len;
	return true;
}

/*
 * Whom the new connection leads to. A Unix client mostly has no name: then it is the name under which it found the
 * listener, which the new socket shares.
 */
static __always_inline bool accept_peer(struct connect_message *message, const struct sock *sk)
{
	struct wire_net_connect *record = &message->record;
	struct unix_sock *peer;

	record->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	switch (record->family) {
	case KERNEL_AF_INET:
		record->port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
		return BPF_CORE_READ_INTO((__u32 *)record->addr, sk, __sk_common.skc_daddr) == 0;
	case KERNEL_AF_INET6:
		record->port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
		return bpf_probe_read_kernel(record->addr, 16, &sk->__sk_common.skc_v6_daddr) == 0;
	case KERNEL_AF_UNIX:
		peer = (struct unix_sock *)BPF_CORE_READ((const struct unix_sock *)sk, peer);
		if (peer && !unix_name(message, peer))
			return false;
		return record->path_len > 0 || unix_name(message, (const struct unix_sock *)sk);
	}
	return true;
}

static __always_inline bool is_accept(__u32 source)
{
	return source == WIRE_SOURCE_SYS_EXIT_ACCEPT || source == WIRE_SOURCE_SYS_EXIT_ACCEPT4 ||
	       source == WIRE_SOURCE_SYS_ACCEPT4;
}

/* True: there is something to record. */
static __always_inline bool accept_fill(struct connect_message *message, const struct connect_call *call)
{
	struct socket *socket;
	struct sock *sk = NULL;

	if (call->result < 0 || canary_hides() || !scope_wants(WIRE_KIND_NET_CONNECT))
		return false;
	socket = connect_socket(call->result);
	if (socket)
		BPF_CORE_READ_INTO(&sk, socket, sk);
	if (!sk) {
		loss_count(WIRE_KIND_NET_CONNECT, WIRE_LOSS_FILE_GONE);
		return false;
	}
	message->record.op = WIRE_ACCEPT;
	connect_type(&message->record, socket);
	if (accept_peer(message, sk))
		return true;
	loss_count(WIRE_KIND_NET_CONNECT, WIRE_LOSS_ADDRESS_UNREADABLE);
	return false;
}

static __always_inline bool connect_fill(struct connect_message *message, const struct connect_call *call)
{
	int r = connect_address(message, call);

	if (r == 0 && call->result == 0)
		r = -1; /* the kernel had an address: the one that lies there now is another */
	if (r == 0 || call->result == -KERNEL_EFAULT)
		return false;
	if (canary_connect(message->record.family) || !scope_wants(WIRE_KIND_NET_CONNECT))
		return false;
	if (r < 0) {
		loss_count(WIRE_KIND_NET_CONNECT, WIRE_LOSS_ADDRESS_UNREADABLE);
		return false;
	}
	message->record.op = WIRE_CONNECT;
	message->record.result = connect_result(call->result);
	connect_type(&message->record, connect_socket(call->fd));
	return true;
}

/* Called once for each call that returns, recorded or not, so that its mark goes with it. */
static __always_inline __u32 connect_source(const struct connect_call *call)
{
	struct libc_mark mark = { .fd = call->fd, .address = call->address, .address_len = call->address_len };

	return libc_source(&mark, is_accept(call->source), is_broken_off(call->result), call->source);
}

static __noinline int connect_record(void *ctx, const struct connect_call *call)
{
	__u32 slot = call->source == WIRE_SOURCE_SYS_CONNECT   ? CONNECT_SLOT_CONNECT
		     : call->source == WIRE_SOURCE_SYS_ACCEPT4 ? CONNECT_SLOT_ACCEPT
							       : CONNECT_SLOT_SYS_EXIT;
	struct connect_message *message = bpf_map_lookup_elem(&connect_scratch, &slot);
	__u32 len, source = connect_source(call);

	if (!message) {
		loss_count(WIRE_KIND_NET_CONNECT, WIRE_LOSS_SCRATCH);
		return 0;
	}
	__builtin_memset(&message->record, 0, sizeof(message->record));
	head_of_current(&message->record.head, WIRE_KIND_NET_CONNECT, source);
	if (is_accept(call->source) ? !accept_fill(message, call) : !connect_fill(message, call))
		return 0;
	len = message->record.path_len;
	if (len > WIRE_SOCKET_PATH_MAX) {
		/* Cannot be: bounded where it was set. The verifier wants to hear it; were it so, it would count. */
		loss_count(WIRE_KIND_NET_CONNECT, WIRE_LOSS_SCRATCH);
		return 0;
	}
	message->record.head.size = sizeof(message->record) + len;
	emit(ctx, WIRE_KIND_NET_CONNECT, message, sizeof(message->record) + len);
	return 0;
}

/* The exit of a call that is one of SYSCALLS_CONNECT, or looks like it. */
static __always_inline int connect_exit(void *ctx, struct pt_regs *regs, long result)
{
	struct connect_call call = {};

	syscall_connect(regs, current_task(), &call);
	call.result = result;
	return call.source ? connect_record(ctx, &call) : 0;
}

/* Where trampolines load: the functions that all doors of the system calls lead to, those of 32-bit programs too. */
SEC("?fexit/__sys_connect")
int BPF_PROG(on_connect, int fd, void *address, int address_len, int result)
{
	struct connect_call call = {
		.source = WIRE_SOURCE_SYS_CONNECT,
		.fd = fd,
		.result = result,
		.address_len = address_len,
		.address = (unsigned long)address,
	};

	return connect_record(ctx, &call);
}

SEC("?fexit/__sys_accept4")
int BPF_PROG(on_accept, int fd, void *address, int *address_len, int flags, int result)
{
	struct connect_call call = { .source = WIRE_SOURCE_SYS_ACCEPT4, .fd = fd, .result = result };

	return connect_record(ctx, &call);
}
