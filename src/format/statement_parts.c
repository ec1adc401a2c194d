/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Members of a statement, both ways. Promises that what one side writes the other takes, and that both refuse the
 * same: strings, numbers and lists beyond their limits. Owns nothing; strings that were read are the statement's.
 */

#include "format/statement_parts.h"

#include <assert.h>
#include <stdlib.h>

#include "base/text.h"

/* ---- writing ---- */

void member_fail(struct canon *w, int error)
{
	if (w->error == 0)
		w->error = error;
}

void member_value(struct canon *w, const char *text)
{
	assert(text);
	if (strlen(text) > STATEMENT_STRING_MAX)
		member_fail(w, -E2BIG);
	canon_string(w, str_of(text));
}

void member_string(struct canon *w, const char *key, const char *text)
{
	canon_key(w, key);
	member_value(w, text);
}

void member_known_string(struct canon *w, const char *key, const char *text)
{
	if (text)
		member_string(w, key, text);
}

void member_number(struct canon *w, const char *key, uint64_t value)
{
	if (value > (uint64_t)STATEMENT_NUMBER_MAX)
		member_fail(w, -ERANGE);
	canon_key_u64(w, key, value);
}

void member_digest(struct canon *w, const char *key, const char *prefix, const struct digest *digest)
{
	char text[sizeof("sha256:") + DIGEST_TEXT_LEN];
	size_t len = strlen(prefix);

	assert(len < sizeof("sha256:"));
	memcpy(text, prefix, len);
	text_hex(digest->bytes, DIGEST_LEN, text + len);
	member_string(w, key, text);
}

void member_strings(struct canon *w, const char *key, char *const *strings, size_t count)
{
	size_t i;

	if (count > STATEMENT_LIST_MAX)
		member_fail(w, -E2BIG);
	canon_key(w, key);
	canon_array(w);
	for (i = 0; i < count && w->error == 0; i++)
		member_value(w, strings[i]);
	canon_array_end(w);
}

/* The kind whose name comes next after `name` in canonical order: numbers are in order of invention. */
static enum wire_kind next_kind(const char *name)
{
	enum wire_kind best = WIRE_KIND_END;
	unsigned int i;

	for (i = 1; i < WIRE_KIND_END; i++) {
		const char *candidate = event_kind_name((enum wire_kind)i);

		if (candidate && (!name || strcmp(candidate, name) > 0) &&
		    (best == WIRE_KIND_END || strcmp(candidate, event_kind_name(best)) < 0))
			best = (enum wire_kind)i;
	}
	return best;
}

void member_counts(struct canon *w, const char *key, const uint64_t counts[WIRE_KIND_END])
{
	enum wire_kind kind;

	canon_key(w, key);
	canon_object(w);
	for (kind = next_kind(NULL); kind != WIRE_KIND_END; kind = next_kind(event_kind_name(kind)))
		member_number(w, event_kind_name(kind), counts[kind]);
	canon_object_end(w);
}

/* ---- reading ---- */

void reader_refuse(struct reader *r, const char *key, const char *why)
{
	if (r->error == 0)
		r->error = diag_error(r->diag, -EBADMSG, "statement: %s.%s %s", r->where, key, why);
}

json_t *reader_object(struct reader *r, json_t *parent, const char *key, const char *where)
{
	json_t *object = json_object_get(parent, key);

	if (r->error == 0 && !json_is_object(object))
		reader_refuse(r, key, "must be an object");
	if (r->error != 0)
		return NULL;
	r->where = where;
	return object;
}

json_t *reader_list(struct reader *r, json_t *parent, const char *key, size_t max)
{
	json_t *list = json_object_get(parent, key);

	if (r->error == 0 && !json_is_array(list))
		reader_refuse(r, key, "must be an array");
	if (r->error == 0 && json_array_size(list) > max)
		reader_refuse(r, key, "has too many elements");
	return r->error == 0 ? list : NULL;
}

