/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Does code keep a frame pointer? Without one its register holds anything, and what it seems to say of the caller's caller
 * is an invention. The file is the monitored workload's and may lie; then only its own callers are wrong.
 */

#include <stdbool.h>
#include <stdint.h>

#define ELF_START_UNKNOWN UINT64_MAX

/*
 * `offset` is the place in the file to which a call returns; `start` that of the first byte of the function around it,
 * when a symbol tells. True: at the call the frame pointer marked that function's frame, with its return address beside
 * it. On x86-64 the table for unwinding (.eh_frame) says so, or else the first instructions do; on arm64 the instructions.
 * False: it does not, or nobody knows.
 */
bool elf_keeps_frame(int fd, uint64_t offset, uint64_t start);
