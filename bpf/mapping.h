/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * library_load: a file became executable memory. Where trampolines load, from the function through which every new
 * or newly protected mapping goes. Elsewhere from the exit of mmap and mprotect, which look the mapping up again, and
 * from exec for what the kernel maps by itself. Anonymous memory is no file and no record.
 */

#include "canary.h"
#include "fold.h"
#include "layer.h"
#include "scope.h"
#include "syscall.h"
#include "walk.h"

#define MAPPING_PAGE 4096ull /* the smallest there is; only to round down */
#define INTERPRETER_PIECES 8 /* mappings of the ELF interpreter, of which one is executable */
#define AUXV_PAIRS 32

const volatile bool cfg_find_vma = true; /* false: kernels before 5.17 */
const volatile bool cfg_exec_maps = true; /* false: exec's own mappings are seen by on_mapping */

struct mapping_scratch {
	struct walk walk;
	struct fold_key key; /* not on the stack, of which old kernels have little left below one mprotect */
	struct wire_library_load record;
	char tail[WALK_ROOM];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mapping_scratch);
} mapping_scratch SEC(".maps");

/* Small, because it lies on the stack below one mprotect. */
struct mapping {
	struct file *file; /* NULL: it is of none, or not executable */
	__u64 start, end;
};

/* Both halves of a path lead to one file system; what lies behind a file that has no such place does not. */
static __always_inline bool mapping_is_path(const struct path *path)
{
	struct path *typed = TYPED(struct path, path);
	struct dentry *dentry = TYPED(struct dentry, READ(typed, dentry));
	struct vfsmount *mnt = TYPED(struct vfsmount, READ(typed, mnt));
	struct super_block *super = READ(dentry, d_sb);

	return super && super == READ(mnt, mnt_sb);
}

/*
 * The path that the user knows. A file system of layers maps a file of the layer below; whose path and inode are
 * those of the one that was opened since 6.8 in a place of their own, before in the file itself. The bit that tells
 * was moved, so the place itself is asked too.
 */
static __always_inline const struct path *mapping_path(struct file *file)
{
	const struct path *user;

	if (bpf_core_field_exists(((struct backing_file *)0)->user_path) &&
	    READ(file, f_mode) & KERNEL_FMODE_BACKING_MAYBE) {
		user = (const void *)((char *)file + bpf_core_field_offset(struct backing_file, user_path));
		if (mapping_is_path(user))
			return user;
	}
	return (const void *)((char *)file + bpf_core_field_offset(struct file, f_path));
}

/* Of an inode that mapping_inode gave. */
static __always_inline void mapping_changed(struct inode *inode, __u64 *ret_s, __u32 *ret_ns)
{
	struct inode___ctime_hidden *hidden = (void *)inode;
	struct inode___ctime_split *split = (void *)inode;

	if (bpf_core_field_exists(split->i_ctime_sec)) {
		*ret_s = READ(split, i_ctime_sec);
		*ret_ns = READ(split, i_ctime_nsec) & 0x7fffffff;
	} else if (bpf_core_field_exists(hidden->__i_ctime)) {
		*ret_s = READ(hidden, __i_ctime.tv_sec);
		*ret_ns = READ(hidden, __i_ctime.tv_nsec);
	} else {
		*ret_s = READ(inode, i_ctime.tv_sec);
		*ret_ns = READ(inode, i_ctime.tv_nsec);
	}
}

static __always_inline struct dentry *mapping_dentry(const struct path *path)
{
	struct path *typed = TYPED(struct path, path);

	return READ(typed, dentry);
}

static __always_inline struct inode *mapping_inode(const struct path *path)
{
	struct dentry *dentry = TYPED(struct dentry, mapping_dentry(path));

	return READ(dentry, d_inode);
}

static __always_inline __u32 mapping_dev(struct inode *inode)
{
	struct super_block *super = READ(inode, i_sb);

	return READ(super, s_dev);
}

