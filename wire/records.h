/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The border between the kernel half and the user half: what crosses the ring buffer, byte for byte, in host
 * order. Fixed-width members only, pads named, sizes asserted on both sides; strings are tails whose lengths
 * stand in the fixed part. The kernel half fills it in, the user half trusts none of it.
 *
 * The raw capture holds these bytes too.
 */

#include <linux/types.h>

#include "wire/kinds.h"

#define WIRE_VERSION 4

#define WIRE_COMM 16 /* TASK_COMM_LEN */
#define WIRE_PATH_MAX 4096 /* PATH_MAX, linux/limits.h; components with their NULs, or a requested name */
#define WIRE_ARGV_MAX 131072 /* bytes of argv kept: MAX_ARG_STRLEN; argv_bytes has the true length */
#define WIRE_BUILD_ID_MAX 20 /* SHA-1; linux/buildid.h: BUILD_ID_SIZE_MAX */
#define WIRE_SYMBOL_MAX 1024 /* bytes of a function's name; C++ makes long ones */
#define WIRE_PURL_MAX 1024
#define WIRE_CALLERS 2 /* frames above a function that was entered */
#define WIRE_CGROUP_PATH_MAX 1024 /* kernel/cgroup/cgroup-internal.h: TRACE_CGROUP_PATH_LEN, NUL included */
#define WIRE_SOCKET_PATH_MAX 108 /* linux/un.h: sun_path */
#define WIRE_RECORD_MAX (256 + 3 * WIRE_PATH_MAX + WIRE_ARGV_MAX)

#define WIRE_ENUM_KIND(ENUM, name, number) WIRE_KIND_##ENUM = number,
enum wire_kind { WIRE_KINDS(WIRE_ENUM_KIND) WIRE_KIND_END };
#undef WIRE_ENUM_KIND

#define WIRE_ENUM_SOURCE(ENUM, name, kind, number) WIRE_SOURCE_##ENUM = number,
enum wire_source { WIRE_SOURCES(WIRE_ENUM_SOURCE) WIRE_SOURCE_END };
#undef WIRE_ENUM_SOURCE

#define WIRE_ENUM_LOSS(ENUM, cause, kinds, layer, effect, cure) WIRE_LOSS_##ENUM,
enum wire_loss { WIRE_KERNEL_LOSSES(WIRE_ENUM_LOSS) WIRE_LOSS_KERNEL_END };
#undef WIRE_ENUM_LOSS

/* One counter: how often, and first and last time in ns since boot (CLOCK_BOOTTIME). */
struct wire_loss_count {
	__u64 count;
	__u64 first_boot_ns;
	__u64 last_boot_ns;
};

/* One per CPU: losses[kind - 1][cause], and how many records reached the ring. */
struct wire_cpu_counters {
	struct wire_loss_count losses[WIRE_KIND_END - 1][WIRE_LOSS_KERNEL_END];
	__u64 records[WIRE_KIND_END - 1];
	__u64 folded[WIRE_KIND_END - 1]; /* equal to a record that the chunk has: no record of its own */
	__u64 filtered[WIRE_KIND_END - 1]; /* left out by a filter in the kernel */
	__u64 canaries[WIRE_KIND_END - 1]; /* the collector's own acts, by which it sees that a probe lives */
	__u32 sequence[WIRE_KIND_END - 1]; /* of the next record of this kind on this processor */
};

/* What one cgroup lost, beside the totals: a map from this key to struct wire_loss_count. */
struct wire_loss_key {
	__u64 cgroup_id;
	__u32 kind; /* enum wire_kind */
	__u32 cause; /* enum wire_loss */
};

/* Stands first in each record. */
struct wire_head {
	__u8 kind; /* enum wire_kind */
	__u8 source; /* enum wire_source */
	__u16 flags; /* WIRE_FLAG_* */
	__u32 size; /* of the whole record, tails included */
	__u64 boot_ns; /* CLOCK_BOOTTIME */
	__u64 cgroup_id; /* kernfs id in the hierarchy that was chosen, 0 = unknown */
	__u32 pid; /* thread group id, initial pid namespace */
	__u32 tid;
	char comm[WIRE_COMM]; /* NUL-padded */
	__u32 sequence; /* counts this kind's records on this processor, lost ones too; wraps */
	__u16 cpu;
	__u16 epoch; /* of the folding: goes up by one with each chunk; wraps */
	__u64 last_boot_ns; /* of the latest equal event, when count > 1 */
	__u32 count; /* equal events that this record stands for; 0 and 1: this one */
	__u32 ns_pid; /* the process's own pid in its pid namespace; 0 = that is the initial one, or not known */
};

