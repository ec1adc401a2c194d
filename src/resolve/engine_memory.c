// SPDX-License-Identifier: Apache-2.0
/*
 * Which of two engines is believed. A field is as the first one said that knew it. Of the digest, root's word comes before
 * a user's and a repository's before the image's own; between two of the same standing and kind that are not the same
 * nobody is believed, for good.
 */

#include "resolve/engine_memory.h"

#include <string.h>

enum told { TOLD_DIGEST = 1, TOLD_REFERENCE = 2, TOLD_NAME = 4, TOLD_POD = 8, TOLD_LABELS = 16 };

void engine_memory_tell_again(struct engine_memory *memory)
{
	memory->told = 0;
	memory->told_digest[0] = '\0';
}

bool engine_memory_has_digest(const struct engine_memory *memory)
{
	return memory->conflict || memory->told_digest[0] != '\0';
}

static void drop(char **text)
{
	free(*text);
	*text = NULL;
}

/* False: another one said something else, and this one's word is not above the other's. */
static bool said_add(struct engine_said *said, bool of_root, const char *digest, bool *ret_differs)
{
	*ret_differs = said->digest[0] != '\0' && strcmp(said->digest, digest) != 0;
	if (*ret_differs && of_root == said->of_root)
		return false;
	if (*ret_differs && !of_root)
		return true; /* root's word stands */
	memcpy(said->digest, digest, sizeof(said->digest));
	said->of_root |= of_root;
	return true;
}

/* Root's word first; then a repository's digest, whoever came first: two engines must not call one image two names. */
static const struct engine_said *best(const struct engine_memory *memory)
{
	const struct engine_said *repository = &memory->repository, *config = &memory->config;

	if (repository->digest[0] == '\0')
		return config;
	return config->of_root && !repository->of_root ? config : repository;
}

static void digest_drop(struct container_facts *facts)
{
	drop(&facts->image_digest);
	facts->image_digest_is_config = false;
}

/* Leaves in `facts` the digest that is to be told now, if any. */
static void digest_judge(struct engine_memory *memory, bool of_root, struct container_facts *facts,
			 bool *ret_conflict)
{
	struct engine_said *said = facts->image_digest_is_config ? &memory->config : &memory->repository;
	const struct engine_said *current;

	*ret_conflict = false;
	if (facts->image_digest && !said_add(said, of_root, facts->image_digest, ret_conflict) &&
	    !memory->conflict) {
		memory->conflict = true;
		memory->told &= ~(unsigned int)TOLD_DIGEST;
	}
	facts->digest_conflict = memory->conflict;
	current = best(memory);
	if (memory->conflict || !facts->image_digest || strcmp(current->digest, memory->told_digest) == 0) {
		digest_drop(facts);
		return;
	}
	memcpy(facts->image_digest, current->digest, sizeof(current->digest));
	facts->image_digest_is_config = current == &memory->config;
	memcpy(memory->told_digest, current->digest, sizeof(memory->told_digest));
	memory->told &= ~(unsigned int)TOLD_DIGEST;
}

static void labels_drop(struct container_facts *facts)
{
	for (size_t i = 0; i < facts->n_labels; i++) {
		free(facts->labels[i].key);
		free(facts->labels[i].value);
	}
	facts->n_labels = 0;
}

static void told_drop(unsigned int told, struct container_facts *facts)
{
	if (told & TOLD_REFERENCE)
		drop(&facts->image_reference);
	if (told & TOLD_NAME)
		drop(&facts->name);
	if (told & TOLD_POD) {
		drop(&facts->pod);
		drop(&facts->pod_namespace);
		drop(&facts->pod_uid);
	}
	if (told & TOLD_LABELS)
		labels_drop(facts);
}

static unsigned int fields_of(const struct container_facts *facts)
{
	unsigned int fields = facts->image_digest || facts->digest_conflict ? TOLD_DIGEST : 0u;

	if (facts->image_reference)
		fields |= TOLD_REFERENCE;
	if (facts->name)
		fields |= TOLD_NAME;
	if (facts->pod || facts->pod_namespace || facts->pod_uid)
		fields |= TOLD_POD;
	if (facts->n_labels > 0)
		fields |= TOLD_LABELS;
	return fields;
}

bool engine_memory_add(struct engine_memory *memory, bool of_root, struct container_facts *facts,
		       bool *ret_conflict)
{
	unsigned int news;

	digest_judge(memory, of_root, facts, ret_conflict);
	told_drop(memory->told, facts);
	news = fields_of(facts) & ~memory->told;
	memory->told |= news;
	return news != 0;
}
