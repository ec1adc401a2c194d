// SPDX-License-Identifier: Apache-2.0
/*
 * A sink: its cursor, and the threads that work for it. Promises that the cursor's file is never ahead of the seals, and
 * that one which speaks of another chain is not believed. Owns its URL, its cursor and its threads.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "transparency/parts.h"

#define STACK_BYTES (1u << 20)
#define SAVE_MS 1000
#define NAME_DIGITS 16

/* ---- cursors ---- */

static int statement_of(struct outbox *outbox, uint64_t sequence, struct digest *ret_digest)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	struct diag quiet = { .text = "" };
	int r = seal_read(outbox, sequence, &quiet, &bundle);

	return r < 0 ? r : digest_of(bundle.payload.data, bundle.payload.len, ret_digest);
}

static int write_file(struct sink *sink, struct str text)
{
	struct diag diag = { .text = "" };
	int r = file_publish_at(AT_FDCWD, sink->path, 0600, text.data, text.len, true, &diag);

	if (r < 0) {
		pthread_mutex_lock(&sink->outbox->mutex);
		strcpy(sink->error, diag.text);
		pthread_mutex_unlock(&sink->outbox->mutex);
	}
	return r;
}

/* The disk is waited for without the mutex; one after the other, so that the newer file wins. */
void sink_save(struct sink *sink)
{
	struct outbox *outbox = sink->outbox;
	_cleanup_(buf_done) struct buf text = BUF_MAX(CURSOR_FILE_MAX);
	struct digest statement = { { 0 } };
	uint64_t done = sink->cursor.done;
	bool known;

	sink->cursor_changed = false;
	sink->cursor_saved_ms = schedule_now_ms();
	pthread_mutex_unlock(&outbox->mutex);
	pthread_mutex_lock(&sink->saving);
	known = done > 0 && statement_of(outbox, done, &statement) == 0;
	pthread_mutex_lock(&outbox->mutex);
	/* Behind is good enough: what was done since is written the next time. */
	sink->cursor_changed |= sink->cursor.done != done;
	if (cursor_write(&sink->cursor, done, known ? &statement : NULL, &text) < 0)
		buf_clear(&text);
	pthread_mutex_unlock(&outbox->mutex);
	if (text.len > 0)
		(void)write_file(sink, buf_str(&text));
	pthread_mutex_unlock(&sink->saving);
	pthread_mutex_lock(&outbox->mutex);
}

static void save_when_due(struct sink *sink, uint64_t now_ms)
{
	if (sink->cursor_changed &&
	    (schedule_idle(sink) || sink->outbox->stopping || now_ms - sink->cursor_saved_ms >= SAVE_MS))
		sink_save(sink);
}

/* A cursor that is not about the chain that lies there says nothing of it; what it knows of the log stays. */
static void check_cursor(struct sink *sink)
{
	struct cursor *cursor = &sink->cursor;
	struct digest statement;

	if (cursor->done == 0)
		return;
	if (!cursor->has_statement || statement_of(sink->outbox, cursor->done, &statement) < 0 ||
	    memcmp(&statement, &cursor->statement, sizeof(statement)) != 0)
		cursor->done = 0;
}

static int name_cursor(struct sink *sink, const char *directory)
{
	char hex[DIGEST_TEXT_LEN + 1] = "";
	struct digest digest;
	int n, r = 0;

	if (sink->url)
		r = digest_of(sink->url, strlen(sink->url), &digest);
	if (sink->url && r >= 0)
		digest_hex(&digest, hex);
	n = snprintf(sink->path, sizeof(sink->path), "%s/%s%s%.*s.json", directory,
		     outbox_kind_name(sink->kind), sink->url ? "-" : "", NAME_DIGITS, hex);
	return r < 0 ? r : n < (int)sizeof(sink->path) ? 0 : -ENAMETOOLONG;
}

/* ---- threads ---- */

static size_t batch_of(const struct sink *sink)
{
	return sink->kind == OUTBOX_LOCAL ? LOCAL_LOG_BATCH_MAX : 1;
}

