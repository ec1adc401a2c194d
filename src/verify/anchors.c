/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Anchors of a chain. Promises: that two checkpoints are of one tree is claimed only when hashes prove it, and that they
 * are not only when hashes refute it; all else is counted as not proved. Memory grows with the logs that are trusted,
 * and a few trees of each, never with the chain. Owns its rows; keys are the trust's.
 */

#include "verify/anchors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

int anchors_init(struct anchors *anchors)
{
	anchors->times = calloc(ANCHORS_TIMES_MAX, sizeof(*anchors->times));
	return anchors->times ? 0 : -ENOMEM;
}

void anchors_done(struct anchors *anchors)
{
	for (size_t i = 0; i < anchors->n_logs; i++) {
		free(anchors->logs[i].name);
		free(anchors->logs[i].origin);
	}
	for (size_t i = 0; i < anchors->n_times; i++)
		free(anchors->times[i].name);
	for (size_t i = 0; i < anchors->n_tiles; i++)
		tiles_free(anchors->tiles[i]);
	free(anchors->logs);
	free(anchors->times);
	*anchors = (struct anchors) { 0 };
}

static char *log_name(const struct log_key *key)
{
	char hex[DIGEST_TEXT_LEN + 1];

	if (key->origin || key->base_url)
		return strdup(key->origin ? key->origin : key->base_url);
	digest_hex(&key->id, hex);
	return strdup(hex);
}

static int log_add(struct anchors *anchors, const struct log_key *key, struct str origin, bool further)
{
	struct anchor_log *log, *logs = realloc(anchors->logs, (anchors->n_logs + 1) * sizeof(*logs));

	if (!logs)
		return -ENOMEM;
	anchors->logs = logs;
	log = logs + anchors->n_logs++;
	*log = (struct anchor_log) { .key = key, .origin = str_copy(origin) };
	log->name = !further ? log_name(key) : log->origin ? strdup(log->origin) : NULL;
	for (size_t i = 0; i < anchors->n_tiles; i++)
		if (tiles_log(anchors->tiles[i]) == key)
			log->tiles = anchors->tiles[i];
	return log->name && log->origin ? 0 : -ENOMEM;
}

/* -E2BIG: it has too many trees. The checkpoint was verified. */
static int log_row(struct anchors *anchors, const struct log_key *key, struct str checkpoint,
		   struct anchor_log **ret_log)
{
	const char *end = checkpoint.len > 0 ? memchr(checkpoint.data, '\n', checkpoint.len) : NULL;
	struct str origin = { checkpoint.data, end ? (size_t)(end - checkpoint.data) : 0 };
	size_t trees = 0;
	int r;

	for (size_t i = 0; i < anchors->n_logs; i++) {
		*ret_log = &anchors->logs[i];
		if ((*ret_log)->key == key && str_equal(str_of((*ret_log)->origin), origin))
			return 0;
		trees += (*ret_log)->key == key;
	}
	if (trees >= ANCHORS_TREES_MAX)
		return -E2BIG;
	r = log_add(anchors, key, origin, trees > 0);
	*ret_log = r == 0 ? &anchors->logs[anchors->n_logs - 1] : NULL;
	return r;
}

/* ---- are a log's checkpoints of one tree? ---- */

struct signed_tree {
	uint64_t size;
	struct digest root;
	const struct tree_nodes *nodes; /* may be empty */
};

static bool same(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_LEN) == 0;
}

static int compare(const struct signed_tree *small, const struct signed_tree *large, enum consistency *ret)
{
	struct digest root;
	int r;

	if (small->size == large->size) {
		*ret = same(&small->root, &large->root) ? CONSISTENCY_PROVED : CONSISTENCY_REFUTED;
		return 0;
	}
	r = tree_nodes_root(large->nodes, small->size, &root);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0)
		*ret = same(&root, &small->root) ? CONSISTENCY_PROVED : CONSISTENCY_REFUTED;
	else
		*ret = tree_nodes_differ(small->nodes, large->nodes) ? CONSISTENCY_REFUTED
								     : CONSISTENCY_UNPROVED;
	return 0;
}

