/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The live source: loads and attaches the kernel half, takes the snapshot of what was there before, drains the
 * records, reads the loss counters. The only user of libbpf. Needs CAP_BPF and CAP_PERFMON (or root); needs neither
 * tracefs nor bpffs nor a raised RLIMIT_MEMLOCK.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "format/event.h"
#include "probe/btf.h"
#include "probe/features.h"
#include "wire/prefix.h"

struct source;

/* The kernel half's fold_scope (bpf/fold.h). */
enum source_fold { SOURCE_FOLD_OFF, SOURCE_FOLD_PROCESS, SOURCE_FOLD_CONTAINER };

#define CANARY_ARGUMENT "--canary"
#define SOURCE_KINDS_ALL ((1u << WIRE_KIND_END) - 2) /* a bit 1 << enum wire_kind each */

#define SOURCE_FILTER_MAX 2048 /* entries of the four lists together */

/*
 * What the kernel half leaves out before the ring, and counts (wire_cpu_counters.filtered). An empty list asks nothing;
 * of the others, each must agree.
 */
struct source_filter {
	const uint64_t *cgroups; /* ids: of these, and of all below them */
	size_t n_cgroups;
	const uint32_t *pid_namespaces; /* inums: in these, and in all within them */
	size_t n_pid_namespaces;
	char *const *comm_allow, *const *comm_deny; /* at most 15 bytes each; deny wins */
	size_t n_comm_allow, n_comm_deny;
	const struct wire_prefixes *paths; /* of file_open; NULL = none */
};

struct source_options {
	size_t ring_bytes; /* a power of two and a multiple of the page size */
	unsigned int kinds; /* what to record: a mask of 1 << enum wire_kind; 0 = all */
	enum source_fold fold;
	unsigned int fold_entries; /* of the table of what is recorded; 0 = as the kernel half has it */
	bool perf_buffer; /* instead of the ring */
	bool tls; /* ssl_op: attach to each TLS library that is found */
	bool libc; /* net_connect: `src` tells the calls that came through a C library's functions */
	const char *function_map; /* path of the function map (docs/function-map.md); NULL = no function_call */
	bool one_shot; /* a function that has answered in every container is left alone until the next chunk */
	const char *debug_directory; /* separate debug files, by build id; NULL = /usr/lib/debug */
	struct btf_options btf;
	/* Of cgroups: "unified" or a controller of the first version; NULL = the one in which containers are. */
	const char *cgroup_hierarchy;
	/*
	 * A program that ends at once with 0 when CANARY_ARGUMENT is its one argument, run every ten seconds to see exec
	 * and exit answer; NULL = these are believed to live as long as they are attached.
	 */
	const char *canary_program;
	/* In force before the first record; read by source_open; NULL = none. */
	const struct source_filter *filter;
	unsigned int without; /* FEATURE_*: run as older kernels have to, on a newer one; for tests */
};

/* One probe as it is attached now: a kind of record by one hook. */
struct source_probe {
	enum wire_kind kind;
	const char *hook; /* "sys_exit", "sched_process_exec", "inet_sock_set_state" */
	uint64_t from_boot_ns; /* attached, coverage open, and answering since */
	uint64_t to_boot_ns; /* the last moment at which it was found alive */
	bool alive; /* found attached at the last source_refresh, and answering; false too when that is not known */
	const char *const *blind_spots; /* sorted, NULL-ended */
	bool answers; /* alive, and not silent in the last round: what it saw is all there was */
};

/* Functions in all, where each is a probe of its own: to take one off takes the kernel a tenth of a second. */
#define SOURCE_SINGLE_MAX 64
#define SOURCE_MISSING_MAX 64 /* names of functions that are listed; beyond, only counted */

/*
 * One file (an inode with one content) whose functions are watched, for one kind of record. Says what is measured:
 * a function of the map that is in no row is not measured, whatever was recorded.
 */
