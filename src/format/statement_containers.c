/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Containers as they stand in a statement, both ways: what engines said of each, and when each was covered. Promises
 * that a digest is one or left out, that engines which disagree leave none, and that who is not covered completely
 * says why. Members that a collector did not know are left out; older statements have neither.
 */

#include "format/statement_parts.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

static const char *const digest_kinds[] = { "repository", "config", NULL };

bool statement_is_label_key(const char *key)
{
	size_t len = 0;

	for (; key[len]; len++) {
		if (key[len] < 0x20 || key[len] > 0x7e || key[len] == '"' || key[len] == '\\')
			return false;
	}
	return len > 0 && len <= STATEMENT_LABEL_KEY_MAX;
}

bool statement_is_image_digest(const char *text)
{
	uint8_t bytes[DIGEST_LEN];

	return strncmp(text, "sha256:", 7) == 0 && text_unhex(str_of(text + 7), bytes, sizeof(bytes)) == 0;
}

/* ---- freeing ---- */

void statement_free_container(struct statement_container *container)
{
	for (size_t i = 0; container->labels && i < container->n_labels; i++) {
		free(container->labels[i].key);
		free(container->labels[i].value);
	}
	free(container->labels);
	statement_free_strings(container->names, container->n_names);
	free(container->id);
	free(container->image_digest);
	free(container->image);
	free(container->pod);
	free(container->pod_namespace);
	free(container->pod_uid);
	free(container->outer);
	*container = (struct statement_container) { .id = NULL };
}

void statement_free_covered(struct statement_container_coverage *row)
{
	free(row->id);
	statement_free_strings(row->incomplete, row->n_incomplete);
	*row = (struct statement_container_coverage) { .id = NULL };
}

void statement_forget_containers(struct statement *statement)
{
	for (size_t i = 0; i < statement->n_containers; i++)
		statement_free_container(&statement->containers[i]);
	for (size_t i = 0; i < statement->n_container_coverage; i++)
		statement_free_covered(&statement->container_coverage[i]);
	free(statement->containers);
	free(statement->container_coverage);
	statement->containers = NULL;
	statement->container_coverage = NULL;
	statement->n_containers = statement->n_container_coverage = 0;
	statement->containers_more = 0;
}

/* ---- writing ---- */

static void put_labels(struct canon *w, const struct statement_container *container)
{
	if (container->n_labels == 0)
		return;
	if (container->n_labels > STATEMENT_LABELS_MAX)
		member_fail(w, -E2BIG);
	canon_key(w, "labels");
	canon_object(w);
	for (size_t i = 0; i < container->n_labels && w->error == 0; i++) {
		const struct statement_label *label = &container->labels[i];

		if (!statement_is_label_key(label->key) || (i > 0 && strcmp(label[-1].key, label->key) >= 0))
			member_fail(w, -EILSEQ);
		canon_key_foreign(w, label->key);
		member_value(w, label->value);
	}
	canon_object_end(w);
}

static void put_pod(struct canon *w, const struct statement_container *container)
{
	if (!container->pod)
		return;
	canon_key(w, "pod");
	canon_object(w);
	member_string(w, "name", container->pod);
	member_known_string(w, "namespace", container->pod_namespace);
	member_known_string(w, "uid", container->pod_uid);
	canon_object_end(w);
}

void statement_put_container(struct canon *w, const struct statement_container *container)
{
	if (container->image_digest &&
	    (container->conflict || !statement_is_image_digest(container->image_digest)))
		member_fail(w, -EILSEQ);
	if (container->n_names > STATEMENT_NAMES_MAX)
		member_fail(w, -E2BIG);
	canon_object(w);
	member_number(w, "cgroup_id", container->cgroup_id);
	if (container->conflict)
		canon_key_bool(w, "conflict", true);
	member_number(w, "generation", container->generation);
	member_string(w, "id", container->id);
	member_known_string(w, "image", container->image);
	member_known_string(w, "image_digest", container->image_digest);
	if (container->image_digest)
		member_string(w, "image_digest_kind", digest_kinds[container->image_is_config]);
	put_labels(w, container);
	if (container->labels_more > 0)
		member_number(w, "labels_more", container->labels_more);
	if (container->n_names > 0)
		member_strings(w, "names", container->names, container->n_names);
	member_known_string(w, "outer", container->outer);
	put_pod(w, container);
	canon_object_end(w);
}

