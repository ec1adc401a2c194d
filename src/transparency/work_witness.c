// SPDX-License-Identifier: Apache-2.0
/*
 * Cosigned checkpoints for entries of our own log: the entry is proved anew in a tree that a witness signed. One asking
 * serves all seals that wait. Promises that only cosignatures of witnesses that are trusted count. Owns the cosigned
 * checkpoint that it has last.
 */

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "sigstore/entry.h"
#include "transparency/parts.h"
#include "transparency/witness.h"

struct witnessed {
	struct buf checkpoint; /* with cosignatures */
	uint64_t size; /* 0 = none yet */
	uint64_t known[OUTBOX_SINKS_MAX]; /* of the log's tree, by each witness */
};

int witnessed_new(struct witnessed **ret_witnessed)
{
	struct witnessed *witnessed = calloc(1, sizeof(*witnessed));

	if (!witnessed)
		return -ENOMEM;
	witnessed->checkpoint = BUF_MAX(2 * NOTE_MAX);
	*ret_witnessed = witnessed;
	return 0;
}

void witnessed_free(struct witnessed *witnessed)
{
	if (!witnessed)
		return;
	buf_done(&witnessed->checkpoint);
	free(witnessed);
}

/* How many of the trusted witnesses signed it. */
static size_t count_cosignatures(const struct trusted_root *root, struct str note)
{
	_cleanup_(checkpoint_done) struct checkpoint checkpoint = { 0 };
	size_t n = 0;

	if (checkpoint_parse(note, NULL, &checkpoint) < 0)
		return 0;
	for (size_t i = 0; i < root->n_witnesses; i++)
		n += checkpoint_signed_by(&checkpoint, &root->witnesses[i], NULL);
	return n;
}

/* Asks every witness; the line is that of the last that did not sign. */
static int cosign(struct sink *sink, struct client *client, struct diag *diag)
{
	struct outbox *outbox = sink->outbox;
	struct witnessed *witnessed = outbox->witnessed;
	_cleanup_(buf_done) struct buf plain = BUF_MAX(NOTE_MAX);
	_cleanup_(buf_done) struct buf cosigned = BUF_MAX(NOTE_MAX);
	uint64_t size;
	int r = local_log_checkpoint(outbox->log, &plain, &size), last = -EBADMSG;

	if (r >= 0)
		r = buf_append_str(&cosigned, buf_str(&plain));
	for (size_t i = 0; r >= 0 && i < outbox->settings.n_witnesses; i++) {
		struct client one = *client;
		struct diag why = { .text = "" };

		one.url = outbox->settings.witnesses[i];
		last = witness_cosign(&one, outbox->log, buf_str(&plain), size, &witnessed->known[i], &why,
				      &cosigned);
		if (last < 0 && diag)
			*diag = why;
	}
	if (r < 0)
		return r;
	if (count_cosignatures(&outbox->own, buf_str(&cosigned)) == 0)
		return diag_error(diag, last < 0 ? last : -EBADMSG, "no trusted witness signed the checkpoint");
	buf_clear(&witnessed->checkpoint);
	witnessed->size = size;
	(void)file_publish_at(local_log_dir(outbox->log), "checkpoint.cosigned", 0644, cosigned.data,
			      cosigned.len, true, NULL);
	return buf_append_str(&witnessed->checkpoint, buf_str(&cosigned));
}

static int renew(struct sink *sink, uint64_t sequence, const struct bundle *bundle,
		 const struct bundle_entry *old, struct diag *diag)
{
	struct outbox *outbox = sink->outbox;
	const struct witnessed *witnessed = outbox->witnessed;
	_cleanup_(buf_done) struct buf verifier = BUF_MAX(BUNDLE_CERTIFICATE_MAX);
	_cleanup_(bundle_entry_done) struct bundle_entry entry;
	struct entry_facts facts = { .n_cosignatures = 0 };
	int r;

	bundle_entry_init(&entry);
	r = local_log_prove(outbox->log, old->log_index, buf_str(&old->body), buf_str(&witnessed->checkpoint),
			    witnessed->size, diag, &entry);
	if (r >= 0)
		r = seal_verifier(outbox, bundle, &verifier, diag);
	if (r >= 0)
		r = entry_verify(bundle, buf_str(&verifier), &entry, &outbox->own, diag, &facts);
	if (r >= 0 && facts.n_cosignatures == 0)
		r = diag_error(diag, -EBADMSG, "no trusted witness signed the checkpoint");
	return r < 0 ? r : seal_add_entry(outbox, sequence, bundle, &entry, diag);
}

int work_witness(struct sink *sink, struct client *client, uint64_t sequence, struct diag *diag)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	const struct bundle_entry *entry;
	int r = seal_read(sink->outbox, sequence, diag, &bundle);

	if (r == -ENOENT)
		return WORK_DONE;
	if (r < 0)
		return r;
	entry = bundle_find_entry(&bundle, local_log_id(sink->outbox->log));
	if (!entry)
		return WORK_LATER;
	if (count_cosignatures(&sink->outbox->own, buf_str(&entry->checkpoint)) > 0)
		return WORK_DONE;
	if (sink->outbox->witnessed->size <= entry->log_index) {
		r = cosign(sink, client, diag);
		if (r < 0)
			return r;
	}
	r = renew(sink, sequence, &bundle, entry, diag);
	return r < 0 ? r : WORK_ADDED;
}
