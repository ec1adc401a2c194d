/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The table of TLS folds as user space reads it: bpf/fold.h and bpf/tls.h, whose types are the kernel half's own.
 * tests/unit/test_wire.c holds these against them.
 */

#include <stdint.h>

#include "wire/records.h"

struct fold_key {
	uint64_t started, inode;
	uint32_t tgid, exec_id, dev, generation;
	uint16_t epoch;
	uint8_t kind, access;
	uint32_t name;
};

struct tls_fold {
	struct wire_ssl_op record;
	uint64_t next;
};
