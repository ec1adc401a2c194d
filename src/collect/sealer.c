/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A queue and a thread. The lock guards everything but the job at the head while `busy`: that one is the thread's.
 * Refuses nothing: a queue of closed chunks is bounded by the disk they lie on, a job is a few KiB.
 *
 * Whoever waits for a disk or a signer that does not answer may be left behind by sealer_stop: all that the thread uses
 * is its own, the signer by a reference. Signals stay with the thread that handles them: all are blocked here.
 */

#include "collect/sealer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define RETRY_MS 1000
#define RETRY_MAX_MS 60000 /* of a signer that is not in our memory */
#define STOP_MS 2000 /* how long a stop waits for disk and signer before it leaves the thread behind */

struct sealer {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	struct publish_context context;
	struct publish_job *first, **last;
	uint64_t waiting;
	uint64_t sealed_sequence, sealed_chunks;
	struct digest head;
	struct head_memory *memory; /* NULL: the head is not remembered */
	int head_error;
	int error;
	char error_text[DIAG_MAX];
	uint32_t pause_ms; /* before the next try to sign */
	uint32_t waiters; /* in sealer_wait: no pause is longer than RETRY_MS */
	bool kick; /* do not wait for the retry */
	bool busy; /* the thread is at work on the first job */
	bool signing; /* ... and asks the signer */
	bool stop;
	bool gone; /* the thread will not touch this any more */
	bool left; /* nobody waits for the thread: it frees */
};

static void sealer_free(struct sealer *sealer)
{
	while (sealer->first) {
		struct publish_job *job = sealer->first;

		sealer->first = job->next;
		publish_job_free(job);
	}
	head_memory_free(sealer->memory);
	signer_free(sealer->context.signer);
	closep(&sealer->context.dir);
	pthread_cond_destroy(&sealer->changed);
	pthread_mutex_destroy(&sealer->lock);
	free(sealer);
}

static struct timespec deadline_in(uint32_t ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	return at;
}

/* Does one stage without the lock. */
static int do_stage(struct sealer *sealer, struct publish_job *job, struct diag *diag)
{
	struct digest previous = sealer->head;
	bool has_previous = sealer->sealed_sequence > 0;
	int r;

	sealer->signing = job->stage == PUBLISH_SIGN;
	pthread_mutex_unlock(&sealer->lock);
	r = publish_step(&sealer->context, job, has_previous ? &previous : NULL, diag);
	pthread_mutex_lock(&sealer->lock);
	if (sealer->signing && r == 0)
		sealer->pause_ms = RETRY_MS;
	sealer->signing = false;
	return r;
}

/* Without the lock, as each stage. What can't be remembered is said in the state; the chain goes on. */
static void remember(struct sealer *sealer, const struct publish_job *job)
{
	struct head head = { .sequence = job->statement.sequence, .digest = job->statement_digest };
	int r;

	if (!sealer->memory)
		return;
	pthread_mutex_unlock(&sealer->lock);
	memcpy(head.chain_id, job->statement.chain_id, sizeof(head.chain_id));
	r = head_remember(sealer->memory, &head);
	pthread_mutex_lock(&sealer->lock);
	sealer->head_error = r;
}

static void job_published(struct sealer *sealer)
{
	struct publish_job *job = sealer->first;

	sealer->sealed_sequence = job->statement.sequence;
	sealer->head = job->statement_digest;
	sealer->sealed_chunks++;
	sealer->waiting--;
	sealer->error = 0;
	sealer->error_text[0] = '\0';
	sealer->first = job->next;
	if (!sealer->first)
		sealer->last = &sealer->first;
	publish_job_free(job);
}

/* A service that is down is not asked every second; somebody who waits for it does not wait a minute more. */
static uint32_t next_pause(struct sealer *sealer, const struct publish_job *job)
{
	uint32_t pause = sealer->pause_ms;

	if (job->stage != PUBLISH_SIGN || signer_key(sealer->context.signer))
		return RETRY_MS;
	sealer->pause_ms = pause >= RETRY_MAX_MS / 2 ? RETRY_MAX_MS : pause * 2;
	return sealer->waiters > 0 ? RETRY_MS : pause;
}

static void wait_for_retry(struct sealer *sealer, const struct publish_job *job, int error,
			   const struct diag *diag)
{
	struct timespec at = deadline_in(next_pause(sealer, job));

	sealer->error = error;
	snprintf(sealer->error_text, sizeof(sealer->error_text), "%s", diag->text);
	pthread_cond_broadcast(&sealer->changed);
	while (!sealer->stop && !sealer->kick) {
		if (pthread_cond_timedwait(&sealer->changed, &sealer->lock, &at) == ETIMEDOUT)
			break;
	}
	sealer->kick = false;
}