static void reader_copy(struct reader *r, json_t *value, const char *key, char **field)
{
	if (r->error != 0)
		return;
	if (!json_is_string(value))
		reader_refuse(r, key, "must be a string");
	else if (json_string_length(value) > STATEMENT_STRING_MAX)
		reader_refuse(r, key, "is too long");
	else if (statement_set(field, json_string_value(value)) < 0)
		r->error = -ENOMEM;
}

void reader_string(struct reader *r, json_t *object, const char *key, char **field)
{
	reader_copy(r, json_object_get(object, key), key, field);
	if (r->error == 0 && **field == '\0')
		reader_refuse(r, key, "must not be empty");
}

void reader_known_string(struct reader *r, json_t *object, const char *key, char **field)
{
	json_t *value = json_object_get(object, key);

	if (value)
		reader_copy(r, value, key, field);
}

size_t reader_word(struct reader *r, json_t *object, const char *key, const char *const *words)
{
	const char *text = json_string_value(json_object_get(object, key));
	size_t i;

	for (i = 0; text && words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	reader_refuse(r, key, "is not one of the values that this version knows");
	return 0;
}

uint64_t reader_number(struct reader *r, json_t *object, const char *key, uint64_t min, uint64_t max)
{
	json_t *value = json_object_get(object, key);
	json_int_t number;

	if (!json_is_integer(value)) {
		reader_refuse(r, key, "must be an integer");
		return 0;
	}
	number = json_integer_value(value);
	if (number < 0 || (uint64_t)number < min || (uint64_t)number > max) {
		reader_refuse(r, key, "is out of range");
		return 0;
	}
	return (uint64_t)number;
}

uint64_t reader_u64(struct reader *r, json_t *object, const char *key)
{
	return reader_number(r, object, key, 0, (uint64_t)STATEMENT_NUMBER_MAX);
}

bool reader_bool(struct reader *r, json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_boolean(value))
		reader_refuse(r, key, "must be true or false");
	return json_is_true(value);
}

void reader_digest(struct reader *r, json_t *object, const char *key, const char *prefix,
		   struct digest *ret_digest)
{
	struct str text = str_of(json_string_value(json_object_get(object, key)));
	size_t skip = strlen(prefix);

	if (!text.data || text.len < skip || memcmp(text.data, prefix, skip) != 0 ||
	    text_unhex((struct str) { text.data + skip, text.len - skip }, ret_digest->bytes, DIGEST_LEN) < 0)
		reader_refuse(r, key, "must be a SHA-256 digest in lower-case hex");
}

void *reader_rows(struct reader *r, json_t *list, size_t row_size, size_t *ret_count)
{
	size_t count = json_array_size(list);
	void *rows;

	if (r->error != 0 || count == 0)
		return NULL;
	rows = calloc(count, row_size);
	if (rows)
		*ret_count = count;
	else
		r->error = -ENOMEM;
	return rows;
}

void reader_strings(struct reader *r, json_t *object, const char *key, size_t max, char ***ret_strings,
		    size_t *ret_count)
{
	json_t *list = reader_list(r, object, key, max);
	size_t i;

	*ret_strings = reader_rows(r, list, sizeof(**ret_strings), ret_count);
	for (i = 0; i < *ret_count; i++)
		reader_copy(r, json_array_get(list, i), key, &(*ret_strings)[i]);
}

void reader_counts(struct reader *r, json_t *parent, const char *key, const char *where,
		   uint64_t ret_counts[WIRE_KIND_END])
{
	const char *outer = r->where;
	json_t *counts = reader_object(r, parent, key, where);
	unsigned int kind;

	for (kind = 1; kind < WIRE_KIND_END; kind++) {
		const char *name = event_kind_name((enum wire_kind)kind);

		if (json_object_get(counts, name))
			ret_counts[kind] = reader_u64(r, counts, name);
	}
	r->where = outer;
}
