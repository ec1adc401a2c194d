// SPDX-License-Identifier: Apache-2.0
/*
 * One log, one tree: what a log signs must extend what it signed before. Promises that the largest tree that was proved
 * is never exchanged for one that does not extend it. Refuses checkpoints that are older than what was known when we
 * asked, and proofs that do not lead from one tree to the other. The contradiction is kept: two signed checkpoints that
 * cannot both be true are evidence against the log.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "sigstore/merkle.h"
#include "transparency/parts.h"
#include "transparency/rekor_v1.h"
#include "transparency/rekor_v2.h"

void view_note(struct sink *sink, struct view *ret_view)
{
	pthread_mutex_lock(&sink->outbox->mutex);
	ret_view->n = sink->cursor.n_trees;
	for (size_t i = 0; i < ret_view->n; i++) {
		strcpy(ret_view->origins[i], sink->cursor.trees[i].origin);
		ret_view->sizes[i] = sink->cursor.trees[i].size;
	}
	pthread_mutex_unlock(&sink->outbox->mutex);
}

static uint64_t size_then(const struct view *then, struct str origin)
{
	for (size_t i = 0; i < then->n; i++)
		if (str_equal(str_of(then->origins[i]), origin))
			return then->sizes[i];
	return 0;
}

/* Both notes beside the cursor, the older first. That it cannot be written changes nothing of the refusal. */
static void keep_contradiction(const struct sink *sink, struct str known, struct str told)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(4 * NOTE_MAX);
	_cleanup_(freep) char *path = NULL;

	if (asprintf(&path, "%.*s.split", (int)(strlen(sink->path) - strlen(".json")), sink->path) < 0) {
		path = NULL;
		return;
	}
	if (buf_append_str(&text, known) >= 0 && buf_append(&text, "\n", 1) >= 0 &&
	    buf_append_str(&text, told) >= 0)
		(void)file_publish_at(AT_FDCWD, path, 0600, text.data, text.len, true, NULL);
}

static int split_view(struct sink *sink, const struct cursor_tree *known, const struct bundle_entry *entry,
		      struct diag *diag, const char *how, bool *ret_flag)
{
	keep_contradiction(sink, buf_str(&known->checkpoint), buf_str(&entry->checkpoint));
	pthread_mutex_lock(&sink->outbox->mutex);
	*ret_flag = true;
	pthread_mutex_unlock(&sink->outbox->mutex);
	return diag_error(
		diag, -EBADMSG,
		"split view: %s signed a tree of %llu entries that %s the tree of %llu it proved before; "
		"nothing of it is believed. Both checkpoints are in %.*s.split",
		sink->url, (unsigned long long)entry->tree_size, how, (unsigned long long)known->size,
		(int)(strlen(sink->path) - strlen(".json")), sink->path);
}

static int ask_consistency(struct sink *sink, struct client *client, struct str origin, uint64_t old_size,
			   uint64_t new_size, struct diag *diag, struct digest hashes[TILE_PROOF_MAX],
			   size_t *ret_n)
{
	_cleanup_(freep) struct tile_tree *tree = NULL;
	int r;

	if (sink->kind == OUTBOX_REKOR_V1)
		return rekor_v1_consistency(client, origin, old_size, new_size, diag, hashes, ret_n);
	r = rekor_v2_tiles(client, new_size, &tree);
	return r < 0 ? r : tile_tree_consistency(tree, old_size, new_size, diag, hashes, ret_n);
}

/* Neither size is the other. */
static int check_extends(struct sink *sink, struct client *client, const struct cursor_tree *known,
			 const struct bundle_entry *entry, struct str origin, struct diag *diag)
{
	bool grew = entry->tree_size > known->size;
	uint64_t old_size = grew ? known->size : entry->tree_size;
	uint64_t new_size = grew ? entry->tree_size : known->size;
	const struct digest *old_root = grew ? &known->root : &entry->root;
	const struct digest *new_root = grew ? &entry->root : &known->root;
	struct digest hashes[TILE_PROOF_MAX];
	size_t n = 0;
	int r = ask_consistency(sink, client, origin, old_size, new_size, diag, hashes, &n);

	if (r < 0)
		return r;
	r = merkle_consistent(old_size, old_root, new_size, new_root, hashes, n);
	return r == -EBADMSG ? split_view(sink, known, entry, diag, "does not extend", &sink->split) : r;
}

static int check_against(struct sink *sink, struct client *client, const struct view *then,
			 const struct cursor_tree *known, const struct bundle_entry *entry, struct str origin,
			 struct diag *diag)
{
	if (entry->tree_size == known->size)
		return memcmp(&entry->root, &known->root, sizeof(known->root)) == 0
			       ? 0
			       : split_view(sink, known, entry, diag, "is another than", &sink->split);
	if (entry->tree_size < size_then(then, origin))
		return split_view(sink, known, entry, diag, "is older than", &sink->behind);
	return check_extends(sink, client, known, entry, origin, diag);
}

static int remember(struct sink *sink, const struct checkpoint *checkpoint, const struct bundle_entry *entry)
{
	const struct cursor_tree *known;
	int r = 0;

	pthread_mutex_lock(&sink->outbox->mutex);
	known = cursor_tree_find(&sink->cursor, checkpoint->origin);
	if (!known || known->size < entry->tree_size) {
		r = cursor_tree_set(&sink->cursor, checkpoint, buf_str(&entry->checkpoint));
		sink->cursor_changed = true;
	}
	sink->behind = false; /* an old copy of it answered; a contradiction is not made good again */
	pthread_mutex_unlock(&sink->outbox->mutex);
	return r;
}

int view_check(struct sink *sink, struct client *client, const struct view *then,
	       const struct bundle_entry *entry, struct diag *diag)
{
	_cleanup_(checkpoint_done) struct checkpoint checkpoint = { 0 };
	struct cursor_tree *known;
	int r = checkpoint_parse(buf_str(&entry->checkpoint), diag, &checkpoint);

	if (r < 0)
		return r;
	/* Trees change under this lock only, so `known` may be read while the log is asked. */
	pthread_mutex_lock(&sink->view);
	pthread_mutex_lock(&sink->outbox->mutex);
	known = cursor_tree_find(&sink->cursor, checkpoint.origin);
	pthread_mutex_unlock(&sink->outbox->mutex);
	if (known)
		r = check_against(sink, client, then, known, entry, checkpoint.origin, diag);
	if (r >= 0)
		r = remember(sink, &checkpoint, entry);
	pthread_mutex_unlock(&sink->view);
	return r;
}
