/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What was watched, as it stands in a statement, both ways: probes and the files they were put into, the filters and
 * the folding in force, what happened meanwhile. Members that came after the first version are left out when they
 * say nothing, so that the text of an older collector reads as what it was.
 */

#include "format/statement_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

static const char *const dedup_scopes[] = { "process", "container", "off", NULL };
static const char *const transports[] = { "ring_buffer", "perf_buffer", NULL };

/* The lists of `filters`, in canonical order. */
static const struct filter_list {
	const char *key;
	size_t list, count; /* offsets */
	bool always; /* written when empty too */
} filter_lists[] = {
#define LIST(name, always_)                                                                            \
	{                                                                                              \
#name, offsetof(struct statement, name), offsetof(struct statement, n_##name), always_ \
	}
	LIST(cgroups, false),		LIST(comm_allowlist, false), LIST(comm_denylist, false),
	LIST(path_allowlist, true),	LIST(path_denylist, true),   LIST(pid_namespaces, false),
	LIST(target_containers, false),
#undef LIST
};

static void put_filters(struct canon *w, const struct statement *s)
{
	size_t i;

	canon_key(w, "filters");
	canon_object(w);
	for (i = 0; i < ARRAY_LEN(filter_lists); i++) {
		const struct filter_list *row = &filter_lists[i];
		char *const *list = *(char **const *)((const char *)s + row->list);
		size_t count = *(const size_t *)((const char *)s + row->count);

		/* The one member that is no list, at its place. */
		if (s->host_known && strcmp(row->key, "path_allowlist") == 0)
			canon_key_bool(w, "host", s->host);
		if (row->always || count > 0)
			member_strings(w, row->key, list, count);
	}
	canon_object_end(w);
}

static void put_dedup(struct canon *w, const struct statement *s)
{
	if (!s->dedup_scope)
		return;
	canon_key(w, "dedup");
	canon_object(w);
	member_counts(w, "folded", s->folded);
	member_string(w, "scope", s->dedup_scope);
	canon_object_end(w);
}

static void put_incidents(struct canon *w, const struct statement *s)
{
	size_t i;

	if (!s->incidents_known)
		return;
	if (s->n_incidents > STATEMENT_LIST_MAX)
		member_fail(w, -E2BIG);
	canon_key(w, "incidents");
	canon_array(w);
	for (i = 0; i < s->n_incidents && w->error == 0; i++) {
		canon_object(w);
		member_number(w, "boot_ns", s->incidents[i].boot_ns);
		member_string(w, "detail", s->incidents[i].detail);
		member_string(w, "what", s->incidents[i].what);
		canon_object_end(w);
	}
	canon_array_end(w);
}

static void put_probes(struct canon *w, const struct statement *s)
{
	size_t i;

	if (s->n_probes > STATEMENT_LIST_MAX)
		member_fail(w, -E2BIG);
	canon_key(w, "probes");
	canon_array(w);
	for (i = 0; i < s->n_probes && w->error == 0; i++) {
		canon_object(w);
		member_strings(w, "blind_spots", s->probes[i].blind_spots, s->probes[i].n_blind_spots);
		member_number(w, "from_boot_ns", s->probes[i].from_boot_ns);
		member_string(w, "hook", s->probes[i].hook);
		member_string(w, "kind", s->probes[i].kind);
		member_number(w, "to_boot_ns", s->probes[i].to_boot_ns);
		canon_object_end(w);
	}
	canon_array_end(w);
}

static void put_target(struct canon *w, const struct statement_target *target)
{
	char dev[32];

	snprintf(dev, sizeof(dev), "%" PRIu32 ":%" PRIu32, target->dev_major, target->dev_minor);
	if (target->n_missing > STATEMENT_MISSING_MAX)
		member_fail(w, -E2BIG);
	if (target->missing_count < target->n_missing)
		member_fail(w, -ERANGE);
	canon_object(w);
	member_number(w, "attached", target->attached);
	member_known_string(w, "build_id", target->build_id);
	member_string(w, "dev", dev);
	member_number(w, "from_boot_ns", target->from_boot_ns);
	member_number(w, "inode", target->inode);
	member_string(w, "kind", target->kind);
	member_string(w, "library", target->library);
	member_strings(w, "missing", target->missing, target->n_missing);
	member_number(w, "missing_count", target->missing_count);
	member_known_string(w, "purl", target->purl);
	member_number(w, "to_boot_ns", target->to_boot_ns);
	canon_object_end(w);
}