/* Without the mutex. */
static void work(struct worker *worker, const uint64_t *sequences, size_t n, struct diag *diag, int *results)
{
	struct sink *sink = worker->sink;

	worker->client.retry_after_s = -1;
	if (sink->kind == OUTBOX_LOCAL)
		work_local(sink, sequences, n, diag, results);
	else if (sink->kind == OUTBOX_WITNESS)
		results[0] = work_witness(sink, &worker->client, sequences[0], diag);
	else
		results[0] = work_remote(sink, &worker->client, sequences[0], diag);
}

static void *worker_run(void *user)
{
	struct worker *worker = user;
	struct sink *sink = worker->sink;
	struct outbox *outbox = sink->outbox;
	uint64_t sequences[LOCAL_LOG_BATCH_MAX];
	int results[LOCAL_LOG_BATCH_MAX];

	pthread_mutex_lock(&outbox->mutex);
	while (!outbox->stopping) {
		struct diag diag = { .text = "" };
		uint64_t now = schedule_now_ms();
		size_t n;

		schedule_fill(sink, now);
		n = schedule_take(sink, now, batch_of(sink), sequences);
		if (n == 0) {
			outbox_sleep(outbox, schedule_next_ms(sink));
			continue;
		}
		pthread_mutex_unlock(&outbox->mutex);
		work(worker, sequences, n, &diag, results);
		pthread_mutex_lock(&outbox->mutex);
		now = schedule_now_ms();
		for (size_t i = 0; i < n; i++)
			schedule_finish(sink, sequences[i], results[i], worker->client.retry_after_s, &diag,
					now);
		schedule_fill(sink, now);
		save_when_due(sink, now);
		pthread_cond_broadcast(&outbox->changed);
	}
	pthread_mutex_unlock(&outbox->mutex);
	return NULL;
}

int sink_worker_start(struct sink *sink, struct diag *diag)
{
	struct worker *worker = &sink->workers[sink->n_workers];
	pthread_attr_t attributes;
	int r = http_new(&sink->outbox->settings.http, diag, &worker->client.http);

	if (r < 0)
		return r;
	worker->sink = sink;
	worker->client.url = sink->url;
	worker->client.cancel = &sink->outbox->stopping;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	r = pthread_create(&worker->thread, &attributes, worker_run, worker);
	pthread_attr_destroy(&attributes);
	if (r != 0) {
		http_free(worker->client.http);
		return diag_error(diag, -r, "cannot start a thread of the outbox: %s", strerror(r));
	}
	sink->n_workers++;
	return 0;
}

/* ---- sinks ---- */

void sink_free(struct sink *sink)
{
	if (!sink)
		return;
	cursor_done(&sink->cursor);
	pthread_mutex_destroy(&sink->view);
	pthread_mutex_destroy(&sink->saving);
	free(sink->url);
	free(sink);
}

static int copy_url(struct sink *sink, const char *url, struct diag *diag)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	if (len == 0 || len >= ASK_URL_MAX / 2)
		return diag_error(diag, -EINVAL, "not a URL of a log or a timestamp authority: \"%s\"", url);
	sink->url = strndup(url, len);
	return sink->url ? 0 : -ENOMEM;
}

int sink_add(struct outbox *outbox, enum outbox_kind kind, const char *url, const char *directory,
	     struct diag *diag)
{
	_cleanup_(sink_freep) struct sink *sink = calloc(1, sizeof(*sink));
	struct diag why = { .text = "" };
	int r = sink && outbox->n_sinks < OUTBOX_SINKS_MAX ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	pthread_mutex_init(&sink->view, NULL);
	pthread_mutex_init(&sink->saving, NULL);
	sink->outbox = outbox;
	sink->kind = kind;
	if (url)
		r = copy_url(sink, url, diag);
	if (r >= 0)
		r = name_cursor(sink, directory);
	if (r < 0)
		return r;
	if (cursor_load(sink->path, &why, &sink->cursor) < 0)
		strcpy(sink->error, why.text); /* and from the first seal on */
	check_cursor(sink);
	sink->next = sink->cursor.done + 1;
	outbox->timed = outbox->timed || kind == OUTBOX_REKOR_V1 || kind == OUTBOX_TIMESTAMP;
	outbox->sinks[outbox->n_sinks++] = TAKE(sink);
	return 0;
}