static int compare_tiles(struct anchor_log *log, const struct signed_tree *tree, struct diag *diag,
			 enum consistency *ret)
{
	struct digest root;
	int r;

	*ret = CONSISTENCY_UNPROVED;
	if (!log->tiles)
		return 0;
	if (tree->size > tiles_size(log->tiles))
		return tiles_compare(log->tiles, tree->nodes, diag, ret);
	r = tiles_root(log->tiles, tree->size, diag, &root);
	if (r == 0)
		*ret = same(&root, &tree->root) ? CONSISTENCY_PROVED : CONSISTENCY_REFUTED;
	return r == -ENOENT ? 0 : r;
}

static void refuted(const struct anchor_log *log, const struct signed_tree *tree, bool by_tiles,
		    const struct place *place, struct findings *findings)
{
	if (by_tiles)
		findings_add(
			findings, STELLA_FINDING_LOG_PROOF_INVALID, place,
			"the log %s signed a tree of %" PRIu64
			" leaves in this seal that is not the one in its directory: it shows different people "
			"different trees, or its directory was changed",
			log->name, tree->size);
	else if (tree->size == log->size)
		findings_add(findings, STELLA_FINDING_LOG_PROOF_INVALID, place,
			     "the log %s signed two different trees of %" PRIu64
			     " leaves: the other is in a seal "
			     "before this one",
			     log->name, tree->size);
	else
		findings_add(findings, STELLA_FINDING_LOG_PROOF_INVALID, place,
			     "the log %s signed trees of %" PRIu64 " and of %" PRIu64
			     " leaves, and the larger is not the smaller with leaves added",
			     log->name, log->size < tree->size ? log->size : tree->size,
			     log->size < tree->size ? tree->size : log->size);
}

/* Against the log's directory if it was given, else against the largest tree before. */
static int log_consistency(struct anchor_log *log, const struct signed_tree *tree, const struct place *place,
			   struct findings *findings, struct diag *diag)
{
	struct signed_tree largest = { log->size, log->root, &log->nodes };
	enum consistency tiles, before = CONSISTENCY_UNPROVED;
	int r;

	r = compare_tiles(log, tree, diag, &tiles);
	if (r == 0 && log->entries > 0)
		r = tree->size < log->size ? compare(tree, &largest, &before)
					   : compare(&largest, tree, &before);
	if (r < 0)
		return r;
	if (tiles == CONSISTENCY_REFUTED || before == CONSISTENCY_REFUTED) {
		refuted(log, tree, tiles == CONSISTENCY_REFUTED, place, findings);
		log->unproved++;
		return 0;
	}
	if (tiles == CONSISTENCY_PROVED || before == CONSISTENCY_PROVED)
		log->proved++;
	else if (log->entries > 0 || log->tiles)
		log->unproved++;
	if (tree->size >= log->size) {
		log->size = tree->size;
		log->root = tree->root;
		log->nodes = *tree->nodes;
	}
	return 0;
}

/* ---- is it there now? ---- */

static int log_ask(struct anchors *anchors, struct anchor_log *log, const struct judge_entry *judged,
		   const struct place *place, struct findings *findings)
{
	_cleanup_(buf_done) struct buf detail = BUF_MAX(4096);
	struct presence_question question = { .log = log->key,
					      .v1 = str_equal(buf_str(&judged->entry->kind), STR("dsse")),
					      .index = judged->facts.index,
					      .size = judged->facts.tree_size,
					      .root = judged->facts.root };
	enum presence presence = PRESENCE_UNKNOWN;
	int r;

	if (!anchors->ask)
		return 0;
	r = merkle_leaf(buf_str(&judged->entry->body), &question.leaf);
	if (r == 0)
		r = anchors->ask(anchors->ask_user, &question, &detail, &presence);
	if (r < 0)
		return r;
	log->unasked += r > 0;
	if (r > 0)
		return 0;
	if (presence == PRESENCE_PRESENT)
		log->present++;
	else if (presence == PRESENCE_UNKNOWN)
		log->unknown++;
	else
		log->absent++;
	if (presence == PRESENCE_ABSENT || presence == PRESENCE_CHANGED)
		findings_add(findings, STELLA_FINDING_LOG_PROOF_INVALID, place, "the log %s, asked now: %s",
			     log->name,
			     buf_cstr(&detail) && detail.len > 0 ? buf_cstr(&detail)
			     : presence == PRESENCE_ABSENT	 ? "it has no such entry"
								 : "it contradicts the proof");
	return 0;
}

