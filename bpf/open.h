/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * file_open: the record of an open that succeeded, whichever hook saw it. The path is the kernel's own, from the
 * open file; the name is the one it was asked for by, when there is one.
 */

#include "canary.h"
#include "fold.h"
#include "layer.h"
#include "scope.h"
#include "walk.h"

struct open_scratch {
	char ahead[WIRE_PREFIX_MAX]; /* readable bytes in front of the tail, for scope_wants_path */
	struct walk walk;
	struct wire_file_open record;
	char tail[WALK_ROOM + WIRE_PATH_MAX];
};

/* Programs that may be preempted by one another have their own. */
enum open_slot { OPEN_SLOT_FIRST, OPEN_SLOT_ROOT, OPEN_SLOTS };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OPEN_SLOTS);
	__type(key, __u32);
	__type(value, struct open_scratch);
} open_scratch SEC(".maps");

/* What a hook knows of an open that succeeded. */
struct opened {
	enum wire_source source;
	enum open_slot slot;
	struct file *file; /* TYPED */
	__u32 flags;
	__u16 mode;
	bool kernel_name; /* where `name` lies: a constant of the program */
	const void *name; /* NULL = it was asked for without one */
};

/* Appends the name it was asked for by behind `len` bytes of tail; returns the new length. */
static __always_inline __u32 open_requested(struct wire_file_open *record, char *tail, __u32 len,
					    const struct opened *opened)
{
	long got;

	record->requested_len = 0;
	if (!opened->name || len > WIRE_PATH_MAX)
		return len;
	got = opened->kernel_name ? bpf_probe_read_kernel_str(tail + len, WIRE_PATH_MAX, opened->name)
				  : bpf_probe_read_user_str(tail + len, WIRE_PATH_MAX, opened->name);
	if (got <= 0) {
		record->head.flags |= WIRE_FLAG_NO_NAME;
		loss_count(WIRE_KIND_FILE_OPEN, WIRE_LOSS_NAME_UNREADABLE);
		return len;
	}
	record->requested_len = got - 1;
	return len + record->requested_len;
}

/* The record's path: the first of its tails. */
static __always_inline void open_path(bool loop, struct open_scratch *scratch, struct task_struct *task,
				      const struct opened *opened)
{
	struct wire_file_open *record = &scratch->record;
	struct fs_struct *fs = READ(task, fs);
	struct walk *walk = &scratch->walk;

	walk_path(loop, walk, &opened->file->f_path, &fs->root, scratch->tail);
	record->path_len = walk->len;
	record->path_bytes = walk_true_length(walk);
	record->head.flags |= walk->flags;
	if (walk->flags & WIRE_FLAG_PATH_CUT)
		loss_count(WIRE_KIND_FILE_OPEN, WIRE_LOSS_PATH_CUT);
}

/* What tells one open file from another, and what it was opened for. A file copied up is another than it was. */
static __always_inline void open_key(struct fold_key *key, struct file *file, __u32 granted)
{
	struct inode *inode = READ(file, f_inode);
	struct super_block *super = READ(inode, i_sb);

	key->name = fold_name(READ(file, f_path.dentry));
	key->inode = READ(inode, i_ino);
	key->generation = READ(inode, i_generation);
	key->dev = READ(super, s_dev);
	key->access =
		(granted & (WIRE_GRANTED_READ | WIRE_GRANTED_WRITE)) | layer_to_key(layer_of(inode, super));
}

static __always_inline void open_fill(struct wire_file_open *record, const struct fold_key *key, __u32 granted,
				      const struct opened *opened)
{
	record->head.flags |= layer_from_key(key->access);
	record->inode = key->inode;
	record->dev = key->dev;
	record->granted = granted;
	record->flags = opened->flags;
	/* Without these the kernel ignores it, and it may be anything. */
	record->mode = opened->flags & (KERNEL_O_CREAT | KERNEL_O_TMPFILE_BIT) ? opened->mode & 07777 : 0;
	record->pad = 0;
}

static __always_inline int open_record(bool loop, void *ctx, struct task_struct *task,
				       const struct opened *opened)
{
	struct file *file = opened->file; /* CO-RE would look for `opened` in the kernel */
	__u32 granted = READ(file, f_mode), slot = opened->slot, len;
	struct fold_key key = {};
	struct open_scratch *scratch;
	struct wire_file_open *record;
	enum fold_verdict verdict;
	struct fold *fold;

	if (canary_open(opened->flags))
		return 0;
	open_key(&key, file, granted);
	verdict = fold_count(&key, WIRE_KIND_FILE_OPEN, task, &fold);
	if (verdict == FOLD_HIDDEN || !scope_wants(WIRE_KIND_FILE_OPEN))
		return 0;
	scratch = bpf_map_lookup_elem(&open_scratch, &slot);
	if (!scratch) {
		loss_count(WIRE_KIND_FILE_OPEN, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record = &scratch->record;
	head_of_current(&record->head, WIRE_KIND_FILE_OPEN, opened->source);
	fold_belongs(&key, &record->head);
	if (fold)
		fold_head(fold, &record->head);
	open_fill(record, &key, granted, opened);
	open_path(loop, scratch, task, opened);
	if (!scope_wants_path(WIRE_KIND_FILE_OPEN, scratch->tail, &scratch->walk))
		return 0;
	len = open_requested(record, scratch->tail, scratch->walk.len, opened);
	if (len > 2 * WIRE_PATH_MAX) {
		/* Cannot be: every part is bounded above. The verifier wants to hear it; were it so, it would count. */
		loss_count(WIRE_KIND_FILE_OPEN, WIRE_LOSS_SCRATCH);
		return 0;
	}
	record->head.size = sizeof(*record) + len;
	if (emit(ctx, WIRE_KIND_FILE_OPEN, record, sizeof(*record) + len))
		fold_remember(&key, &record->head);
	return 0;
}