static void put_targets(struct canon *w, const struct statement *s)
{
	size_t i;

	if (s->n_targets == 0)
		return;
	if (s->n_targets > STATEMENT_TARGETS_MAX)
		member_fail(w, -E2BIG);
	canon_key(w, "targets");
	canon_array(w);
	for (i = 0; i < s->n_targets && w->error == 0; i++)
		put_target(w, &s->targets[i]);
	canon_array_end(w);
	if (s->targets_more > 0)
		member_number(w, "targets_more", s->targets_more);
}

void statement_put_coverage(struct canon *w, const struct statement *s)
{
	canon_key(w, "coverage");
	canon_object(w);
	statement_put_container_coverage(w, s);
	put_dedup(w, s);
	member_number(w, "filtered", s->filtered);
	put_filters(w, s);
	put_incidents(w, s);
	put_probes(w, s);
	put_targets(w, s);
	member_known_string(w, "transport", s->transport);
	canon_object_end(w);
}

static void read_filters(struct reader *r, json_t *coverage, struct statement *s)
{
	json_t *filters = reader_object(r, coverage, "filters", "predicate.coverage.filters");
	size_t i;

	for (i = 0; i < ARRAY_LEN(filter_lists); i++) {
		const struct filter_list *row = &filter_lists[i];

		if (row->always || json_object_get(filters, row->key))
			reader_strings(r, filters, row->key, STATEMENT_LIST_MAX,
				       (char ***)((char *)s + row->list), (size_t *)((char *)s + row->count));
	}
	s->host_known = json_object_get(filters, "host");
	if (s->host_known)
		s->host = reader_bool(r, filters, "host");
}

/* One of `words`, or left out. */
static void read_known_word(struct reader *r, json_t *object, const char *key, const char *const *words,
			    char **field)
{
	if (!json_object_get(object, key))
		return;
	reader_word(r, object, key, words);
	reader_string(r, object, key, field);
}

static void read_dedup(struct reader *r, json_t *coverage, struct statement *s)
{
	json_t *dedup;

	if (!json_object_get(coverage, "dedup"))
		return;
	dedup = reader_object(r, coverage, "dedup", "predicate.coverage.dedup");
	reader_counts(r, dedup, "folded", "predicate.coverage.dedup.folded", s->folded);
	reader_word(r, dedup, "scope", dedup_scopes);
	reader_string(r, dedup, "scope", &s->dedup_scope);
}

/* What happened may be of a kind that came later: it is told as it stands. */
static void read_incidents(struct reader *r, json_t *coverage, struct statement *s)
{
	json_t *list;
	size_t i;

	s->incidents_known = json_object_get(coverage, "incidents");
	if (!s->incidents_known)
		return;
	list = reader_list(r, coverage, "incidents", STATEMENT_LIST_MAX);
	s->incidents = reader_rows(r, list, sizeof(*s->incidents), &s->n_incidents);
	r->where = "predicate.coverage.incidents[]";
	for (i = 0; i < s->n_incidents; i++) {
		json_t *incident = json_array_get(list, i);

		s->incidents[i].boot_ns = reader_u64(r, incident, "boot_ns");
		reader_string(r, incident, "detail", &s->incidents[i].detail);
		reader_string(r, incident, "what", &s->incidents[i].what);
	}
}

