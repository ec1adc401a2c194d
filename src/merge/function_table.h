/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Functions that records named, each once: a number for what four texts say. */

#include "merge/record_view.h"

#define FUNCTIONS_MAX 131072
#define FUNCTION_NONE UINT32_MAX

struct seen_function {
	char *symbol, *library, *build_id, *purl; /* NULL = the record said none */
	uint64_t hash;
	uint32_t package; /* index into the package set, FUNCTION_NONE = nobody's, or not known */
};

struct function_table {
	struct seen_function *list;
	uint32_t *slots; /* index + 1; 0 = free */
	size_t count, capacity, room;
	bool more; /* there were more than FUNCTIONS_MAX */
};

void function_table_done(struct function_table *table);
/* *ret_index is its number, *ret_new: it was not there. FUNCTION_NONE: no room is left (`more` is set), or it has no symbol. */
int function_table_add(struct function_table *table, const struct record_function *function,
		       uint32_t *ret_index, bool *ret_new);
/* Forgets those with this number and higher. */
void function_table_cut(struct function_table *table, size_t count);
