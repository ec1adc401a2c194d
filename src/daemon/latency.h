/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How long engines take to answer: from a container's first sight to their word on it, as a histogram. */

#include <stdint.h>

#include "resolve/containers.h"

#define LATENCY_BUCKETS 24 /* below 1 ms, 2 ms, 4 ms, ...: the last is more than an hour */

struct latency {
	uint64_t counts[LATENCY_BUCKETS];
	uint64_t total;
};

/* An answer about `id` came at `now_ns` (CLOCK_MONOTONIC). */
void latency_note(struct latency *latency, const struct containers *containers, const char *id,
		  uint64_t now_ns);
/* The milliseconds below which 99 of 100 answers came; 0 = there was none. */
uint64_t latency_p99_ms(const struct latency *latency);
