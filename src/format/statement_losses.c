/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What was lost, as it stands in a statement, both ways: per cause, kind and layer, zero as zero, and how much of it
 * is known to be whose. Refuses a time without a loss, a loss without a time, and a share of nothing.
 */

#include "format/statement_parts.h"

#include <stdlib.h>

static void put_cgroups(struct canon *w, const struct statement_loss *loss)
{
	size_t i;

	if (loss->n_cgroups > STATEMENT_CGROUPS_MAX)
		member_fail(w, -E2BIG);
	canon_key(w, "cgroups");
	canon_array(w);
	for (i = 0; i < loss->n_cgroups && w->error == 0; i++) {
		if (loss->cgroups[i].count == 0)
			member_fail(w, -ERANGE);
		canon_object(w);
		member_number(w, "cgroup_id", loss->cgroups[i].cgroup_id);
		member_number(w, "count", loss->cgroups[i].count);
		member_number(w, "first_boot_ns", loss->cgroups[i].first_boot_ns);
		member_number(w, "last_boot_ns", loss->cgroups[i].last_boot_ns);
		canon_object_end(w);
	}
	canon_array_end(w);
}

static void put_loss(struct canon *w, const struct statement_loss *loss)
{
	canon_object(w);
	member_string(w, "cause", loss->cause);
	if (loss->count > 0 && loss->n_cgroups > 0)
		put_cgroups(w, loss);
	member_number(w, "count", loss->count);
	member_string(w, "effect", loss->effect);
	if (loss->count > 0)
		member_number(w, "first_boot_ns", loss->first_boot_ns);
	member_known_string(w, "kind", loss->kind);
	if (loss->count > 0)
		member_number(w, "last_boot_ns", loss->last_boot_ns);
	member_string(w, "layer", loss->layer);
	canon_object_end(w);
}

void statement_put_losses(struct canon *w, const struct statement *s)
{
	size_t i;

	canon_key(w, "losses");
	if (!s->losses_known) {
		canon_null(w);
		return;
	}
	if (s->n_losses > STATEMENT_LIST_MAX)
		member_fail(w, -E2BIG);
	canon_array(w);
	for (i = 0; i < s->n_losses && w->error == 0; i++)
		put_loss(w, &s->losses[i]);
	canon_array_end(w);
}

static void read_cgroups(struct reader *r, json_t *object, struct statement_loss *loss)
{
	json_t *list = reader_list(r, object, "cgroups", STATEMENT_CGROUPS_MAX);
	size_t i;

	if (r->error == 0 && (loss->count == 0 || json_array_size(list) == 0))
		reader_refuse(r, "cgroups", "is there, yet nothing to share");
	loss->cgroups = reader_rows(r, list, sizeof(*loss->cgroups), &loss->n_cgroups);
	r->where = "predicate.losses[].cgroups[]";
	for (i = 0; i < loss->n_cgroups; i++) {
		json_t *row = json_array_get(list, i);

		loss->cgroups[i].cgroup_id = reader_u64(r, row, "cgroup_id");
		loss->cgroups[i].count = reader_number(r, row, "count", 1, (uint64_t)STATEMENT_NUMBER_MAX);
		loss->cgroups[i].first_boot_ns = reader_u64(r, row, "first_boot_ns");
		loss->cgroups[i].last_boot_ns = reader_u64(r, row, "last_boot_ns");
	}
}

static void read_loss(struct reader *r, json_t *object, struct statement_loss *loss)
{
	static const char *const effects[] = { "record", "member", NULL };

	reader_string(r, object, "cause", &loss->cause);
	loss->count = reader_u64(r, object, "count");
	reader_word(r, object, "effect", effects);
	reader_string(r, object, "effect", &loss->effect);
	reader_known_string(r, object, "kind", &loss->kind);
	reader_string(r, object, "layer", &loss->layer);
	if (loss->count > 0) {
		loss->first_boot_ns = reader_u64(r, object, "first_boot_ns");
		loss->last_boot_ns = reader_u64(r, object, "last_boot_ns");
	} else if (json_object_get(object, "first_boot_ns") || json_object_get(object, "last_boot_ns")) {
		reader_refuse(r, "count", "is 0, yet the loss has a time");
	}
	if (json_object_get(object, "cgroups"))
		read_cgroups(r, object, loss);
}

void statement_read_losses(struct reader *r, json_t *predicate, struct statement *s)
{
	json_t *list;
	size_t i;

	s->losses_known = !json_is_null(json_object_get(predicate, "losses"));
	if (!s->losses_known)
		return;
	list = reader_list(r, predicate, "losses", STATEMENT_LIST_MAX);
	s->losses = reader_rows(r, list, sizeof(*s->losses), &s->n_losses);
	for (i = 0; i < s->n_losses; i++) {
		r->where = "predicate.losses[]";
		read_loss(r, json_array_get(list, i), &s->losses[i]);
	}
}
