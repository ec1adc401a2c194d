/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The symbol tables of one opened ELF object, symbol by symbol. For the files of this folder only. */

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* A defined function; `name` as it stands in the table, default version's suffix cut. 0 goes on, else returned. */
typedef int (*elf_symbol_fn)(void *user, struct str name, uint64_t address, uint64_t size);

/* Tables of the given type (SHT_SYMTAB, SHT_DYNSYM). *ret_found (may be NULL): is there such a table? */
int elf_symbols_visit(Elf *elf, uint32_t type, elf_symbol_fn visit, void *user, bool *ret_found);

/* The bytes of the section .gnu_debugdata, unpacked; -ENOENT when there is none, -EBADMSG, -E2BIG. */
int elf_debugdata(Elf *elf, struct buf *out);
