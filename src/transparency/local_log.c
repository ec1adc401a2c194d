// SPDX-License-Identifier: Apache-2.0
/*
 * The local log: opening, proving, and what of new bodies is there already. Promises that nothing is signed unless the
 * tiles that lie there add up to the last checkpoint. Refuses a second writer, another origin, a checkpoint that is not
 * this key's, and to begin anew where tiles show that there was a log. Owns its descriptors, its key and its tree.
 */

#include "transparency/local_log_parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "sigstore/entry.h"

#define ORIGIN_MAX 253 /* of a host's name */
#define ED25519_RAW 32
#define LOCK_PAUSE_MS 10
#define LOCK_WAIT_MS 5000

static int read_tile(void *user, const char *path, struct diag *diag, struct buf *out)
{
	const struct local_log *log = user;
	struct diag quiet = { .text = "" };
	int r = file_read_nofollow_at(log->dir, path, out, &quiet);

	return r < 0 && r != -ENOENT ? diag_error(diag, r, "%s/%s: %s", log->path, path, strerror(-r)) : r;
}

int local_log_tree(struct local_log *log, uint64_t size, struct tile_tree **ret_tree)
{
	return tile_tree_new(read_tile, log, size, ret_tree);
}

/* ---- opening ---- */

static bool is_origin(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= ORIGIN_MAX && text[0] != '-' && text[0] != '.' && text[len - 1] != '.' &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

/* Other processes hold it for as long as they add something. */
static int take_lock(struct local_log *log, struct diag *diag)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000l };

	for (int waited_ms = 0; flock(log->lock, LOCK_EX | LOCK_NB) < 0; waited_ms += LOCK_PAUSE_MS) {
		if (errno != EWOULDBLOCK || waited_ms >= LOCK_WAIT_MS)
			return diag_error(diag, -EAGAIN, "the log %s is locked by another process", log->path);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static void drop_lock(struct local_log *log)
{
	(void)flock(log->lock, LOCK_UN);
}

static int open_directory(struct local_log *log, const char *directory, struct diag *diag)
{
	int r = directory_make(directory, 0755, diag);

	if (r < 0)
		return r;
	log->path = strdup(directory);
	if (!log->path)
		return -ENOMEM;
	log->dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->dir < 0)
		return diag_error(diag, -errno, "cannot open the log %s: %s", directory, strerror(errno));
	log->lock = openat(log->dir, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (log->lock < 0)
		return diag_error(diag, -errno, "cannot open %s/.lock: %s", directory, strerror(errno));
	return 0;
}

static int open_key(struct local_log *log, const char *path, bool begins, struct diag *diag)
{
	_cleanup_(key_freep) struct key *fresh = NULL;
	int r;

	if (access(path, F_OK) == 0 || errno != ENOENT) {
		r = key_load(path, diag, &log->key);
	} else if (!begins) {
		r = diag_error(
			diag, -ENOENT,
			"the log %s has no key: %s is missing; restore it, or move the log away for a new one",
			log->path, path);
	} else {
		r = key_generate_ed25519(diag, &fresh);
		if (r >= 0)
			r = key_save(fresh, path, diag);
		if (r >= 0)
			log->key = TAKE(fresh);
	}
	if (r >= 0)
		r = key_public(log->key, diag, &log->public);
	if (r >= 0 && strcmp(public_key_type(log->public), "ed25519") != 0)
		r = diag_error(diag, -EINVAL, "%s: a log's key must be Ed25519", path);
	return r;
}

/* The id as Rekor v2 has it: SHA-256(origin || LF || 1 || key). */
static int make_id(struct local_log *log)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(ORIGIN_MAX + 2 + ED25519_RAW);
	struct str spki = public_key_spki(log->public);
	int r = buf_printf(&text, "%s\n\x01", log->origin);

	if (r >= 0)
		r = buf_append(&text, spki.data + spki.len - ED25519_RAW, ED25519_RAW);
	return r < 0 ? r : digest_of(text.data, text.len, &log->id);
}

static int choose_origin(struct local_log *log, const char *origin, struct diag *diag)
{
	char name[ORIGIN_MAX + 1] = "";

	if (!origin || !*origin) {
		if (gethostname(name, sizeof(name) - 1) < 0 || !is_origin(name))
			return diag_error(diag, -EINVAL,
					  "this host's name cannot be a log's origin; set "
					  "signals.signing.local_log_origin to a host name");
		origin = name;
	}
	if (!is_origin(origin))
		return diag_error(diag, -EINVAL, "the origin of a log must be a bare host name, not \"%s\"",
				  origin);
	log->origin = strdup(origin);
	return log->origin ? 0 : -ENOMEM;
}

