/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * From a struct path to its name, by the kernel's own dentries and mounts, up to the root of the process:
 * what d_path does. Components are written leaf first, each with its NUL; the user half turns them around.
 * Nothing is locked: the program runs under RCU, so what is read stays memory, and a rename in the very moment
 * shows either name for a component.
 *
 * The step is one function. Where the kernel has bpf_loop (5.17) it is verified once and repeated as often as
 * the longest path needs; before, it is unrolled in the verifier's eyes, and deep paths are cut and marked.
 */

#include "emit.h"

#define WALK_STEPS_LOOP 8192 /* four times the components of PATH_MAX; beyond, not even the length is known */
#define WALK_STEPS_BOUNDED 64
#define WALK_NAME_MAX 255 /* NAME_MAX */
#define WALK_ROOM (WIRE_PATH_MAX + WALK_NAME_MAX + 1)

/*
 * Lives in map memory, not on the stack: what is loaded from there is unknown to the verifier, so that all ways
 * through one step look alike to it and it follows one of them. On the stack the ways multiply beyond its limit.
 */
struct walk {
	__u32 len; /* bytes written, at most WIRE_PATH_MAX */
	__u32 bytes; /* the whole path's length, as far as it was walked */
	__u32 unsure; /* a name was in flux: `bytes` is not known either */
	__u32 flags; /* WIRE_FLAG_PATH_CUT, _UNREACHABLE, _DELETED */
};

/* Where the walk stands. */
struct walk_state {
	struct walk *walk;
	char *out; /* WALK_ROOM bytes */
	struct dentry *dentry;
	struct mount *mount;
	struct dentry *top_dentry; /* the process's root */
	struct mount *top_mount;
};

static __always_inline struct mount *walk_mount_of(const struct vfsmount *mnt)
{
	return (struct mount *)((char *)mnt - bpf_core_field_offset(struct mount, mnt));
}

#define WALK_NAME_SHORT \
	32 /* bytes that are copied without a call; where a name ends sooner, its neighbours too */

/*
 * The name and its length are two reads, and a rename may come between: what was read counts only when the dentry's
 * own sequence was even, and is the same after.
 */
static __always_inline bool walk_read_name(struct dentry *dentry, char *out, __u32 *ret_len)
{
	__u32 before = READ(dentry, d_seq.seqcount.sequence), after;
	__u32 len = READ(dentry, d_name.len);
	const unsigned char *name = READ(dentry, d_name.name);

	*ret_len = len;
	if (len > WALK_NAME_MAX)
		return false;
	if (DIRECT() && len < WALK_NAME_SHORT) {
		read_16(out, name);
		if (len >= 16)
			read_16(out + 16, name + 16);
	} else if (bpf_probe_read_kernel(out, len + 1, name) < 0) {
		return false;
	}
	barrier();
	after = READ(dentry, d_seq.seqcount.sequence);
	return before == after && !(before & 1) && out[len] == '\0';
}

/* Behind what is written: bounded in one place, as a pointer, which old verifiers remember better than a length. */
static __always_inline char *walk_end(char *out, __u32 len)
{
	asm volatile("%[len] &= %[mask]\n\t"
		     "%[out] += %[len]"
		     : [out] "+r"(out), [len] "+r"(len)
		     : [mask] "i"(WIRE_PATH_MAX - 1));
	return out;
}

/* Appends the dentry's name; where there is no room, how much there would be is still counted. */
static __always_inline void walk_name(struct walk *walk, struct dentry *dentry, char *out)
{
	__u32 len = walk->len, name_len;

	if (walk->flags & WIRE_FLAG_PATH_CUT || len >= WIRE_PATH_MAX) {
		walk->flags |= WIRE_FLAG_PATH_CUT;
		walk->bytes += READ(dentry, d_name.len) + 1;
		return;
	}
	out = walk_end(out, len);
	if (!walk_read_name(dentry, out, &name_len) && !walk_read_name(dentry, out, &name_len)) {
		walk->flags |= WIRE_FLAG_PATH_CUT; /* longer than any file system of ours allows, or in flux */
		walk->unsure |= name_len <= WALK_NAME_MAX;
	}
	walk->bytes += name_len + 1;
	if (name_len == 0 || len + name_len >= WIRE_PATH_MAX)
		walk->flags |= WIRE_FLAG_PATH_CUT; /* no name, as a pipe's; or no room */
	if (walk->flags & WIRE_FLAG_PATH_CUT)
		return;
	walk->len = len + (name_len & WALK_NAME_MAX) + 1;
}