struct source_target {
	enum wire_kind kind; /* SSL_OP, FUNCTION_CALL, NET_CONNECT */
	const char *library; /* where first seen: at the start as we see it, later in its process's own root */
	uint32_t dev_major, dev_minor;
	uint64_t inode;
	uint8_t build_id[WIRE_BUILD_ID_MAX];
	uint8_t build_id_len; /* 0 = it has none */
	const char *purl; /* NULL = none; of the first entry of the map that names the file */
	uint64_t from_boot_ns; /* attached since */
	uint64_t to_boot_ns; /* taken off: rewritten, or deleted and mapped by nobody; 0 = still attached */
	size_t attached; /* functions watched */
	const char *const *missing; /* names asked for that the file does not have: the first of them */
	size_t n_missing_listed; /* at most SOURCE_MISSING_MAX */
	uint64_t missing_count; /* all of them */
};

/* What is asked of targets, and what came of it. */
struct source_target_counts {
	uint64_t
		functions_asked; /* by the map: names and offsets; of a "*" all that the files now watched name */
	uint64_t functions_attached; /* now; one-shot functions that have answered are not */
	uint64_t functions_answered; /* one-shot: taken off until the next chunk */
	uint64_t entries_unmet; /* entries of the map whose file was never seen */
	uint64_t files_seen; /* looked into */
	uint64_t files_lost; /* gone before they could be looked into */
	uint64_t over_limit; /* functions left out, because the kernel takes them only one by one */
	uint64_t refused; /* attachments that the kernel or the limit of targets refused */
	uint64_t callers_unresolved; /* callers whose file could not be read, or for which there was no time */
	uint64_t callers_unproven; /* second callers left out: the first is not known to keep a frame pointer */
};

/* When this returns 0, every probe is attached: records come. Coverage opens with the snapshot. */
int source_open(const struct source_options *options, struct diag *diag, struct source **ret_source);
void source_close(struct source *source);
DEFINE_FREEP(source, source_close)

/* Called once a record, in the order of the ring. */
typedef void (*source_take_fn)(void *taker, const void *data, size_t len);

/*
 * What was there before the probes: cgroups first, then running programs, executable mappings, TCP sockets, as records with
 * WIRE_FLAG_AT_START. When this returns 0, coverage is open.
 */
int source_snapshot(struct source *source, source_take_fn take, void *taker, struct diag *diag);

/* Readable when the ring is past its high-water mark; for the event loop, beside a 2-10 ms timer. */
int source_fd(const struct source *source);

/* Hands over all that is in the ring now (at most max_records), returns how many, or a negative errno. */
int source_drain(struct source *source, size_t max_records, source_take_fn take, void *taker);

/*
 * A chunk ends at *ret_since: what is folded from now on is folded anew, so that each chunk stands alone. Programs that
 * are at work may go on in the old epoch until source_epoch_passed; meanwhile the caller drains. What they record has
 * wire_head.epoch != *ret_epoch. A record of the new epoch may have happened just before *ret_since.
 */
void source_epoch(struct source *source, uint16_t *ret_epoch, struct moment *ret_since);
bool source_epoch_passed(struct source *source);
/* Waits for it; negative errno: the kernel has no such barrier, and a late record of the old epoch may still come. */
int source_epoch_over(struct source *source);

/* Waits until no program that is at work now is: what it took a number for is in the ring, or counted. */
void source_settle(struct source *source);

/*
 * After source_epoch, when the ring is drained, and before the chunk is cut: what was folded in tables of the kernel
 * half in earlier epochs, as records with count and sum. Negative errno: some are still in the tables.
 */
int source_sweep(struct source *source, source_take_fn take, void *taker);

/*
 * Other filters from now on: an event is judged by the old ones or by these, never by a mixture. -E2BIG, -ENOMEM: the
 * old ones stay in force.
 */
int source_filter(struct source *source, const struct source_filter *filter);