#define WIRE_FLAG_PATH_CUT 1 /* more components than were walked: the beginning of the path is missing */
#define WIRE_FLAG_UNREACHABLE 2 /* the walk ended outside the process's root: pipe, memfd, outside a chroot */
#define WIRE_FLAG_DELETED 4 /* the name was unlinked when it was recorded */
#define WIRE_FLAG_NO_NAME 8 /* the requested name was unreadable */
#define WIRE_FLAG_NO_ARGV 16 /* argv was unreadable */
#define WIRE_FLAG_CWD_CUT 32 /* as PATH_CUT, for the working directory */
#define WIRE_FLAG_CWD_UNREACHABLE 64
#define WIRE_FLAG_AT_START 128 /* found by the snapshot: it was so when coverage opened */
#define WIRE_FLAG_LAYER_LOWER 256 /* of the file: overlayfs has it from a layer that it does not write */
#define WIRE_FLAG_LAYER_UPPER 512 /* from the one that it writes: made there, or copied up to be changed */

/* include/linux/fs.h: FMODE_READ, FMODE_WRITE, FMODE_PATH; the same on every kernel since 5.8. */
#define WIRE_GRANTED_READ 0x1
#define WIRE_GRANTED_WRITE 0x2
#define WIRE_GRANTED_PATH 0x4000

/* A path is a tail of components, leaf first, each ended by NUL: "passwd\0etc\0" is /etc/passwd; empty is /. */
struct wire_file_open {
	struct wire_head head;
	__u64 inode;
	__u32 dev; /* kernel dev_t: major << 20 | minor */
	__u32 flags; /* as the caller asked: O_* of the machine's ABI */
	__u16 mode; /* as the caller asked; 0 unless O_CREAT or O_TMPFILE */
	__u16 path_len;
	__u16 requested_len; /* without NUL */
	__u16 pad;
	__u32 path_bytes; /* with PATH_CUT: the path's true length, 0 = not known */
	__u32 granted; /* the open file's f_mode: WIRE_GRANTED_* */
};

struct wire_process_exec {
	struct wire_head head;
	__u64 inode; /* of the file that the kernel loaded: for a script, its interpreter */
	__u32 dev;
	__u32 ppid;
	__u32 argv_bytes; /* the true length, with the NULs between */
	__u32 argv_len; /* of the tail */
	__u16 path_len; /* of the loaded file */
	__u16 filename_len; /* as the caller named it, without NUL */
	__u16 cwd_len; /* present when the name is relative and a script's */
	__u8 script; /* 1: the loaded file is the interpreter of `filename` */
	__u8 pad;
	__u32 path_bytes; /* as in wire_file_open */
	__u32 pad2;
	/* tails: path, filename, cwd, argv */
};

struct wire_tcp_state {
	struct wire_head head;
	__u8 saddr[16]; /* network order; IPv4 in the first four bytes */
	__u8 daddr[16];
	__u16 sport; /* host order; 0 = none yet */
	__u16 dport;
	__u8 family; /* 4 or 6 */
	__u8 old_state; /* the kernel's TCP_* numbers, net/tcp_states.h */
	__u8 new_state;
	__u8 pad;
};

/* When the last thread of a process has gone. */
struct wire_process_exit {
	struct wire_head head;
	__u64 started_boot_ns;
	__u32 ppid; /* whoever is its parent now: not the one that made it, when that has gone */
	__u16 exit_status; /* what it gave to exit; 0 when a signal ended it */
	__u8 signal; /* that ended it, 0 = none */
	__u8 pad;
};

/* A file became executable memory of the process. */
struct wire_library_load {
	struct wire_head head;
	__u64 inode;
	__u64 address; /* first byte of the mapping */
	__u64 address_end; /* and the first behind it; 0 = unknown */
	__u64 changed_s; /* the inode's ctime, by which the collector knows the same content again */
	__u32 changed_ns;
	__u32 dev;
	__u32 path_bytes; /* as in wire_file_open */
	__u16 path_len;
	__u8 build_id_len; /* 0 = unknown; the collector fills it in before the record goes on */
	__u8 build_id[WIRE_BUILD_ID_MAX];
	__u8 pad[5];
	/* tail: path */
};

#define WIRE_CONNECT 1
#define WIRE_ACCEPT 2

