// SPDX-License-Identifier: Apache-2.0
/*
 * The outbox: sinks, their threads and their cursors. Promises that nothing that was sealed is forgotten, whatever
 * happens to this process: what is left is seen from the seals, and a cursor that speaks of another chain is not
 * believed. Refuses combinations that could never be proved: logs without a trusted root, an Ed25519 key and a log of
 * hashedrekords. Owns all but what the settings point to.
 */

#include "transparency/outbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "transparency/parts.h"

#define NAME_DIGITS 16

static const char *const kind_names[] = { [OUTBOX_REKOR_V1] = "rekor_v1",
					  [OUTBOX_REKOR_V2] = "rekor_v2",
					  [OUTBOX_LOCAL] = "local",
					  [OUTBOX_TIMESTAMP] = "timestamp",
					  [OUTBOX_WITNESS] = "witness" };

const char *outbox_kind_name(enum outbox_kind kind)
{
	return kind_names[kind];
}

/* STATE/outbox/ID, as the head's memory names evidence directories. */
static int make_directory(const struct outbox_settings *settings, struct diag *diag, char **ret_directory)
{
	_cleanup_(freep) char *real = realpath(settings->directory, NULL);
	char hex[DIGEST_TEXT_LEN + 1];
	struct digest digest;
	int r;

	if (!real)
		return diag_error(diag, -errno, "cannot resolve %s: %s", settings->directory, strerror(errno));
	r = digest_of(real, strlen(real), &digest);
	if (r < 0)
		return r;
	digest_hex(&digest, hex);
	if (asprintf(ret_directory, "%s/%.*s", settings->state, NAME_DIGITS, hex) < 0) {
		*ret_directory = NULL;
		return -ENOMEM;
	}
	return directory_make(*ret_directory, 0700, diag);
}

static int sinks_make(struct outbox *outbox, struct diag *diag)
{
	const struct outbox_settings *settings = &outbox->settings;
	_cleanup_(freep) char *directory = NULL;
	int r = make_directory(settings, diag, &directory);

	for (size_t i = 0; r >= 0 && i < settings->n_sinks; i++)
		r = sink_add(outbox, settings->sinks[i].kind, settings->sinks[i].url, directory, diag);
	if (r >= 0 && outbox->log && settings->n_witnesses > 0)
		r = sink_add(outbox, OUTBOX_WITNESS, settings->witnesses[0], directory, diag);
	return r;
}

/* ---- what can be proved ---- */

static int check_settings(const struct outbox_settings *settings, struct diag *diag)
{
	bool ed25519 = settings->public && strcmp(public_key_type(settings->public), "ed25519") == 0;

	for (size_t i = 0; i < settings->n_sinks; i++) {
		enum outbox_kind kind = settings->sinks[i].kind;

		if (ed25519 && (kind == OUTBOX_REKOR_V2 || kind == OUTBOX_LOCAL))
			return diag_exit(
				diag, EXIT_UNSOUND, -EINVAL,
				"%s takes no seals of an Ed25519 key, for it holds digests and Ed25519 signs "
				"none; sign with an ECDSA P-256 key, or use Rekor v1",
				kind == OUTBOX_LOCAL ? "the local log (signals.signing.local_log)"
						     : "Rekor v2");
		if (kind != OUTBOX_LOCAL && !settings->root)
			return diag_exit(
				diag, EXIT_UNSOUND, -EINVAL,
				"what %s answers cannot be proved without signals.signing.trusted_root",
				settings->sinks[i].url);
		if (kind == OUTBOX_LOCAL && !settings->local_log)
			return diag_error(diag, -EINVAL, "a local log without a directory");
	}
	return 0;
}

