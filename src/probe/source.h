/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The live source: loads and attaches the kernel half, drains its ring, reads its loss counters. The only
 * user of libbpf. Needs CAP_BPF and CAP_PERFMON (or root); needs neither tracefs nor bpffs nor a raised
 * RLIMIT_MEMLOCK.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "crypto/digest.h"
#include "format/event.h"

struct source;

struct source_options {
	size_t ring_bytes; /* a power of two and a multiple of the page size */
	/* Run as older kernels have to, on a newer one; for tests. */
	bool no_direct_reads; /* before 6.2: kernel memory is read by helper calls */
	bool no_loop; /* before 5.17: the path walk is bounded */
	bool no_sock_storage; /* before 5.11: socket owners are kept in a table of our own */
};

/* One probe as it is attached now. */
struct source_probe {
	enum wire_kind kind;
	const char *hook; /* "sys_exit", "sched_process_exec", "inet_sock_set_state" */
	uint64_t from_boot_ns; /* attached, and coverage open, since */
	bool alive; /* the kernel said at the last source_refresh that it is attached; false too when it could not say */
	const char *const *blind_spots; /* sorted, NULL-ended */
};

/* The kernel's own type information that the programs were fitted to. */
struct source_btf {
	const char *source_kind; /* "kernel" */
	const char *source_path;
	const char *selection_reason;
	struct digest digest;
};

/* When this returns 0, every probe is attached and coverage is open. */
int source_open(const struct source_options *options, struct diag *diag, struct source **ret_source);
void source_close(struct source *source);
DEFINE_FREEP(source, source_close)

/* Readable when the ring is past its high-water mark; for the event loop, beside a 2-10 ms timer. */
int source_fd(const struct source *source);

/* Called once a ring record, in ring order. */
typedef void (*source_take_fn)(void *taker, const void *data, size_t len);

/* Hands over all that is in the ring now (at most max_records), returns how many, or a negative errno. */
int source_drain(struct source *source, size_t max_records, source_take_fn take, void *taker);

/* Sums the per-CPU counters: first = the earliest, last = the latest. All of them, or a negative errno. */
int source_counters(struct source *source, struct wire_cpu_counters *ret_sum);

/* Ring use in bytes now, and its size. */
void source_ring(const struct source *source, size_t *ret_used, size_t *ret_size);

/* Asks the kernel of each probe whether it is attached. source_open did; the caller does, before it believes `alive`. */
void source_refresh(struct source *source);
size_t source_probes(const struct source *source, const struct source_probe **ret_probes);
const struct source_btf *source_btf(const struct source *source);