/* One component, or one mount, nearer to the root. 1: arrived. */
static __always_inline long walk_step(__u32 step, struct walk_state *state)
{
	struct dentry *dentry = TYPED(struct dentry, state->dentry);
	struct mount *mount = TYPED(struct mount, state->mount), *parent;
	struct dentry *mount_root, *above;
	struct walk *walk = state->walk;

	if (state->dentry == state->top_dentry && state->mount == state->top_mount)
		return 1;
	mount_root = READ(mount, mnt.mnt_root);
	above = READ(dentry, d_parent);
	if (dentry == mount_root || dentry == above) {
		parent = READ(mount, mnt_parent);
		if (parent == mount || dentry != mount_root) {
			walk->flags |= WIRE_FLAG_UNREACHABLE;
			if (step == 0 && dentry != mount_root)
				walk_name(walk, dentry, state->out); /* a memfd hangs nowhere, but has a name */
			return 1;
		}
		state->dentry = READ(mount, mnt_mountpoint);
		state->mount = parent;
		return 0;
	}
	if (step == 0 && !READ(dentry, d_hash.pprev))
		walk->flags |= WIRE_FLAG_DELETED;
	walk_name(walk, dentry, state->out);
	state->dentry = above;
	return 0;
}

static __always_inline void walk_start(struct walk_state *state, const struct path *path,
				       const struct path *root)
{
	struct path *here = TYPED(struct path, path), *top = TYPED(struct path, root);

	state->walk->len = 0;
	state->walk->bytes = 0;
	state->walk->unsure = 0;
	state->walk->flags = 0;
	state->dentry = READ(here, dentry);
	state->mount = walk_mount_of(READ(here, mnt));
	state->top_dentry = READ(top, dentry);
	state->top_mount = walk_mount_of(READ(top, mnt));
}

/* The steps did not reach the root: what is missing is not known, not even how much. */
static __always_inline void walk_gave_up(struct walk *walk)
{
	walk->flags |= WIRE_FLAG_PATH_CUT;
	walk->unsure = 1;
}

/* The true length of a path that was cut; 0 = not known, or not cut. */
static __always_inline __u32 walk_true_length(const struct walk *walk)
{
	return walk->flags & WIRE_FLAG_PATH_CUT && !walk->unsure ? walk->bytes : 0;
}

static long walk_on_step(__u32 step, void *state)
{
	return walk_step(step, state);
}

/*
 * Both return the flags rather than nothing: a function of its own without a result may leave a pointer to its
 * stack where the verifier looks for one.
 */
static __noinline __u32 walk_path_loop(struct walk *walk, const struct path *path, const struct path *root,
				       char *out)
{
	struct walk_state state = { .walk = walk, .out = out };

	walk_start(&state, path, root);
	if (bpf_loop(WALK_STEPS_LOOP, walk_on_step, &state, 0) == WALK_STEPS_LOOP)
		walk_gave_up(walk);
	return walk->flags;
}

static __noinline __u32 walk_path_bounded(struct walk *walk, const struct path *path, const struct path *root,
					  char *out)
{
	struct walk_state state = { .walk = walk, .out = out };
	int step;

	walk_start(&state, path, root);
	for (step = 0; step < WALK_STEPS_BOUNDED; step++) {
		if (walk_step(step, &state))
			return walk->flags;
	}
	walk_gave_up(walk);
	return walk->flags;
}

/* `loop` is a constant of the program: programs with bpf_loop in them do not load before 5.17. */
static __always_inline void walk_path(bool loop, struct walk *walk, const struct path *path,
				      const struct path *root, char *out)
{
	walk->flags = loop ? walk_path_loop(walk, path, root, out) : walk_path_bounded(walk, path, root, out);
}
