/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* "did you mean": finds the candidate nearest to a mistyped word. */

#include "base/str.h"

struct nearest {
	struct str word;
	const char *best; /* borrowed from the candidates; NULL = none is near enough */
	size_t distance;
};

#define NEAREST_TO(text) ((struct nearest) { .word = (text), .best = NULL, .distance = 0 })

/* Keeps the candidate when it is nearer than those before. Words longer than 64 bytes have no neighbours. */
void nearest_try(struct nearest *nearest, const char *candidate);
