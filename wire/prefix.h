/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Which paths a filter leaves out by their beginning alone: one piece of code for the kernel half, which runs it, and
 * for the user half, which tests it against the globs that it stands for. The kernel half has a path as components,
 * leaf first, so the beginning of a path is the end of its bytes: "/usr/lib/" is "\0lib\0usr\0", and the NUL in front
 * says that there must be something below.
 */

#include <linux/types.h>

#define WIRE_PREFIX_MAX 128 /* bytes compared */
#define WIRE_PREFIX_WORDS (WIRE_PREFIX_MAX / 8)
#define WIRE_PREFIXES_MAX 32 /* of a list */

struct wire_prefix {
	__u64 bytes[WIRE_PREFIX_WORDS]; /* its bytes stand at the end */
	__u64 mask[WIRE_PREFIX_WORDS]; /* ones where they are */
	__u32 len; /* 0: every path begins so */
	__u32 pad;
};

struct wire_prefixes {
	__u32 n_deny; /* a path that begins with one of these is left out */
	__u32 n_allow; /* 0: no more to ask; else a path that begins with none of these is left out */
	struct wire_prefix deny[WIRE_PREFIXES_MAX];
	struct wire_prefix allow[WIRE_PREFIXES_MAX];
};

/* `end`: the WIRE_PREFIX_MAX bytes that end where the path's `len` bytes end; what lies before those is not compared. */
static inline __attribute__((always_inline)) int wire_prefix_fits(const struct wire_prefix *prefix,
								  const __u64 *end, __u32 len)
{
	__u64 differ = 0;

	if (len < prefix->len)
		return 0;
	for (int i = 0; i < WIRE_PREFIX_WORDS; i++)
		differ |= (end[i] ^ prefix->bytes[i]) & prefix->mask[i];
	return differ == 0;
}

/* A whole path, from the root to its leaf: is it left out? */
static inline __attribute__((always_inline)) int wire_prefixes_leave_out(const struct wire_prefixes *prefixes,
									 const __u64 *end, __u32 len)
{
	for (__u32 i = 0; i < WIRE_PREFIXES_MAX && i < prefixes->n_deny; i++) {
		if (wire_prefix_fits(&prefixes->deny[i], end, len))
			return 1;
	}
	for (__u32 i = 0; i < WIRE_PREFIXES_MAX && i < prefixes->n_allow; i++) {
		if (wire_prefix_fits(&prefixes->allow[i], end, len))
			return 0;
	}
	return prefixes->n_allow > 0;
}

_Static_assert(sizeof(struct wire_prefix) == 264, "wire_prefix has a hole");
