/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads a log's tiles. Promises: fixed memory whatever the log's size (two tiles a level are kept); each hash that is used
 * is covered by the checkpoint, which is checked when the tile is read, not of another reading; a tile that is not, or is
 * missing, short or no regular file, makes a root unknown, never wrong. Owns its descriptor and what it keeps.
 */

#include "verify/tiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/file.h"
#include "sigstore/merkle.h"
#include "sigstore/tile.h"

#define TILE_LEVELS 8 /* 2^63 leaves */

struct tile {
	bool kept;
	uint64_t number;
	struct digest hashes[TILE_WIDTH];
};

struct tiles {
	int dir;
	const struct log_key *log;
	uint64_t size;
	struct digest root;
	struct tile edges[TILE_LEVELS], levels[TILE_LEVELS]; /* not full, and the last full one */
};

void tiles_free(struct tiles *tiles)
{
	if (!tiles)
		return;
	closep(&tiles->dir);
	free(tiles);
}

const struct log_key *tiles_log(const struct tiles *tiles)
{
	return tiles->log;
}

uint64_t tiles_size(const struct tiles *tiles)
{
	return tiles->size;
}

/* The hash over `count` (a power of two) neighbours of a tile, which is kept as it is. */
static int join(const struct digest *neighbours, uint64_t count, struct digest *ret_hash)
{
	struct digest hashes[TILE_WIDTH];
	int r;

	memcpy(hashes, neighbours, count * sizeof(*hashes));
	r = merkle_join(hashes, count);
	if (r == 0)
		*ret_hash = hashes[0];
	return r;
}

/* The file of a tile with `width` hashes. -ENOENT also for what is no tile: then nothing is known of it. */
static int tile_read(struct tiles *tiles, unsigned int level, uint64_t number, unsigned int width,
		     struct diag *diag, struct tile *tile)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(TILE_BYTES);
	struct diag own = { 0 };
	char path[TILE_PATH_MAX];
	int r;

	tile->kept = false;
	tile_path(level, number, width, path);
	r = file_read_at(tiles->dir, path, &text, &own);
	if (r == -ENOENT || r == -EINVAL || r == -E2BIG || r == -ENOTDIR ||
	    (r == 0 && text.len != (size_t)width * DIGEST_LEN))
		return -ENOENT;
	if (r < 0)
		return diag_error(diag, r, "%s", own.text);
	memcpy(tile->hashes, text.data, text.len);
	tile->number = number;
	return 0;
}

/*
 * The tile at the right edge, which is not full. A log that grew since its checkpoint was read may have it full only. All
 * these are read while the log is opened, to compute its root, which covers each hash in them that belongs to the tree.
 */
static int tile_edge(struct tiles *tiles, unsigned int level, uint64_t number, unsigned int width,
		     struct diag *diag, const struct tile **ret_tile)
{
	struct tile *tile = &tiles->edges[level];
	int r = 0;

	*ret_tile = tile;
	if (tile->kept)
		return 0;
	r = tile_read(tiles, level, number, width, diag, tile);
	if (r == -ENOENT)
		r = tile_read(tiles, level, number, TILE_WIDTH, diag, tile);
	tile->kept = r == 0;
	return r;
}

static int tile_get(struct tiles *tiles, unsigned int level, uint64_t number, uint64_t needed,
		    struct diag *diag, const struct tile **ret_tile);

/* A full tile counts when the level above has its root, and so on up to an edge. */
static int tile_full(struct tiles *tiles, unsigned int level, uint64_t number, struct diag *diag,
		     const struct tile **ret_tile)
{
	struct tile *tile = &tiles->levels[level];
	const struct tile *above;
	uint64_t at = number % TILE_WIDTH;
	struct digest root;
	int r;

	*ret_tile = tile;
	if (tile->kept && tile->number == number)
		return 0;
	r = tile_read(tiles, level, number, TILE_WIDTH, diag, tile);
	if (r == 0)
		r = join(tile->hashes, TILE_WIDTH, &root);
	if (r == 0)
		r = level + 1 < TILE_LEVELS
			    ? tile_get(tiles, level + 1, number / TILE_WIDTH, at + 1, diag, &above)
			    : -ENOENT;
	if (r == 0 && memcmp(above->hashes[at].bytes, root.bytes, DIGEST_LEN) != 0)
		r = -ENOENT;
	tile->kept = r == 0;
	return r;
}

/* The tile, which has at least `needed` hashes within the tree. */
static int tile_get(struct tiles *tiles, unsigned int level, uint64_t number, uint64_t needed,
		    struct diag *diag, const struct tile **ret_tile)
{
	unsigned int width = tile_width(tiles->size, level, number);

	if (width < needed)
		return -ENOENT;
	return width < TILE_WIDTH ? tile_edge(tiles, level, number, width, diag, ret_tile)
				  : tile_full(tiles, level, number, diag, ret_tile);
}

struct search {
	struct tiles *tiles;
	struct diag *diag;
};

static int find_hash(void *user, unsigned int level, uint64_t index, struct digest *ret_hash)
{
	const struct search *search = user;
	unsigned int row = level / TILE_HEIGHT, height = level % TILE_HEIGHT;
	uint64_t first = index << height, count = UINT64_C(1) << height;
	const struct tile *tile;
	int r;

	if (row >= TILE_LEVELS)
		return -ENOENT;
	r = tile_get(search->tiles, row, first / TILE_WIDTH, first % TILE_WIDTH + count, search->diag, &tile);
	return r < 0 ? r : join(tile->hashes + first % TILE_WIDTH, count, ret_hash);
}