static void read_probes(struct reader *r, json_t *coverage, struct statement *s)
{
	json_t *list = reader_list(r, coverage, "probes", STATEMENT_LIST_MAX);
	size_t i;

	s->probes = reader_rows(r, list, sizeof(*s->probes), &s->n_probes);
	r->where = "predicate.coverage.probes[]";
	for (i = 0; i < s->n_probes; i++) {
		json_t *probe = json_array_get(list, i);

		reader_strings(r, probe, "blind_spots", STATEMENT_LIST_MAX, &s->probes[i].blind_spots,
			       &s->probes[i].n_blind_spots);
		s->probes[i].from_boot_ns = reader_u64(r, probe, "from_boot_ns");
		reader_string(r, probe, "hook", &s->probes[i].hook);
		reader_string(r, probe, "kind", &s->probes[i].kind);
		s->probes[i].to_boot_ns = reader_u64(r, probe, "to_boot_ns");
	}
}

/* MAJOR:MINOR as put_target writes it, and no other spelling. */
static void read_dev(struct reader *r, json_t *object, struct statement_target *target)
{
	struct str text = str_of(json_string_value(json_object_get(object, "dev"))), major;
	const char *colon = text.data ? memchr(text.data, ':', text.len) : NULL;
	uint64_t numbers[2];

	if (colon) {
		major = (struct str) { text.data, (size_t)(colon - text.data) };
		text = (struct str) { colon + 1, text.len - major.len - 1 };
	}
	if (!colon || text_parse_u64(major, 0, UINT32_MAX, &numbers[0]) < 0 ||
	    text_parse_u64(text, 0, UINT32_MAX, &numbers[1]) < 0) {
		reader_refuse(r, "dev", "must be MAJOR:MINOR");
		return;
	}
	target->dev_major = (uint32_t)numbers[0];
	target->dev_minor = (uint32_t)numbers[1];
}

static void read_target(struct reader *r, json_t *object, struct statement_target *target)
{
	target->attached = reader_u64(r, object, "attached");
	reader_known_string(r, object, "build_id", &target->build_id);
	read_dev(r, object, target);
	target->from_boot_ns = reader_u64(r, object, "from_boot_ns");
	target->inode = reader_u64(r, object, "inode");
	reader_string(r, object, "kind", &target->kind);
	reader_string(r, object, "library", &target->library);
	reader_strings(r, object, "missing", STATEMENT_MISSING_MAX, &target->missing, &target->n_missing);
	target->missing_count =
		reader_number(r, object, "missing_count", target->n_missing, (uint64_t)STATEMENT_NUMBER_MAX);
	reader_known_string(r, object, "purl", &target->purl);
	target->to_boot_ns = reader_u64(r, object, "to_boot_ns");
}

static void read_targets(struct reader *r, json_t *coverage, struct statement *s)
{
	json_t *list;
	size_t i;

	if (!json_object_get(coverage, "targets"))
		return;
	list = reader_list(r, coverage, "targets", STATEMENT_TARGETS_MAX);
	s->targets = reader_rows(r, list, sizeof(*s->targets), &s->n_targets);
	r->where = "predicate.coverage.targets[]";
	for (i = 0; i < s->n_targets; i++)
		read_target(r, json_array_get(list, i), &s->targets[i]);
	r->where = "predicate.coverage";
	if (json_object_get(coverage, "targets_more"))
		s->targets_more = reader_number(r, coverage, "targets_more", 1, (uint64_t)STATEMENT_NUMBER_MAX);
}

void statement_read_coverage(struct reader *r, json_t *predicate, struct statement *s)
{
	static void (*const parts[])(struct reader *, json_t *, struct statement *) = {
		statement_read_container_coverage,
		read_dedup,
		read_filters,
		read_incidents,
		read_probes,
		read_targets,
	};
	json_t *coverage = reader_object(r, predicate, "coverage", "predicate.coverage");
	size_t i;

	s->filtered = reader_u64(r, coverage, "filtered");
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		r->where = "predicate.coverage";
		parts[i](r, coverage, s);
	}
	r->where = "predicate.coverage";
	read_known_word(r, coverage, "transport", transports, &s->transport);
}
