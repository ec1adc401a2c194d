// SPDX-License-Identifier: Apache-2.0
/*
 * JSON -> entries. The map is written by hand and by programs that we do not know: each refusal says where in the
 * document it is and what would have been right. Texts are borrowed from the parsed document, which the map owns.
 */

#include "format/function_map.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#define LIBRARY_MAX (WIRE_PATH_MAX - 1)

struct function_map {
	json_t *document; /* owned */
	struct function_map_entry *entries;
	size_t count;
	struct function_wanted *wanted; /* of all entries, one behind the other */
	size_t n_wanted, max_wanted;
	struct digest digest;
};

/* Where in the document we are, for refusals: functions[INDEX].MEMBER */
struct place {
	struct function_map *map;
	struct diag *diag;
	size_t index;
};

#define REFUSE(place, format, ...) \
	diag_error((place)->diag, -EINVAL, "functions[%zu]" format, (place)->index, ##__VA_ARGS__)

static bool is_known(const char *key, const char *const *known)
{
	for (; *known; known++) {
		if (strcmp(key, *known) == 0)
			return true;
	}
	return false;
}

/* The first member of the object that is not in the list; NULL = none. */
static const char *unknown_member(json_t *object, const char *const *known)
{
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		if (!is_known(key, known))
			return key;
	}
	return NULL;
}

/* A text of 1..max bytes; *ret_text stays when the member is not there. */
static int text_member(const struct place *place, json_t *object, const char *key, size_t max,
		       const char **ret_text)
{
	json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_string(value) || json_string_length(value) == 0 || json_string_length(value) > max)
		return REFUSE(place, ".%s: must be a string of 1 to %zu bytes", key, max);
	*ret_text = json_string_value(value);
	return 0;
}

static int parse_library(const struct place *place, json_t *object, struct function_map_entry *entry)
{
	int r = text_member(place, object, "library", LIBRARY_MAX, &entry->library);

	if (r < 0 || !entry->library)
		return r;
	if (entry->library[0] != '/' && strchr(entry->library, '/'))
		return REFUSE(place, ".library: must be a file's name or an absolute path");
	return 0;
}

static int parse_build_id(const struct place *place, json_t *object, struct function_map_entry *entry)
{
	const char *hex = NULL;
	size_t len;
	int r = text_member(place, object, "build_id", (size_t)2 * WIRE_BUILD_ID_MAX, &hex);

	if (r < 0 || !hex)
		return r;
	len = strlen(hex);
	if (len % 2 != 0 || text_unhex((struct str) { hex, len }, entry->build_id, len / 2) < 0)
		return REFUSE(place, ".build_id: must be an even number of lower-case hexadecimal digits");
	entry->build_id_len = (uint8_t)(len / 2);
	return 0;
}

static int wanted_add(const struct place *place, struct function_wanted wanted)
{
	struct function_map *map = place->map;
	struct function_wanted *more;

	if (map->n_wanted == FUNCTION_MAP_WANTED_MAX)
		return REFUSE(place, ": more than %d functions in the map", FUNCTION_MAP_WANTED_MAX);
	if (map->n_wanted == map->max_wanted) {
		size_t max = map->max_wanted > 0 ? 2 * map->max_wanted : 256;

		more = reallocarray(map->wanted, max, sizeof(*more));
		if (!more)
			return -ENOMEM;
		map->wanted = more;
		map->max_wanted = max;
	}
	map->wanted[map->n_wanted++] = wanted;
	return 0;
}

static bool is_symbol(const json_t *value)
{
	return json_is_string(value) && json_string_length(value) > 0 &&
	       json_string_length(value) <= WIRE_SYMBOL_MAX;
}

