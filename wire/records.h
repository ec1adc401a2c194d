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

#define WIRE_VERSION 1

#define WIRE_COMM 16 /* TASK_COMM_LEN */
#define WIRE_PATH_MAX 4096 /* PATH_MAX, linux/limits.h; components with their NULs, or a requested name */
#define WIRE_ARGV_MAX 16384 /* bytes of argv kept; argv_bytes has the true length */
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
};

/* Stands first in each record. */
struct wire_head {
	__u8 kind; /* enum wire_kind */
	__u8 source; /* enum wire_source */
	__u16 flags; /* WIRE_FLAG_* */
	__u32 size; /* of the whole record, tails included */
	__u64 boot_ns; /* CLOCK_BOOTTIME */
	__u64 cgroup_id; /* kernfs id in the cgroup v2 hierarchy, 0 = unknown */
	__u32 pid; /* thread group id, initial pid namespace */
	__u32 tid;
	char comm[WIRE_COMM]; /* NUL-padded */
};

#define WIRE_FLAG_PATH_CUT 1 /* more components than were walked: the beginning of the path is missing */
#define WIRE_FLAG_UNREACHABLE 2 /* the walk ended outside the process's root: pipe, memfd, outside a chroot */
#define WIRE_FLAG_DELETED 4 /* the name was unlinked when it was recorded */
#define WIRE_FLAG_NO_NAME 8 /* the requested name was unreadable */
#define WIRE_FLAG_NO_ARGV 16 /* argv was unreadable */
#define WIRE_FLAG_CWD_CUT 32 /* as PATH_CUT, for the working directory */
#define WIRE_FLAG_CWD_UNREACHABLE 64

/* A path is a tail of components, leaf first, each ended by NUL: "passwd\0etc\0" is /etc/passwd; empty is /. */
/* include/linux/fs.h: FMODE_READ, FMODE_WRITE, FMODE_PATH; the same on every kernel since 5.8. */
#define WIRE_GRANTED_READ 0x1
#define WIRE_GRANTED_WRITE 0x2
#define WIRE_GRANTED_PATH 0x4000

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

_Static_assert(sizeof(struct wire_head) == 48, "wire_head has a hole");
_Static_assert(sizeof(struct wire_file_open) == 80, "wire_file_open has a hole");
_Static_assert(sizeof(struct wire_process_exec) == 88, "wire_process_exec has a hole");
_Static_assert(sizeof(struct wire_tcp_state) == 88, "wire_tcp_state has a hole");
_Static_assert(sizeof(struct wire_loss_count) == 24, "wire_loss_count has a hole");
