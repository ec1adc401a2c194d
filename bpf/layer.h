/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Which layer of an overlay file system a file comes from: the one that may be written (upper), or one below, which is
 * as it was when the layers were put together. Says nothing of a file elsewhere, nor where the place of the answer is
 * not known. An inode of overlayfs that has a counterpart in the upper layer points to it, from behind itself.
 */

#include "kernel.h"
#include "wire/records.h"

/* From an inode of overlayfs to that pointer, in bytes; 0 = not known. src/probe/layer.c finds it. */
const volatile __u32 cfg_layer_upper = 0;

static __always_inline struct dentry *layer_upper(struct inode *inode)
{
	return read_pointer((char *)inode + cfg_layer_upper);
}

/* WIRE_FLAG_LAYER_*, or 0. `super` is the inode's. */
static __always_inline __u32 layer_of(struct inode *inode, struct super_block *super)
{
	if (READ(super, s_magic) != KERNEL_OVERLAYFS_MAGIC || cfg_layer_upper == 0)
		return 0;
	return layer_upper(inode) ? WIRE_FLAG_LAYER_UPPER : WIRE_FLAG_LAYER_LOWER;
}

#define LAYER_FLAGS (WIRE_FLAG_LAYER_LOWER | WIRE_FLAG_LAYER_UPPER)
#define LAYER_KEY_SHIFT 4

/* A key of the folding has it in its access, above WIRE_GRANTED_*: a file that was copied up is another than before. */
static __always_inline __u8 layer_to_key(__u32 flags)
{
	return (flags & LAYER_FLAGS) >> LAYER_KEY_SHIFT;
}

static __always_inline __u32 layer_from_key(__u8 access)
{
	return access << LAYER_KEY_SHIFT & LAYER_FLAGS;
}

static __always_inline __u32 layer_of_file(const void *at)
{
	struct file *file = TYPED(struct file, at);
	struct inode *inode = READ(file, f_inode);

	return layer_of(inode, READ(inode, i_sb));
}

/*
 * Of what is mapped, which goes on being the lower file after another process has had it copied up: `file` is then the
 * layer's own, `at` the inode that the user knows.
 */
static __always_inline __u32 layer_of_mapping(struct file *file, const void *at)
{
	struct inode *inode = TYPED(struct inode, at), *mapped = READ(file, f_inode);
	__u32 layer = layer_of(inode, READ(inode, i_sb));
	struct dentry *upper;

	if (layer != WIRE_FLAG_LAYER_UPPER || mapped == inode)
		return layer;
	upper = TYPED(struct dentry, layer_upper(inode));
	return READ(upper, d_inode) == mapped ? WIRE_FLAG_LAYER_UPPER : WIRE_FLAG_LAYER_LOWER;
}
