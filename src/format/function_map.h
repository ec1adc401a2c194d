/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The function map: which functions of which files are worth a function_call record. docs/function-map.md is the
 * format. Strict: what is not known, doubled or of the wrong type refuses the whole map, with the place in it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "wire/records.h"

#define FUNCTION_MAP_BYTES_MAX (16u << 20)
#define FUNCTION_MAP_ENTRIES_MAX 4096
#define FUNCTION_MAP_WANTED_MAX 65536 /* functions of all entries together */

struct function_wanted {
	struct str symbol;
	uint64_t offset; /* when by_offset */
	bool by_offset;
};

struct function_map_entry {
	const char *purl; /* NULL = none */
	const char *library; /* a file's name or soname, or an absolute path; NULL = any */
	uint8_t build_id[WIRE_BUILD_ID_MAX];
	uint8_t build_id_len; /* 0 = any */
	bool all; /* every function that the file names */
	const struct function_wanted *wanted; /* sorted by symbol, when not all */
	size_t n_wanted;
};

struct function_map;

int function_map_parse(struct str text, struct diag *diag, struct function_map **ret_map);
int function_map_load(const char *path, struct diag *diag, struct function_map **ret_map);
void function_map_free(struct function_map *map);
DEFINE_FREEP(function_map, function_map_free)

/* SHA-256 of the map's text. */
const struct digest *function_map_digest(const struct function_map *map);
size_t function_map_entries(const struct function_map *map, const struct function_map_entry **ret_entries);

/* What is known of a file that somebody maps. */
struct function_map_file {
	const char *path;
	const char *soname; /* "" = it has none */
	const uint8_t *build_id;
	size_t build_id_len; /* 0 = it has none */
};

/* Does the entry mean this file? */
bool function_map_means(const struct function_map_entry *entry, const struct function_map_file *file);
