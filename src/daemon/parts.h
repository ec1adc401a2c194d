/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The collector's parts as its files share them: each names below what it gives to the others. Nobody outside of the
 * daemon includes this.
 */

#include "collect/chain.h"
#include "collect/filter.h"
#include "collect/ledger.h"
#include "collect/pipeline.h"
#include "collect/raw.h"
#include "daemon/collector.h"
#include "daemon/config.h"
#include "daemon/control.h"
#include "daemon/identity.h"
#include "daemon/incident.h"
#include "daemon/keys.h"
#include "daemon/latency.h"
#include "daemon/logs.h"
#include "probe/source.h"
#include "resolve/engines.h"

#define COLLECTOR_PROBES_MAX 32
#define COLLECTOR_MINUTE 60

struct collector {
	char *config_path, *target, *socket; /* as the options said, for the reload */
	struct config *config;
	struct digest config_digest;
	struct filter *filter;
	struct scope *scope; /* the kernel half's part of the same filters */
	struct selection *selection;
	struct engines *engines; /* NULL = nobody is asked */
	unsigned int runtimes_expected; /* whose engines may answer, as the pipeline knows it */
	struct latency latency; /* of engines' answers */
	uint64_t decisions_told; /* up to which the kernel half knows who is recorded */
	bool targets_full; /* the log heard that the kernel half took a decision no more */
	struct signing_key key;
	struct identity identity;

	struct chain *chain;
	struct chain_recovery recovery;
	struct logs *logs; /* where seals go besides */
	struct control *control;
	struct source *source;
	struct pipeline *pipeline;
	struct ledger ledger;
	bool losses_unknown; /* the kernel's counters could not be read */
	struct raw_writer *raw;
	bool cutting; /* a chunk is being closed: describe keeps the statement for the capture ... */
	struct buf cut; /* ... here */

	struct moment opened; /* the first window, just before anything was attached */
	struct moment covered; /* coverage open since */
	bool silent[COLLECTOR_PROBES_MAX]; /* a probe was last found not alive */
	struct incidents incidents;
	uint64_t holes_seen, holes_told; /* at the last look; in the ledger */
	uint64_t filtered_before; /* pipeline's total when the current chunk opened */

	/* at the end of a chunk: what happened after it, and belongs to the next one (epoch.c) */
	bool holding;
	uint16_t epoch;
	struct moment since;
	struct buf held;

	int epoll, timer, signals;
	bool stopping;

	/* once a second */
	uint64_t second_ns; /* CLOCK_MONOTONIC of the next */
	struct moment last_second;
	uint64_t asleep_ns; /* CLOCK_BOOTTIME - CLOCK_MONOTONIC */
	uint64_t over_limit_told; /* functions left out that the log heard of */
	uint64_t events_before, events_rate; /* a second ago; per second */
	uint64_t lost_by_second[COLLECTOR_MINUTE]; /* total records lost, a ring of seconds */
	uint64_t seconds;

	/* what went wrong, for status */
	int disk_error; /* negative errno of the last append or rotation, 0 = well */
	struct moment disk_since;
	uint64_t disk_logged_ns; /* boot_ns of the last line about it */
	bool disk_told; /* the log heard of this failure, so it hears of its end */
	uint64_t cut_retry_ns; /* boot_ns before which a full chunk is not tried to be closed again */
	int raw_error;
	char reload_error[DIAG_MAX]; /* "" = none, or the last reload succeeded */
	char log_error[DIAG_MAX]; /* the last seal error that was logged */
};

/* ---- watch.c ---- */

/* Borrows the configuration's strings. */
struct source_options collector_watches(const struct config *config);
/* "process", "container" or "off". */
const char *collector_dedup(const struct config *config);

/* ---- scope.c: the filters that the kernel half applies ---- */

struct scope;

/* Exit status 2 when a cgroup or namespace is not there. */
int scope_new(const struct config *config, struct diag *diag, struct scope **ret_scope);
void scope_free(struct scope *scope);
DEFINE_FREEP(scope, scope_free)
const struct source_filter *scope_filter(const struct scope *scope);
bool scope_equal(const struct scope *a, const struct scope *b);

/* ---- engines.c: whom the configuration asks about containers, and which it records ---- */

struct selection {
	struct selector *selectors; /* views of the configuration they were made from */
	size_t count;
	bool host;
};

/* As the configuration calls it. */
const char *collector_engine_name(enum engine_kind kind);
/* *ret_engines stays NULL when nobody is to be asked. */
int collector_engines(const struct config *config, struct diag *diag, struct engines **ret_engines);
int selection_new(const struct config *config, struct diag *diag, struct selection **ret_selection);
void selection_free(struct selection *selection);
DEFINE_FREEP(selection, selection_free)
struct attribution_targets selection_view(const struct selection *selection);

/* ---- attend.c: containers, between two emptyings of the ring ---- */

