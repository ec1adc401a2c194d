/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through a document. Promises that no byte is believed before it is looked at, one pass for one walk, and memory
 * that does not depend on the document but for the keys of what is open. Refuses a file that changes between two walks.
 * Owns the descriptor and the window; strings are jwalk_text.c's.
 */

#include "packages/jwalk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "packages/jwalk_parts.h"

int jwalk_error(const struct jwalk *json)
{
	return json->error;
}

int jwalk_refuse(struct jwalk *json, int error, const char *why)
{
	uint64_t where = json->before + (uint64_t)(json->at - json->begin);

	if (json->error == 0)
		json->error = diag_error(json->diag, error, "cannot read %s: %s, at byte %llu", json->name, why,
					 (unsigned long long)where);
	json->at = json->end;
	json->at_end = true;
	return json->error;
}

static ssize_t read_some(int fd, char *data, size_t len)
{
	ssize_t got;

	do
		got = read(fd, data, len);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

void jwalk_want(struct jwalk *json, size_t want)
{
	size_t have = (size_t)(json->end - json->at);

	if (have >= want || json->at_end)
		return;
	json->before += (uint64_t)(json->at - json->begin);
	memmove(json->window, json->at, have);
	json->begin = json->at = json->window;
	while (have < want && !json->at_end) {
		ssize_t got = read_some(json->fd, json->window + have, JWALK_WINDOW - have);

		if (got < 0) {
			json->end = json->window;
			jwalk_refuse(json, (int)got, strerror((int)-got));
			return;
		}
		json->at_end = got == 0;
		have += (size_t)got;
	}
	json->end = json->window + have;
}

static void begin(struct jwalk *json)
{
	json->depth = 0;
	json->n_keys = 0;
	json->before = 0;
	json->at_end = json->fd < 0;
	json->begin = json->at = json->fd < 0 ? json->text.data : json->window;
	json->end = json->fd < 0 ? json->text.data + json->text.len : json->window;
	/* Some writers mark their UTF-8. */
	jwalk_want(json, 3);
	if (json->end - json->at >= 3 && memcmp(json->at, "\xef\xbb\xbf", 3) == 0)
		json->at += 3;
}

static int jwalk_make(const char *name, struct diag *diag, struct jwalk **ret_json)
{
	struct jwalk *json = calloc(1, sizeof(*json));

	if (!json)
		return diag_error(diag, -ENOMEM, "cannot read %s: out of memory", name);
	json->name = name;
	json->diag = diag;
	json->fd = -1;
	json->key_text = BUF_MAX((size_t)JWALK_MEMBERS_MAX * 256);
	*ret_json = json;
	return 0;
}

int jwalk_new(struct str text, const char *name, struct diag *diag, struct jwalk **ret_json)
{
	int r = jwalk_make(name, diag, ret_json);

	if (r < 0)
		return r;
	(*ret_json)->text = text.data ? text : STR("");
	begin(*ret_json);
	return 0;
}

static int open_file(struct jwalk *json, uint64_t max_bytes)
{
	json->fd = open(json->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (json->fd < 0 || fstat(json->fd, &json->opened) < 0)
		return diag_error(json->diag, -errno, "cannot open %s: %s", json->name, strerror(errno));
	if (!S_ISREG(json->opened.st_mode))
		return diag_error(json->diag, -EINVAL, "cannot read %s: it must be a regular file", json->name);
	if ((uint64_t)json->opened.st_size > max_bytes)
		return diag_error(json->diag, -EFBIG,
				  "cannot read %s: it is larger than the limit of %llu bytes", json->name,
				  (unsigned long long)max_bytes);
	json->window = malloc(JWALK_WINDOW);
	if (!json->window)
		return diag_error(json->diag, -ENOMEM, "cannot read %s: out of memory", json->name);
	begin(json);
	return json->error;
}

int jwalk_open(const char *path, uint64_t max_bytes, struct diag *diag, struct jwalk **ret_json)
{
	_cleanup_(jwalk_freep) struct jwalk *json = NULL;
	int r;

	r = jwalk_make(path, diag, &json);
	if (r == 0)
		r = open_file(json, max_bytes);
	if (r < 0)
		return r;
	*ret_json = TAKE(json);
	return 0;
}

void jwalk_free(struct jwalk *json)
{
	if (!json)
		return;
	closep(&json->fd);
	free(json->window);
	free(json->keys);
	buf_done(&json->key_text);
	free(json);
}

int jwalk_rewind(struct jwalk *json)
{
	struct stat now;

	if (json->error != 0)
		return json->error;
	if (json->fd >= 0) {
		if (lseek(json->fd, 0, SEEK_SET) < 0 || fstat(json->fd, &now) < 0)
			return jwalk_refuse(json, -errno, strerror(errno));
		if (now.st_size != json->opened.st_size || now.st_mtim.tv_sec != json->opened.st_mtim.tv_sec ||
		    now.st_mtim.tv_nsec != json->opened.st_mtim.tv_nsec)
			return jwalk_refuse(json, -EBADMSG, "it was changed while it was read");
	}
	begin(json);
	return json->error;
}

/* ---- values ---- */

static int peek_token(struct jwalk *json)
{
	int c;

	while ((c = jwalk_peek(json)) == ' ' || c == '\n' || c == '\t' || c == '\r')
		json->at++;
	return c;
}

static int refuse_token(struct jwalk *json)
{
	return jwalk_refuse(json, -EBADMSG, jwalk_peek(json) < 0 ? "it ends too early" : "it is no JSON");
}

enum jwalk_type jwalk_type(struct jwalk *json)
{
	int c = json->error ? -1 : peek_token(json);

	switch (c) {
	case '{':
		return JWALK_OBJECT;
	case '[':
		return JWALK_ARRAY;
	case '"':
		return JWALK_STRING;
	case 't':
		return JWALK_TRUE;
	case 'f':
		return JWALK_FALSE;
	case 'n':
		return JWALK_NULL;
	default:
		if (c == '-' || (c >= '0' && c <= '9'))
			return JWALK_NUMBER;
		if (json->error == 0)
			refuse_token(json);
		return JWALK_NONE;
	}
}

static bool enter(struct jwalk *json)
{
	if (json->depth == JWALK_DEPTH_MAX) {
		jwalk_refuse(json, -EBADMSG, "it is nested too deeply");
		return false;
	}
	json->at++;
	json->depth++;
	json->first[json->depth] = true;
	json->keys_from[json->depth] = json->n_keys;
	return true;
}

static bool enter_if(struct jwalk *json, enum jwalk_type wanted)
{
	enum jwalk_type type = jwalk_type(json);

	if (type == wanted)
		return enter(json);
	jwalk_skip(json);
	return false;
}

bool jwalk_object(struct jwalk *json)
{
	return enter_if(json, JWALK_OBJECT);
}

bool jwalk_array(struct jwalk *json)
{
	return enter_if(json, JWALK_ARRAY);
}

/* The comma between two, or the closing bracket: false when the container was left. */
static bool another(struct jwalk *json, char close)
{
	bool first = json->first[json->depth];
	int c;

	if (json->error != 0)
		return false;
	json->first[json->depth] = false;
	c = peek_token(json);
	if (c == close) {
		json->at++;
		json->n_keys = json->keys_from[json->depth--];
		json->key_text.len =
			json->n_keys ? json->keys[json->n_keys - 1].from + json->keys[json->n_keys - 1].len : 0;
		return false;
	}
	if (first)
		return true;
	if (c != ',') {
		refuse_token(json);
		return false;
	}
	json->at++;
	return true;
}

bool jwalk_element(struct jwalk *json)
{
	return another(json, ']');
}

static struct str key_at(const struct jwalk *json, size_t i)
{
	return (struct str) { json->key_text.data + json->keys[i].from, json->keys[i].len };
}

static int compare_keys(const void *a, const void *b, void *user)
{
	const struct jwalk_key *x = a, *y = b;
	const char *text = ((struct jwalk *)user)->key_text.data;
	int r = memcmp(text + x->from, text + y->from, x->len < y->len ? x->len : y->len);

	return r ? r : (x->len > y->len) - (x->len < y->len);
}

/* A few keys are compared with each new one as it comes; when they became more, all are sorted once, at the end. */
#define KEYS_FEW 32

static bool has_twins(struct jwalk *json)
{
	size_t from = json->keys_from[json->depth], n = json->n_keys - from;
	_cleanup_(freep) struct jwalk_key *sorted = NULL;

	if (n <= KEYS_FEW)
		return false;
	sorted = malloc(n * sizeof(*sorted));
	if (!sorted) {
		jwalk_refuse(json, -ENOMEM, "out of memory");
		return false;
	}
	memcpy(sorted, json->keys + from, n * sizeof(*sorted));
	qsort_r(sorted, n, sizeof(*sorted), compare_keys, json);
	for (size_t i = 1; i < n; i++)
		if (compare_keys(&sorted[i - 1], &sorted[i], json) == 0)
			return true;
	return false;
}

static bool keep_key(struct jwalk *json, struct jwalk_key key)
{
	size_t from = json->keys_from[json->depth];
	struct jwalk_key *keys;

	if (json->n_keys == JWALK_MEMBERS_MAX) {
		jwalk_refuse(json, -E2BIG, "an object has too many members");
		return false;
	}
	if (json->n_keys == json->max_keys) {
		json->max_keys = json->max_keys ? 2 * json->max_keys : 64;
		keys = reallocarray(json->keys, json->max_keys, sizeof(*keys));
		if (!keys) {
			jwalk_refuse(json, -ENOMEM, "out of memory");
			return false;
		}
		json->keys = keys;
	}
	json->keys[json->n_keys] = key;
	for (size_t i = from; i < json->n_keys && i < from + KEYS_FEW; i++) {
		if (str_equal(key_at(json, i), key_at(json, json->n_keys))) {
			jwalk_refuse(json, -EBADMSG, "a key stands twice in one object");
			return false;
		}
	}
	json->n_keys++;
	return true;
}

static bool take_key(struct jwalk *json, struct jwalk_key *ret_key)
{
	size_t from = json->key_text.len, max = json->key_text.max;
	bool cut = false, ok;

	json->at++;
	if (json->key_text.max > from + JWALK_KEY_MAX)
		json->key_text.max = from + JWALK_KEY_MAX;
	ok = jwalk_string(json, &json->key_text, &cut);
	json->key_text.max = max;
	if (ok && cut)
		jwalk_refuse(json, -E2BIG, "a key is too long");
	*ret_key = (struct jwalk_key) { from, json->key_text.len - from };
	return json->error == 0;
}

bool jwalk_member(struct jwalk *json, struct str *ret_key)
{
	struct jwalk_key key;

	if (json->error == 0 && peek_token(json) == '}' && has_twins(json))
		jwalk_refuse(json, -EBADMSG, "a key stands twice in one object");
	if (!another(json, '}'))
		return false;
	if (peek_token(json) != '"') {
		refuse_token(json);
		return false;
	}
	if (!take_key(json, &key))
		return false;
	/* Bytes of the key before they are in the list; an empty text has no memory yet. */
	if (!json->key_text.data && buf_reserve(&json->key_text, 1) < 0) {
		jwalk_refuse(json, -ENOMEM, "out of memory");
		return false;
	}
	if (!keep_key(json, key))
		return false;
	if (peek_token(json) != ':') {
		refuse_token(json);
		return false;
	}
	json->at++;
	*ret_key = key_at(json, json->n_keys - 1);
	return true;
}

bool jwalk_text(struct jwalk *json, struct buf *out, bool *ret_cut)
{
	bool cut = false, ok = false;

	buf_clear(out);
	if (jwalk_type(json) == JWALK_STRING) {
		json->at++;
		ok = jwalk_string(json, out, &cut);
	} else {
		jwalk_skip(json);
	}
	if (ret_cut)
		*ret_cut = cut;
	return ok;
}

static bool skip_digits(struct jwalk *json)
{
	bool any = false;
	int c;

	while ((c = jwalk_peek(json)) >= '0' && c <= '9') {
		json->at++;
		any = true;
	}
	return any;
}

static bool skip_number(struct jwalk *json)
{
	if (jwalk_peek(json) == '-')
		json->at++;
	if (jwalk_peek(json) == '0')
		json->at++;
	else if (!skip_digits(json))
		return false;
	if (jwalk_peek(json) == '.') {
		json->at++;
		if (!skip_digits(json))
			return false;
	}
	if (jwalk_peek(json) == 'e' || jwalk_peek(json) == 'E') {
		json->at++;
		if (jwalk_peek(json) == '+' || jwalk_peek(json) == '-')
			json->at++;
		return skip_digits(json);
	}
	return true;
}

static bool skip_word(struct jwalk *json, const char *word)
{
	size_t len = strlen(word);

	jwalk_want(json, len);
	if ((size_t)(json->end - json->at) < len || memcmp(json->at, word, len) != 0)
		return false;
	json->at += len;
	return true;
}

static bool skip_scalar(struct jwalk *json, enum jwalk_type type)
{
	switch (type) {
	case JWALK_STRING:
		json->at++;
		return jwalk_string(json, NULL, NULL);
	case JWALK_NUMBER:
		return skip_number(json);
	case JWALK_TRUE:
		return skip_word(json, "true");
	case JWALK_FALSE:
		return skip_word(json, "false");
	default:
		return skip_word(json, "null");
	}
}

void jwalk_skip(struct jwalk *json)
{
	enum jwalk_type type = jwalk_type(json);
	struct str key;

	/* Recursion ends at JWALK_DEPTH_MAX. */
	if (type == JWALK_OBJECT) {
		if (enter(json))
			while (jwalk_member(json, &key))
				jwalk_skip(json);
	} else if (type == JWALK_ARRAY) {
		if (enter(json))
			while (jwalk_element(json))
				jwalk_skip(json);
	} else if (type != JWALK_NONE && !skip_scalar(json, type) && json->error == 0) {
		refuse_token(json);
	}
}

int jwalk_end(struct jwalk *json)
{
	if (json->error == 0 && peek_token(json) >= 0)
		return jwalk_refuse(json, -EBADMSG, "something follows the document");
	return json->error;
}
