/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The build id of a file that a process has mapped, while the mapping is fresh. What is read is the mapped file and
 * no other: by the mapping itself where the kernel allows that (CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN), else by its
 * name, when inode and time of change agree. Unknown stays unknown. Answers are kept by the file's identity.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "resolve/elf.h"

#define BUILD_IDS_MAX 2048 /* kept at once; the least lately used goes first */

/* A file's content, as far as a file system tells: another content is another of these. */
struct file_identity {
	uint64_t inode;
	uint64_t changed_s; /* ctime; 0 = unknown */
	uint32_t changed_ns;
	uint32_t dev_major, dev_minor;
};

struct mapped_file {
	struct file_identity identity;
	uint32_t pid;
	uint64_t start, end; /* of the mapping; end 0 = unknown */
	struct str
		path; /* in the process's own root; empty when it leads nowhere (deleted, unreachable, cut) */
};

struct build_ids_totals {
	uint64_t asked, kept; /* kept: answered without opening the file */
	uint64_t unknown; /* gone, not permitted, changed, or on a file system that is not asked */
	uint64_t dropped; /* pushed out of the table */
};

struct build_ids;

int build_ids_new(struct build_ids **ret_ids);
void build_ids_free(struct build_ids *ids);
DEFINE_FREEP(build_ids, build_ids_free)

/* False: unknown. True with len 0: the file has none, or is no ELF file. */
bool build_ids_find(struct build_ids *ids, const struct mapped_file *file, struct elf_build_id *ret_id);
/* The mapped file itself, for reading. Negative errno: gone, another by now, or on a file system that is not asked. */
int build_ids_open(struct build_ids *ids, const struct mapped_file *file);
const struct build_ids_totals *build_ids_totals(const struct build_ids *ids);
