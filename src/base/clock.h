/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Two clocks read together. boot_ns is CLOCK_BOOTTIME (ns since boot, suspend included: what the kernel half
 * stamps); wall_ns is CLOCK_REALTIME (ns since 1970 UTC, may step).
 */

#include <stdint.h>

struct moment {
	uint64_t boot_ns;
	uint64_t wall_ns;
};

struct moment clock_now(void);

/* RFC 3339 UTC with nanoseconds: "2026-11-22T23:51:40.123456789Z"; out holds CLOCK_TEXT_MAX bytes, NUL ended. */
#define CLOCK_TEXT_MAX 32
void clock_format(uint64_t wall_ns, char out[CLOCK_TEXT_MAX]);

/* The exact inverse of clock_format, nothing else accepted. -EINVAL. */
int clock_parse(const char *text, uint64_t *ret_wall_ns);
