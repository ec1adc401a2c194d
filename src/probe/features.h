/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the running kernel can do for us, found by looking and by trying, never by its version. */

#include <stdbool.h>

#include "base/buf.h"

/* feature(ENUM, name, since which kernel; what it is for stands where it is used) */
/* clang-format off */
#define FEATURES(feature)                                       \
	feature(KERNEL_BTF, kernel_btf, "5.4")                      \
	feature(RING_BUFFER, ring_buffer, "5.8")                    \
	feature(TRAMPOLINE, trampoline, "5.5; arm64 6.4")           \
	feature(SOCK_STORAGE, sock_storage, "5.11")                 \
	feature(ITER_VMA, iter_task_vma, "5.12")                    \
	feature(ATTACH_COOKIE, bpf_get_attach_cookie, "5.15")       \
	feature(LOOP, bpf_loop, "5.17")                             \
	feature(FIND_VMA, bpf_find_vma, "5.17")                     \
	feature(COPY_TASK, copy_from_user_task, "5.18")             \
	feature(DIRECT_READS, bpf_rdonly_cast, "6.2")               \
	feature(UPROBE_MULTI, uprobe_multi, "6.6")
/* clang-format on */

#define FEATURE_NUMBER(ENUM, name, since) FEATURE_NUMBER_##ENUM,
enum feature_number { FEATURES(FEATURE_NUMBER) FEATURE_NUMBERS };
#undef FEATURE_NUMBER

#define FEATURE_BIT(ENUM, name, since) FEATURE_##ENUM = 1u << FEATURE_NUMBER_##ENUM,
enum feature { FEATURES(FEATURE_BIT) };
#undef FEATURE_BIT

/*
 * The mask of what is there. `types` is the kernel's BTF as bytes; `of_kernel`: the kernel carries it itself, else it
 * came from a file. Tries to attach one program that does nothing, so it needs what source_open needs.
 */
unsigned int features_find(struct str types, bool of_kernel);

/* Does the kernel's BTF know this name (of a function, helper, tracepoint's type)? */
bool features_know(struct str types, const char *name);

/* "ring_buffer" for a number; NULL when there is none. */
const char *feature_name(unsigned int number);

/* The value of one name of this enum; negative: not known. */
int features_enum(struct str types, const char *type, const char *name);

/* How many arguments this function of the kernel takes, or this tracepoint gives; negative: not known. */
int features_arguments(struct str types, const char *name);
