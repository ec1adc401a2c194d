/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where in a log a leaf is: by the first 8 bytes of its hash, so that who finds one looks at the leaf itself. */

#include "crypto/digest.h"

struct leaf_table {
	struct leaf_slot *slots; /* NULL = empty */
	size_t capacity, count;
};

void leaf_table_done(struct leaf_table *table);
/* -ENOMEM */
int leaf_table_add(struct leaf_table *table, const struct digest *leaf, uint64_t index);
/*
 * The next index that may have this leaf: *cursor is 0 at the first call and kept for the next. UINT64_MAX: no more.
 */
uint64_t leaf_table_next(const struct leaf_table *table, const struct digest *leaf, size_t *cursor);