static int check_origin(struct local_log *log, struct str found, const char *wanted, struct diag *diag)
{
	log->origin = str_copy(found);
	if (!log->origin)
		return -ENOMEM;
	if (!is_origin(log->origin) || (wanted && *wanted && strcmp(wanted, log->origin) != 0))
		return diag_error(
			diag, -EINVAL,
			"the log %s has the origin \"%s\", and \"%s\" is wanted; a log keeps its origin: take "
			"signals.signing.local_log_origin out, or move the log away for a new one",
			log->path, log->origin, wanted ? wanted : "a host name");
	return 0;
}

/* The leaf that a log begins with: signed by a key that nobody has any more. */
static int first_body(const struct local_log *log, struct buf *out, struct diag *diag)
{
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	_cleanup_(key_freep) struct key *key = NULL;
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	_cleanup_(buf_done) struct buf pae = BUF_MAX(4096);
	int r = key_generate(diag, &key);

	if (r >= 0)
		r = key_public(key, diag, &public);
	if (r >= 0)
		r = buf_append_str(&bundle.payload_type, STR("text/plain"));
	if (r >= 0)
		r = buf_printf(&bundle.payload, "%s begins\n", log->origin);
	if (r >= 0)
		r = dsse_pae(&pae, buf_str(&bundle.payload_type), buf_str(&bundle.payload));
	if (r >= 0)
		r = key_sign(key, pae.data, pae.len, &bundle.signature, diag);
	return r < 0 ? r : entry_body(out, ENTRY_HASHEDREKORD_V2, &bundle, public_key_spki(public), diag);
}

static int begin(struct local_log *log, const char *origin, struct diag *diag)
{
	_cleanup_(buf_done) struct buf body = BUF_MAX(TILE_ENTRY_MAX);
	struct digest leaf;
	struct str view;
	int r;

	if (faccessat(log->dir, "tile/0/000", F_OK, 0) == 0 ||
	    faccessat(log->dir, "tile/0/000.p/2", F_OK, 0) == 0)
		return diag_error(
			diag, -EBADMSG,
			"the log %s has tiles and no checkpoint; restore the checkpoint, or move the log away "
			"for a new one",
			log->path);
	r = choose_origin(log, origin, diag);
	if (r >= 0)
		r = make_id(log);
	if (r >= 0)
		r = first_body(log, &body, diag);
	view = buf_str(&body);
	if (r >= 0)
		r = merkle_leaf(view, &leaf);
	return r < 0 ? r : local_log_append(log, &view, &leaf, 1, diag);
}

int local_log_load(struct local_log *log, struct diag *diag)
{
	_cleanup_(freep) struct tile_tree *tree = NULL;
	_cleanup_(checkpoint_done) struct checkpoint checkpoint = { 0 };
	_cleanup_(note_key_done) struct note_key name = { 0 };
	_cleanup_(public_key_freep) struct public_key *copy = NULL;
	struct digest root;
	int r = checkpoint_parse(buf_str(&log->checkpoint), diag, &checkpoint);

	if (r >= 0)
		r = public_key_copy(log->public, &copy);
	if (r >= 0)
		r = note_key_make(log->origin, NOTE_ED25519, &copy, &name);
	if (r >= 0 && (!str_equal(checkpoint.origin, str_of(log->origin)) ||
		       !checkpoint_signed_by(&checkpoint, &name, NULL)))
		r = diag_error(diag, -EBADMSG, "%s/checkpoint is not signed by the log's key", log->path);
	if (r >= 0)
		r = local_log_tree(log, checkpoint.size, &tree);
	if (r >= 0)
		r = tile_tree_root(tree, checkpoint.size, diag, &root);
	if (r < 0)
		return r;
	if (memcmp(&root, &checkpoint.root, sizeof(root)) != 0)
		return diag_error(
			diag, -EBADMSG,
			"the tiles of the log %s are not what its checkpoint says; nothing is added to it: "
			"restore it, or move it away for a new one",
			log->path);
	log->size = checkpoint.size;
	log->root = checkpoint.root;
	free(log->tree);
	log->tree = TAKE(tree);
	return 0;
}