void statement_put_containers(struct canon *w, const struct statement *s)
{
	if (s->n_containers > STATEMENT_CONTAINERS_MAX)
		member_fail(w, -E2BIG);
	canon_key(w, "containers");
	canon_array(w);
	for (size_t i = 0; i < s->n_containers && w->error == 0; i++)
		statement_put_container(w, &s->containers[i]);
	canon_array_end(w);
}

void statement_put_covered(struct canon *w, const struct statement_container_coverage *row)
{
	if (row->n_incomplete > STATEMENT_WORDS_MAX)
		member_fail(w, -E2BIG);
	if (row->complete != (row->n_incomplete == 0))
		member_fail(w, -ERANGE);
	canon_object(w);
	member_number(w, "cgroup_id", row->cgroup_id);
	canon_key_bool(w, "complete", row->complete);
	member_number(w, "from_boot_ns", row->from_boot_ns);
	member_number(w, "generation", row->generation);
	member_string(w, "id", row->id);
	if (row->n_incomplete > 0)
		member_strings(w, "incomplete", row->incomplete, row->n_incomplete);
	member_number(w, "records", row->records);
	member_number(w, "to_boot_ns", row->to_boot_ns);
	canon_object_end(w);
}

void statement_put_container_coverage(struct canon *w, const struct statement *s)
{
	if (s->n_container_coverage > STATEMENT_CONTAINERS_MAX)
		member_fail(w, -E2BIG);
	member_known_string(w, "cgroup_hierarchy", s->cgroup_hierarchy);
	canon_key(w, "containers");
	canon_array(w);
	for (size_t i = 0; i < s->n_container_coverage && w->error == 0; i++)
		statement_put_covered(w, &s->container_coverage[i]);
	canon_array_end(w);
	if (s->containers_more > 0)
		member_number(w, "containers_more", s->containers_more);
}

/* ---- reading ---- */

/* Written only when it is so: false would be a second spelling of the same. */
static bool read_flag(struct reader *r, json_t *object, const char *key)
{
	if (!json_object_get(object, key))
		return false;
	if (!reader_bool(r, object, key))
		reader_refuse(r, key, "must be true or left out");
	return true;
}

static uint64_t read_more(struct reader *r, json_t *object, const char *key)
{
	return json_object_get(object, key) ? reader_number(r, object, key, 1, (uint64_t)STATEMENT_NUMBER_MAX)
					    : 0;
}

/* An empty list would be a second spelling of none. */
static void read_some(struct reader *r, json_t *object, const char *key, size_t max, char ***ret_strings,
		      size_t *ret_count)
{
	if (!json_object_get(object, key))
		return;
	reader_strings(r, object, key, max, ret_strings, ret_count);
	if (*ret_count == 0)
		reader_refuse(r, key, "must hold something or be left out");
}

static void read_image(struct reader *r, json_t *object, struct statement_container *container)
{
	reader_known_string(r, object, "image", &container->image);
	if (!json_object_get(object, "image_digest")) {
		if (json_object_get(object, "image_digest_kind"))
			reader_refuse(r, "image_digest_kind", "is there, yet no digest");
		return;
	}
	reader_string(r, object, "image_digest", &container->image_digest);
	if (r->error == 0 && !statement_is_image_digest(container->image_digest))
		reader_refuse(r, "image_digest", "must be sha256: and 64 lower-case hex digits");
	if (container->conflict)
		reader_refuse(r, "image_digest", "is there, yet engines disagreed");
	container->image_is_config = reader_word(r, object, "image_digest_kind", digest_kinds) == 1;
}

static int compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct statement_label *)a)->key, ((const struct statement_label *)b)->key);
}

