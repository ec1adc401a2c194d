// SPDX-License-Identifier: Apache-2.0
/*
 * The cursor file: one JSON object, replaced atomically. Promises to read back exactly what it writes. Refuses unknown
 * members and numbers out of range. A cursor owns the notes in it.
 */

#include "transparency/cursor.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "format/canon.h"

void cursor_done(struct cursor *cursor)
{
	for (size_t i = 0; i < cursor->n_trees; i++)
		buf_done(&cursor->trees[i].checkpoint);
	*cursor = (struct cursor) { .done = 0 };
}

/* ---- trees ---- */

struct cursor_tree *cursor_tree_find(struct cursor *cursor, struct str origin)
{
	for (size_t i = 0; i < cursor->n_trees; i++)
		if (str_equal(str_of(cursor->trees[i].origin), origin))
			return &cursor->trees[i];
	return NULL;
}

static struct cursor_tree *tree_new(struct cursor *cursor)
{
	struct cursor_tree *tree;

	if (cursor->n_trees == CURSOR_TREES_MAX) {
		buf_done(&cursor->trees[0].checkpoint);
		memmove(&cursor->trees[0], &cursor->trees[1],
			(CURSOR_TREES_MAX - 1) * sizeof(cursor->trees[0]));
		cursor->n_trees--;
	}
	tree = &cursor->trees[cursor->n_trees++];
	*tree = (struct cursor_tree) { .checkpoint = BUF_MAX(NOTE_MAX) };
	return tree;
}

static int tree_fill(struct cursor_tree *tree, struct str origin, uint64_t size, const struct digest *root,
		     struct str note)
{
	buf_clear(&tree->checkpoint);
	memcpy(tree->origin, origin.data, origin.len);
	tree->origin[origin.len] = 0;
	tree->size = size;
	tree->root = *root;
	return buf_append_str(&tree->checkpoint, note);
}

int cursor_tree_set(struct cursor *cursor, const struct checkpoint *checkpoint, struct str note)
{
	struct cursor_tree *tree = cursor_tree_find(cursor, checkpoint->origin);

	if (checkpoint->origin.len >= sizeof(tree->origin))
		return -E2BIG;
	if (!tree)
		tree = tree_new(cursor);
	return tree_fill(tree, checkpoint->origin, checkpoint->size, &checkpoint->root, note);
}

/* ---- writing ---- */

static void put_digest(struct canon *w, const char *key, const struct digest *digest)
{
	char hex[DIGEST_TEXT_LEN + 1];

	digest_hex(digest, hex);
	canon_key_cstr(w, key, hex);
}

int cursor_write(const struct cursor *cursor, uint64_t done, const struct digest *statement, struct buf *out)
{
	struct canon w = CANON_INTO(out);
	int r;

	canon_object(&w);
	canon_key_u64(&w, "done", done);
	if (cursor->has_log_id)
		put_digest(&w, "log_id", &cursor->log_id);
	if (statement)
		put_digest(&w, "statement", statement);
	canon_key(&w, "trees");
	canon_array(&w);
	for (size_t i = 0; i < cursor->n_trees; i++) {
		canon_object(&w);
		canon_key_string(&w, "checkpoint", buf_str(&cursor->trees[i].checkpoint));
		canon_key_cstr(&w, "origin", cursor->trees[i].origin);
		put_digest(&w, "root", &cursor->trees[i].root);
		canon_key_u64(&w, "size", cursor->trees[i].size);
		canon_object_end(&w);
	}
	canon_array_end(&w);
	canon_object_end(&w);
	r = canon_done(&w);
	return r < 0 ? r : buf_append(out, "\n", 1);
}

/* ---- reading ---- */

static bool read_u64(const json_t *value, uint64_t *ret_value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret_value = (uint64_t)json_integer_value(value);
	return true;
}

static struct str text_of(const json_t *value)
{
	return json_is_string(value) ? (struct str) { json_string_value(value), json_string_length(value) }
				     : (struct str) { NULL, 0 };
}

static bool read_tree(json_t *value, struct cursor *cursor)
{
	struct str origin = text_of(json_object_get(value, "origin"));
	struct str note = text_of(json_object_get(value, "checkpoint"));
	struct digest root;
	uint64_t size;

	return json_object_size(value) == 4 && cursor->n_trees < CURSOR_TREES_MAX && origin.len > 0 &&
	       origin.len < sizeof(cursor->trees[0].origin) && note.len > 0 &&
	       digest_parse(text_of(json_object_get(value, "root")), &root) == 0 &&
	       read_u64(json_object_get(value, "size"), &size) &&
	       tree_fill(tree_new(cursor), origin, size, &root, note) == 0;
}

static bool read_member(const char *key, json_t *value, struct cursor *cursor)
{
	size_t i;
	json_t *tree;

	if (strcmp(key, "done") == 0)
		return read_u64(value, &cursor->done);
	if (strcmp(key, "log_id") == 0)
		return cursor->has_log_id = digest_parse(text_of(value), &cursor->log_id) == 0;
	if (strcmp(key, "statement") == 0)
		return cursor->has_statement = digest_parse(text_of(value), &cursor->statement) == 0;
	if (strcmp(key, "trees") != 0 || !json_is_array(value))
		return false;
	json_array_foreach (value, i, tree) {
		if (!read_tree(tree, cursor))
			return false;
	}
	return true;
}

static bool read_text(struct str text, struct cursor *cursor)
{
	json_t *object = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, NULL), *value;
	bool good = json_is_object(object) && json_object_get(object, "done");
	const char *key;

	json_object_foreach (object, key, value)
		good = good && read_member(key, value, cursor);
	json_decref(object);
	return good;
}

int cursor_parse(struct str text, const char *name, struct diag *diag, struct cursor *cursor)
{
	*cursor = (struct cursor) { .done = 0 };
	if (read_text(text, cursor))
		return 0;
	cursor_done(cursor);
	return diag_error(diag, -EBADMSG, "%s is no cursor of ours", name);
}

int cursor_load(const char *path, struct diag *diag, struct cursor *cursor)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(CURSOR_FILE_MAX);
	struct diag quiet = { .text = "" };
	int r = file_read_nofollow_at(AT_FDCWD, path, &text, &quiet);

	*cursor = (struct cursor) { .done = 0 };
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return diag_error(diag, r, "%s", quiet.text);
	return cursor_parse(buf_str(&text), path, diag, cursor);
}