static int trust_witnesses(struct outbox *outbox, struct diag *diag)
{
	const struct trusted_root *root = outbox->settings.root;
	int r = 0;

	for (size_t i = 0; r >= 0 && root && i < root->n_witnesses; i++) {
		_cleanup_(buf_done) struct buf vkey = BUF_MAX(NOTE_MAX);

		r = note_key_write(&root->witnesses[i], &vkey);
		if (r >= 0)
			r = trusted_root_add_vkey(&outbox->own, buf_str(&vkey), diag);
	}
	return r;
}

static int open_log(struct outbox *outbox, struct diag *diag)
{
	const struct outbox_settings *settings = &outbox->settings;
	int r = local_log_open(settings->local_log, settings->local_log_key, settings->local_log_origin, diag,
			       &outbox->log);

	if (r >= 0)
		r = local_log_trust(outbox->log, &outbox->own, diag);
	if (r >= 0)
		r = trust_witnesses(outbox, diag);
	return r < 0 ? r : witnessed_new(&outbox->witnessed);
}

/* ---- life ---- */

static void outbox_free(struct outbox *outbox)
{
	if (!outbox)
		return;
	for (size_t i = 0; i < outbox->n_sinks; i++)
		sink_free(outbox->sinks[i]);
	witnessed_free(outbox->witnessed);
	local_log_close(outbox->log);
	trusted_root_done(&outbox->own);
	closep(&outbox->dir);
	pthread_cond_destroy(&outbox->changed);
	pthread_mutex_destroy(&outbox->mutex);
	pthread_mutex_destroy(&outbox->seals);
	free(outbox);
}

static void init_locks(struct outbox *outbox)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&outbox->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&outbox->mutex, NULL);
	pthread_mutex_init(&outbox->seals, NULL);
}

static int outbox_begin(struct outbox *outbox, struct diag *diag)
{
	const struct outbox_settings *settings = &outbox->settings;
	int r = check_settings(settings, diag);

	if (r < 0)
		return r;
	outbox->dir = open(settings->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (outbox->dir < 0)
		return diag_error(diag, -errno, "cannot open %s: %s", settings->directory, strerror(errno));
	if (settings->local_log)
		r = open_log(outbox, diag);
	if (r >= 0)
		r = sinks_make(outbox, diag);
	for (size_t i = 0; r >= 0 && i < outbox->n_sinks; i++) {
		enum outbox_kind kind = outbox->sinks[i]->kind;
		size_t n = kind == OUTBOX_LOCAL || kind == OUTBOX_WITNESS ? 1 : OUTBOX_WORKERS;

		while (r >= 0 && outbox->sinks[i]->n_workers < n)
			r = sink_worker_start(outbox->sinks[i], diag);
	}
	return r;
}

static void threads_end(struct outbox *outbox)
{
	pthread_mutex_lock(&outbox->mutex);
	outbox->stopping = true;
	pthread_cond_broadcast(&outbox->changed);
	pthread_mutex_unlock(&outbox->mutex);
	for (size_t i = 0; i < outbox->n_sinks; i++)
		for (size_t j = 0; j < outbox->sinks[i]->n_workers; j++) {
			pthread_join(outbox->sinks[i]->workers[j].thread, NULL);
			http_free(outbox->sinks[i]->workers[j].client.http);
		}
}

int outbox_new(const struct outbox_settings *settings, struct diag *diag, struct outbox **ret_outbox)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));
	int r;

	if (!outbox)
		return diag_error(diag, -ENOMEM, "no memory for the outbox");
	outbox->settings = *settings;
	outbox->dir = -1;
	init_locks(outbox);
	r = outbox_begin(outbox, diag);
	if (r < 0) {
		threads_end(outbox);
		outbox_free(outbox);
		return diag_error(diag, r, "outbox: %s", strerror(-r));
	}
	*ret_outbox = outbox;
	return 0;
}

void outbox_sealed(struct outbox *outbox, uint64_t sequence)
{
	pthread_mutex_lock(&outbox->mutex);
	if (sequence > outbox->sealed) {
		outbox->sealed = sequence;
		for (size_t i = 0; i < outbox->n_sinks; i++)
			schedule_fill(outbox->sinks[i], schedule_now_ms());
		pthread_cond_broadcast(&outbox->changed);
	}
	pthread_mutex_unlock(&outbox->mutex);
}

