// SPDX-License-Identifier: Apache-2.0
/*
 * One question after the other. Promises that "present" is said only of a leaf that is proved in a tree which the log's
 * key signed and which extends the tree of then. Refuses lines that are no question, before anything is asked about
 * them. Owns what it parsed of a line.
 */

#include "online/presence.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "crypto/key.h"
#include "sigstore/note.h"
#include "transparency/rekor_v1.h"
#include "transparency/rekor_v2.h"

#define LINE_BYTES_MAX 65536
#define KEY_BYTES_MAX 1024
#define DIRECTORY_SCHEME "file://"

enum presence { PRESENT, ABSENT, CHANGED, UNKNOWN };

static const char *const state_names[] = { "present", "absent", "changed", "unknown" };

struct question_line {
	bool v1;
	char *url, *origin; /* origin NULL = any */
	struct public_key *key;
	struct digest leaf, root;
	uint64_t index, size;
};

/* The log as it is now. */
struct now {
	struct buf note;
	struct checkpoint checkpoint;
};

static void question_done(struct question_line *question)
{
	free(question->url);
	free(question->origin);
	public_key_free(question->key);
}

static void now_done(struct now *now)
{
	checkpoint_done(&now->checkpoint);
	buf_done(&now->note);
}

/* ---- reading a line ---- */

static struct str text_of(const json_t *value)
{
	return json_is_string(value) ? (struct str) { json_string_value(value), json_string_length(value) }
				     : (struct str) { NULL, 0 };
}

static bool set_text(char **field, struct str text)
{
	if (text.len == 0 || memchr(text.data, 0, text.len))
		return false;
	*field = str_copy(text);
	return *field;
}

static bool set_key(struct question_line *question, struct str base64)
{
	_cleanup_(buf_done) struct buf spki = BUF_MAX(KEY_BYTES_MAX);

	return text_unbase64_append(&spki, base64) == 0 &&
	       public_key_parse_spki(buf_str(&spki), "key", NULL, &question->key) == 0;
}

static bool set_url(struct question_line *question, struct str text)
{
	while (text.len > 0 && text.data[text.len - 1] == '/')
		text.len--;
	return set_text(&question->url, text);
}

static bool set_member(struct question_line *question, const char *name, struct str text)
{
	if (strcmp(name, "kind") == 0) {
		question->v1 = str_equal(text, STR("v1"));
		return question->v1 || str_equal(text, STR("v2"));
	}
	if (strcmp(name, "url") == 0)
		return set_url(question, text);
	if (strcmp(name, "origin") == 0)
		return set_text(&question->origin, text);
	if (strcmp(name, "key") == 0)
		return set_key(question, text);
	if (strcmp(name, "leaf") == 0)
		return digest_parse(text, &question->leaf) == 0;
	if (strcmp(name, "root") == 0)
		return digest_parse(text, &question->root) == 0;
	if (strcmp(name, "index") == 0)
		return text_parse_u64(text, 0, MERKLE_SIZE_MAX, &question->index) == 0;
	if (strcmp(name, "size") == 0)
		return text_parse_u64(text, 1, MERKLE_SIZE_MAX, &question->size) == 0;
	return false;
}

static bool question_parse(struct str line, struct question_line *question)
{
	json_t *object = json_loadb(line.data, line.len, JSON_REJECT_DUPLICATES, NULL), *value;
	size_t n = json_object_size(object);
	const char *name;
	bool good = n == 7 || (n == 8 && json_object_get(object, "origin"));

	json_object_foreach (object, name, value)
		good = good && set_member(question, name, text_of(value));
	json_decref(object);
	return good && question->index < question->size;
}

/* ---- what the log signed ---- */

/* Of Rekor v1 the signer's name is what stands before " - TREE". */
static bool is_signed(const struct question_line *question, const struct checkpoint *checkpoint)
{
	const char *tree =
		question->v1 ? memmem(checkpoint->origin.data, checkpoint->origin.len, " - ", 3) : NULL;
	size_t len = tree ? (size_t)(tree - checkpoint->origin.data) : checkpoint->origin.len;
	_cleanup_(freep) char *name = str_copy((struct str) { checkpoint->origin.data, len });
	_cleanup_(public_key_freep) struct public_key *copy = NULL;
	_cleanup_(note_key_done) struct note_key key = { .name = NULL };
	bool ed25519 = strcmp(public_key_type(question->key), "ed25519") == 0;
	enum note_algorithm algorithm = question->v1 ? NOTE_REKOR : ed25519 ? NOTE_ED25519 : NOTE_ECDSA;

	if (question->origin && !str_equal(str_of(question->origin), (struct str) { name, len }) &&
	    !str_equal(str_of(question->origin), checkpoint->origin))
		return false;
	return name && public_key_copy(question->key, &copy) == 0 &&
	       note_key_make(name, algorithm, &copy, &key) == 0 && checkpoint_signed_by(checkpoint, &key, NULL);
}