/* All of the record but its head and its path. */
static __always_inline void mapping_fill(struct wire_library_load *record, const struct mapping *mapping,
					 struct inode *inode)
{
	record->inode = READ(inode, i_ino);
	record->dev = mapping_dev(inode);
	record->address = mapping->start;
	record->address_end = mapping->end;
	record->build_id_len = 0;
	__builtin_memset(record->build_id, 0, sizeof(record->build_id));
	__builtin_memset(record->pad, 0, sizeof(record->pad));
	mapping_changed(inode, &record->changed_s, &record->changed_ns);
}

static __always_inline int mapping_record(bool loop, void *ctx, const struct mapping *mapping, __u32 source)
{
	struct task_struct *task = current_task();
	struct wire_library_load *record;
	struct mapping_scratch *scratch;
	struct fold_key *key;
	const struct path *path;
	struct inode *inode;
	struct fs_struct *fs;
	struct walk *walk;
	__u32 zero = 0, len;

	if (canary_library(mapping->end - mapping->start) || !scope_wants(WIRE_KIND_LIBRARY_LOAD))
		return 0;
	scratch = bpf_map_lookup_elem(&mapping_scratch, &zero);
	if (!scratch) {
		loss_count(WIRE_KIND_LIBRARY_LOAD, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record = &scratch->record;
	key = &scratch->key;
	__builtin_memset(key, 0, sizeof(*key));
	head_of_current(&record->head, WIRE_KIND_LIBRARY_LOAD, source);
	path = mapping_path(TYPED(struct file, mapping->file));
	inode = mapping_inode(path);
	mapping_fill(record, mapping, inode);
	record->head.flags |= layer_of_mapping(TYPED(struct file, mapping->file), inode);
	key->inode = record->inode;
	key->dev = record->dev;
	/* A file that was written anew is another: what it was read for (its build id) may have changed. */
	key->generation = BPF_CORE_READ(inode, i_generation) ^ (__u32)record->changed_s ^ record->changed_ns;
	key->name = fold_name(TYPED(struct dentry, mapping_dentry(path)));
	key->access = layer_to_key(record->head.flags);
	if (fold_hides(key, &record->head, task))
		return 0;
	fs = READ(task, fs);
	walk = &scratch->walk;
	walk_path(loop, walk, path, &fs->root, scratch->tail);
	len = walk->len;
	record->path_len = len;
	record->path_bytes = walk_true_length(walk);
	record->head.flags |= walk->flags;
	if (walk->flags & WIRE_FLAG_PATH_CUT)
		loss_count(WIRE_KIND_LIBRARY_LOAD, WIRE_LOSS_PATH_CUT);
	if (len > WIRE_PATH_MAX) {
		/* Cannot be: the walk ends there. The verifier wants to hear it; were it so, it would count. */
		loss_count(WIRE_KIND_LIBRARY_LOAD, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record->head.size = sizeof(*record) + len;
	if (emit(ctx, WIRE_KIND_LIBRARY_LOAD, record, sizeof(*record) + len))
		fold_remember(key, &record->head);
	return 0;
}

/* Two functions, because one with bpf_loop anywhere in it does not load before 5.17. */
static __noinline int mapping_record_loop(void *ctx, const struct mapping *mapping, __u32 source)
{
	return mapping_record(true, ctx, mapping, source);
}

static __noinline int mapping_record_bounded(void *ctx, const struct mapping *mapping, __u32 source)
{
	return mapping_record(false, ctx, mapping, source);
}

static __always_inline void mapping_emit(bool loop, void *ctx, const struct mapping *mapping, __u32 source)
{
	if (loop)
		mapping_record_loop(ctx, mapping, source);
	else
		mapping_record_bounded(ctx, mapping, source);
}

static __always_inline bool mapping_of_vma(struct mapping *mapping, struct vm_area_struct *vma)
{
	mapping->file = READ(vma, vm_flags) & KERNEL_VM_EXEC ? READ(vma, vm_file) : NULL;
	mapping->start = READ(vma, vm_start);
	mapping->end = READ(vma, vm_end);
	return mapping->file;
}

/* linux/perf_event.h: called for each mapping that is made or gets a new protection, under the memory's lock. */
SEC("?fentry/perf_event_mmap")
int BPF_PROG(on_mapping, struct vm_area_struct *vma)
{
	struct mapping mapping;

	if (mapping_of_vma(&mapping, vma))
		mapping_emit(true, ctx, &mapping, WIRE_SOURCE_PERF_EVENT_MMAP);
	return 0;
}

static long mapping_found(struct task_struct *task, struct vm_area_struct *vma, struct mapping *mapping)
{
	mapping_of_vma(mapping, vma);
	return 0;
}

/* The mapping that holds this address. -ENOENT: there is none; else negative: its table is being changed just now. */
static __always_inline int mapping_look_up(struct task_struct *task, __u64 address, struct mapping *mapping)
{
	int r;

	mapping->end = 0;
	r = bpf_find_vma(task, address, mapping_found, mapping, 0);
	return r == 0 && mapping->end <= address ? -KERNEL_ENOENT : r;
}

static __always_inline bool mapping_find(struct task_struct *task, __u64 address, struct mapping *mapping)
{
	return mapping_look_up(task, address, mapping) == 0;
}

/* A 32-bit program's are half as wide: what looks like the first key then has its value above it. */
static __always_inline __u64 auxv_base(struct mm_struct *mm)
{
	char *auxv = (char *)mm + bpf_core_field_offset(struct mm_struct, saved_auxv);
	bool is_32 = false;

	for (int i = 0; i < AUXV_PAIRS; i++) {
		__u64 pair[2] = {};

		if (bpf_probe_read_kernel(pair, sizeof(pair), auxv + i * (is_32 ? 8 : 16)) < 0)
			return 0;
		if (i == 0)
			is_32 = pair[0] >> 32;
		if (is_32) {
			pair[1] = pair[0] >> 32;
			pair[0] = (__u32)pair[0];
		}
		if (pair[0] == 0)
			return 0;
		if (pair[0] == KERNEL_AT_BASE)
			return pair[1];
	}
	return 0;
}

/* The ELF interpreter lies at `base`, its executable part among the mappings behind. */
static __always_inline void mapping_interpreter(void *ctx, struct task_struct *task, __u64 base)
{
	struct mapping mapping = {};

	for (int i = 0; i < INTERPRETER_PIECES; i++) {
		if (!mapping_find(task, base, &mapping))
			break;
		if (mapping.file) {
			mapping_emit(true, ctx, &mapping, WIRE_SOURCE_SCHED_PROCESS_EXEC_MAP);
			return;
		}
		base = mapping.end;
	}
	loss_count(WIRE_KIND_LIBRARY_LOAD, WIRE_LOSS_MAPPING_GONE);
}

/* What exec has mapped by itself: the program, and what its PT_INTERP names. `task` is the current one, new. */
static __always_inline void mapping_exec(bool loop, void *ctx, struct task_struct *task, struct file *program)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 code = BPF_CORE_READ(mm, start_code), base;
	struct mapping mapping = { .file = program, .start = code & ~(MAPPING_PAGE - 1) };

	if (loop && cfg_find_vma && (!mapping_find(task, code, &mapping) || !mapping.file))
		mapping = (struct mapping) { .file = program, .start = code & ~(MAPPING_PAGE - 1) };
	mapping_emit(loop, ctx, &mapping, WIRE_SOURCE_SCHED_PROCESS_EXEC_MAP);
	if (!loop || !cfg_find_vma)
		return;
	base = auxv_base(mm);
	if (base)
		mapping_interpreter(ctx, task, base);
}
