/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What one chunk's seal, or its draft, says of containers: unverified, as all that inspect reads. */

#include "cli/inspect_match.h"
#include "format/statement.h"

struct container_table {
	struct statement_container *rows; /* sorted by id and generation; owned */
	size_t count;
};

void container_table_done(struct container_table *table);
/* Takes the rows out of the statement. */
struct container_table container_table_take(struct statement *statement);

/*
 * Whose record it is: the row with its container_id and the latest generation that had begun by then. NULL: the record
 * has no container, or the table no such row.
 */
const struct statement_container *container_of(const struct container_table *table,
					       const struct record_view *view);