void collector_attend(struct collector *collector);
/* Before a chunk is cut: nobody is waited for any more. */
void collector_attend_end(struct collector *collector);
/* When it is cut: what ended in it has its last row in that seal, so engines are not asked of it any longer. */
void collector_attend_cut(struct collector *collector, uint64_t cut_boot_ns);
/* Until collector_target the kernel half leaves out nobody, and keeps in mind which cgroups are new. */
void collector_untarget(struct collector *collector);
/*
 * Others are recorded from now on: first every container is decided, while the kernel half leaves out nobody; then, when
 * what it told of new ones until then was attended to, collector_target lets the choice hold there too.
 */
void collector_retarget(struct collector *collector);
void collector_target(struct collector *collector);

/* ---- describe.c: the chain's callbacks; user is the collector ---- */

int collector_identify(void *user, struct statement *statement);
int collector_describe(void *user, const struct moment *closed, struct statement *statement);

/* ---- describe_targets.c ---- */

/* The files whose functions were probed during the chunk. */
int describe_targets(struct source *source, const struct moment *closed, struct statement *statement);
int describe_target_rows(const struct source_target *targets, size_t count, const struct moment *closed,
			 struct statement *statement);

/* ---- describe_containers.c: when probes and losses have been described ---- */

int describe_containers(const struct collector *collector, const struct moment *closed,
			struct statement *statement);
int describe_container_rows(struct containers *containers, bool losses_unknown, const struct moment *closed,
			    struct statement *statement);

/* ---- rotate.c: what goes into the chain, and where a chunk ends ---- */

/* Takes what is in the ring, at most max_records; how many, or a negative errno. */
int collector_drain(struct collector *collector, size_t max_records);
/* What was taken so far goes into the chain. */
void collector_flush(struct collector *collector);
/* Takes what the kernel half keeps in tables of its own: totals of the chunk that ends. */
void collector_sweep(struct collector *collector);
/* Takes what was there before the probes into the first chunk; when it returns 0, coverage is open. */
int collector_snapshot(struct collector *collector, struct diag *diag);
/* One record into the current chunk, and into the capture. */
void collector_take(struct collector *collector, const void *data, size_t len);
/* Closes the chunk with all that happened before it does. The disk's failure is noted and tried again. */
int collector_rotate(struct collector *collector);
/* The same but for what belongs to the next chunk: that is held back until collector_release. */
int collector_cut(struct collector *collector);
void collector_rotate_when_full(struct collector *collector);
/* Into the raw capture, after the chunk was closed. */
void collector_record_cut(struct collector *collector);
/* The capture's own failure stops nothing: evidence goes on without it, and the log hears of the first. */
void collector_note_capture(struct collector *collector, int error);
void collector_read_counters(struct collector *collector);
void collector_note_disk(struct collector *collector, int error, struct moment now);

/* ---- epoch.c: the border between two chunks ---- */

/*
 * Ends the chunk: what happened before the moment it returns is in the chain or counted as lost, what happened since
 * is held back. The counters are those of that moment.
 */
struct moment collector_turn(struct collector *collector);
/* While the chunk ends: true when the record was put aside for the next one, and is not this one's. */
bool collector_hold(struct collector *collector, const void *data, size_t len);
/* What was held back is taken now. */
void collector_release(struct collector *collector);

/* After the last one: holes of records that nobody is at work on any more are lost. */
void collector_last_holes(struct collector *collector);

/* ---- collector.c ---- */

/* Tells the outbox what is sealed. */
void collector_tell_logs(struct collector *collector);

/* ---- loop.c: once a second ---- */

void collector_note_holes(struct collector *collector, struct moment now);

/* ---- reload.c ---- */

int collector_load_config(const char *path, const char *target, const char *socket, struct diag *diag,
			  struct config **ret_config, struct digest *ret_digest);
int collector_filter_new(const struct config *config, struct diag *diag, struct filter **ret_filter);
/* SIGHUP: filters and rotation; whatever is wrong with the new file, the old one stays in force. */
void collector_reload(struct collector *collector);

/* ---- report_targets.c ---- */

/* `targets` of status: counts, and names of the first of them. */
json_t *report_targets(const struct collector *collector);

/* ---- report_containers.c ---- */

/* Adds `containers` (of more than are listed, `containers_more`), `engines` and what else there is of them to status. */
void report_containers(json_t *object, const struct collector *collector);

/* ---- report.c ---- */

enum control_reply collector_serve(void *user, const char *verb, struct buf *answer);
uint64_t collector_events(const struct collector *collector);
/* Answers who asked for the stop: the head after everything was sealed, or the error. */
void collector_report_stopped(struct collector *collector, uint64_t last_sequence, int error,
			      const struct diag *diag, struct buf *answer);
/* Appends the object as one line; 0 or negative errno. Takes the reference. */
int report_dump(json_t *object, struct buf *out);