static int now_check(const struct question_line *question, struct now *now, struct diag *diag)
{
	int r = checkpoint_parse(buf_str(&now->note), diag, &now->checkpoint);

	if (r >= 0 && !is_signed(question, &now->checkpoint))
		r = diag_error(diag, -EBADMSG, "%s: its checkpoint is not signed by the log's key",
			       question->url);
	return r;
}

/* With the proof that leads from the tree of then to that of now. */
static enum presence compare(const struct question_line *question, const struct now *now,
			     const struct digest *hashes, size_t n, struct diag *diag)
{
	int r = merkle_consistent(question->size, &question->root, now->checkpoint.size, &now->checkpoint.root,
				  hashes, n);

	if (r == 0)
		return PRESENT;
	if (r == -EBADMSG)
		diag_error(
			diag, r,
			"%s: its tree of %llu entries does not extend the one of %llu that proved this entry",
			question->url, (unsigned long long)now->checkpoint.size,
			(unsigned long long)question->size);
	return r == -EBADMSG ? CHANGED : UNKNOWN;
}

static enum presence check_shrunk(const struct question_line *question, const struct now *now,
				  struct diag *diag)
{
	if (now->checkpoint.size >= question->size)
		return PRESENT;
	diag_error(diag, -EBADMSG, "%s: it has %llu entries now, and had %llu when it proved this one",
		   question->url, (unsigned long long)now->checkpoint.size, (unsigned long long)question->size);
	return CHANGED;
}

/* ---- Rekor v1 ---- */

static enum presence check_v1_entry(const struct question_line *question, const struct bundle_entry *entry,
				    const struct now *now, struct diag *diag)
{
	struct digest leaf, root;

	if (merkle_leaf(buf_str(&entry->body), &leaf) < 0)
		return UNKNOWN;
	if (memcmp(&leaf, &question->leaf, sizeof(leaf)) != 0 || entry->tree_size != now->checkpoint.size ||
	    merkle_root(&leaf, entry->proof_index, entry->tree_size, entry->hashes, entry->n_hashes, &root) <
		    0 ||
	    memcmp(&root, &now->checkpoint.root, sizeof(root)) != 0) {
		diag_error(diag, -EBADMSG, "%s: its answer does not prove the entry", question->url);
		return UNKNOWN;
	}
	if (entry->proof_index != question->index) {
		diag_error(diag, -EBADMSG, "%s: the entry is at %llu now, and was at %llu", question->url,
			   (unsigned long long)entry->proof_index, (unsigned long long)question->index);
		return CHANGED;
	}
	return check_shrunk(question, now, diag);
}

static enum presence ask_v1(struct client *client, const struct question_line *question, struct now *now,
			    struct diag *diag, int *ret_error)
{
	_cleanup_(bundle_entry_done) struct bundle_entry entry;
	struct digest hashes[MERKLE_PROOF_MAX + 1];
	enum presence presence;
	size_t n = 0;

	bundle_entry_init(&entry);
	*ret_error = rekor_v1_find(client, &question->leaf, diag, &entry);
	if (*ret_error < 0)
		return *ret_error == -ENOENT ? ABSENT : UNKNOWN;
	*ret_error = buf_append_str(&now->note, buf_str(&entry.checkpoint));
	if (*ret_error >= 0)
		*ret_error = now_check(question, now, diag);
	if (*ret_error < 0)
		return UNKNOWN;
	presence = check_v1_entry(question, &entry, now, diag);
	if (presence != PRESENT)
		return presence;
	if (now->checkpoint.size > question->size)
		*ret_error = rekor_v1_consistency(client, now->checkpoint.origin, question->size,
						  now->checkpoint.size, diag, hashes, &n);
	return *ret_error < 0 ? UNKNOWN : compare(question, now, hashes, n, diag);
}

/* ---- tiles ---- */

static int read_file(void *user, const char *path, struct diag *diag, struct buf *out)
{
	struct diag quiet = { .text = "" };
	int r = file_read_at(*(int *)user, path, out, &quiet);

	return r < 0 && r != -ENOENT ? diag_error(diag, r, "%s", quiet.text) : r;
}

/* What the tiles say counts as far as it leads to the root that was signed. */
static enum presence check_tiles(struct tile_tree *tree, const struct question_line *question,
				 const struct now *now, struct diag *diag)
{
	struct digest hashes[TILE_PROOF_MAX], leaf, root;
	size_t n = 0;
	int r = tile_tree_leaf(tree, question->index, diag, &leaf);

	if (r >= 0)
		r = tile_tree_inclusion(tree, question->index, tree->size, diag, hashes, &n);
	if (r >= 0)
		r = merkle_root(&leaf, question->index, tree->size, hashes, n, &root);
	if (r >= 0 && memcmp(&root, &now->checkpoint.root, sizeof(root)) != 0)
		r = diag_error(diag, -EBADMSG, "%s: its tiles are not what its checkpoint says", question->url);
	if (r < 0)
		return UNKNOWN;
	if (memcmp(&leaf, &question->leaf, sizeof(leaf)) != 0) {
		diag_error(diag, -EBADMSG, "%s: it has another entry at %llu now", question->url,
			   (unsigned long long)question->index);
		return CHANGED;
	}
	r = tile_tree_consistency(tree, question->size, tree->size, diag, hashes, &n);
	return r < 0 ? UNKNOWN : compare(question, now, hashes, n, diag);
}