static void read_labels(struct reader *r, json_t *object, struct statement_container *container)
{
	json_t *labels = json_object_get(object, "labels"), *value;
	const char *outer = r->where, *key;

	if (!labels || r->error != 0)
		return;
	if (json_object_size(labels) == 0 || json_object_size(labels) > STATEMENT_LABELS_MAX) {
		reader_refuse(r, "labels", "must be an object of 1 to 32 members");
		return;
	}
	container->labels = calloc(json_object_size(labels), sizeof(*container->labels));
	if (!container->labels) {
		r->error = -ENOMEM;
		return;
	}
	r->where = "predicate.containers[].labels";
	json_object_foreach (labels, key, value) {
		struct statement_label *label = &container->labels[container->n_labels];

		if (!statement_is_label_key(key))
			reader_refuse(r, "*", "has a key that is too long or not plain ASCII");
		if (r->error == 0 && statement_set(&label->key, key) < 0)
			r->error = -ENOMEM;
		if (r->error != 0)
			return;
		container->n_labels++;
		reader_known_string(r, labels, key, &label->value);
	}
	r->where = outer;
	/* The parser keeps its own order. */
	qsort(container->labels, container->n_labels, sizeof(*container->labels), compare_labels);
}

static void read_pod(struct reader *r, json_t *object, struct statement_container *container)
{
	const char *outer = r->where;
	json_t *pod;

	if (!json_object_get(object, "pod"))
		return;
	pod = reader_object(r, object, "pod", "predicate.containers[].pod");
	reader_string(r, pod, "name", &container->pod);
	reader_known_string(r, pod, "namespace", &container->pod_namespace);
	reader_known_string(r, pod, "uid", &container->pod_uid);
	r->where = outer;
}

static void read_container(struct reader *r, json_t *object, struct statement_container *container)
{
	container->cgroup_id = reader_u64(r, object, "cgroup_id");
	container->conflict = read_flag(r, object, "conflict");
	container->generation = reader_u64(r, object, "generation");
	reader_string(r, object, "id", &container->id);
	read_image(r, object, container);
	read_labels(r, object, container);
	container->labels_more = read_more(r, object, "labels_more");
	read_some(r, object, "names", STATEMENT_NAMES_MAX, &container->names, &container->n_names);
	reader_known_string(r, object, "outer", &container->outer);
	read_pod(r, object, container);
}

void statement_read_containers(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *list = reader_list(r, predicate, "containers", STATEMENT_CONTAINERS_MAX);

	s->containers = reader_rows(r, list, sizeof(*s->containers), &s->n_containers);
	r->where = "predicate.containers[]";
	for (size_t i = 0; i < s->n_containers && r->error == 0; i++)
		read_container(r, json_array_get(list, i), &s->containers[i]);
}

static void read_covered(struct reader *r, json_t *object, struct statement_container_coverage *row)
{
	row->cgroup_id = reader_u64(r, object, "cgroup_id");
	row->complete = reader_bool(r, object, "complete");
	row->from_boot_ns = reader_u64(r, object, "from_boot_ns");
	row->generation = reader_u64(r, object, "generation");
	reader_string(r, object, "id", &row->id);
	read_some(r, object, "incomplete", STATEMENT_WORDS_MAX, &row->incomplete, &row->n_incomplete);
	if (row->complete != (row->n_incomplete == 0))
		reader_refuse(r, "incomplete", "must say why, and only when it is not complete");
	row->records = reader_u64(r, object, "records");
	row->to_boot_ns = reader_u64(r, object, "to_boot_ns");
}

void statement_read_container_coverage(struct reader *r, json_t *coverage, struct statement *s)
{
	json_t *list = reader_list(r, coverage, "containers", STATEMENT_CONTAINERS_MAX);

	reader_known_string(r, coverage, "cgroup_hierarchy", &s->cgroup_hierarchy);
	s->containers_more = read_more(r, coverage, "containers_more");
	s->container_coverage = reader_rows(r, list, sizeof(*s->container_coverage), &s->n_container_coverage);
	r->where = "predicate.coverage.containers[]";
	for (size_t i = 0; i < s->n_container_coverage && r->error == 0; i++)
		read_covered(r, json_array_get(list, i), &s->container_coverage[i]);
}
