// SPDX-License-Identifier: Apache-2.0
/*
 * What a sink does with a seal: asks, proves the answer, and only then adds it. Promises that a seal which has already
 * what the sink gives is left alone, so that doing it again costs nothing. Refuses an answer of another log than the
 * sink's, one that does not prove what it should, and a time at which the certificate was not valid. With a certificate,
 * who gives a proven time goes first; when it ends before, the statement is signed again.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "sigstore/entry.h"
#include "transparency/parts.h"
#include "transparency/rekor_v1.h"
#include "transparency/rekor_v2.h"
#include "transparency/tsa.h"

/* A seal, and what is asked about it. */
struct piece {
	uint64_t sequence;
	struct bundle bundle;
	struct buf verifier;
};

static void piece_done(struct piece *piece)
{
	bundle_done(&piece->bundle);
	buf_done(&piece->verifier);
}

#define PIECE(number)     \
	((struct piece) { \
		.sequence = (number), .bundle = BUNDLE_EMPTY, .verifier = BUF_MAX(BUNDLE_CERTIFICATE_MAX) })

/* ---- what is there ---- */

static bool has_time(const struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->n_entries; i++)
		if (bundle->entries[i].has_integrated_time && bundle->entries[i].promise.len > 0)
			return true;
	return bundle->n_timestamps > 0;
}

static bool gives_time(const struct sink *sink)
{
	return sink->kind == OUTBOX_REKOR_V1 || sink->kind == OUTBOX_TIMESTAMP;
}

static bool same_url(const char *a, const char *b)
{
	size_t len = a ? strlen(a) : 0;

	while (len > 0 && a[len - 1] == '/')
		len--;
	return len > 0 && strlen(b) == len && memcmp(a, b, len) == 0;
}

/* The id of the sink's log: the one that it answered with, else what the trusted root says of its URL. */
static bool log_id_of(struct sink *sink, struct digest *ret_id)
{
	const struct trusted_root *root = sink->outbox->settings.root;
	bool known;

	pthread_mutex_lock(&sink->outbox->mutex);
	known = sink->cursor.has_log_id;
	*ret_id = sink->cursor.log_id;
	pthread_mutex_unlock(&sink->outbox->mutex);
	for (size_t i = 0; !known && root && i < root->n_logs; i++) {
		known = same_url(root->logs[i].base_url, sink->url);
		*ret_id = root->logs[i].id;
	}
	return known;
}

static bool is_done(struct sink *sink, const struct bundle *bundle)
{
	struct digest id;

	if (sink->kind == OUTBOX_TIMESTAMP)
		return tsa_has(bundle, sink->url, sink->outbox->settings.root);
	return log_id_of(sink, &id) && bundle_find_entry(bundle, &id);
}

/* ---- certificates that end ---- */

static int check_deadline(struct sink *sink, const struct piece *piece, struct diag *diag)
{
	int r;

	if (piece->bundle.identity != BUNDLE_CERTIFICATE || has_time(&piece->bundle))
		return WORK_DONE;
	if ((int64_t)time(NULL) < signer_deadline(&piece->bundle))
		return gives_time(sink) || !sink->outbox->timed ? WORK_DONE : WORK_LATER;
	r = seal_sign_again(sink->outbox, piece->sequence, &piece->bundle, diag);
	return r < 0 ? r : WORK_LATER; /* and from the beginning, with the new signature */
}

/* A time after the certificate's end proves nothing about it. */
static int check_time(const struct sink *sink, const struct piece *piece, int64_t time, struct diag *diag)
{
	if (piece->bundle.identity != BUNDLE_CERTIFICATE || time <= signer_deadline(&piece->bundle))
		return 0;
	return diag_error(diag, -ESTALE, "%s answered after the certificate of seal %llu ended", sink->url,
			  (unsigned long long)piece->sequence);
}

/* ---- logs ---- */

static int check_log(struct sink *sink, const struct bundle_entry *entry, struct diag *diag)
{
	struct digest id;

	if (log_id_of(sink, &id) && memcmp(&id, &entry->log_id, sizeof(id)) != 0)
		return diag_error(diag, -EBADMSG,
				  "%s answers with entries of another log than before; if its key was changed "
				  "on purpose, "
				  "remove %s",
				  sink->url, sink->path);
	return 0;
}