int tiles_root(struct tiles *tiles, uint64_t size, struct diag *diag, struct digest *ret_root)
{
	if (size == 0 || size > tiles->size)
		return -ENOENT;
	return tree_root(size, find_hash, &(struct search) { tiles, diag }, ret_root);
}

int tiles_compare(struct tiles *tiles, const struct tree_nodes *nodes, struct diag *diag,
		  enum consistency *ret_consistency)
{
	struct search search = { tiles, diag };
	struct digest hash;
	int r = tiles->size > 0 ? tree_nodes_root(nodes, tiles->size, &hash) : -ENOENT;

	*ret_consistency = CONSISTENCY_UNPROVED;
	if (r == 0)
		*ret_consistency = memcmp(hash.bytes, tiles->root.bytes, DIGEST_LEN) == 0 ? CONSISTENCY_PROVED
											  : CONSISTENCY_REFUTED;
	for (size_t i = 0; i < nodes->count && r == -ENOENT; i++) {
		const struct tree_node *node = &nodes->list[i];

		/* All of its leaves are in the log. */
		if (node->index >= tiles->size >> node->level)
			continue;
		r = find_hash(&search, node->level, node->index, &hash);
		if (r == 0 && memcmp(hash.bytes, node->hash.bytes, DIGEST_LEN) != 0) {
			*ret_consistency = CONSISTENCY_REFUTED;
			return 0;
		}
		r = r == 0 ? -ENOENT : r;
	}
	return r == -ENOENT ? 0 : r;
}

/* Did this log sign it? Logs of tiles sign with Ed25519 or, as others do, with ECDSA. */
static int signed_by(const struct checkpoint *checkpoint, const struct log_key *log, bool *ret_signed)
{
	static const enum note_algorithm algorithms[] = { NOTE_ED25519, NOTE_ECDSA };
	bool ed25519 = strcmp(public_key_type(log->key), "ed25519") == 0;
	_cleanup_(public_key_freep) struct public_key *key = NULL;
	struct note_key note_key = { 0 };
	int r;

	*ret_signed = false;
	if (!log->origin || !str_equal(str_of(log->origin), checkpoint->origin))
		return 0;
	r = public_key_copy(log->key, &key);
	if (r == 0)
		r = note_key_make(log->origin, algorithms[!ed25519], &key, &note_key);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	*ret_signed = checkpoint_signed_by(checkpoint, &note_key, NULL);
	note_key_done(&note_key);
	return 0;
}

static int find_log(struct tiles *tiles, const struct checkpoint *checkpoint, const char *path,
		    const struct trusted_root *root, struct diag *diag)
{
	for (size_t i = 0; i < root->n_logs; i++) {
		bool is_its = false;
		int r = signed_by(checkpoint, &root->logs[i], &is_its);

		if (r < 0)
			return r;
		if (is_its) {
			tiles->log = &root->logs[i];
			return 0;
		}
	}
	return diag_error(diag, -EINVAL, "%s: its checkpoint is not signed by a log that you trust", path);
}

static int read_checkpoint(struct tiles *tiles, const char *path, const struct trusted_root *root,
			   struct diag *diag)
{
	_cleanup_(buf_done) struct buf note = BUF_MAX(NOTE_MAX);
	_cleanup_(checkpoint_done) struct checkpoint checkpoint = { 0 };
	struct diag own = { 0 };
	int r;

	r = file_read_at(tiles->dir, "checkpoint", &note, &own);
	if (r < 0)
		return diag_error(diag, r == -ENOENT ? -EINVAL : r, "%s is no log's directory: %s", path,
				  own.text);
	r = checkpoint_parse(buf_str(&note), &own, &checkpoint);
	if (r < 0)
		return diag_error(diag, r == -ENOMEM ? r : -EINVAL, "%s/checkpoint: %s", path, own.text);
	tiles->size = checkpoint.size;
	tiles->root = checkpoint.root;
	return find_log(tiles, &checkpoint, path, root, diag);
}

int tiles_open(const char *path, const struct trusted_root *root, struct diag *diag, struct tiles **ret_tiles)
{
	_cleanup_(tiles_freep) struct tiles *tiles = calloc(1, sizeof(*tiles));
	struct digest found;
	int r;

	if (!tiles)
		return diag_error(diag, -ENOMEM, "%s: no memory to read the log", path);
	tiles->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tiles->dir < 0) {
		r = -errno;
		return diag_error(diag, r, "%s: cannot open the log's directory: %s", path, strerror(-r));
	}
	r = read_checkpoint(tiles, path, root, diag);
	if (r < 0)
		return r;
	if (tiles->size > 0) {
		r = tiles_root(tiles, tiles->size, diag, &found);
		if (r == -ENOENT)
			return diag_error(diag, -EBADMSG, "%s: tiles of its checkpoint's tree are missing",
					  path);
		if (r < 0)
			return diag_error(diag, r, "%s: %s", path, strerror(-r));
		if (memcmp(found.bytes, tiles->root.bytes, DIGEST_LEN) != 0)
			return diag_error(diag, -EBADMSG, "%s: its tiles do not add up to its checkpoint",
					  path);
	}
	*ret_tiles = TAKE(tiles);
	return 0;
}
