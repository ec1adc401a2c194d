/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One entry of .eh_frame, and its rule for finding the frame. For the files of this folder only. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNWIND_ENTRY_MAX 8192 /* bytes; that of a function of a thousand lines has some hundred */
#define UNWIND_HEADER_MAX 256

struct unwind_entry {
	uint64_t start, size; /* addresses of its function */
	uint64_t code_align;
	uint8_t header[UNWIND_HEADER_MAX], body[UNWIND_ENTRY_MAX];
	size_t header_at, header_len; /* the instructions: of every function, and of this one */
	size_t body_at, body_len;
};

/* `address` is where the entry at this offset would lie in memory. False: it is not of the usual form. */
bool unwind_entry_read(int fd, uint64_t offset, uint64_t address, struct unwind_entry *ret_entry);

/* Is the frame at this address found by the frame pointer, and lies the return address right above what it marks? */
bool unwind_by_frame_pointer(const struct unwind_entry *entry, uint64_t address);
