/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The live source's parts as its files share them: source.c (its life), load.c (programs and features), counters.c
 * (losses, sequences), snapshot.c, canary.c. Nobody else includes this.
 */

#include <bpf/libbpf.h>
#include <pthread.h>

#include "probe/hierarchy.h"
#include "probe/hooks.h"
#include "probe/source.h"
#include "probe/targets.h"
#include "probe/transport.h"
#include "signals.skel.h"

#define SOURCE_HOOKS_MAX 32

/* A row of the table that this kernel got. */
struct source_hook {
	const struct hook *row;
	struct bpf_program *program;
	const char *attach_to; /* the function or tracepoint that the kernel has; NULL: the program's own */
	struct bpf_link *link; /* owned */
	struct wire_loss_count missed;
};

/* What came of one kind from one processor. */
struct sequence_seen {
	uint64_t received;
	uint64_t sent; /* the highest sequence number, unwrapped, and one */
};

/* epoch.c: the thread that waits for the kernel's barrier. */
struct epoch_barrier {
	pthread_t thread;
	bool running; /* not joined yet */
	bool passed; /* read and written atomically */
	int error;
};

/* canary.c: what came of asking one kind of probe. */
struct canary_answer {
	uint64_t count; /* of canaries, at the last asking */
	unsigned int silent; /* rounds without an answer */
	uint64_t boot_ns; /* of the last answer */
};

struct canaries {
	int program; /* ours, to be mapped */
	pid_t child; /* 0 = none */
	uint64_t child_due_ns;
	struct canary_answer answers[WIRE_KIND_END];
	struct target function, ssl; /* canary_call.c: only their links and descriptor; in no table */
};

struct source {
	struct source_options options;
	unsigned int features;
	struct btf_choice btf;
	struct hierarchy hierarchy;
	int cgroup_subsys; /* the kernel half's cfg_cgroup_subsys */
	struct signals_bpf *programs;
	struct source_hook hooks[SOURCE_HOOKS_MAX];
	struct source_probe probes[SOURCE_HOOKS_MAX]; /* one a hook, in the same order */
	size_t n_hooks;
	struct transport *transport;
	int n_cpus;

	/* counters.c */
	struct wire_cpu_counters *per_cpu; /* n_cpus of them */
	uint64_t missed_read_boot_ns;
	struct sequence_seen *seen; /* n_cpus * (WIRE_KIND_END - 1) */

	struct epoch_barrier barrier;
	struct canaries canary;
	struct wire_loss_count walk_losses; /* cgroup_walk.c */
	uint32_t collector; /* our pid as the programs see it */
	struct targets targets;
	struct annotator *annotator;

	/* while draining */
	source_take_fn take;
	void *taker;
};

/* ---- source.c ---- */

/* The one line for a failure: what, why, and for a refusal what is needed. Returns `error`. */
int source_failed(struct diag *diag, int error, const char *what);

/* ---- load.c ---- */

/* Chooses the hooks, loads the programs, attaches them. */
int source_load(struct source *source, struct str types, struct diag *diag);

/* ---- plain.c: kernels without types of their own ---- */

/* The second build, fitted to a file of types. NULL and errno. */
struct signals_bpf *plain_open(const char *types_path);
/* The programs that are to be loaded hang on untyped tracepoints. */
int plain_untype(struct signals_bpf *programs);
/* A program that plain_untype changed. NULL and errno. */
struct bpf_link *plain_attach(const struct source_hook *hook);

/* ---- canary.c ---- */

/* Before anything is attached. */
int canary_begin(struct source *source);
void canary_end(struct source *source);
/* Acts once for each kind, and looks at what came of it and of the child before. */
void canary_round(struct source *source);
/* False: the probe was asked in the last rounds and did not answer. */
bool canary_answers(const struct source *source, const struct hook *row);
/* When it last did, while it does not; UINT64_MAX: it does, or was never asked. */
uint64_t canary_answered_ns(const struct source *source, const struct hook *row);
uint32_t canary_own_pid(void);

/* ---- canary_call.c ---- */

/* When the programs are loaded: hangs those of functions on functions of our own too. */
void canary_calls_begin(struct source *source);
void canary_calls_end(struct source *source);
/* One call each; how often it must have been counted, 0 = nothing hangs there. */
unsigned int canary_call_function(struct source *source);
unsigned int canary_call_ssl(struct source *source);

/* ---- cgroup_walk.c ---- */

/* Hands the cgroups that are there to source->take, when their kind is wanted. */
int cgroup_walk(struct source *source);

/* ---- snapshot.c ---- */

/* Which of the iterators are loaded. */
void snapshot_choose(struct source *source);
/* Will source_snapshot bring records of the kind? */
bool snapshot_brings(const struct source *source, enum wire_kind kind);

/* ---- counters.c ---- */

/* Notes a record's sequence number on its way through. */
void sequence_note(struct source *source, const void *data, size_t len);
