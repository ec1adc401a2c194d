/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The names of an evidence directory, both ways, to the letter: what is not exactly a name that we write is foreign.
 * One table holds the forms, so writing and reading cannot drift apart.
 */

#include "format/statement.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"

#define PREFIX "chunk-"
#define DIGITS 6

static const char *const suffixes[] = {
	[CHUNK_PLAIN] = ".ndjson",     [CHUNK_ZSTD] = ".ndjson.zst", [CHUNK_SEAL] = ".sigstore.json",
	[CHUNK_OPEN] = ".ndjson.open", [CHUNK_DRAFT] = ".json.open",
};

int chunk_name(enum chunk_file file, uint64_t sequence, char out[CHUNK_NAME_MAX])
{
	if ((size_t)file >= ARRAY_LEN(suffixes))
		return -EINVAL;
	if (sequence < 1 || sequence > STATEMENT_SEQUENCE_MAX)
		return -ERANGE;
	snprintf(out, CHUNK_NAME_MAX, PREFIX "%06u%s", (unsigned int)sequence, suffixes[file]);
	return 0;
}

enum chunk_file chunk_name_parse(const char *name, uint64_t *ret_sequence)
{
	const size_t prefix = sizeof(PREFIX) - 1;
	uint64_t sequence = 0;
	size_t i;

	if (strlen(name) < prefix + DIGITS || memcmp(name, PREFIX, prefix) != 0)
		return CHUNK_FOREIGN;
	for (i = prefix; i < prefix + DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9')
			return CHUNK_FOREIGN;
		sequence = sequence * 10 + (uint64_t)(name[i] - '0');
	}
	if (sequence == 0)
		return CHUNK_FOREIGN;
	for (i = 0; i < ARRAY_LEN(suffixes); i++) {
		if (strcmp(name + prefix + DIGITS, suffixes[i]) == 0) {
			*ret_sequence = sequence;
			return (enum chunk_file)i;
		}
	}
	return CHUNK_FOREIGN;
}
