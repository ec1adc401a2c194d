// SPDX-License-Identifier: Apache-2.0
/*
 * An entry of target_containers and facts of a container, parted by NULs: what is taken lies in its text; an answer
 * once given stays when more is known; and complete facts leave nothing open.
 */

#include <assert.h>
#include <errno.h>

#include "base/cleanup.h"
#include "resolve/selector.h"

#define FACTS 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lies_in(struct str part, struct str text)
{
	if (part.len > 0)
		assert(part.data >= text.data && part.data + part.len <= text.data + text.len);
}

static void facts_hold(const struct selector *selector, char *const words[FACTS])
{
	struct engine_label label = { words[5], words[6] };
	struct container_facts facts = { .runtime = NULL };
	enum selector_answer before = selector_match(selector, &facts, false), now;

	for (size_t known = 0; known <= FACTS; known++) {
		if (known == 1)
			facts.name = words[0];
		if (known == 2)
			facts.image_reference = words[1];
		if (known == 3)
			facts.image_digest = words[2];
		if (known == 4)
			facts.pod = words[3];
		if (known == 5)
			facts.pod_namespace = words[4];
		if (known == 6) {
			facts.labels = &label;
			facts.n_labels = 1;
		}
		if (known == 7) {
			facts.runtime = "docker";
			memset(facts.id, '7', ENGINE_ID_LEN);
		}
		now = selector_match(selector, &facts, false);
		assert(before == SELECTOR_UNDECIDED || now == before);
		assert(selector_match(selector, &facts, true) ==
		       (now == SELECTOR_UNDECIDED ? SELECTOR_NO : now));
		before = now;
	}
	assert(now != SELECTOR_UNDECIDED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *copy = malloc(size + FACTS + 1);
	struct selector selector;
	struct str text;
	char *words[FACTS], *at = copy;
	const char *reason = NULL;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	memset(copy + size, 0, FACTS + 1);
	text = str_of(copy);
	if (selector_parse(text, &reason, &selector) < 0) {
		assert(reason && *reason);
		return 0;
	}
	lies_in(selector.value, text);
	lies_in(selector.key, text);
	if (selector.kind == SELECTOR_IMAGE) {
		lies_in(selector.image.path, text);
		lies_in(selector.image.tag, text);
		lies_in(selector.image.digest, text);
	}
	for (size_t i = 0; i < FACTS; i++) {
		at += strlen(at) + 1;
		words[i] = at;
	}
	facts_hold(&selector, words);
	return 0;
}
