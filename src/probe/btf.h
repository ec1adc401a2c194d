/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which type information the programs are fitted to. In this order: the kernel's own, a configured file for a whole
 * kernel, one of many by release and architecture from a configured directory.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/diag.h"
#include "crypto/digest.h"

struct btf_options {
	const char *full; /* file for a whole kernel; NULL = none */
	const char *split_directory; /* holds RELEASE/ARCH.btf or RELEASE-ARCH.btf; NULL = none */
	bool ignore_kernel; /* as if the kernel had none: to try the others on a kernel that has */
};

struct btf_choice {
	const char *source_kind; /* "kernel", "external-vmlinux", "split-btf" */
	char *source_path; /* owned */
	/* "kernel_btf_present"; or why not that, and which: "kernel_btf_absent_full_configured", ... */
	char selection_reason[64];
	struct digest digest; /* of the file's bytes */
};

/* The kernel carries it itself. */
bool btf_is_kernels(const struct btf_choice *choice);

/*
 * Finds it, reads it and digests it; its bytes are left in `ret_types`. -ENOENT with the way out in `diag` when there
 * is none. On failure *ret_choice is untouched.
 */
int btf_choose(const struct btf_options *options, struct buf *ret_types, struct diag *diag,
	       struct btf_choice *ret_choice);
void btf_choice_done(struct btf_choice *choice);