static int read_checkpoint(struct client *client, int dir, struct now *now, struct diag *diag)
{
	if (dir >= 0)
		return file_read_at(dir, "checkpoint", &now->note, diag);
	return rekor_v2_checkpoint(client, diag, &now->note);
}

static enum presence ask_v2(struct client *client, const struct question_line *question, struct now *now,
			    struct diag *diag, int *ret_error)
{
	const size_t scheme = strlen(DIRECTORY_SCHEME);
	bool local = strncmp(question->url, DIRECTORY_SCHEME, scheme) == 0;
	_cleanup_(closep) int dir =
		local ? open(question->url + scheme, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	_cleanup_(freep) struct tile_tree *tree = NULL;
	enum presence presence;

	*ret_error = local && dir < 0 ? diag_error(diag, -errno, "%s: %s", question->url, strerror(errno)) : 0;
	if (*ret_error >= 0)
		*ret_error = read_checkpoint(client, dir, now, diag);
	if (*ret_error >= 0)
		*ret_error = now_check(question, now, diag);
	if (*ret_error < 0)
		return UNKNOWN;
	presence = check_shrunk(question, now, diag);
	if (presence != PRESENT)
		return presence;
	*ret_error = local ? tile_tree_new(read_file, &dir, now->checkpoint.size, &tree)
			   : rekor_v2_tiles(client, now->checkpoint.size, &tree);
	return *ret_error < 0 ? UNKNOWN : check_tiles(tree, question, now, diag);
}

/* ---- lines ---- */

static int answer_write(FILE *out, enum presence presence, const char *detail, uint64_t size)
{
	char number[21];
	json_t *object;
	char *text;
	int r;

	number[text_put_u64(number, size)] = 0;
	object = json_pack("{s:s, s:s}", "state", state_names[presence], "detail",
			   text_is_utf8(str_of(detail)) ? detail : "(not UTF-8)");
	if (object && presence == PRESENT)
		json_object_set_new(object, "size", json_string(number));
	text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	r = text && fputs(text, out) >= 0 && putc('\n', out) != EOF && fflush(out) == 0 ? 0 : -EIO;
	free(text);
	json_decref(object);
	return r;
}

/* The exit status that this one asks for; negative: the answer could not be written. */
static int presence_one(struct http *http, const struct question_line *question, FILE *out)
{
	_cleanup_(now_done) struct now now = { .note = BUF_MAX(NOTE_MAX) };
	struct client client = { .http = http, .url = question->url };
	struct diag diag = { .text = "" };
	int error = 0, r;
	enum presence presence = question->v1 ? ask_v1(&client, question, &now, &diag, &error)
					      : ask_v2(&client, question, &now, &diag, &error);

	if (presence == PRESENT)
		snprintf(diag.text, sizeof(diag.text),
			 "the log has it, in a tree that extends the one that proved it");
	r = answer_write(out, presence, diag.text, now.checkpoint.size);
	if (r < 0)
		return r;
	if (error == -ENETUNREACH && diag.code == EXIT_NEEDS_NETWORK)
		return EXIT_NEEDS_NETWORK;
	return presence == PRESENT ? EXIT_DONE : presence == UNKNOWN ? EXIT_FAILED : EXIT_UNSOUND;
}

/* What weighs more: no network at all, then what is wrong, then what is not known. */
static int worse(int a, int b)
{
	static const int order[] = { EXIT_NEEDS_NETWORK, EXIT_UNSOUND, EXIT_FAILED };

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return EXIT_DONE;
}

int presence_run(const struct http_settings *settings, FILE *in, FILE *out, struct diag *diag)
{
	_cleanup_(http_freep) struct http *http = NULL;
	_cleanup_(freep) char *line = NULL;
	size_t capacity = 0, number = 0;
	int status = EXIT_DONE;
	ssize_t len;

	if (http_new(settings, diag, &http) < 0)
		return EXIT_FAILED;
	while ((len = getline(&line, &capacity, in)) > 0) {
		_cleanup_(question_done) struct question_line question = { .url = NULL };
		int r;

		number++;
		if (len > LINE_BYTES_MAX || !question_parse((struct str) { line, (size_t)len }, &question)) {
			diag_error(diag, -EINVAL, "line %zu is no question", number);
			return EXIT_UNSOUND;
		}
		r = presence_one(http, &question, out);
		if (r < 0) {
			diag_error(diag, r, "cannot write the answers");
			return EXIT_FAILED;
		}
		status = worse(status, r);
	}
	return status;
}
