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
#define ELF_SONAME_MAX 255 /* without the end: no file has a longer name */

struct elf_build_id {
	uint8_t bytes[ELF_BUILD_ID_MAX];
	uint8_t len; /* 0 = the file has none */
};

/* Only the notes are read. -ENOEXEC: no ELF file, or one that contradicts itself. */
int elf_build_id(int fd, struct elf_build_id *ret_id);

/* The DT_SONAME by which programs ask for the library; "" and false: it has none. */
bool elf_soname(int fd, char ret_name[ELF_SONAME_MAX + 1]);

struct elf_function {
	const char *name; /* the file's own, borrowed from the elf_functions */
	uint64_t offset; /* in the file: what a uprobe takes */
	uint64_t size; /* bytes, as the table has it; 0 = not told */
};

struct elf_functions;

/*
 * All functions that the file's symbol tables name (.symtab, .dynsym, and .symtab of .gnu_debugdata or else of a debug
 * file when the file is stripped), sorted by name and offset, doubles dropped; one name may stand for several local
 * functions. `debug_directory` (NULL = none) holds separate debug files by build id: DIR/.build-id/ab/cdef.debug.
 * Undefined ones, those outside any executable segment, resolvers (STT_GNU_IFUNC: what is called is another function)
 * and versions that are not the default are left out. -ENOEXEC: no ELF file, or one that contradicts itself; -E2BIG:
 * more functions than ELF_FUNCTIONS_MAX.
 */
int elf_functions_open(int fd, const char *debug_directory, struct elf_functions **ret_functions);
void elf_functions_close(struct elf_functions *functions);
DEFINE_FREEP(elf_functions, elf_functions_close)

size_t elf_functions_all(const struct elf_functions *functions, const struct elf_function **ret_all);
/* The first with exactly this name, others of that name behind it; a versioned one's default counts. NULL = none. */
const struct elf_function *elf_functions_find(const struct elf_functions *functions, struct str name);

/* Does a file offset lie in an executable segment? */
bool elf_functions_cover(const struct elf_functions *functions, uint64_t offset);

/* Does the file itself (no debug file) define one of these functions (NULL-ended), for this machine's 64-bit code? */
bool elf_defines(int fd, const char *const *names);

/* Refuses what would make libelf allocate more than the file is worth. 0 or -ENOEXEC; of a file, or of its bytes. */
int elf_header_check(int fd);
int elf_header_check_bytes(struct str bytes);