static void work_on_first(struct sealer *sealer)
{
	struct publish_job *job = sealer->first;
	struct diag diag = { .code = 0 };
	int r = 0;

	sealer->busy = true;
	while (r == 0 && !sealer->stop && job->stage != PUBLISH_DONE)
		r = do_stage(sealer, job, &diag);
	if (job->stage == PUBLISH_DONE)
		remember(sealer, job);
	sealer->busy = false;
	if (job->stage == PUBLISH_DONE)
		job_published(sealer);
	else if (r < 0)
		wait_for_retry(sealer, job, r, &diag);
	pthread_cond_broadcast(&sealer->changed);
}

static void *sealer_main(void *arg)
{
	struct sealer *sealer = arg;
	bool left;

	pthread_mutex_lock(&sealer->lock);
	while (!sealer->stop) {
		if (sealer->first)
			work_on_first(sealer);
		else
			pthread_cond_wait(&sealer->changed, &sealer->lock);
	}
	sealer->gone = true;
	left = sealer->left;
	pthread_cond_broadcast(&sealer->changed);
	pthread_mutex_unlock(&sealer->lock);
	if (left)
		sealer_free(sealer);
	return NULL;
}

static int thread_start(struct sealer *sealer)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&sealer->thread, NULL, sealer_main, sealer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int sealer_new(int dir, struct signer *signer, enum chain_compression compression, uint64_t sealed_sequence,
	       const struct digest *head, struct head_memory **memory, struct diag *diag,
	       struct sealer **ret_sealer)
{
	struct sealer *sealer;
	pthread_condattr_t attr;
	int r;

	sealer = calloc(1, sizeof(*sealer));
	if (!sealer)
		return diag_error(diag, -ENOMEM, "cannot start the sealer: out of memory");
	sealer->context = (struct publish_context) { -1, signer_ref(signer), compression };
	sealer->pause_ms = RETRY_MS;
	sealer->last = &sealer->first;
	sealer->sealed_sequence = sealed_sequence;
	if (sealed_sequence > 0)
		sealer->head = *head;
	pthread_mutex_init(&sealer->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&sealer->changed, &attr);
	pthread_condattr_destroy(&attr);
	sealer->memory = *memory;
	sealer->context.dir = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	r = sealer->context.dir < 0 ? -errno : thread_start(sealer);
	if (r < 0) {
		sealer->memory = NULL;
		sealer_free(sealer);
		return diag_error(diag, r, "cannot start the sealer: %s", strerror(-r));
	}
	*memory = NULL;
	*ret_sealer = sealer;
	return 0;
}

void sealer_push(struct sealer *sealer, struct publish_job *job)
{
	pthread_mutex_lock(&sealer->lock);
	assert(sealer->first || job->statement.sequence == sealer->sealed_sequence + 1);
	job->next = NULL;
	*sealer->last = job;
	sealer->last = &job->next;
	sealer->waiting++;
	pthread_cond_broadcast(&sealer->changed);
	pthread_mutex_unlock(&sealer->lock);
}

void sealer_state(struct sealer *sealer, struct chain_state *state)
{
	pthread_mutex_lock(&sealer->lock);
	state->sealed_sequence = sealer->sealed_sequence;
	state->sealed_head = sealer->head;
	state->sealed_chunks = sealer->sealed_chunks;
	state->waiting = sealer->waiting;
	state->error = sealer->error;
	memcpy(state->error_text, sealer->error_text, sizeof(state->error_text));
	state->head_error = sealer->head_error;
	state->compression_on = sealer->context.compression == CHAIN_ZSTD;
	pthread_mutex_unlock(&sealer->lock);
}

int sealer_wait(struct sealer *sealer, uint32_t wait_ms)
{
	struct timespec at = deadline_in(wait_ms);
	int r = 0;

	pthread_mutex_lock(&sealer->lock);
	sealer->waiters++;
	if (sealer->waiting > 0) {
		sealer->kick = true;
		pthread_cond_broadcast(&sealer->changed);
	}
	while (sealer->waiting > 0 && r == 0) {
		if (pthread_cond_timedwait(&sealer->changed, &sealer->lock, &at) == ETIMEDOUT)
			r = -EAGAIN;
	}
	if (sealer->waiting == 0) {
		sealer->kick = false;
		r = 0;
	}
	sealer->waiters--;
	pthread_mutex_unlock(&sealer->lock);
	return r;
}

void sealer_stop(struct sealer *sealer)
{
	struct timespec at = deadline_in(STOP_MS);
	pthread_t thread;
	bool gone;

	if (!sealer)
		return;
	pthread_mutex_lock(&sealer->lock);
	sealer->stop = true;
	if (sealer->signing && !signer_key(sealer->context.signer))
		signer_cancel(sealer->context.signer);
	pthread_cond_broadcast(&sealer->changed);
	while (sealer->busy && pthread_cond_timedwait(&sealer->changed, &sealer->lock, &at) != ETIMEDOUT)
		;
	while (!sealer->busy && !sealer->gone)
		pthread_cond_wait(&sealer->changed, &sealer->lock);
	gone = sealer->gone;
	sealer->left = !gone;
	thread = sealer->thread;
	pthread_mutex_unlock(&sealer->lock);
	if (gone) {
		pthread_join(thread, NULL);
		sealer_free(sealer);
	} else {
		pthread_detach(thread);
	}
}
