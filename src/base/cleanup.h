/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ownership made visible: an owner is tagged where it is declared, given a value on the same line, and
 * either dies at the closing brace or leaves by TAKE. Every destructor used here accepts NULL or -1.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(destructor) __attribute__((cleanup(destructor)))

/* Gives the pointer away and leaves NULL behind. */
#define TAKE(pointer)                                         \
	({                                                    \
		__typeof__(pointer) *take_from_ = &(pointer); \
		__typeof__(pointer) taken_ = *take_from_;     \
		*take_from_ = NULL;                           \
		taken_;                                       \
	})

/* Gives the descriptor away and leaves -1 behind. */
#define TAKE_FD(descriptor)                      \
	({                                       \
		int *take_from_ = &(descriptor); \
		int taken_ = *take_from_;        \
		*take_from_ = -1;                \
		taken_;                          \
	})

/* Defines TYPE_freep for use with _cleanup_. */
#define DEFINE_FREEP(type, destructor)                       \
	static inline void destructor##p(struct type **held) \
	{                                                    \
		destructor(*held);                           \
	}

static inline void freep(void *held)
{
	free(*(void **)held);
}

static inline void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
