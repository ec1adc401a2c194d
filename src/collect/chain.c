/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The open chunk and what holds it all together: lock, recovery, sealer. Promises that the running digest is always
 * that of the file up to the last good length, that a failed call leaves the chain as it was, and that the writer's
 * thread never waits for a sync. Refuses to write through a name that is already there.
 *
 * The lock is a flock on the directory itself: no file of it lies among the evidence, and the kernel drops it with
 * the process. The chain owns descriptor, digest, gap and sealer; the drafts' key and the callbacks' user are borrowed.
 */

#include "collect/chain.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "collect/draft.h"
#include "collect/open_chunk.h"
#include "collect/recover.h"
#include "collect/sealer.h"
#include "collect/steps.h"

#define DRAFT_IDLE_NS 10000000000u /* coverage without records is put into the draft this often */

struct chain {
	int dir;
	char *name;
	char id[33];
	struct chain_options options;
	struct sealer *sealer;
	uint64_t last_sequence; /* of the chunk before the first of ours */
	struct moment last_closed;
	char *last_boot_id;
	bool last_final, recovered;
	struct open_chunk *chunk; /* NULL before chain_begin */
	struct gap next_gap;
	bool changed; /* since the last draft */
	uint64_t drafted_boot_ns;
};

static void chain_free(struct chain *chain)
{
	if (!chain)
		return;
	sealer_stop(chain->sealer);
	open_chunk_free(chain->chunk);
	free(chain->next_gap.from_boot_id);
	free(chain->last_boot_id);
	free(chain->name);
	closep(&chain->dir);
	free(chain);
}
DEFINE_FREEP(chain, chain_free)

/* ---- opening ---- */

