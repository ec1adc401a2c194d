/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Cuts the tables of containers to what a seal has room for. What stands in them is the word of engines, images and
 * whoever starts containers: a seal that cannot be written would be worse than any of it missing. Promises that what
 * is left can be written, and that what is left out is counted. Measures by writing: there is no second opinion of how
 * long a row is.
 */

#include "format/statement_parts.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

struct whose {
	uint64_t cgroup_id, generation;
};

struct fit {
	size_t room;
	struct buf scratch;
	struct whose *dropped; /* owned */
	size_t n_dropped;
};

static void fit_done(struct fit *fit)
{
	buf_done(&fit->scratch);
	free(fit->dropped);
}

static bool can_stand(const char *text)
{
	return text && strlen(text) <= STATEMENT_STRING_MAX && text_is_utf8(str_of(text));
}

/* What cannot be written is as good as unknown. */
static void forget_bad(char **text)
{
	if (*text && !can_stand(*text)) {
		free(*text);
		*text = NULL;
	}
}

static void settle_names(struct statement_container *container)
{
	size_t kept = 0;

	for (size_t i = 0; i < container->n_names; i++) {
		char *name = container->names[i];

		if (kept < STATEMENT_NAMES_MAX && can_stand(name))
			container->names[kept++] = name;
		else
			free(name);
	}
	container->n_names = kept;
}

static int compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct statement_label *)a)->key, ((const struct statement_label *)b)->key);
}

static void drop_label(struct statement_container *container, struct statement_label *label)
{
	free(label->key);
	free(label->value);
	*label = (struct statement_label) { NULL, NULL };
	container->labels_more++;
}

/* In order, no key twice, none that cannot stand; the first by key are kept. */
static void settle_labels(struct statement_container *container)
{
	struct statement_label *labels = container->labels;
	size_t good = 0, kept = 0;

	for (size_t i = 0; i < container->n_labels; i++) {
		if (labels[i].key && statement_is_label_key(labels[i].key) && can_stand(labels[i].value))
			labels[good++] = labels[i];
		else
			drop_label(container, &labels[i]);
	}
	if (good > 1)
		qsort(labels, good, sizeof(*labels), compare_labels);
	for (size_t i = 0; i < good; i++) {
		if (kept < STATEMENT_LABELS_MAX &&
		    (kept == 0 || strcmp(labels[kept - 1].key, labels[i].key) != 0))
			labels[kept++] = labels[i];
		else
			drop_label(container, &labels[i]);
	}
	container->n_labels = kept;
}

static void settle(struct statement_container *container)
{
	forget_bad(&container->image_digest);
	if (container->image_digest &&
	    (container->conflict || !statement_is_image_digest(container->image_digest)))
		statement_set(&container->image_digest, NULL);
	forget_bad(&container->image);
	forget_bad(&container->pod);
	forget_bad(&container->pod_namespace);
	forget_bad(&container->pod_uid);
	forget_bad(&container->outer);
	if (container->pod && !*container->pod)
		statement_set(&container->pod, NULL);
	settle_names(container);
	settle_labels(container);
}

/* True: what was just written into the scratch stays, and is paid for with its comma. */
static bool afford(struct fit *fit, int error, size_t *room)
{
	size_t cost = fit->scratch.len + 1;

	buf_clear(&fit->scratch);
	if (error < 0 || cost > *room)
		return false;
	*room -= cost;
	return true;
}

static bool afford_covered(struct fit *fit, const struct statement_container_coverage *row, size_t *room)
{
	struct canon w = CANON_INTO(&fit->scratch);

	if (!row->id || !*row->id)
		return false;
	statement_put_covered(&w, row);
	return afford(fit, w.error, room);
}

/* Without its labels, whose turn comes when all rows have had theirs; but that they are missing can be said. */
static bool afford_container(struct fit *fit, const struct statement_container *container)
{
	struct canon w = CANON_INTO(&fit->scratch);
	struct statement_container bare = *container;

	if (!container->id || !*container->id)
		return false;
	bare.n_labels = 0;
	bare.labels_more = container->n_labels + container->labels_more;
	statement_put_container(&w, &bare);
	return afford(fit, w.error, &fit->room);
}

static bool afford_label(struct fit *fit, const struct statement_label *label)
{
	struct canon w = CANON_INTO(&fit->scratch);

	canon_object(&w);
	canon_key_foreign(&w, label->key);
	member_value(&w, label->value);
	canon_object_end(&w);
	return afford(fit, w.error, &fit->room);
}

static void drop(struct fit *fit, uint64_t cgroup_id, uint64_t generation)
{
	fit->dropped[fit->n_dropped++] = (struct whose) { cgroup_id, generation };
}

static void fit_coverage(struct fit *fit, struct statement *s)
{
	size_t kept = 0, room = fit->room / 2, before = room;

	for (size_t i = 0; i < s->n_container_coverage; i++) {
		struct statement_container_coverage *row = &s->container_coverage[i];

		if (kept < STATEMENT_CONTAINERS_MAX && afford_covered(fit, row, &room)) {
			s->container_coverage[kept++] = *row;
			continue;
		}
		drop(fit, row->cgroup_id, row->generation);
		statement_free_covered(row);
	}
	s->n_container_coverage = kept;
	fit->room -= before - room;
}

static void fit_containers(struct fit *fit, struct statement *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n_containers; i++) {
		struct statement_container *row = &s->containers[i];

		settle(row);
		if (kept < STATEMENT_CONTAINERS_MAX && afford_container(fit, row)) {
			s->containers[kept++] = *row;
			continue;
		}
		drop(fit, row->cgroup_id, row->generation);
		statement_free_container(row);
	}
	s->n_containers = kept;
}

static void fit_labels(struct fit *fit, struct statement *s)
{
	for (size_t i = 0; i < s->n_containers; i++) {
		struct statement_container *row = &s->containers[i];
		size_t kept = 0;

		for (size_t k = 0; k < row->n_labels; k++) {
			if (afford_label(fit, &row->labels[k]))
				row->labels[kept++] = row->labels[k];
			else
				drop_label(row, &row->labels[k]);
		}
		row->n_labels = kept;
	}
}

static int compare_whose(const void *a, const void *b)
{
	const struct whose *x = a, *y = b;

	if (x->cgroup_id != y->cgroup_id)
		return x->cgroup_id < y->cgroup_id ? -1 : 1;
	return x->generation < y->generation ? -1 : x->generation > y->generation;
}

/* A container that lacks both rows is one. */
static uint64_t count_dropped(struct fit *fit)
{
	uint64_t count = 0;

	if (fit->n_dropped > 1)
		qsort(fit->dropped, fit->n_dropped, sizeof(*fit->dropped), compare_whose);
	for (size_t i = 0; i < fit->n_dropped; i++)
		count += i == 0 || compare_whose(&fit->dropped[i - 1], &fit->dropped[i]) != 0;
	return count;
}

int statement_containers_fit(struct statement *statement)
{
	_cleanup_(fit_done) struct fit fit = { .room = STATEMENT_CONTAINERS_ROOM,
					       .scratch = BUF_MAX(STATEMENT_MAX) };
	size_t rows = statement->n_containers + statement->n_container_coverage;

	if (rows == 0)
		return 0;
	fit.dropped = calloc(rows, sizeof(*fit.dropped));
	if (!fit.dropped || buf_reserve(&fit.scratch, STATEMENT_STRING_MAX) < 0)
		return -ENOMEM;
	fit_coverage(&fit, statement);
	fit_containers(&fit, statement);
	fit_labels(&fit, statement);
	statement->containers_more += count_dropped(&fit);
	return 0;
}
