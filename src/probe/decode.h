/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ring bytes -> struct event. Pure: no clock, no system call, no allocation; trusts no length. Needs no libbpf.
 */

#include <stddef.h>

#include "format/event.h"

/* Room for the paths that are put together while decoding and the argv views; one per decoding thread. */
struct decode_scratch {
	char path[WIRE_PATH_MAX + 256];
	char filename[2 * WIRE_PATH_MAX + 256];
	struct str argv[EVENT_ARGV_MAX];
};

enum decode_result {
	DECODE_OK,
	DECODE_MALFORMED, /* not what the kernel half writes: a loss to be counted */
};

/* Views in *ret_event point into data and scratch, until the next call with this scratch. */
enum decode_result decode_record(const void *data, size_t len, struct decode_scratch *scratch,
				 struct event *ret_event);