static int directory_open(const char *directory, struct diag *diag, int *ret_dir)
{
	_cleanup_(closep) int dir = -1;
	int r;

	r = directory_make(directory, 0750, diag);
	if (r < 0)
		return r;
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return diag_error(diag, -errno, "cannot open the evidence directory %s: %s", directory,
				  strerror(errno));
	if (flock(dir, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return diag_exit(diag, EXIT_TRY_AGAIN, -EBUSY,
					 "another collector writes to %s; stop it, or choose another directory",
					 directory);
		return diag_error(diag, -errno, "cannot lock %s: %s", directory, strerror(errno));
	}
	*ret_dir = TAKE_FD(dir);
	return 0;
}

static int chain_resume(struct chain *chain, struct diag *diag, struct chain_recovery *ret_recovery)
{
	_cleanup_(recovery_done) struct recovery recovery = { 0 };
	_cleanup_(head_memory_freep) struct head_memory *memory = NULL;
	const struct chain_options *options = &chain->options;
	int r = 0;

	if (options->heads_directory)
		r = head_memory_new(options->heads_directory, chain->name, diag, &memory);
	if (r == 0)
		r = recover_directory(chain->dir, chain->name, options, memory, diag, &recovery);
	if (r == 0)
		r = sealer_new(chain->dir, options->signer, options->compression, recovery.sealed_sequence,
			       &recovery.sealed_head, &memory, diag, &chain->sealer);
	if (r < 0)
		return r;
	while (recovery.jobs) {
		struct publish_job *job = recovery.jobs;

		recovery.jobs = job->next;
		sealer_push(chain->sealer, job);
	}
	memcpy(chain->id, recovery.chain_id, sizeof(chain->id));
	chain->last_sequence = recovery.last_sequence;
	chain->last_closed = recovery.last_closed;
	chain->last_boot_id = TAKE(recovery.last_boot_id);
	chain->last_final = recovery.last_final;
	chain->recovered = recovery.report.recovered_chunks > 0;
	chain->options.heads_directory = NULL; /* the caller's again */
	*ret_recovery = recovery.report;
	return 0;
}

int chain_open(const char *directory, const struct chain_options *options, struct diag *diag,
	       struct chain_recovery *ret_recovery, struct chain **ret_chain)
{
	_cleanup_(chain_freep) struct chain *chain = calloc(1, sizeof(*chain));
	int r;

	if (!chain)
		return diag_error(diag, -ENOMEM, "cannot open %s: out of memory", directory);
	chain->dir = -1;
	chain->options = *options;
	if (!chain->options.draft_key)
		chain->options.draft_key = signer_key(options->signer);
	if (!chain->options.draft_key)
		return diag_error(diag, -EINVAL, "cannot open %s: no key to sign drafts with", directory);
	chain->name = strdup(directory);
	if (!chain->name)
		return diag_error(diag, -ENOMEM, "cannot open %s: out of memory", directory);
	r = directory_open(directory, diag, &chain->dir);
	if (r == 0)
		r = chain_resume(chain, diag, ret_recovery);
	if (r < 0)
		return r;
	*ret_chain = TAKE(chain);
	return 0;
}

/* ---- what is said of the open chunk ---- */

static int describe_subject(const struct chain *chain, struct statement *statement)
{
	bool zstd = chain->options.compression == CHAIN_ZSTD;
	char name[CHUNK_NAME_MAX];
	int r;

	r = chunk_name(zstd ? CHUNK_ZSTD : CHUNK_PLAIN, statement->sequence, name);
	if (r == 0)
		r = statement_set(&statement->chunk_name, name);
	return r < 0 ? r : statement_set(&statement->encoding, zstd ? "zstd" : "identity");
}

static int describe_content(const struct open_chunk *chunk, struct statement *statement)
{
	statement->sequence = chunk->sequence;
	statement->has_previous = chunk->sequence > 1; /* its digest is the sealer's to know */
	statement->opened = chunk->opened;
	statement->bytes = chunk->bytes;
	statement->records = chunk->records;
	memcpy(statement->events, chunk->events, sizeof(statement->events));
	statement->gap = chunk->gap.kind;
	statement->gap_from = chunk->gap.from;
	statement->gap_to = chunk->gap.to;
	return digest_stream_value(chunk->digest, &statement->plain_digest);
}

static int chain_describe(struct chain *chain, const struct moment *until, bool closed, struct diag *diag,
			  struct statement *ret_statement)
{
	_cleanup_(statement_done) struct statement statement = { 0 };
	const struct open_chunk *chunk = chain->chunk;
	int r;

	r = describe_content(chunk, &statement);
	if (r == 0)
		r = describe_subject(chain, &statement);
	if (r == 0)
		r = statement_set(&statement.chain_id, chain->id);
	if (r == 0)
		r = statement_set(&statement.gap_from_boot_id, chunk->gap.from_boot_id);
	if (r == 0)
		r = chain->options.identify(chain->options.user, &statement);
	draft_mark(&statement, closed);
	statement.closed = *until;
	if (r == 0)
		r = chain->options.describe(chain->options.user, until, &statement);
	if (r < 0)
		return diag_error(diag, r, "cannot describe chunk %" PRIu64 ": %s", chunk->sequence,
				  strerror(-r));
	*ret_statement = statement;
	statement = (struct statement) { 0 };
	return 0;
}

/* Left out it would mean this boot; of a boot that nobody wrote down we say that it is unknown. */
static int gap_name_boot(const struct chain *chain, const struct statement *statement, struct gap *gap)
{
	const char *before = chain->last_boot_id, *here = statement->boot_id;

	if (gap->kind == GAP_NONE || (before && here && strcmp(before, here) == 0))
		return 0;
	return statement_set(&gap->from_boot_id, before ? before : "unknown");
}

int chain_begin(struct chain *chain, struct moment now, struct diag *diag)
{
	_cleanup_(statement_done) struct statement statement = { 0 };
	struct open_chunk *chunk = NULL;
	int r;

	assert(!chain->chunk);
	r = open_chunk_create(chain->dir, chain->name, chain->last_sequence + 1, now, diag, &chunk);
	if (r < 0)
		return r;
	chain->chunk = chunk;
	if (chain->last_sequence > 0) {
		chunk->gap.kind = chain->recovered || !chain->last_final ? GAP_CRASH : GAP_RESTART;
		chunk->gap.from = chain->last_closed;
		chunk->gap.to = now;
	}
	r = chain_describe(chain, &now, false, diag, &statement);
	if (r == 0)
		r = gap_name_boot(chain, &statement, &chunk->gap);
	if (r == 0)
		r = statement_set(&statement.gap_from_boot_id, chunk->gap.from_boot_id);
	if (r == 0)
		r = draft_write(chain->dir, &statement, chain->options.draft_key, diag);
	if (r < 0) {
		open_chunk_remove(chain->dir, chunk);
		chain->chunk = NULL;
		open_chunk_free(chunk);
		return r;
	}
	chain->drafted_boot_ns = now.boot_ns;
	return 0;
}

int chain_append(struct chain *chain, struct str lines, const uint64_t events[WIRE_KIND_END])
{
	struct open_chunk *chunk = chain->chunk;

	assert(chunk);
	assert(lines.len == 0 || lines.data[lines.len - 1] == '\n');
	if (lines.len == 0)
		return 0;
	chain->changed = true; /* a failure too: the loss belongs into the draft */
	return open_chunk_append(chunk, lines, events);
}

void chain_current(const struct chain *chain, uint64_t *ret_sequence, uint64_t *ret_bytes,
		   uint64_t *ret_records, struct moment *ret_opened)
{
	const struct open_chunk *chunk = chain->chunk;

	assert(chunk);
	*ret_sequence = chunk->sequence;
	*ret_bytes = chunk->bytes;
	*ret_records = chunk->records;
	*ret_opened = chunk->opened;
}

int chain_checkpoint(struct chain *chain, struct moment now, struct diag *diag)
{
	_cleanup_(statement_done) struct statement statement = { 0 };
	int r;

	assert(chain->chunk);
	if (!chain->changed && now.boot_ns - chain->drafted_boot_ns < DRAFT_IDLE_NS)
		return 0;
	r = chain_describe(chain, &now, false, diag, &statement);
	if (r == 0)
		r = draft_write(chain->dir, &statement, chain->options.draft_key, diag);
	if (r < 0)
		return r;
	chain->changed = false;
	chain->drafted_boot_ns = now.boot_ns;
	return 0;
}

/* ---- closing one, opening the next ---- */

/*
 * The first draft of the next chunk, made of the closed one's: the owner of the counters has not cut them yet, so
 * asking again would count the losses twice. Nothing is covered or lost in it so far.
 */
static int next_draft(const struct chain *chain, const struct statement *closed, const struct open_chunk *next,
		      struct diag *diag)
{
	_cleanup_(statement_done) struct statement statement = { 0 };
	size_t i;
	int r;

	r = statement_copy(closed, &statement);
	if (r < 0)
		return r;
	statement.final = false;
	statement.filtered = 0;
	statement.closed = next->opened;
	for (i = 0; i < statement.n_probes; i++)
		statement.probes[i].from_boot_ns = statement.probes[i].to_boot_ns = next->opened.boot_ns;
	for (i = 0; i < statement.n_targets; i++)
		statement.targets[i].from_boot_ns = statement.targets[i].to_boot_ns = next->opened.boot_ns;
	for (i = 0; i < statement.n_container_coverage; i++) {
		statement.container_coverage[i].from_boot_ns = next->opened.boot_ns;
		statement.container_coverage[i].to_boot_ns = next->opened.boot_ns;
		statement.container_coverage[i].records = 0;
	}
	for (i = 0; i < statement.n_losses; i++)
		statement.losses[i].count = 0;
	memset(statement.folded, 0, sizeof(statement.folded));
	statement_forget_incidents(&statement);
	r = describe_content(next, &statement);
	draft_mark(&statement, false);
	if (r == 0)
		r = describe_subject(chain, &statement);
	if (r == 0)
		r = statement_set(&statement.gap_from_boot_id, next->gap.from_boot_id);
	return r < 0 ? r : draft_write(chain->dir, &statement, chain->options.draft_key, diag);
}

/* Everything of the closed chunk that can fail, before anything changes hands. */
static int chunk_close(struct chain *chain, struct moment now, bool final, struct diag *diag,
		       struct publish_job **ret_job)
{
	_cleanup_(publish_job_freep) struct publish_job *job = NULL;
	_cleanup_(closep) int none = -1;
	int r;

	r = open_chunk_settle(chain->chunk);
	if (r < 0)
		return diag_error(diag, r, "cannot cut what a failed write left in the open chunk: %s",
				  strerror(-r));
	r = publish_job_new(&none, &job);
	if (r < 0)
		return diag_error(diag, r, "cannot close the chunk: out of memory");
	r = chain_describe(chain, &now, true, diag, &job->statement);
	if (r < 0)
		return r;
	job->statement.final = final;
	r = draft_write(chain->dir, &job->statement, chain->options.draft_key, diag);
	/* At the end there is no later: without its last draft the chunk can still be sealed. */
	if (r < 0 && !final)
		return r;
	chain_step_done(STEP_CLOSED_DRAFTED);
	*ret_job = TAKE(job);
	return 0;
}

static void chunk_hand_over(struct chain *chain, struct publish_job *job)
{
	job->fd = TAKE_FD(chain->chunk->fd);
	open_chunk_free(chain->chunk);
	chain->chunk = NULL;
	sealer_push(chain->sealer, job);
}

int chain_rotate(struct chain *chain, struct moment now, struct diag *diag)
{
	struct diag unsaid = { .code = 0 };
	struct open_chunk *next = NULL;
	struct publish_job *job = NULL;
	int r;

	assert(chain->chunk);
	r = open_chunk_create(chain->dir, chain->name, chain->chunk->sequence + 1, now, diag, &next);
	if (r < 0)
		return r;
	chain_step_done(STEP_NEXT_CREATED);
	r = chunk_close(chain, now, false, diag, &job);
	if (r < 0) {
		open_chunk_remove(chain->dir, next);
		open_chunk_free(next);
		return r;
	}
	next->gap = chain->next_gap;
	chain->next_gap = (struct gap) { 0 };
	/* Failing here costs a later start the draft, nothing else; the next checkpoint writes it. */
	r = next_draft(chain, &job->statement, next, &unsaid);
	chain->changed = true;
	chain->drafted_boot_ns = now.boot_ns;
	if (r == 0)
		chain_step_done(STEP_NEXT_DRAFTED);
	chunk_hand_over(chain, job);
	chain->chunk = next;
	return 0;
}

void chain_gap(struct chain *chain, enum statement_gap_kind kind, struct moment from, struct moment to)
{
	chain->next_gap.kind = kind;
	chain->next_gap.from = from;
	chain->next_gap.to = to;
}

void chain_state(struct chain *chain, struct chain_state *ret_state)
{
	memcpy(ret_state->chain_id, chain->id, sizeof(ret_state->chain_id));
	sealer_state(chain->sealer, ret_state);
}

int chain_wait(struct chain *chain, uint32_t wait_ms)
{
	return sealer_wait(chain->sealer, wait_ms);
}

/* Waits until all that is closed is sealed. */
static int chain_settle(struct chain *chain, uint32_t wait_ms, struct diag *diag)
{
	struct chain_state state;

	if (sealer_wait(chain->sealer, wait_ms) == 0)
		return 0;
	chain_state(chain, &state);
	return diag_error(diag, -EAGAIN,
			  "%" PRIu64 " closed chunks in %s are not sealed yet%s%s; the next start seals them",
			  state.waiting, chain->name, state.error ? ": " : "", state.error_text);
}

int chain_close(struct chain *chain, struct moment now, uint32_t wait_ms, struct diag *diag)
{
	_cleanup_(chain_freep) struct chain *owned = chain;
	struct publish_job *job = NULL;
	int r;

	if (!chain)
		return 0;
	if (chain->chunk) {
		r = chunk_close(chain, now, true, diag, &job);
		if (r < 0)
			return r;
		chunk_hand_over(chain, job);
	}
	return chain_settle(chain, wait_ms, diag);
}

int chain_drop(struct chain *chain, uint32_t wait_ms, struct diag *diag)
{
	_cleanup_(chain_freep) struct chain *owned = chain;
	char draft[CHUNK_NAME_MAX];

	if (!chain)
		return 0;
	if (chain->chunk) {
		open_chunk_remove(chain->dir, chain->chunk);
		if (chunk_name(CHUNK_DRAFT, chain->chunk->sequence, draft) == 0)
			unlinkat(chain->dir, draft, 0);
	}
	return chain_settle(chain, wait_ms, diag);
}
