// SPDX-License-Identifier: Apache-2.0
/*
 * Which seal is tried when. Promises that every sealed chunk is tried until it is done, the oldest first, that a failing
 * server is left alone for longer and longer (with jitter, so that hosts which lost it together do not come back
 * together), and that one seal which always fails does not hold up the others. Owns nothing.
 */

#include <string.h>
#include <time.h>

#include "crypto/key.h"
#include "transparency/parts.h"

#define LATER_MS 1000

uint64_t schedule_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Between the half and all of base * 2^(n - 1), at most the ceiling. */
static uint64_t backoff_ms(unsigned int n)
{
	uint64_t most = OUTBOX_BACKOFF_MAX_MS;
	uint32_t dice = 0;

	if (n < 10 && (uint64_t)OUTBOX_BACKOFF_MS << (n - 1) < most)
		most = (uint64_t)OUTBOX_BACKOFF_MS << (n - 1);
	(void)random_bytes(&dice, sizeof(dice));
	return most / 2 + dice % (most / 2 + 1);
}

void schedule_fill(struct sink *sink, uint64_t now_ms)
{
	while (sink->n_jobs < OUTBOX_JOBS_MAX && sink->next <= sink->outbox->sealed)
		sink->jobs[sink->n_jobs++] = (struct job) { .sequence = sink->next++, .since_ms = now_ms };
}

bool schedule_idle(const struct sink *sink)
{
	return sink->n_jobs == 0 && sink->next > sink->outbox->sealed;
}

/* Nothing is begun while a failing server is being tried. */
static bool is_held(const struct sink *sink)
{
	return sink->failures_in_row > 0 && sink->n_busy > 0;
}

size_t schedule_take(struct sink *sink, uint64_t now_ms, size_t max, uint64_t *sequences)
{
	size_t n = 0;

	if (now_ms < sink->pause_until_ms || is_held(sink))
		return 0;
	for (size_t i = 0; i < sink->n_jobs && n < max; i++) {
		struct job *job = &sink->jobs[i];

		if (job->busy || job->due_ms > now_ms)
			continue;
		job->busy = true;
		sink->n_busy++;
		sequences[n++] = job->sequence;
	}
	return n;
}

uint64_t schedule_next_ms(const struct sink *sink)
{
	uint64_t next = UINT64_MAX;

	if (is_held(sink))
		return next;
	for (size_t i = 0; i < sink->n_jobs; i++)
		if (!sink->jobs[i].busy && sink->jobs[i].due_ms < next)
			next = sink->jobs[i].due_ms;
	return next < sink->pause_until_ms ? sink->pause_until_ms : next;
}

static struct job *job_find(struct sink *sink, uint64_t sequence)
{
	for (size_t i = 0; i < sink->n_jobs; i++)
		if (sink->jobs[i].sequence == sequence)
			return &sink->jobs[i];
	return NULL;
}

static void job_remove(struct sink *sink, struct job *job)
{
	size_t after = sink->n_jobs - 1 - (size_t)(job - sink->jobs);

	memmove(job, job + 1, after * sizeof(*job));
	sink->n_jobs--;
}

/* Who waited for this one. */
static void call_others(struct sink *sink, uint64_t sequence)
{
	for (size_t i = 0; i < sink->outbox->n_sinks; i++) {
		struct sink *other = sink->outbox->sinks[i];
		struct job *job = other == sink ? NULL : job_find(other, sequence);

		if (job && job->later)
			job->due_ms = 0;
	}
}

static void finish_well(struct sink *sink, struct job *job, int result)
{
	uint64_t sequence = job->sequence, done;

	job_remove(sink, job);
	if (result == WORK_ADDED) {
		sink->submitted++;
		sink->failures_in_row = 0;
		sink->pause_until_ms = 0;
		sink->error[0] = 0;
	}
	done = (sink->n_jobs > 0 ? sink->jobs[0].sequence : sink->next) - 1;
	if (done != sink->cursor.done) {
		sink->cursor.done = done;
		sink->cursor_changed = true;
	}
	call_others(sink, sequence);
}

static void finish_badly(struct sink *sink, struct job *job, int error, int64_t retry_after_s,
			 const struct diag *diag, uint64_t now_ms)
{
	uint64_t asked = retry_after_s > 0 ? (uint64_t)retry_after_s * 1000 : 0, pause;

	/* Those that were on their way together fail together: that is one failure of the server. */
	if (sink->failures_in_row == 0 || now_ms >= sink->pause_until_ms)
		sink->failures_in_row++;
	pause = backoff_ms(sink->failures_in_row);
	if (asked > OUTBOX_RETRY_AFTER_MAX_MS)
		asked = OUTBOX_RETRY_AFTER_MAX_MS;
	sink->failures++;
	sink->fresh_failures++;
	sink->refused += error == -EBADMSG;
	sink->pause_until_ms = now_ms + (pause < asked ? asked : pause);
	job->due_ms = now_ms + backoff_ms(++job->attempts);
	strcpy(sink->error, diag->text[0] ? diag->text : strerror(-error));
}

void schedule_finish(struct sink *sink, uint64_t sequence, int result, int64_t retry_after_s,
		     const struct diag *diag, uint64_t now_ms)
{
	struct job *job = job_find(sink, sequence);

	sink->n_busy--;
	job->busy = false;
	job->later = result == WORK_LATER;
	if (result == WORK_DONE || result == WORK_ADDED)
		finish_well(sink, job, result);
	else if (result == WORK_LATER || result == -ESTALE)
		job->due_ms = now_ms + LATER_MS;
	else if (result != -ECANCELED)
		finish_badly(sink, job, result, retry_after_s, diag, now_ms);
}

void schedule_hurry(struct sink *sink)
{
	sink->pause_until_ms = 0;
	sink->fresh_failures = 0;
	for (size_t i = 0; i < sink->n_jobs; i++)
		sink->jobs[i].due_ms = 0;
}
