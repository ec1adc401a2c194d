/* SPDX-License-Identifier: Apache-2.0 */

/* Functions by what records say of them. Promises a ceiling, and that what a chunk added can be taken back. */

#include "merge/function_table.h"

#include <errno.h>
#include <stdlib.h>

#include "merge/hashes.h"

static void function_free(struct seen_function *function)
{
	free(function->symbol);
	free(function->library);
	free(function->build_id);
	free(function->purl);
}

void function_table_done(struct function_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		function_free(&table->list[i]);
	free(table->list);
	free(table->slots);
	*table = (struct function_table) { 0 };
}

static uint64_t function_hash(const struct record_function *function)
{
	const struct str texts[] = { function->symbol, function->library, function->build_id, function->purl };
	uint64_t hash = HASH_START;

	for (size_t i = 0; i < 4; i++)
		hash = hash_of(hash_of(hash, texts[i]), (struct str) { "", 1 });
	return hash;
}

static bool same(const char *text, struct str view)
{
	return str_equal(str_of(text), view);
}

static bool is_it(const struct seen_function *seen, uint64_t hash, const struct record_function *function)
{
	return seen->hash == hash && same(seen->symbol, function->symbol) &&
	       same(seen->library, function->library) && same(seen->build_id, function->build_id) &&
	       same(seen->purl, function->purl);
}

static void slots_fill(struct function_table *table)
{
	memset(table->slots, 0, table->room * sizeof(*table->slots));
	for (size_t i = 0; i < table->count; i++) {
		size_t slot = (size_t)(table->list[i].hash >> 16) & (table->room - 1);

		while (table->slots[slot] != 0)
			slot = (slot + 1) & (table->room - 1);
		table->slots[slot] = (uint32_t)i + 1;
	}
}

static int table_grow(struct function_table *table)
{
	size_t capacity = table->capacity ? 2 * table->capacity : 64;
	struct seen_function *list = reallocarray(table->list, capacity, sizeof(*list));
	uint32_t *slots;

	if (!list)
		return -ENOMEM;
	table->list = list;
	slots = reallocarray(table->slots, 2 * capacity, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	table->slots = slots;
	table->capacity = capacity;
	table->room = 2 * capacity;
	slots_fill(table);
	return 0;
}

void function_table_cut(struct function_table *table, size_t count)
{
	if (table->count <= count)
		return;
	while (table->count > count)
		function_free(&table->list[--table->count]);
	slots_fill(table);
}

static int text_keep(struct str view, char **ret_text)
{
	if (view.len == 0)
		return 0;
	*ret_text = str_copy(view);
	return *ret_text ? 0 : -ENOMEM;
}

static int function_copy(const struct record_function *function, uint64_t hash, struct seen_function *seen)
{
	int r;

	*seen = (struct seen_function) { .hash = hash, .package = FUNCTION_NONE };
	r = text_keep(function->symbol, &seen->symbol);
	r = r < 0 ? r : text_keep(function->library, &seen->library);
	r = r < 0 ? r : text_keep(function->build_id, &seen->build_id);
	r = r < 0 ? r : text_keep(function->purl, &seen->purl);
	if (r < 0)
		function_free(seen);
	return r;
}

int function_table_add(struct function_table *table, const struct record_function *function,
		       uint32_t *ret_index, bool *ret_new)
{
	uint64_t hash = function_hash(function);
	size_t slot;
	int r;

	*ret_index = FUNCTION_NONE;
	*ret_new = false;
	if (function->symbol.len == 0)
		return 0;
	if (table->count == table->capacity) {
		r = table_grow(table);
		if (r < 0)
			return r;
	}
	slot = (size_t)(hash >> 16) & (table->room - 1);
	for (; table->slots[slot] != 0; slot = (slot + 1) & (table->room - 1)) {
		*ret_index = table->slots[slot] - 1;
		if (is_it(&table->list[*ret_index], hash, function))
			return 0;
	}
	*ret_index = FUNCTION_NONE;
	if (table->count == FUNCTIONS_MAX) {
		table->more = true;
		return 0;
	}
	r = function_copy(function, hash, &table->list[table->count]);
	if (r < 0)
		return r;
	table->slots[slot] = (uint32_t)++table->count;
	*ret_index = (uint32_t)table->count - 1;
	*ret_new = true;
	return 0;
}
