/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * From a struct path to its name, by the kernel's own dentries and mounts, up to the root of the process:
 * what d_path does, in a bounded number of steps. Components are written leaf first, each with its NUL; the
 * user half turns them around. Nothing is locked: the program runs under RCU, so what is read stays memory,
 * and a rename in the very moment shows either name for a component.
 */

#include "emit.h"

#define WALK_STEPS 128		/* components and mounts; deeper paths are marked as cut */
#define WALK_NAME_MAX 255	/* NAME_MAX */
#define WALK_ROOM (WIRE_PATH_MAX + WALK_NAME_MAX + 1)

/*
 * Lives in map memory, not on the stack: what is loaded from there is unknown to the verifier, so that all ways
 * through one step look alike to it and it follows one of them. On the stack the ways multiply beyond its limit.
 */
struct walk {
	__u32 len;	/* bytes written */
	__u32 flags;	/* WIRE_FLAG_PATH_CUT, _UNREACHABLE, _DELETED */
};

/*
 * What is read of a dentry and of a mount, each in one read: the members have been neighbours on every kernel
 * since 5.8, and where CO-RE says otherwise they are read one by one.
 */
struct walk_dentry {
	void *next, *pprev;
	struct dentry *parent;
	__u32 hash, name_len;
	const unsigned char *name;
};

struct walk_mount {
	struct mount *parent;
	struct dentry *mountpoint;
	struct dentry *root;
};

static __always_inline bool walk_dentry_is_dense(void)
{
	__u32 hash = bpf_core_field_offset(struct dentry, d_hash);

	return bpf_core_field_offset(struct dentry, d_parent) == hash + 16 &&
	       bpf_core_field_offset(struct dentry, d_name) == hash + 24;
}

static __always_inline void walk_read_dentry(struct walk_dentry *view, const struct dentry *dentry)
{
	if (walk_dentry_is_dense()) {
		bpf_probe_read_kernel(view, sizeof(*view), &dentry->d_hash);
		return;
	}
	view->pprev = BPF_CORE_READ(dentry, d_hash.pprev);
	view->parent = BPF_CORE_READ(dentry, d_parent);
	view->name_len = BPF_CORE_READ(dentry, d_name.len);
	view->name = BPF_CORE_READ(dentry, d_name.name);
}

static __always_inline void walk_read_mount(struct walk_mount *view, const struct mount *mount)
{
	__u32 parent = bpf_core_field_offset(struct mount, mnt_parent);

	if (bpf_core_field_offset(struct mount, mnt_mountpoint) == parent + 8 &&
	    bpf_core_field_offset(struct mount, mnt) == parent + 16 &&
	    bpf_core_field_offset(struct vfsmount, mnt_root) == 0) {
		bpf_probe_read_kernel(view, sizeof(*view), &mount->mnt_parent);
		return;
	}
	view->parent = BPF_CORE_READ(mount, mnt_parent);
	view->mountpoint = BPF_CORE_READ(mount, mnt_mountpoint);
	view->root = BPF_CORE_READ(mount, mnt.mnt_root);
}

static __always_inline struct mount *walk_mount_of(struct vfsmount *mnt)
{
	return (struct mount *)((char *)mnt - bpf_core_field_offset(struct mount, mnt));
}

/*
 * Writes the components of `path` below `root` to `out`, which has WALK_ROOM bytes left. The result's len is
 * at most WIRE_PATH_MAX. The first component's state decides `deleted`.
 */
static __noinline void walk_path(struct walk *walk, const struct path *path, const struct path *root, char *out)
{
	struct walk_dentry view = {};
	struct walk_mount mount_view = {};
	struct path here = {}, top = {};
	struct mount *mount;
	__u32 len, name_len;
	int step;

	walk->len = 0;
	walk->flags = 0;
	bpf_probe_read_kernel(&here, sizeof(here), path);
	bpf_probe_read_kernel(&top, sizeof(top), root);
	mount = walk_mount_of(here.mnt);
	walk_read_mount(&mount_view, mount);

	for (step = 0; step < WALK_STEPS; step++) {
		if (here.dentry == top.dentry && here.mnt == top.mnt)
			return;
		walk_read_dentry(&view, here.dentry);
		if (here.dentry == mount_view.root || here.dentry == view.parent) {
			if (mount_view.parent == mount || here.dentry != mount_view.root) {
				walk->flags |= WIRE_FLAG_UNREACHABLE;
				return;
			}
			here.dentry = mount_view.mountpoint;
			mount = mount_view.parent;
			here.mnt = (struct vfsmount *)((char *)mount + bpf_core_field_offset(struct mount, mnt));
			walk_read_mount(&mount_view, mount);
			continue;
		}
		if (step == 0 && !view.pprev)
			walk->flags |= WIRE_FLAG_DELETED;
		len = walk->len;
		name_len = view.name_len & WALK_NAME_MAX;
		if (len >= WIRE_PATH_MAX || len + name_len >= WIRE_PATH_MAX)
			break;
		bpf_probe_read_kernel(out + len, name_len + 1, view.name);
		walk->len = len + name_len + 1;
		here.dentry = view.parent;
	}
	walk->flags |= WIRE_FLAG_PATH_CUT;
}
