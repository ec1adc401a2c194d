/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is known of a place in a file to which a call returns: by which path the file was mapped, its build id, the function
 * around the place, and whether that keeps a frame pointer. Only the very file that the kernel half saw is read, with the
 * time of change that it saw; what cannot be had that way is unknown. Answers are kept. Included by targets.h.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "resolve/elf.h"
#include "wire/records.h"

#define CALLER_PLACES_MAX 4096 /* a power of two: answers at once; at three quarters all are forgotten */
#define CALLER_FILES_MAX 32 /* whose functions are kept by their places; the least lately used goes first */
#define CALLER_FUNCTIONS_BYTES_MAX \
	(8u << 20) /* for all of these files together; the largest may have half of it */
#define CALLER_TEXTS_BYTES_MAX (4u << 20) /* of the answers */

struct caller_known {
	const char *library, *symbol; /* borrowed until the next question; NULL = unknown */
	struct elf_build_id build_id;
	bool keeps_frame;
};

struct callers;
struct source;

int callers_new(struct callers **ret_callers);
void callers_free(struct callers *callers);
DEFINE_FREEP(callers, callers_free)

/* `caller` is one of a record of the process `pid`, and known. */
void callers_find(struct source *source, const struct wire_caller *caller, uint32_t pid,
		  struct caller_known *ret_known);