static void learn_log(struct sink *sink, const struct digest *id)
{
	pthread_mutex_lock(&sink->outbox->mutex);
	sink->cursor_changed |= !sink->cursor.has_log_id;
	sink->cursor.has_log_id = true;
	sink->cursor.log_id = *id;
	pthread_mutex_unlock(&sink->outbox->mutex);
}

static int prove_entry(struct sink *sink, const struct piece *piece, const struct bundle_entry *entry,
		       struct diag *diag)
{
	struct entry_facts facts = { .log = NULL };
	struct diag why = { .text = "" };
	int r = entry_verify(&piece->bundle, buf_str(&piece->verifier), entry, sink->outbox->settings.root,
			     &why, &facts);

	if (r == -ENOMEM)
		return r;
	if (r == -ENOKEY)
		return diag_error(diag, -EBADMSG, "%s: its log is not in the trusted root", sink->url);
	if (r < 0)
		return diag_error(diag, -EBADMSG, "%s: its answer proves nothing: %s", sink->url, why.text);
	if (!facts.included || (sink->kind == OUTBOX_REKOR_V1 && !facts.promised))
		return diag_error(diag, -EBADMSG, "%s: its answer lacks the proof of inclusion%s", sink->url,
				  sink->kind == OUTBOX_REKOR_V1 ? " or the promise" : "");
	if (sink->kind == OUTBOX_REKOR_V1)
		return check_time(sink, piece, facts.time, diag);
	return 0;
}

static int submit(struct sink *sink, struct client *client, const struct piece *piece, struct diag *diag,
		  struct bundle_entry *entry)
{
	const struct trusted_root *root = sink->outbox->settings.root;

	return sink->kind == OUTBOX_REKOR_V1
		       ? rekor_v1_submit(client, &piece->bundle, buf_str(&piece->verifier), diag, entry)
		       : rekor_v2_submit(client, &piece->bundle, buf_str(&piece->verifier), root, diag, entry);
}

static int work_log(struct sink *sink, struct client *client, const struct piece *piece, struct diag *diag)
{
	_cleanup_(bundle_entry_done) struct bundle_entry entry;
	struct digest id;
	struct view then;
	int r;

	bundle_entry_init(&entry);
	view_note(sink, &then);
	r = submit(sink, client, piece, diag, &entry);
	if (r >= 0)
		r = check_log(sink, &entry, diag);
	if (r >= 0)
		r = prove_entry(sink, piece, &entry, diag);
	if (r >= 0)
		r = view_check(sink, client, &then, &entry, diag);
	id = entry.log_id;
	if (r >= 0)
		r = seal_add_entry(sink->outbox, piece->sequence, &piece->bundle, &entry, diag);
	if (r >= 0)
		learn_log(sink, &id);
	return r < 0 ? r : WORK_ADDED;
}

static int work_timestamp(struct sink *sink, struct client *client, const struct piece *piece,
			  struct diag *diag)
{
	_cleanup_(buf_done) struct buf response = BUF_MAX(BUNDLE_TIMESTAMP_MAX);
	int64_t at;
	int r = tsa_stamp(client, &piece->bundle, sink->outbox->settings.root, diag, &response, &at);

	if (r >= 0)
		r = check_time(sink, piece, at, diag);
	if (r >= 0)
		r = seal_add_timestamp(sink->outbox, piece->sequence, &piece->bundle, buf_str(&response), diag);
	return r < 0 ? r : WORK_ADDED;
}

int work_remote(struct sink *sink, struct client *client, uint64_t sequence, struct diag *diag)
{
	_cleanup_(piece_done) struct piece piece = PIECE(sequence);
	int r = seal_read(sink->outbox, sequence, diag, &piece.bundle);

	if (r == -ENOENT) /* taken away with its chunk */
		return WORK_DONE;
	if (r < 0 || is_done(sink, &piece.bundle))
		return r < 0 ? r : WORK_DONE;
	r = check_deadline(sink, &piece, diag);
	if (r != WORK_DONE)
		return r;
	if (sink->kind == OUTBOX_TIMESTAMP)
		return work_timestamp(sink, client, &piece, diag);
	r = seal_verifier(sink->outbox, &piece.bundle, &piece.verifier, diag);
	return r < 0 ? r : work_log(sink, client, &piece, diag);
}

/* ---- our own log ---- */

struct local_piece {
	struct piece piece;
	struct buf body;
	int *result;
};