/*
 * Which containers are recorded, decided one by one while they run, by their cgroups. A cgroup without a verdict has that
 * of the nearest above it; when there is none up to the root it is the host's, and `host` says. While the mode is on, a
 * new cgroup that is below none decided (LEAVE_OUT, KEEP) is UNDECIDED before anybody can be in it, so nothing of a
 * container is left out before its record of creation was looked at: then it is decided, or, when it is no container,
 * its verdict is removed (NONE), so that what is made below it is judged by itself. Verdicts outlive their cgroups,
 * for events come late; the caller removes them. Records of cgroups are never left out.
 *
 * To begin without a gap: mode(on, host true) before source_snapshot, verdicts as its records of cgroups come, and the
 * wanted mode after it.
 */
enum source_verdict {
	SOURCE_VERDICT_NONE,
	SOURCE_VERDICT_LEAVE_OUT,
	SOURCE_VERDICT_KEEP,
	SOURCE_VERDICT_UNDECIDED, /* kept */
};

#define SOURCE_TARGETS_MAX 16384 /* verdicts at once, those of new cgroups included */

/* -EOPNOTSUPP: records of cgroups are not among the kinds. Verdicts stay as they are. */
int source_target_mode(struct source *source, bool on, bool host);
/* On, but nobody is left out, until the mode is set: while it is decided anew. */
int source_target_pass(struct source *source);
/* Holds for what happens from now on. -E2BIG, -ENOMEM: it could not be kept, see source_target_full. */
int source_target_set(struct source *source, uint64_t cgroup_id, enum source_verdict verdict);
/* A verdict could not be kept once: from then on the host is recorded whatever was asked, so that nothing is lost. */
bool source_target_full(const struct source *source);

/* Sums the per-CPU counters: first = the earliest, last = the latest. All of them, or a negative errno. */
int source_counters(struct source *source, struct wire_cpu_counters *ret_sum);

/* Losses by cgroup so far, in no order; a negative result of `each` ends it and is returned. */
typedef int (*source_loss_fn)(void *user, const struct wire_loss_key *key, const struct wire_loss_count *count);
int source_losses_by_cgroup(struct source *source, source_loss_fn each, void *user);

/* Records that the kernel half put into the ring and that never came, by their sequence numbers. */
uint64_t source_holes(const struct source *source);

/* Ring use in bytes now, and its size. */
void source_ring(const struct source *source, size_t *ret_used, size_t *ret_size);

/*
 * Once a second: asks the kernel of each probe whether it is attached, and acts once for each (a canary) to see the
 * last one counted. source_open did; the caller does, before it believes `alive`.
 */
void source_refresh(struct source *source);
size_t source_probes(const struct source *source, const struct source_probe **ret_probes);
const struct btf_choice *source_btf(const struct source *source);
/* FEATURE_* that are in use. */
unsigned int source_features(const struct source *source);
/* "ring_buffer" or "perf_buffer". */
const char *source_transport(const struct source *source);

/*
 * The hierarchy that all ids of cgroups are of: "unified" (the second version), or the controller of the first by which
 * it is known. The directory where it is mounted; NULL = nowhere that we see.
 */
const char *source_cgroup_hierarchy(const struct source *source);
const char *source_cgroup_mount(const struct source *source);
/* Of a cgroup's directory, in the hierarchy that a source without other wishes takes. -ENODEV: it is none of it. */
int source_cgroup_of_directory(const char *path, uint64_t *ret_id);

/*
 * Targets of this chunk, those taken off during it or the one before included. Valid until the next call of a function
 * of this source that is not const.
 */
size_t source_targets(struct source *source, const struct source_target **ret_targets);
void source_target_counts(const struct source *source, struct source_target_counts *ret_counts);
/* Entries of the map whose file was never seen; each has one of library (else NULL) and build_id (else of no bytes). */
typedef void (*source_unmet_fn)(void *user, const char *library, const uint8_t *build_id, size_t build_id_len);
void source_unmet(const struct source *source, source_unmet_fn each, void *user);