/* What the proof told of its tree; a proof that does not lead to the proved root tells nothing. */
static int read_nodes(const struct judge_entry *judged, struct tree_nodes *nodes)
{
	const struct bundle_entry *entry = judged->entry;
	struct digest leaf, root;
	int r;

	r = merkle_leaf(buf_str(&entry->body), &leaf);
	if (r == 0)
		r = tree_nodes_read(&leaf, judged->facts.index, judged->facts.tree_size, entry->hashes,
				    entry->n_hashes, nodes, &root);
	if (r == -EBADMSG || (r == 0 && !same(&root, &judged->facts.root)))
		nodes->count = 0;
	return r == -EBADMSG ? 0 : r;
}

static int take_entry(struct anchors *anchors, const struct judge_entry *judged, const struct place *place,
		      struct findings *findings, struct diag *diag)
{
	struct tree_nodes nodes = { 0 };
	struct signed_tree tree = { judged->facts.tree_size, judged->facts.root, &nodes };
	struct anchor_log *log = NULL;
	int r;

	r = log_row(anchors, judged->facts.log, buf_str(&judged->entry->checkpoint), &log);
	if (r == -E2BIG) {
		findings_add(findings, STELLA_FINDING_LOG_PROOF_INVALID, place,
			     "a log signed trees of more than %d different names", ANCHORS_TREES_MAX);
		return 0;
	}
	if (r == 0)
		r = read_nodes(judged, &nodes);
	if (r == 0)
		r = log_consistency(log, &tree, place, findings, diag);
	if (r < 0)
		return r;
	log->promises += judged->facts.promised;
	log->cosignatures += judged->facts.n_cosignatures;
	log->first = log->entries++ == 0 ? place->sequence : log->first;
	log->last = place->sequence;
	return log_ask(anchors, log, judged, place, findings);
}

static int take_time(struct anchors *anchors, uint64_t sequence, const struct judge_time *time)
{
	struct anchor_time *row = NULL;

	for (size_t i = 0; i < anchors->n_times && !row; i++)
		if (anchors->times[i].by == time->by && strcmp(anchors->times[i].name, time->name) == 0)
			row = &anchors->times[i];
	if (!row && anchors->n_times == ANCHORS_TIMES_MAX) {
		anchors->times_more++;
		return 0;
	}
	if (!row) {
		row = &anchors->times[anchors->n_times];
		*row = (struct anchor_time) { .by = time->by, .name = strdup(time->name), .first = sequence };
		if (!row->name)
			return -ENOMEM;
		anchors->n_times++;
	}
	/* Of one seal the earliest counts: all of them are true. */
	if (row->last != sequence || time->time < row->time)
		row->time = time->time;
	row->count += row->last != sequence; /* seals, not tokens: anybody can put one in twice */
	row->last = sequence;
	return 0;
}

int anchors_take(struct anchors *anchors, uint64_t sequence, const struct seal *seal, struct findings *findings,
		 struct diag *diag)
{
	const struct judgement *judgement = &seal->judgement;
	char name[CHUNK_NAME_MAX] = "";
	struct place place = { .sequence = sequence, .file = name };
	int r = 0;

	chunk_name(CHUNK_SEAL, sequence, name);
	for (size_t i = 0; i < judgement->n_entries && r == 0; i++) {
		const struct judge_entry *entry = &judgement->entries[i];

		if (entry->proved && entry->facts.included)
			r = take_entry(anchors, entry, &place, findings, diag);
	}
	for (size_t i = 0; i < judgement->n_times && r == 0; i++)
		r = take_time(anchors, sequence, &judgement->times[i]);
	anchors->unknown_logs += judgement->n_unknown_logs;
	anchors->unknown_timestamps += judgement->n_unknown_timestamps;
	return r;
}