/* ---- waiting ---- */

void outbox_sleep(struct outbox *outbox, uint64_t ms)
{
	struct timespec until = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

	if (ms == UINT64_MAX)
		pthread_cond_wait(&outbox->changed, &outbox->mutex);
	else
		pthread_cond_timedwait(&outbox->changed, &outbox->mutex, &until);
}

/* Nothing can be done now that would not have to wait. */
static bool is_stuck(const struct sink *sink, uint64_t now_ms)
{
	return schedule_idle(sink) || (sink->n_busy == 0 && schedule_next_ms(sink) > now_ms);
}

int outbox_wait(struct outbox *outbox, uint32_t wait_ms)
{
	uint64_t until = schedule_now_ms() + wait_ms;
	bool idle, stuck;

	pthread_mutex_lock(&outbox->mutex);
	for (size_t i = 0; i < outbox->n_sinks; i++) {
		schedule_fill(outbox->sinks[i], schedule_now_ms());
		schedule_hurry(outbox->sinks[i]);
	}
	pthread_cond_broadcast(&outbox->changed);
	for (;;) {
		uint64_t now = schedule_now_ms();

		idle = stuck = true;
		for (size_t i = 0; i < outbox->n_sinks; i++) {
			idle = idle && schedule_idle(outbox->sinks[i]);
			stuck = stuck && is_stuck(outbox->sinks[i], now);
		}
		if (stuck || now >= until)
			break;
		outbox_sleep(outbox, until);
	}
	for (size_t i = 0; i < outbox->n_sinks; i++)
		if (outbox->sinks[i]->cursor_changed)
			sink_save(outbox->sinks[i]);
	pthread_mutex_unlock(&outbox->mutex);
	return idle ? 0 : -EAGAIN;
}

void outbox_stop(struct outbox *outbox)
{
	if (!outbox)
		return;
	if (outbox->settings.signer)
		signer_cancel(outbox->settings.signer);
	threads_end(outbox);
	pthread_mutex_lock(&outbox->mutex);
	for (size_t i = 0; i < outbox->n_sinks; i++)
		if (outbox->sinks[i]->cursor_changed)
			sink_save(outbox->sinks[i]);
	pthread_mutex_unlock(&outbox->mutex);
	outbox_free(outbox);
}

/* ---- facts ---- */

struct local_log *outbox_local_log(struct outbox *outbox)
{
	return outbox->log;
}

static void state_of(struct sink *sink, uint64_t now_ms, struct outbox_sink_state *ret_state)
{
	uint64_t next;

	schedule_fill(sink, now_ms);
	next = schedule_next_ms(sink);
	*ret_state = (struct outbox_sink_state) {
		.kind = sink->kind,
		.url = sink->url,
		.done = sink->cursor.done,
		.waiting = sink->n_jobs + (sink->outbox->sealed + 1 - sink->next),
		.oldest_wait_ms = sink->n_jobs > 0 ? now_ms - sink->jobs[0].since_ms : 0,
		.submitted = sink->submitted,
		.failures = sink->failures,
		.refused = sink->refused,
		.retry_in_ms = sink->n_busy > 0 || next == UINT64_MAX || next <= now_ms ? 0 : next - now_ms,
		.split_view = sink->split || sink->behind,
	};
	strcpy(ret_state->error, sink->error);
}

size_t outbox_state(struct outbox *outbox, struct outbox_sink_state states[OUTBOX_SINKS_MAX])
{
	uint64_t now = schedule_now_ms();

	pthread_mutex_lock(&outbox->mutex);
	for (size_t i = 0; i < outbox->n_sinks; i++)
		state_of(outbox->sinks[i], now, &states[i]);
	pthread_mutex_unlock(&outbox->mutex);
	return outbox->n_sinks;
}
