/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The outbox as its files share it; nobody outside of this room includes this. */

#include <pthread.h>

#include "base/cleanup.h"
#include "format/bundle.h"
#include "transparency/ask.h"
#include "transparency/cursor.h"
#include "transparency/local_log.h"
#include "transparency/outbox.h"

#define OUTBOX_JOBS_MAX 1024 /* seals of one sink that are at work or wait for a retry */
#define OUTBOX_WORKERS 8 /* of a remote sink */
#define OUTBOX_PATH_MAX 4096
#define OUTBOX_BACKOFF_MS 1000 /* after the first failure; doubled with each, up to ... */
#define OUTBOX_BACKOFF_MAX_MS 300000
#define OUTBOX_RETRY_AFTER_MAX_MS 3600000 /* a server may ask for so much patience */

struct outbox;

/* One seal that a sink has not got through with. */
struct job {
	uint64_t sequence;
	uint64_t since_ms, due_ms; /* CLOCK_MONOTONIC */
	unsigned int attempts;
	bool busy, later; /* later: waits for another sink */
};

struct worker {
	struct sink *sink;
	struct client client;
	pthread_t thread;
};

struct sink {
	struct outbox *outbox;
	enum outbox_kind kind;
	char *url; /* without a slash at its end; NULL: our own log */
	char path[OUTBOX_PATH_MAX]; /* of its cursor */
	struct worker workers[OUTBOX_WORKERS];
	size_t n_workers;

	/* under outbox->mutex */
	struct cursor cursor;
	uint64_t next; /* the first that has no job yet */
	struct job jobs[OUTBOX_JOBS_MAX]; /* by sequence */
	size_t n_jobs, n_busy;
	uint64_t pause_until_ms; /* nothing is begun before that */
	unsigned int failures_in_row;
	uint64_t fresh_failures; /* since outbox_wait began */
	bool split; /* it signed two trees of which neither is the other's beginning */
	bool behind; /* what it signed last is older than what it proved before */
	uint64_t submitted, failures, refused;
	char error[DIAG_MAX];
	bool cursor_changed;
	uint64_t cursor_saved_ms;

	pthread_mutex_t view; /* one consistency proof at a time */
	pthread_mutex_t saving; /* the cursor's file */
};

struct outbox {
	struct outbox_settings settings;
	int dir;
	struct trusted_root own; /* our own log and what else is not in settings.root: only to verify */
	struct local_log *log;
	struct sink *sinks[OUTBOX_SINKS_MAX];
	size_t n_sinks;
	bool timed; /* a sink gives proven times */

	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t sealed;
	atomic_bool stopping;

	pthread_mutex_t seals; /* read, change, replace: one at a time */
	struct witnessed *witnessed;
};

/* ---- outbox.c ---- */

/* With outbox->mutex: until something changes, or that time of schedule_now_ms has come. */
void outbox_sleep(struct outbox *outbox, uint64_t ms);

/* ---- sink.c ---- */

int sink_add(struct outbox *outbox, enum outbox_kind kind, const char *url, const char *directory,
	     struct diag *diag);
void sink_free(struct sink *sink);
DEFINE_FREEP(sink, sink_free)
int sink_worker_start(struct sink *sink, struct diag *diag);
/* Writes the cursor; with outbox->mutex, which it lets go of meanwhile. */
void sink_save(struct sink *sink);

/* ---- schedule.c: with outbox->mutex, all of it ---- */

uint64_t schedule_now_ms(void);
/* Gives jobs to what was sealed since. */
void schedule_fill(struct sink *sink, uint64_t now_ms);
/* Takes up to `max` seals that may be worked on now, in order; they are busy until schedule_finish. */
size_t schedule_take(struct sink *sink, uint64_t now_ms, size_t max, uint64_t *sequences);
/* When schedule_take might have something if nothing else happens; UINT64_MAX: never. */
uint64_t schedule_next_ms(const struct sink *sink);
/* What came of it; retry_after_s as the answer said. */
void schedule_finish(struct sink *sink, uint64_t sequence, int result, int64_t retry_after_s,
		     const struct diag *diag, uint64_t now_ms);
/* Everything that waits may be tried at once. */
void schedule_hurry(struct sink *sink);
/* Nothing waits. */
bool schedule_idle(const struct sink *sink);

/* ---- seals.c ---- */

/* -ENOENT: the seal is gone (with its chunk). */
int seal_read(struct outbox *outbox, uint64_t sequence, struct diag *diag, struct bundle *bundle);
/* Adds the entry (taken) or the timestamp to the seal if its signature is still this one; -ESTALE if not. */
int seal_add_entry(struct outbox *outbox, uint64_t sequence, const struct bundle *read,
		   struct bundle_entry *entry, struct diag *diag);
int seal_add_timestamp(struct outbox *outbox, uint64_t sequence, const struct bundle *read, struct str response,
		       struct diag *diag);
/* The same statement signed anew, when the signature is still this one. */
int seal_sign_again(struct outbox *outbox, uint64_t sequence, const struct bundle *read, struct diag *diag);
/* What an entry's body is made with: the key's SPKI or the certificate. -ENOKEY: signed with a key that is not known. */
int seal_verifier(struct outbox *outbox, const struct bundle *bundle, struct buf *out, struct diag *diag);

/* ---- view.c ---- */

/* Sizes of the trees that were known when something was asked. */
struct view {
	char origins[CURSOR_TREES_MAX][sizeof(((struct cursor_tree *)NULL)->origin)];
	uint64_t sizes[CURSOR_TREES_MAX];
	size_t n;
};

void view_note(struct sink *sink, struct view *ret_view);
/*
 * Is the tree that proves this entry an extension of what the log proved before, and no older than when we asked? Then
 * it is remembered. -EBADMSG: no; the sink says so, and both checkpoints are kept in a file beside the cursor.
 */
int view_check(struct sink *sink, struct client *client, const struct view *then,
	       const struct bundle_entry *entry, struct diag *diag);

/* ---- work.c ---- */

/* ADDED: done just now. LATER: another sink goes first; no failure. */
enum work_result { WORK_DONE, WORK_ADDED, WORK_LATER };

/* One seal of a remote sink. -EBADMSG: refused, the answer does not prove what it should. */
int work_remote(struct sink *sink, struct client *client, uint64_t sequence, struct diag *diag);
/* Some seals of our own log, at most LOCAL_LOG_BATCH_MAX; results[i] as above. */
void work_local(struct sink *sink, const uint64_t *sequences, size_t count, struct diag *diag, int *results);

/* ---- work_witness.c ---- */

int witnessed_new(struct witnessed **ret_witnessed);
void witnessed_free(struct witnessed *witnessed);
/* One seal whose entry in our own log waits for a cosigned checkpoint; one thread only. */
int work_witness(struct sink *sink, struct client *client, uint64_t sequence, struct diag *diag);