static int resume(struct local_log *log, const char *origin, struct diag *diag)
{
	struct checkpoint checkpoint = { 0 };
	int r = checkpoint_parse(buf_str(&log->checkpoint), diag, &checkpoint);

	if (r >= 0)
		r = check_origin(log, checkpoint.origin, origin, diag);
	checkpoint_done(&checkpoint);
	if (r >= 0)
		r = make_id(log);
	return r < 0 ? r : local_log_load(log, diag);
}

static int open_locked(struct local_log *log, const char *key_path, const char *origin, struct diag *diag)
{
	struct diag quiet = { .text = "" };
	int r = file_read_nofollow_at(log->dir, "checkpoint", &log->checkpoint, &quiet);
	bool begins = r == -ENOENT;

	if (r < 0 && !begins)
		return diag_error(diag, r, "%s", quiet.text);
	r = open_key(log, key_path, begins, diag);
	return r < 0 ? r : begins ? begin(log, origin, diag) : resume(log, origin, diag);
}

int local_log_open(const char *directory, const char *key_path, const char *origin, struct diag *diag,
		   struct local_log **ret_log)
{
	_cleanup_(local_log_closep) struct local_log *log = calloc(1, sizeof(*log));
	int r;

	if (!log)
		return -ENOMEM;
	log->dir = log->lock = -1;
	log->checkpoint = BUF_MAX(NOTE_MAX);
	pthread_mutex_init(&log->mutex, NULL);
	r = open_directory(log, directory, diag);
	if (r >= 0)
		r = take_lock(log, diag);
	if (r < 0)
		return r;
	r = open_locked(log, key_path, origin, diag);
	drop_lock(log);
	if (r < 0)
		return r;
	*ret_log = TAKE(log);
	return 0;
}

void local_log_close(struct local_log *log)
{
	if (!log)
		return;
	free(log->tree);
	leaf_table_done(&log->known);
	buf_done(&log->checkpoint);
	free(log->origin);
	free(log->path);
	key_free(log->key);
	public_key_free(log->public);
	closep(&log->dir);
	closep(&log->lock);
	pthread_mutex_destroy(&log->mutex);
	free(log);
}

/* ---- facts ---- */

const char *local_log_origin(const struct local_log *log)
{
	return log->origin;
}

int local_log_dir(const struct local_log *log)
{
	return log->dir;
}

const struct digest *local_log_id(const struct local_log *log)
{
	return &log->id;
}

const struct public_key *local_log_key(const struct local_log *log)
{
	return log->public;
}

int local_log_checkpoint(struct local_log *log, struct buf *out, uint64_t *ret_size)
{
	int r;

	pthread_mutex_lock(&log->mutex);
	r = buf_append_str(out, buf_str(&log->checkpoint));
	*ret_size = log->size;
	pthread_mutex_unlock(&log->mutex);
	return r;
}

int local_log_trust(const struct local_log *log, struct trusted_root *root, struct diag *diag)
{
	const struct validity always = { 0, INT64_MAX };

	return trusted_root_add_log(root, log->public, log->origin, NULL, always, diag);
}

/* ---- adding and proving ---- */

/* After a failure of ours or an addition by another process, too: what is known is of the tree that lies there. */
static int know_leaves(struct local_log *log, struct diag *diag)
{
	struct digest leaf;
	int r = 0;

	while (r >= 0 && log->known_size < log->size) {
		r = tile_tree_leaf(log->tree, log->known_size, diag, &leaf);
		if (r >= 0)
			r = leaf_table_add(&log->known, &leaf, log->known_size);
		log->known_size += r >= 0;
	}
	return r;
}

/* Leaves that are in the log already get their index; UINT64_MAX: not there. */
static int find_known(struct local_log *log, const struct digest *leaves, size_t count, struct diag *diag,
		      uint64_t *indices)
{
	int r = know_leaves(log, diag);

	for (size_t i = 0; r >= 0 && i < count; i++) {
		size_t cursor = 0;
		struct digest leaf;

		do {
			indices[i] = leaf_table_next(&log->known, &leaves[i], &cursor);
			if (indices[i] != UINT64_MAX)
				r = tile_tree_leaf(log->tree, indices[i], diag, &leaf);
		} while (r >= 0 && indices[i] != UINT64_MAX && memcmp(&leaf, &leaves[i], sizeof(leaf)) != 0);
	}
	return r;
}

