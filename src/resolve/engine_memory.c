// SPDX-License-Identifier: Apache-2.0
/*
 * Which of two engines is believed. A field is as the first one said that knew it. A digest of the same kind that is
 * another: root's word comes before a user's; between two of the same standing nobody is believed, for good.
 */

#include "resolve/engine_memory.h"

#include <string.h>

enum told { TOLD_DIGEST = 1, TOLD_REFERENCE = 2, TOLD_NAME = 4, TOLD_POD = 8, TOLD_LABELS = 16 };

void engine_memory_tell_again(struct engine_memory *memory)
{
	memory->told = 0;
}

bool engine_memory_has_digest(const struct engine_memory *memory)
{
	return memory->conflict || (memory->told & TOLD_DIGEST);
}

static void drop(char **text)
{
	free(*text);
	*text = NULL;
}

/* Another digest than before, of the same kind. */
static bool differs(const struct engine_memory *memory, const struct container_facts *facts)
{
	return facts->image_digest && memory->digest[0] != '\0' &&
	       memory->digest_is_config == facts->image_digest_is_config &&
	       strcmp(memory->digest, facts->image_digest) != 0;
}

static void digest_remember(struct engine_memory *memory, bool of_root, const struct container_facts *facts)
{
	memory->digest_of_root = of_root;
	if (memory->digest_is_config == facts->image_digest_is_config &&
	    strcmp(memory->digest, facts->image_digest) == 0)
		return;
	memcpy(memory->digest, facts->image_digest, sizeof(memory->digest));
	memory->digest_is_config = facts->image_digest_is_config;
	memory->told &= ~(unsigned int)TOLD_DIGEST;
}

/* Leaves in `facts` the digest that is to be told now, if any. */
static void digest_judge(struct engine_memory *memory, bool of_root, struct container_facts *facts,
			 bool *ret_conflict)
{
	bool better = memory->digest[0] == '\0' || (of_root && !memory->digest_of_root);

	*ret_conflict = differs(memory, facts);
	if (*ret_conflict && of_root == memory->digest_of_root && !memory->conflict) {
		memory->conflict = true;
		memory->told &= ~(unsigned int)TOLD_DIGEST;
	}
	if (facts->image_digest && !memory->conflict && better)
		digest_remember(memory, of_root, facts);
	facts->digest_conflict = memory->conflict;
	if (memory->conflict || (memory->told & TOLD_DIGEST)) {
		drop(&facts->image_digest);
		facts->image_digest_is_config = false;
	} else if (facts->image_digest) {
		memcpy(facts->image_digest, memory->digest, sizeof(memory->digest));
		facts->image_digest_is_config = memory->digest_is_config;
	}
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
