// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a function map: refused with a sentence, or entries whose every name is there and in order. */

#include <assert.h>
#include <stdint.h>

#include "format/function_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct function_map_entry *entries;
	struct function_map *map = NULL;
	struct diag diag = { .text = "" };
	size_t count;

	if (function_map_parse((struct str) { (const char *)data, size }, &diag, &map) < 0) {
		assert(diag.text[0] != '\0');
		return 0;
	}
	count = function_map_entries(map, &entries);
	assert(count > 0 && count <= FUNCTION_MAP_ENTRIES_MAX);
	for (size_t i = 0; i < count; i++) {
		assert(entries[i].library || entries[i].build_id_len > 0);
		assert(entries[i].all || entries[i].n_wanted > 0);
		for (size_t j = 0; j < entries[i].n_wanted; j++)
			assert(entries[i].wanted[j].symbol.len > 0);
		(void)function_map_means(
			&entries[i], &(struct function_map_file) { .path = "/usr/lib/libcrypto.so.3",
								   .soname = "libcrypto.so.3",
								   .build_id = entries[i].build_id,
								   .build_id_len = entries[i].build_id_len });
	}
	function_map_free(map);
	return 0;
}
