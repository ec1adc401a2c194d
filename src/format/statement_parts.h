/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the files of the statement share: members as they are written and read, and the parts that have a file of
 * their own. Nobody else includes this.
 */

#include <jansson.h>

#include "format/canon.h"
#include "format/statement.h"

/* ---- writing: the first error sticks to the writer ---- */

void member_fail(struct canon *w, int error);
/* A value alone, and with its key; -E2BIG when the text is too long. */
void member_value(struct canon *w, const char *text);
void member_string(struct canon *w, const char *key, const char *text);
/* Nothing when it is NULL. */
void member_known_string(struct canon *w, const char *key, const char *text);
void member_number(struct canon *w, const char *key, uint64_t value);
void member_digest(struct canon *w, const char *key, const char *prefix, const struct digest *digest);
/* -E2BIG beyond STATEMENT_LIST_MAX. */
void member_strings(struct canon *w, const char *key, char *const *strings, size_t count);
/* One number by kind of record, zero as zero. */
void member_counts(struct canon *w, const char *key, const uint64_t counts[WIRE_KIND_END]);

void statement_put_coverage(struct canon *w, const struct statement *s);
void statement_put_losses(struct canon *w, const struct statement *s);
/* The member `containers` of the predicate, and those of `coverage` that speak of containers. */
void statement_put_containers(struct canon *w, const struct statement *s);
void statement_put_container_coverage(struct canon *w, const struct statement *s);
/* One row alone: what statement_containers_fit measures. */
void statement_put_container(struct canon *w, const struct statement_container *container);
void statement_put_covered(struct canon *w, const struct statement_container_coverage *row);
/* What may be written, and is read, as a label's key; as a digest of an image. */
bool statement_is_label_key(const char *key);
bool statement_is_image_digest(const char *text);
void statement_free_strings(char **strings, size_t count);
void statement_free_container(struct statement_container *container);
void statement_free_covered(struct statement_container_coverage *row);

/* ---- reading: after the first refusal every step does nothing ---- */

struct reader {
	struct diag *diag;
	const char *where; /* the object being read, for the line */
	int error;
};

void reader_refuse(struct reader *r, const char *key, const char *why);
/* Enters an object: `where` is its name in later lines. NULL after a failure. */
json_t *reader_object(struct reader *r, json_t *parent, const char *key, const char *where);
json_t *reader_list(struct reader *r, json_t *parent, const char *key, size_t max);
/* Zeroed rows for the elements of a list, the caller's to free; NULL when there are none, or after a failure. */
void *reader_rows(struct reader *r, json_t *list, size_t row_size, size_t *ret_count);
void reader_string(struct reader *r, json_t *object, const char *key, char **field);
/* Left out means unknown; null does not. */
void reader_known_string(struct reader *r, json_t *object, const char *key, char **field);
/* One of `words`, a list ended by NULL; its index. */
size_t reader_word(struct reader *r, json_t *object, const char *key, const char *const *words);
uint64_t reader_number(struct reader *r, json_t *object, const char *key, uint64_t min, uint64_t max);
uint64_t reader_u64(struct reader *r, json_t *object, const char *key);
bool reader_bool(struct reader *r, json_t *object, const char *key);
void reader_digest(struct reader *r, json_t *object, const char *key, const char *prefix,
		   struct digest *ret_digest);
void reader_strings(struct reader *r, json_t *object, const char *key, size_t max, char ***ret_strings,
		    size_t *ret_count);
/* Those of the counts that are there: an older collector knew fewer kinds, and had none of the others. */
void reader_counts(struct reader *r, json_t *parent, const char *key, const char *where,
		   uint64_t ret_counts[WIRE_KIND_END]);

void statement_read_coverage(struct reader *r, json_t *predicate, struct statement *s);
void statement_read_losses(struct reader *r, json_t *predicate, struct statement *s);
void statement_read_containers(struct reader *r, json_t *predicate, struct statement *s);
/* `coverage` is the object that holds them. */
void statement_read_container_coverage(struct reader *r, json_t *coverage, struct statement *s);
