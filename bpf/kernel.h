/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The kernel's types, declared by the fields we read and nothing else; CO-RE finds where each lies on the
 * running kernel. `___name` flavours are the same type on other kernels. All differences between kernels
 * live here and in the readers next to them, so that the programs read as if there were one kernel.
 */

#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/un.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
	union {
		struct {
			__u32 hash;
			__u32 len;
		};
		__u64 hash_len;
	};
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

struct seqcount {
	unsigned int sequence;
};

typedef struct seqcount seqcount_t;

struct seqcount_spinlock {
	seqcount_t seqcount;
};

struct dentry {
	struct seqcount_spinlock d_seq;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct inode {
	__u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	__u32 i_generation;
	struct timespec64 i_ctime;
};

/* 6.6 to 6.10. */
struct inode___ctime_hidden {
	struct timespec64 __i_ctime;
};

/* Since 6.11; since 6.13 the top bit of the second says that somebody has asked for it. */
struct inode___ctime_split {
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
};

struct filename {
	const char *name;
};

struct open_flags {
	int open_flag;
	unsigned short mode;
};

/* By these two, memory that has no type of its own is read by plain loads: one pointer, and sixteen bytes. */
struct hlist_head {
	void *first;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_mode;
	void *private_data;
};

/* What a file system of layers maps in place of the file that was opened, with the path that the user knows. */
struct backing_file {
	struct file file;
	struct path user_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root, pwd;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	unsigned long vm_flags;
	unsigned long vm_pgoff; /* pages */
	struct file *vm_file;
};

struct mm_struct {
	unsigned long arg_start, arg_end;
	unsigned long start_code;
	unsigned long saved_auxv[1]; /* as many as the kernel says */
	struct file *exe_file;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live; /* threads that have not begun to exit */
	int group_exit_code;
	unsigned int flags;
};

struct thread_info {
	unsigned long flags;
	__u32 status;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_root {
	int hierarchy_id;
};

struct css_set {
	struct cgroup_subsys_state *subsys[1]; /* one a controller */
	struct cgroup *dfl_cgrp;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1]; /* level + 1 of them */
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	unsigned int personality;
	int exit_code;
	int pid, tgid;
	__u64 start_boottime; /* of a thread; a process has its group leader's */
	__u64 self_exec_id;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct signal_struct *signal;
	struct css_set *cgroups;
	struct pid *thread_pid;
	char comm[16];
};

struct linux_binprm {
	struct file *file;
	const char *filename;
	const char *interp;
};

struct io_kiocb {
	__u8 opcode;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

/* Up to 5.14 a pointer with flags in its low bits shared the word with cgroup v1's numbers. */
struct sock_cgroup_data___tagged {
	__u64 val;
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	struct sock_cgroup_data sk_cgrp_data;
};

struct inet_sock {
	__be16 inet_sport;
};

struct socket {
	short type;
	struct sock *sk;
};

struct unix_address {
	int len; /* of `name`, its family included */
	struct sockaddr_un name[];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long bp, r10, bx, r8, cx, ax, dx, si, di, orig_ax, cs, sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	__u64 regs[31];
	__u64 sp, pstate;
	__u64 orig_x0;
	__s32 syscallno;
};
#else
#error "which registers hold a system call's arguments on this machine?"
#endif

#pragma clang attribute pop

/* Kernel constants that are no UAPI; where they stand. */
#define KERNEL_AF_UNIX 1 /* linux/socket.h */
#define KERNEL_AF_INET 2
#define KERNEL_AF_INET6 10
#define KERNEL_IPPROTO_TCP 6 /* uapi/linux/in.h */
#define KERNEL_S_IFMT 0170000 /* uapi/linux/stat.h */
#define KERNEL_S_IFSOCK 0140000
#define KERNEL_ENOENT 2 /* uapi/asm-generic/errno-base.h */
#define KERNEL_EINTR 4
#define KERNEL_EFAULT 14
#define KERNEL_EBUSY 16
#define KERNEL_EINVAL 22
#define KERNEL_ERESTARTSYS 512 /* linux/errno.h: what a call broken off by a signal returns within the kernel */
#define KERNEL_ERESTART_RESTARTBLOCK 516
#define KERNEL_VM_EXEC 0x4 /* linux/mm.h */
/* linux/fs.h: FMODE_BACKING, before 6.14 and since; each bit means something else on the other's side. */
#define KERNEL_FMODE_BACKING_MAYBE 0x3000000
#define KERNEL_PF_KTHREAD 0x200000 /* linux/sched.h */
#define KERNEL_SIGNAL_GROUP_EXIT 0x4 /* linux/sched/signal.h */
#define KERNEL_AT_BASE 7 /* uapi/linux/auxvec.h */
#define KERNEL_PROT_READ 0x1 /* uapi/asm-generic/mman-common.h */
#define KERNEL_PROT_EXEC 0x4
#define KERNEL_MAP_ANONYMOUS 0x20
#define KERNEL_READ_IMPLIES_EXEC 0x400000 /* uapi/linux/personality.h */
#define KERNEL_USER32_CS 0x23 /* arch/x86/include/asm/segment.h: __USER32_CS */
#define KERNEL_PSR_MODE32_BIT 0x10 /* arch/arm64/include/uapi/asm/ptrace.h */
#define KERNEL_OVERLAYFS_MAGIC 0x794c7630 /* uapi/linux/magic.h */

/* Both for x86-64 and arm64: asm-generic/fcntl.h; arm64 changes neither. */
#define KERNEL_O_CREAT 0100
#define KERNEL_O_TMPFILE_BIT 020000000

/*
 * Two ways to read the kernel's memory. Since 6.2 a pointer can be given its type (bpf_rdonly_cast) and is then
 * read by a plain, fault-safe load; before, by a call of a helper, ten times dearer. Which one is decided when
 * the programs are loaded: the other branch is dead code and is never looked at by the verifier.
 */
const volatile bool cfg_direct_reads = true; /* false: forced by tests, to run the old way on new kernels */

/*
 * A kernel without types of its own gets a second build of this object: even a weak name of a kernel function makes
 * libbpf ask for them. There the arguments of a hook are mere numbers, and no type can be given to a pointer.
 */
#ifdef BPF_WITHOUT_KFUNCS
#define DIRECT() false
#define bpf_rdonly_cast(pointer, type_id) (pointer)
const volatile bool cfg_typed_args = false;
#else
extern void *bpf_rdonly_cast(const void *pointer, __u32 type_id) __ksym __weak;
#define DIRECT() (cfg_direct_reads && bpf_ksym_exists(bpf_rdonly_cast))
const volatile bool cfg_typed_args = true;
#endif

#define TYPED(type, pointer) \
	(DIRECT() ? (type *)bpf_rdonly_cast((pointer), bpf_core_type_id_kernel(type)) : (type *)(pointer))

/* One member; `pointer` came from TYPED, or from a READ of a pointer member. */
#define READ(pointer, member)                                                                 \
	({                                                                                    \
		__typeof__((pointer)->member) read_value_;                                    \
		if (DIRECT())                                                                 \
			read_value_ = (pointer)->member;                                      \
		else                                                                          \
			bpf_core_read(&read_value_, sizeof(read_value_), &(pointer)->member); \
		read_value_;                                                                  \
	})

/* The pointer that lies at `at`. */
static __always_inline void *read_pointer(const void *at)
{
	struct hlist_head *typed = TYPED(struct hlist_head, at);

	return READ(typed, first);
}

/* Sixteen bytes of the kernel's memory; `to` is aligned to eight. Zeroes where there is none. */
static __always_inline void read_16(void *to, const void *at)
{
	struct timespec64 *typed;

	if (!DIRECT()) {
		bpf_probe_read_kernel(to, 16, at);
		return;
	}
	typed = TYPED(struct timespec64, at);
	__builtin_memcpy(to, &(__s64) { typed->tv_sec }, 8);
	__builtin_memcpy((char *)to + 8, &(__s64) { typed->tv_nsec }, 8);
}

/*
 * Did it fail? Before 6.4 the call goes straight to a function whose result is an int, and the upper half of the
 * register is not its: as a long, -EEXIST is a large positive number there.
 */
static __always_inline bool map_update_fails(void *map, const void *key, const void *value, __u64 flags)
{
	return (int)bpf_map_update_elem(map, key, value, flags) < 0;
}

static __always_inline struct task_struct *current_task(void)
{
	return TYPED(struct task_struct, (void *)bpf_get_current_task());
}
