// SPDX-License-Identifier: Apache-2.0
/* A sorted table of counters that only grow. Owns its rows. */

#include "collect/losers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

void losers_done(struct losers *losers)
{
	free(losers->rows);
	*losers = (struct losers) { .rows = NULL };
}

/* Kind and cause first, so that a loss's cgroups lie side by side. */
static int key_order(const struct wire_loss_key *a, const struct wire_loss_key *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->cause != b->cause)
		return a->cause < b->cause ? -1 : 1;
	return a->cgroup_id < b->cgroup_id ? -1 : a->cgroup_id > b->cgroup_id;
}

/* Where the key stands, or would stand. */
static size_t place_of(const struct losers *losers, const struct wire_loss_key *key)
{
	size_t low = 0, high = losers->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (key_order(&losers->rows[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int make_room(struct losers *losers)
{
	size_t room = losers->room ? losers->room * 2 : 64;
	struct loser *rows;

	if (losers->count < losers->room)
		return 0;
	rows = reallocarray(losers->rows, room, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	losers->rows = rows;
	losers->room = room;
	return 0;
}

int losers_note(struct losers *losers, const struct wire_loss_key *key, const struct wire_loss_count *total)
{
	size_t place = place_of(losers, key);
	struct loser *row;
	int r;

	if (place < losers->count && key_order(&losers->rows[place].key, key) == 0) {
		losers->rows[place].total = *total;
		return 0;
	}
	if (losers->count >= LOSERS_MAX)
		return 0;
	r = make_room(losers);
	if (r < 0)
		return r;
	row = &losers->rows[place];
	memmove(row + 1, row, (losers->count - place) * sizeof(*row));
	*row = (struct loser) { .key = *key, .total = *total };
	losers->count++;
	return 0;
}

void losers_cut(struct losers *losers)
{
	for (size_t i = 0; i < losers->count; i++)
		losers->rows[i].before = losers->rows[i].total;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* False: nothing of it counts. */
static bool row_part(const struct loser *loser, bool since_start, uint64_t opened, uint64_t left,
		     struct statement_loss_cgroup *ret_part)
{
	uint64_t before = since_start ? 0 : loser->before.count;
	uint64_t count = loser->total.count > before ? loser->total.count - before : 0;

	if (count > left)
		count = left;
	*ret_part = (struct statement_loss_cgroup) {
		.cgroup_id = loser->key.cgroup_id,
		.count = count,
		.first_boot_ns = later(before == 0 ? loser->total.first_boot_ns : 0, opened),
	};
	ret_part->last_boot_ns = later(loser->total.last_boot_ns, ret_part->first_boot_ns);
	return count > 0;
}

int losers_rows(const struct losers *losers, uint32_t kind, uint32_t cause, bool since_start,
		uint64_t opened_boot_ns, struct statement_loss *row)
{
	const struct wire_loss_key first = { .kind = kind, .cause = cause };
	uint64_t left = row->count;

	if (left == 0 || losers->count == 0)
		return 0;
	row->cgroups = calloc(STATEMENT_CGROUPS_MAX, sizeof(*row->cgroups));
	if (!row->cgroups)
		return -ENOMEM;
	for (size_t i = place_of(losers, &first); i < losers->count && row->n_cgroups < STATEMENT_CGROUPS_MAX;
	     i++) {
		const struct loser *loser = &losers->rows[i];
		struct statement_loss_cgroup *part = &row->cgroups[row->n_cgroups];

		if (loser->key.kind != kind || loser->key.cause != cause)
			break;
		if (!row_part(loser, since_start, since_start ? 0 : opened_boot_ns, left, part))
			continue;
		left -= part->count;
		row->n_cgroups++;
	}
	return 0;
}
