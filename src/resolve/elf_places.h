/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a place in a file to the function around it: the same functions as elf_functions has (elf.h), by their offsets, in
 * little room, to be kept. Outlives the file that it was made from.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct elf_places;

/* As elf_functions_open; -E2BIG too: more than `max_bytes`. */
int elf_places_open(int fd, const char *debug_directory, size_t max_bytes, struct elf_places **ret_places);
void elf_places_close(struct elf_places *places);
DEFINE_FREEP(elf_places, elf_places_close)

size_t elf_places_bytes(const struct elf_places *places);

/*
 * The function in whose bytes, as its symbol has them, the offset lies; NULL: none is known to hold it. Of several names
 * for one function always the same is told: with the fewest underscores in front, then the shortest, then the first.
 */
const char *elf_places_find(const struct elf_places *places, uint64_t offset, uint64_t *ret_start);