/* WORK_DONE with a body: it is to be logged. */
static int prepare_local(struct sink *sink, struct local_piece *local, struct diag *diag)
{
	struct outbox *outbox = sink->outbox;
	int r = seal_read(outbox, local->piece.sequence, diag, &local->piece.bundle);

	if (r == -ENOENT)
		return WORK_DONE;
	if (r < 0 || bundle_find_entry(&local->piece.bundle, local_log_id(outbox->log)))
		return r < 0 ? r : WORK_DONE;
	r = check_deadline(sink, &local->piece, diag);
	if (r != WORK_DONE)
		return r;
	r = seal_verifier(outbox, &local->piece.bundle, &local->piece.verifier, diag);
	if (r >= 0)
		r = entry_body(&local->body, ENTRY_HASHEDREKORD_V2, &local->piece.bundle,
			       buf_str(&local->piece.verifier), diag);
	return r < 0 ? r : WORK_DONE;
}

static int finish_local(struct sink *sink, const struct local_piece *local, uint64_t index,
			struct str checkpoint, uint64_t size, struct diag *diag)
{
	_cleanup_(bundle_entry_done) struct bundle_entry entry;
	struct entry_facts facts;
	int r;

	bundle_entry_init(&entry);
	r = local_log_prove(sink->outbox->log, index, buf_str(&local->body), checkpoint, size, diag, &entry);
	if (r >= 0)
		r = entry_verify(&local->piece.bundle, buf_str(&local->piece.verifier), &entry,
				 &sink->outbox->own, diag, &facts);
	if (r >= 0)
		r = seal_add_entry(sink->outbox, local->piece.sequence, &local->piece.bundle, &entry, diag);
	return r < 0 ? r : WORK_ADDED;
}

/*
 * What a log has signed once it must never contradict. The seal before these says what it signed last: a log that was set back
 * to an older state, with its key, would sign another tree of the same size.
 */
static int check_last(struct sink *sink, uint64_t sequence, struct diag *diag)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	struct diag quiet = { .text = "" };
	const struct bundle_entry *entry;

	if (sequence <= 1 || seal_read(sink->outbox, sequence - 1, &quiet, &bundle) < 0)
		return 0;
	entry = bundle_find_entry(&bundle, local_log_id(sink->outbox->log));
	return entry && entry->has_proof
		       ? local_log_holds(sink->outbox->log, entry->tree_size, &entry->root, diag)
		       : 0;
}

static int log_batch(struct sink *sink, struct local_piece *pieces, size_t count, struct diag *diag)
{
	_cleanup_(buf_done) struct buf checkpoint = BUF_MAX(NOTE_MAX);
	uint64_t indices[LOCAL_LOG_BATCH_MAX], size;
	struct str bodies[LOCAL_LOG_BATCH_MAX];
	size_t chosen[LOCAL_LOG_BATCH_MAX], n = 0;
	int r = 0;

	for (size_t i = 0; i < count; i++)
		if (pieces[i].body.len > 0) {
			bodies[n] = buf_str(&pieces[i].body);
			chosen[n++] = i;
		}
	if (n > 0)
		r = check_last(sink, pieces[chosen[0]].piece.sequence, diag);
	if (r >= 0 && n > 0)
		r = local_log_add(sink->outbox->log, bodies, n, diag, indices);
	if (r >= 0 && n > 0)
		r = local_log_checkpoint(sink->outbox->log, &checkpoint, &size);
	for (size_t i = 0; i < n; i++)
		*pieces[chosen[i]].result = r < 0 ? r
						  : finish_local(sink, &pieces[chosen[i]], indices[i],
								 buf_str(&checkpoint), size, diag);
	return r;
}

void work_local(struct sink *sink, const uint64_t *sequences, size_t count, struct diag *diag, int *results)
{
	_cleanup_(freep) struct local_piece *pieces = calloc(count, sizeof(*pieces));

	for (size_t i = 0; i < count; i++) {
		results[i] = -ENOMEM;
		if (!pieces)
			continue;
		pieces[i] = (struct local_piece) { .piece = PIECE(sequences[i]),
						   .body = BUF_MAX(TILE_ENTRY_MAX),
						   .result = &results[i] };
		results[i] = prepare_local(sink, &pieces[i], diag);
		if (results[i] != WORK_DONE)
			buf_clear(&pieces[i].body);
	}
	if (!pieces)
		return;
	(void)log_batch(sink, pieces, count, diag);
	for (size_t i = 0; i < count; i++) {
		piece_done(&pieces[i].piece);
		buf_done(&pieces[i].body);
	}
}
