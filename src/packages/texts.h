/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Each text once: numbered 0, 1, 2, ... in the order of arrival, found again by content. Text never moves. Numbers do not
 * depend on the hash, whose key is fresh in each process so that nobody can choose texts that collide.
 */

#include <stdint.h>

#include "base/str.h"

#define TEXT_MAX 65536 /* bytes of one */

struct texts {
	char **chunks;
	size_t n_chunks, used; /* bytes of the last chunk */
	uint32_t *places; /* by number: chunk and offset */
	size_t count, capacity;
	uint32_t *slots; /* number + 1; 0 = free */
	size_t n_slots;
	uint64_t key[2];
};

int texts_init(struct texts *texts);
void texts_done(struct texts *texts);
/* *ret_new (may be NULL): it was not there. -EINVAL: holds NUL or is too long; -E2BIG: 4 GB are full. */
int texts_add(struct texts *texts, struct str text, uint32_t *ret_number, bool *ret_new);
bool texts_find(const struct texts *texts, struct str text, uint32_t *ret_number);
/* NUL ended, valid until texts_done. */
char *texts_get(const struct texts *texts, uint32_t number);