static int parse_symbols(const struct place *place, json_t *object, struct function_map_entry *entry)
{
	json_t *symbols = json_object_get(object, "symbols"), *symbol;
	size_t i;
	int r;

	if (!symbols)
		return 0;
	if (json_is_string(symbols) && strcmp(json_string_value(symbols), "*") == 0) {
		entry->all = true;
		return 0;
	}
	if (!json_is_array(symbols) || json_array_size(symbols) == 0)
		return REFUSE(place, ".symbols: must be \"*\" or an array of at least one name");
	json_array_foreach (symbols, i, symbol) {
		if (!is_symbol(symbol))
			return REFUSE(place, ".symbols[%zu]: must be a string of 1 to %d bytes", i,
				      WIRE_SYMBOL_MAX);
		r = wanted_add(place, (struct function_wanted) { .symbol = { json_string_value(symbol),
									     json_string_length(symbol) } });
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_offset(const struct place *place, json_t *one, size_t i)
{
	static const char *const known[] = { "offset", "symbol", NULL };
	json_t *offset = json_object_get(one, "offset"), *symbol = json_object_get(one, "symbol");

	if (!json_is_object(one) || unknown_member(one, known))
		return REFUSE(place, ".offsets[%zu]: must be an object of offset and symbol", i);
	if (!json_is_integer(offset) || json_integer_value(offset) <= 0)
		return REFUSE(place, ".offsets[%zu].offset: must be a positive integer, an offset in the file",
			      i);
	if (!is_symbol(symbol))
		return REFUSE(place, ".offsets[%zu].symbol: must be a string of 1 to %d bytes", i,
			      WIRE_SYMBOL_MAX);
	return wanted_add(place, (struct function_wanted) {
					 .symbol = { json_string_value(symbol), json_string_length(symbol) },
					 .offset = (uint64_t)json_integer_value(offset),
					 .by_offset = true,
				 });
}

/* A probe in the middle of an instruction breaks the program: offsets hold for one build and no other. */
static int parse_offsets(const struct place *place, json_t *object, const struct function_map_entry *entry)
{
	json_t *offsets = json_object_get(object, "offsets"), *one;
	size_t i;
	int r;

	if (!offsets)
		return 0;
	if (entry->build_id_len == 0)
		return REFUSE(place, ".offsets: needs build_id, as an offset is right for one build only");
	if (!json_is_array(offsets) || json_array_size(offsets) == 0)
		return REFUSE(place, ".offsets: must be an array of at least one object");
	json_array_foreach (offsets, i, one) {
		r = parse_offset(place, one, i);
		if (r < 0)
			return r;
	}
	return 0;
}

static int wanted_compare(const void *left, const void *right)
{
	const struct function_wanted *a = left, *b = right;
	size_t shorter = a->symbol.len < b->symbol.len ? a->symbol.len : b->symbol.len;
	int order = memcmp(a->symbol.data, b->symbol.data, shorter);

	if (order == 0)
		order = (a->symbol.len > b->symbol.len) - (a->symbol.len < b->symbol.len);
	return order;
}

static int wanted_sort(const struct place *place, size_t first)
{
	size_t count = place->map->n_wanted - first;
	struct function_wanted *wanted;

	if (count < 2)
		return 0; /* with "*" alone there is no table at all */
	wanted = place->map->wanted + first;
	qsort(wanted, count, sizeof(*wanted), wanted_compare);
	for (size_t i = 1; i < count; i++) {
		if (wanted_compare(&wanted[i - 1], &wanted[i]) == 0)
			return REFUSE(place, ": names the function %s twice", wanted[i].symbol.data);
	}
	return 0;
}

static int parse_entry(const struct place *place, json_t *object, struct function_map_entry *entry)
{
	static const char *const known[] = { "build_id", "library", "offsets", "purl", "symbols", NULL };
	size_t first = place->map->n_wanted;
	const char *unknown;
	int r;

	if (!json_is_object(object))
		return REFUSE(place, ": must be an object");
	unknown = unknown_member(object, known);
	if (unknown)
		return REFUSE(place, ".%s: unknown; known are build_id, library, offsets, purl, symbols",
			      unknown);
	r = text_member(place, object, "purl", WIRE_PURL_MAX, &entry->purl);
	if (r < 0)
		return r;
	if (entry->purl && strncmp(entry->purl, "pkg:", 4) != 0)
		return REFUSE(place, ".purl: must be a package URL, pkg:TYPE/NAME@VERSION");
	r = parse_library(place, object, entry);
	if (r >= 0)
		r = parse_build_id(place, object, entry);
	if (r >= 0 && !entry->library && entry->build_id_len == 0)
		return REFUSE(place, ": needs library or build_id, to know the file by");
	if (r >= 0)
		r = parse_symbols(place, object, entry);
	if (r >= 0)
		r = parse_offsets(place, object, entry);
	if (r < 0)
		return r;
	entry->n_wanted = place->map->n_wanted - first;
	if (!entry->all && entry->n_wanted == 0)
		return REFUSE(place, ": needs symbols or offsets");
	return wanted_sort(place, first);
}

/* The one array of wanted functions stands still now. */
static void entries_link(struct function_map *map)
{
	const struct function_wanted *wanted = map->wanted;

	for (size_t i = 0; i < map->count; i++) {
		map->entries[i].wanted = wanted;
		if (wanted)
			wanted += map->entries[i].n_wanted;
	}
}

static int parse_document(struct function_map *map, struct diag *diag)
{
	static const char *const known[] = { "functions", "version", NULL };
	json_t *version = json_object_get(map->document, "version");
	json_t *functions = json_object_get(map->document, "functions");
	struct place place = { map, diag, 0 };
	const char *unknown;
	int r = 0;

	if (!json_is_object(map->document))
		return diag_error(diag, -EINVAL, "must be an object");
	unknown = unknown_member(map->document, known);
	if (unknown)
		return diag_error(diag, -EINVAL, "%s: unknown; known are functions, version", unknown);
	if (!json_is_integer(version) || json_integer_value(version) != 1)
		return diag_error(diag, -EINVAL, "version: must be 1");
	if (!json_is_array(functions) || json_array_size(functions) == 0 ||
	    json_array_size(functions) > FUNCTION_MAP_ENTRIES_MAX)
		return diag_error(diag, -EINVAL, "functions: must be an array of 1 to %d entries",
				  FUNCTION_MAP_ENTRIES_MAX);
	map->count = json_array_size(functions);
	map->entries = calloc(map->count, sizeof(*map->entries));
	if (!map->entries)
		return -ENOMEM;
	for (; r == 0 && place.index < map->count; place.index++)
		r = parse_entry(&place, json_array_get(functions, place.index), &map->entries[place.index]);
	if (r == 0)
		entries_link(map);
	return r;
}

int function_map_parse(struct str text, struct diag *diag, struct function_map **ret_map)
{
	_cleanup_(function_map_freep) struct function_map *map = calloc(1, sizeof(*map));
	json_error_t error;
	int r;

	if (!map)
		return -ENOMEM;
	map->document = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!map->document)
		return diag_error(diag, -EINVAL, "line %d, column %d: %s", error.line, error.column,
				  error.text);
	r = parse_document(map, diag);
	if (r == 0)
		r = digest_of(text.data, text.len, &map->digest);
	if (r < 0)
		return r;
	*ret_map = TAKE(map);
	return 0;
}

const struct digest *function_map_digest(const struct function_map *map)
{
	return &map->digest;
}

int function_map_load(const char *path, struct diag *diag, struct function_map **ret_map)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(FUNCTION_MAP_BYTES_MAX);
	struct diag why = { .text = "" };
	int r = file_read_at(AT_FDCWD, path, &text, NULL);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return diag_exit(diag, EXIT_UNSOUND, r, "signals.functions.map: %s: %s", path,
				 r == -EINVAL ? "no regular file" : strerror(-r));
	r = function_map_parse(buf_str(&text), &why, ret_map);
	return r < 0 && why.text[0]
		       ? diag_exit(diag, EXIT_UNSOUND, r, "signals.functions.map: %s: %s", path, why.text)
		       : r;
}

void function_map_free(struct function_map *map)
{
	if (!map)
		return;
	json_decref(map->document);
	free(map->entries);
	free(map->wanted);
	free(map);
}

size_t function_map_entries(const struct function_map *map, const struct function_map_entry **ret_entries)
{
	*ret_entries = map->entries;
	return map->count;
}

bool function_map_means(const struct function_map_entry *entry, const struct function_map_file *file)
{
	const char *slash = strrchr(file->path, '/');

	if (entry->build_id_len > 0 && (entry->build_id_len != file->build_id_len ||
					memcmp(entry->build_id, file->build_id, file->build_id_len) != 0))
		return false;
	if (!entry->library)
		return true;
	if (entry->library[0] == '/')
		return strcmp(entry->library, file->path) == 0;
	return strcmp(entry->library, slash ? slash + 1 : file->path) == 0 ||
	       strcmp(entry->library, file->soname) == 0;
}