struct wire_net_connect {
	struct wire_head head;
	__u8 addr[16]; /* network order; IPv4 in the first four bytes */
	__s32 result; /* 0, or a negative errno */
	__u16 port; /* host order */
	__u16 family; /* AF_* */
	__u16 type; /* SOCK_*, 0 = unknown */
	__u16 path_len; /* of a Unix socket's name; an abstract one begins with NUL; 0 = it has none */
	__u8 op; /* WIRE_CONNECT, WIRE_ACCEPT */
	__u8 pad[3];
	/* tail: path */
};

#define WIRE_READ 1
#define WIRE_WRITE 2

struct wire_ssl_op {
	struct wire_head head;
	__u64 bytes; /* sum over all that head.count stands for */
	__u32 target; /* which attached library; the collector turns it into the tail, and this into 0 */
	__u16 library_len;
	__u8 op; /* WIRE_READ, WIRE_WRITE */
	__u8 pad;
	/* tail: library */
};

/* A place in a file that a process runs: where a call will return to. */
struct wire_caller {
	__u64 inode; /* 0 = unknown, and so is what is behind it */
	__u64 offset; /* in the file, of the first byte behind the call */
	__u64 address; /* of the mapping that the place lies in, as in wire_library_load */
	__u64 address_end;
	__u64 changed_s; /* ctime, the same */
	__u32 changed_ns;
	__u32 dev;
};

/* What the collector knows of it. */
struct wire_caller_name {
	__u16 symbol_len; /* 0 = unknown */
	__u16 library_len; /* 0 = unknown */
	__u8 build_id_len; /* 0 = unknown, or the file has none */
	__u8 build_id[WIRE_BUILD_ID_MAX];
	__u8 pad[3];
	/* tails: symbol, library */
};

struct wire_function_call {
	struct wire_head head;
	__u64 offset; /* of the function in its file */
	__u32 target; /* which function of the map; the collector turns it into the tails, and this into 0 */
	__u16 symbol_len;
	__u16 library_len;
	__u16 purl_len; /* 0 = the map names none */
	__u8 build_id_len; /* 0 = the file has none */
	__u8 build_id[WIRE_BUILD_ID_MAX];
	__u8 pad[1];
	struct wire_caller callers[WIRE_CALLERS]; /* the innermost first */
	/* tails: symbol, library, purl; for each caller that is known its wire_caller_name */
};

#define WIRE_CGROUP_CREATE 1
#define WIRE_CGROUP_REMOVE 2
#define WIRE_CGROUP_ATTACH 3

/* head.cgroup_id is the cgroup that it speaks of; the process is who did it, of an attach whom it was done to. */
struct wire_cgroup {
	struct wire_head head;
	__u64 parent_id; /* of the cgroup above; 0 = there is none, or unknown */
	__u16 path_len;
	__u8 op; /* WIRE_CGROUP_* */
	__u8 pad[5];
	/* tail: path as in the hierarchy, "/a/b"; with PATH_CUT its end is missing */
};

#define WIRE_CANARY_TARGET 0xffffffffu /* no target's number: a function of the collector's own */
#define WIRE_CANARY_ADDRESS 0x7f536967 /* 127.83.105.103: the collector listens there to see tcp_state live */

_Static_assert(sizeof(struct wire_head) == 72, "wire_head has a hole");
_Static_assert(sizeof(struct wire_file_open) == 104, "wire_file_open has a hole");
_Static_assert(sizeof(struct wire_process_exec) == 112, "wire_process_exec has a hole");
_Static_assert(sizeof(struct wire_tcp_state) == 112, "wire_tcp_state has a hole");
_Static_assert(sizeof(struct wire_process_exit) == 88, "wire_process_exit has a hole");
_Static_assert(sizeof(struct wire_library_load) == 144, "wire_library_load has a hole");
_Static_assert(sizeof(struct wire_net_connect) == 104, "wire_net_connect has a hole");
_Static_assert(sizeof(struct wire_ssl_op) == 88, "wire_ssl_op has a hole");
_Static_assert(sizeof(struct wire_caller) == 48, "wire_caller has a hole");
_Static_assert(sizeof(struct wire_caller_name) == 28, "wire_caller_name has a hole");
_Static_assert(sizeof(struct wire_function_call) == 208, "wire_function_call has a hole");
_Static_assert(sizeof(struct wire_cgroup) == 88, "wire_cgroup has a hole");
_Static_assert(sizeof(struct wire_loss_count) == 24, "wire_loss_count has a hole");
_Static_assert(sizeof(struct wire_loss_key) == 16, "wire_loss_key has a hole");