static int add_unknown(struct local_log *log, const struct str *bodies, const struct digest *leaves,
		       size_t count, struct diag *diag, uint64_t *indices)
{
	struct str new_bodies[LOCAL_LOG_BATCH_MAX];
	struct digest new_leaves[LOCAL_LOG_BATCH_MAX];
	uint64_t first = log->size;
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (indices[i] == UINT64_MAX) {
			new_bodies[n] = bodies[i];
			new_leaves[n] = leaves[i];
			indices[i] = first + n++;
		}
	return n > 0 ? local_log_append(log, new_bodies, new_leaves, n, diag) : 0;
}

int local_log_add(struct local_log *log, const struct str *bodies, size_t count, struct diag *diag,
		  uint64_t *indices)
{
	struct digest leaves[LOCAL_LOG_BATCH_MAX];
	int r = count > 0 && count <= LOCAL_LOG_BATCH_MAX ? 0 : -EINVAL;

	for (size_t i = 0; r >= 0 && i < count; i++) {
		r = merkle_leaf(bodies[i], &leaves[i]);
		if (r >= 0 && bodies[i].len > TILE_ENTRY_MAX)
			r = diag_error(diag, -E2BIG, "an entry of %zu bytes is too large for the log",
				       bodies[i].len);
	}
	if (r < 0)
		return r;
	pthread_mutex_lock(&log->mutex);
	r = take_lock(log, diag);
	if (r >= 0) {
		r = local_log_refresh(log, diag);
		if (r >= 0)
			r = find_known(log, leaves, count, diag, indices);
		if (r >= 0)
			r = add_unknown(log, bodies, leaves, count, diag, indices);
		drop_lock(log);
	}
	pthread_mutex_unlock(&log->mutex);
	return r;
}

static int fill_entry(const struct local_log *log, uint64_t index, struct str body, struct str checkpoint,
		      struct bundle_entry *entry)
{
	int r = buf_append_str(&entry->kind, STR("hashedrekord"));

	entry->log_index = entry->proof_index = index;
	entry->log_id = log->id;
	entry->has_proof = true;
	if (r >= 0)
		r = buf_append_str(&entry->version, STR("0.0.2"));
	if (r >= 0)
		r = buf_append_str(&entry->body, body);
	return r < 0 ? r : buf_append_str(&entry->checkpoint, checkpoint);
}

int local_log_prove(struct local_log *log, uint64_t index, struct str body, struct str checkpoint,
		    uint64_t size, struct diag *diag, struct bundle_entry *entry)
{
	struct digest hashes[TILE_PROOF_MAX];
	int r = fill_entry(log, index, body, checkpoint, entry);

	if (r < 0)
		return r;
	entry->tree_size = size;
	pthread_mutex_lock(&log->mutex);
	r = tile_tree_inclusion(log->tree, index, size, diag, hashes, &entry->n_hashes);
	if (r >= 0)
		r = tile_tree_root(log->tree, size, diag, &entry->root);
	pthread_mutex_unlock(&log->mutex);
	if (r >= 0)
		memcpy(entry->hashes, hashes, entry->n_hashes * sizeof(hashes[0]));
	return r;
}

int local_log_holds(struct local_log *log, uint64_t size, const struct digest *root, struct diag *diag)
{
	struct digest now;
	int r;

	pthread_mutex_lock(&log->mutex);
	r = take_lock(log, diag);
	if (r >= 0) {
		r = local_log_refresh(log, diag);
		drop_lock(log);
	}
	if (r >= 0 && size <= log->size)
		r = tile_tree_root(log->tree, size, diag, &now);
	if (r >= 0 && (size > log->size || memcmp(&now, root, sizeof(now)) != 0))
		r = diag_error(diag, -EBADMSG,
			       "the log %s is not the one that the last seal was logged in, or was set back: a "
			       "tree of "
			       "%llu leaves is not its beginning; restore it, or move it away for a new one",
			       log->path, (unsigned long long)size);
	pthread_mutex_unlock(&log->mutex);
	return r;
}

int local_log_consistency(struct local_log *log, uint64_t old_size, uint64_t new_size, struct diag *diag,
			  struct digest hashes[TILE_PROOF_MAX], size_t *ret_n)
{
	int r;

	pthread_mutex_lock(&log->mutex);
	r = tile_tree_consistency(log->tree, old_size, new_size, diag, hashes, ret_n);
	pthread_mutex_unlock(&log->mutex);
	return r;
}
