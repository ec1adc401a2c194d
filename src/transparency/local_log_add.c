// SPDX-License-Identifier: Apache-2.0
/*
 * Leaves become tiles and tiles a checkpoint, in an order that survives a loss of power at any moment: entries, hashes,
 * then the checkpoint, each synced before the next. What a crash leaves beyond the checkpoint is not in the log and is
 * written over. Promises that a checkpoint is signed only after the tiles were read back and the old tree was found
 * to be their beginning.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "transparency/local_log_parts.h"

#define LEVELS 8u
#define PUBLIC_FILE 0644

/* ---- files ---- */

/* Opens the directory of a tile's file, made and synced where it is missing; *ret_name: the file's name in it. */
static int open_parent(struct local_log *log, char *path, struct diag *diag, const char **ret_name,
		       int *ret_dir)
{
	_cleanup_(closep) int at = dup(log->dir);
	char *rest = path, *slash;

	while (at >= 0 && (slash = strchr(rest, '/'))) {
		int next;

		*slash = 0;
		if (mkdirat(at, rest, 0755) == 0) {
			if (fsync(at) < 0)
				return diag_error(diag, -errno, "cannot sync the log %s: %s", log->path,
						  strerror(errno));
		} else if (errno != EEXIST) {
			return diag_error(diag, -errno, "cannot make %s in the log %s: %s", rest, log->path,
					  strerror(errno));
		}
		next = openat(at, rest, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		closep(&at);
		at = next;
		rest = slash + 1;
	}
	if (at < 0)
		return diag_error(diag, -errno, "cannot open a directory of the log %s: %s", log->path,
				  strerror(errno));
	*ret_name = rest;
	*ret_dir = TAKE_FD(at);
	return 0;
}

static int publish_tile(struct local_log *log, unsigned int level, uint64_t number, unsigned int width,
			struct str bytes, struct diag *diag)
{
	_cleanup_(closep) int dir = -1;
	char path[TILE_PATH_MAX];
	const char *name = NULL;
	int r;

	tile_path(level, number, width, path);
	r = open_parent(log, path, diag, &name, &dir);
	return r < 0 ? r : file_publish_at(dir, name, PUBLIC_FILE, bytes.data, bytes.len, true, diag);
}

static int remove_name(void *user, const char *name)
{
	unlinkat(*(int *)user, name, 0);
	return 0;
}

/* The full tile is there and a checkpoint covers it: its parts say nothing more. That they stay harms nobody. */
static void remove_parts(struct local_log *log, unsigned int level, uint64_t number)
{
	_cleanup_(closep) int dir = -1;
	char path[TILE_PATH_MAX];

	tile_path(level, number, 1, path);
	*strrchr(path, '/') = 0;
	dir = openat(log->dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return;
	(void)directory_visit(dir, remove_name, &dir);
	(void)unlinkat(log->dir, path, AT_REMOVEDIR);
}

/* ---- one level ---- */

struct level {
	unsigned int level;
	uint64_t size; /* hashes that were there before */
	struct digest added[LOCAL_LOG_BATCH_MAX]; /* becomes that of the level above */
	size_t n;
};

static int write_tile(struct local_log *log, const struct level *level, uint64_t number, struct diag *diag,
		      struct digest tile[TILE_WIDTH], unsigned int *ret_width)
{
	uint64_t first = number * TILE_WIDTH;
	_cleanup_(buf_done) struct buf old = BUF_MAX(TILE_BYTES);
	char path[TILE_PATH_MAX];
	unsigned int have = 0;
	int r = 0;

	if (level->size > first) {
		have = (unsigned int)(level->size - first);
		tile_path(level->level, number, have, path);
		r = file_read_nofollow_at(log->dir, path, &old, diag);
		if (r >= 0 && old.len != have * DIGEST_LEN)
			r = diag_error(diag, -EBADMSG, "%s/%s has %zu bytes, %u are right", log->path, path,
				       old.len, have * DIGEST_LEN);
		if (r < 0)
			return r;
		memcpy(tile, old.data, old.len);
	}
	for (uint64_t at = first + have; have < TILE_WIDTH && at - level->size < level->n; at++)
		tile[have++] = level->added[at - level->size];
	*ret_width = have;
	return publish_tile(log, level->level, number, have,
			    (struct str) { (const char *)tile, have * DIGEST_LEN }, diag);
}

/* Writes what changes at this level, and makes it the next one: roots of the tiles that became full. */
static int write_level(struct local_log *log, struct level *level, struct diag *diag)
{
	uint64_t first = level->size / TILE_WIDTH, last = (level->size + level->n - 1) / TILE_WIDTH;
	struct digest tile[TILE_WIDTH], roots[2 + LOCAL_LOG_BATCH_MAX / TILE_WIDTH] = { { { 0 } } };
	size_t n = 0;

	for (uint64_t number = first; number <= last; number++) {
		unsigned int width;
		int r = write_tile(log, level, number, diag, tile, &width);

		if (r >= 0 && width == TILE_WIDTH)
			r = merkle_join(tile, TILE_WIDTH);
		if (r < 0)
			return r;
		if (width == TILE_WIDTH)
			roots[n++] = tile[0];
	}
	memcpy(level->added, roots, n * sizeof(roots[0]));
	level->n = n;
	level->level++;
	level->size = first;
	return 0;
}

static int write_hashes(struct local_log *log, const struct digest *leaves, size_t count, struct diag *diag)
{
	_cleanup_(freep) struct level *level = calloc(1, sizeof(*level));
	int r = 0;

	if (!level)
		return -ENOMEM;
	level->size = log->size;
	level->n = count;
	memcpy(level->added, leaves, count * sizeof(leaves[0]));
	while (r >= 0 && level->n > 0 && level->level < LEVELS)
		r = write_level(log, level, diag);
	return r;
}

/* ---- entries ---- */

static int append_entry(struct buf *out, struct str body)
{
	const unsigned char len[2] = { (unsigned char)(body.len >> 8), (unsigned char)body.len };
	int r = buf_append(out, len, sizeof(len));

	return r < 0 ? r : buf_append_str(out, body);
}

static int write_entries(struct local_log *log, const struct str *bodies, size_t count, struct diag *diag)
{
	_cleanup_(buf_done) struct buf bytes = BUF_MAX(TILE_ENTRIES_BYTES);
	uint64_t number = log->size / TILE_WIDTH;
	unsigned int width = (unsigned int)(log->size % TILE_WIDTH);
	char path[TILE_PATH_MAX];
	int r = 0;

	if (width > 0) {
		tile_path(TILE_ENTRIES, number, width, path);
		r = file_read_nofollow_at(log->dir, path, &bytes, diag);
	}
	for (size_t i = 0; r >= 0 && i < count; i++) {
		r = append_entry(&bytes, bodies[i]);
		width++;
		if (r >= 0 && (width == TILE_WIDTH || i + 1 == count))
			r = publish_tile(log, TILE_ENTRIES, number, width, buf_str(&bytes), diag);
		if (width == TILE_WIDTH) {
			buf_clear(&bytes);
			width = 0;
			number++;
		}
	}
	return r;
}

/* ---- the checkpoint ---- */

static int check_extends(struct local_log *log, uint64_t size, struct diag *diag, struct digest *ret_root)
{
	struct tile_tree *tree = NULL;
	struct digest before = log->root;
	int r = local_log_tree(log, size, &tree);

	if (r >= 0 && log->size > 0)
		r = tile_tree_root(tree, log->size, diag, &before);
	if (r >= 0 && memcmp(&before, &log->root, sizeof(before)) != 0)
		r = diag_error(diag, -EBADMSG,
			       "the tiles of the log %s were changed by somebody else; no checkpoint is signed",
			       log->path);
	if (r >= 0)
		r = tile_tree_root(tree, size, diag, ret_root);
	free(tree);
	return r;
}

static int publish_checkpoint(struct local_log *log, uint64_t size, struct diag *diag)
{
	_cleanup_(buf_done) struct buf note = BUF_MAX(NOTE_MAX);
	struct digest root;
	int r = check_extends(log, size, diag, &root);

	if (r >= 0)
		r = checkpoint_write(&note, log->origin, size, &root, log->key, diag);
	return r < 0 ? r
		     : file_publish_at(log->dir, "checkpoint", PUBLIC_FILE, note.data, note.len, true, diag);
}

/*
 * What lies there now is the log, whatever failed before: a checkpoint that was renamed into its place and could not be
 * synced may have been seen, and one of the same size with other leaves must never follow it.
 */
int local_log_refresh(struct local_log *log, struct diag *diag)
{
	_cleanup_(buf_done) struct buf note = BUF_MAX(NOTE_MAX);
	struct digest before = log->root, now = log->root;
	uint64_t size = log->size;
	int r = file_read_nofollow_at(log->dir, "checkpoint", &note, diag);

	if (r < 0 || (log->tree && str_equal(buf_str(&note), buf_str(&log->checkpoint))))
		return r;
	buf_clear(&log->checkpoint);
	r = buf_append_str(&log->checkpoint, buf_str(&note));
	if (r >= 0)
		r = local_log_load(log, diag);
	if (r >= 0 && size > 0)
		r = log->size < size ? -EBADMSG : tile_tree_root(log->tree, size, diag, &now);
	if (r >= 0 && memcmp(&before, &now, sizeof(now)) != 0)
		r = -EBADMSG;
	if (r < 0) { /* until what was there before is there again, every addition comes here */
		buf_clear(&log->checkpoint);
		log->size = size;
		log->root = before;
		return diag_error(diag, r,
				  "the checkpoint of the log %s was exchanged for one that does not extend it; "
				  "restore it, "
				  "or move the log away for a new one",
				  log->path);
	}
	return 0;
}

static void remove_old_parts(struct local_log *log, uint64_t from, uint64_t to)
{
	for (unsigned int level = 0; level < LEVELS; level++) {
		for (uint64_t number = from / TILE_WIDTH; number < to / TILE_WIDTH; number++) {
			remove_parts(log, level, number);
			if (level == 0)
				remove_parts(log, TILE_ENTRIES, number);
		}
		from /= TILE_WIDTH;
		to /= TILE_WIDTH;
	}
}

int local_log_append(struct local_log *log, const struct str *bodies, const struct digest *leaves, size_t count,
		     struct diag *diag)
{
	uint64_t before = log->size;
	int r = write_entries(log, bodies, count, diag);

	if (r >= 0)
		r = write_hashes(log, leaves, count, diag);
	if (r >= 0)
		r = publish_checkpoint(log, log->size + count, diag);
	if (r >= 0)
		r = local_log_refresh(log, diag);
	if (r >= 0)
		remove_old_parts(log, before, log->size);
	return r < 0 ? diag_error(diag, r, "cannot add to the log %s: %s", log->path, strerror(-r)) : 0;
}
