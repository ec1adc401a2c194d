/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an ELF file says of itself: its build id, and where its functions lie. The file is the monitored workload's:
 * every table in it may lie, and every size has a ceiling. Reads by libelf; needs no name of the file, only a
 * descriptor, so that what was mapped is what is read.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/str.h"

#define ELF_BUILD_ID_MAX 20
#define ELF_FUNCTIONS_MAX 262144 /* of one file */
#define ELF_FILE_MAX (2ull << 30)

struct elf_build_id {
	uint8_t bytes[ELF_BUILD_ID_MAX];
	uint8_t len; /* 0 = the file has none */
};

/* Only the notes are read. -ENOEXEC: no ELF file, or one that contradicts itself. */
int elf_build_id(int fd, struct elf_build_id *ret_id);

struct elf_function {
	const char *name; /* the file's own, borrowed from the elf_functions */
	uint64_t offset; /* in the file: what a uprobe takes */
};

struct elf_functions;

/*
 * All functions that the file's symbol tables name (.symtab, .dynsym, and .symtab of .gnu_debugdata when the file is
 * stripped), sorted by name, doubles dropped; `debug_directory` (NULL = none) holds separate debug files by build id:
 * DIR/.build-id/ab/cdef.debug. Undefined ones, and those outside any executable segment, are left out.
 */
int elf_functions_open(int fd, const char *debug_directory, struct diag *diag,
		       struct elf_functions **ret_functions);
void elf_functions_close(struct elf_functions *functions);
DEFINE_FREEP(elf_functions, elf_functions_close)

size_t elf_functions_all(const struct elf_functions *functions, const struct elf_function **ret_all);
/* By exact name; a versioned one's default version counts. NULL = there is none. */
const struct elf_function *elf_functions_find(const struct elf_functions *functions, struct str name);
