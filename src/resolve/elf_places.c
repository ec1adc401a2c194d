// SPDX-License-Identifier: Apache-2.0
/*
 * A sorted table of functions that do not overlap by much: the nearest that begins before a place is the one around it,
 * or none is. A symbol without a size holds nothing, so that no code is said to be of the function before it. An
 * elf_places is one block of memory.
 */

#include "resolve/elf_places.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/elf.h"

struct place {
	uint64_t offset;
	uint32_t size, name; /* name: where it begins in the names */
};

struct elf_places {
	size_t bytes;
	size_t count;
	struct place all[]; /* behind them the names, NUL-ended each */
};

static size_t underscores(const char *name)
{
	return strspn(name, "_");
}

static int name_compare(const char *a, const char *b)
{
	size_t left = underscores(a), right = underscores(b);

	if (left == right) {
		left = strlen(a);
		right = strlen(b);
	}
	return left == right ? strcmp(a, b) : (left > right) - (left < right);
}

static int place_compare(const void *left, const void *right)
{
	const struct elf_function *a = *(const struct elf_function *const *)left;
	const struct elf_function *b = *(const struct elf_function *const *)right;

	if (a->offset != b->offset)
		return (a->offset > b->offset) - (a->offset < b->offset);
	return name_compare(a->name, b->name);
}

/* Those that hold something, one at each offset; returns how many, and the bytes of their names. */
static size_t choose(const struct elf_functions *functions, const struct elf_function **chosen,
		     size_t *ret_names)
{
	const struct elf_function *all;
	size_t count = elf_functions_all(functions, &all), sized = 0, kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (all[i].size > 0 && all[i].size <= UINT32_MAX)
			chosen[sized++] = &all[i];
	}
	if (sized > 0)
		qsort(chosen, sized, sizeof(*chosen), place_compare);
	*ret_names = 0;
	for (size_t i = 0; i < sized; i++) {
		if (kept > 0 && chosen[kept - 1]->offset == chosen[i]->offset)
			continue;
		chosen[kept++] = chosen[i];
		*ret_names += strlen(chosen[i]->name) + 1;
	}
	return kept;
}

static int places_make(const struct elf_functions *functions, size_t max_bytes, struct elf_places **ret_places)
{
	const struct elf_function *all;
	size_t count = elf_functions_all(functions, &all), names, bytes, at = 0;
	_cleanup_(freep) const struct elf_function **chosen = calloc(count + 1, sizeof(*chosen));
	struct elf_places *places;
	char *room;

	if (!chosen)
		return -ENOMEM;
	count = choose(functions, chosen, &names);
	bytes = sizeof(*places) + count * sizeof(places->all[0]) + names;
	if (bytes > max_bytes || names > UINT32_MAX)
		return -E2BIG;
	places = malloc(bytes);
	if (!places)
		return -ENOMEM;
	places->bytes = bytes;
	places->count = count;
	room = (char *)&places->all[count];
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(chosen[i]->name) + 1;

		places->all[i] = (struct place) { chosen[i]->offset, (uint32_t)chosen[i]->size, (uint32_t)at };
		memcpy(room + at, chosen[i]->name, len);
		at += len;
	}
	*ret_places = places;
	return 0;
}

int elf_places_open(int fd, const char *debug_directory, size_t max_bytes, struct elf_places **ret_places)
{
	_cleanup_(elf_functions_closep) struct elf_functions *functions = NULL;
	int r = elf_functions_open(fd, debug_directory, &functions);

	return r < 0 ? r : places_make(functions, max_bytes, ret_places);
}

void elf_places_close(struct elf_places *places)
{
	free(places);
}

size_t elf_places_bytes(const struct elf_places *places)
{
	return places->bytes;
}

const char *elf_places_find(const struct elf_places *places, uint64_t offset, uint64_t *ret_start)
{
	size_t low = 0, high = places->count;
	const struct place *place;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (places->all[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	place = &places->all[low - 1];
	if (offset - place->offset >= place->size)
		return NULL;
	*ret_start = place->offset;
	return (const char *)&places->all[places->count] + place->name;
}
