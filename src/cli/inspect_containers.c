/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Joins records with what the seal of their chunk says of containers. Promises that a record never gets the image of
 * another life of a container's id: a row whose generation begins after the record is not its row.
 */

#include "cli/inspect_containers.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void container_table_done(struct container_table *table)
{
	struct statement statement = { .containers = table->rows, .n_containers = table->count };

	statement_forget_containers(&statement);
	*table = (struct container_table) { NULL, 0 };
}

static int compare(const void *a, const void *b)
{
	const struct statement_container *x = a, *y = b;
	int order = strcmp(x->id, y->id);

	if (order != 0)
		return order;
	return x->generation < y->generation ? -1 : x->generation > y->generation;
}

struct container_table container_table_take(struct statement *statement)
{
	struct container_table table = { TAKE(statement->containers), statement->n_containers };

	statement->n_containers = 0;
	if (table.count > 1)
		qsort(table.rows, table.count, sizeof(*table.rows), compare);
	return table;
}

const struct statement_container *container_of(const struct container_table *table,
					       const struct record_view *view)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(4096);
	struct statement_container key = { .generation = view->ts_ns };
	size_t low = 0, high = table->count;

	if (table->count == 0 || !canon_find(view->members, view->count, STR("container_id")))
		return NULL;
	key.id = (char *)record_text(view->members, view->count, "container_id", &text);
	/* The last row that is not behind the key. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&table->rows[middle], &key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && strcmp(table->rows[low - 1].id, key.id) == 0 ? &table->rows[low - 1] : NULL;
}
