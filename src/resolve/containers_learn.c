// SPDX-License-Identifier: Apache-2.0
/*
 * What containers are called and what engines say of them. An engine may speak before the kernel does: its word is kept
 * until the container's cgroup is told of, within bounds. Refuses the word of an engine that cannot know.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "resolve/containers_parts.h"

static const char *const runtimes[] = { "containerd", "cri-o", "docker", "podman" };

int container_runtime(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_LEN(runtimes); i++) {
		if (strcmp(runtimes[i], name) == 0)
			return (int)i;
	}
	return -1;
}

const char *container_runtime_name(unsigned int index)
{
	return index < ARRAY_LEN(runtimes) ? runtimes[index] : NULL;
}

/* ---- names ---- */

struct container **containers_id_bucket(struct containers *containers, const char *id)
{
	uint64_t begin;

	memcpy(&begin, id, sizeof(begin)); /* eight digits of a random number */
	return &containers->by_id[begin * 0x9e3779b97f4a7c15ull >> 51 & (BUCKETS - 1)];
}

struct container *container_with_id(struct container *container, const char *id)
{
	while (container && strcmp(container->id, id) != 0)
		container = container->same_id;
	return container;
}

void container_text(const char *runtime, struct str id, char out[CONTAINER_TEXT_MAX])
{
	out[0] = '\0';
	if (runtime)
		snprintf(out, CONTAINER_TEXT_MAX, "%s://%.*s", runtime, (int)id.len, id.data);
}

/*
 * Gives the container its name for records. Of two of one id, one in a user's slice and one of the system, the user's has
 * none: it can be had by making a cgroup of that name.
 */
static void container_name(struct containers *containers, struct container *container)
{
	struct container *other =
		container_with_id(*containers_id_bucket(containers, container->id), container->id);
	bool is_users = container->uid != CONTAINER_NO_USER;

	container_text(container->runtime, str_of(container->id), container->text);
	for (; other; other = container_with_id(other->same_id, container->id)) {
		if (is_users && other->uid == CONTAINER_NO_USER)
			container->text[0] = '\0';
		else if (!is_users && other->uid != CONTAINER_NO_USER)
			other->text[0] = '\0';
	}
}

static bool may_be_answered(const struct containers *containers, const char *runtime)
{
	int index = container_runtime(runtime);

	return index < 0 ? containers->expected != 0 : containers->expected >> index & 1;
}

/* ---- engines ---- */

void containers_expect(struct containers *containers, unsigned int expected)
{
	containers->expected = expected;
}

/*
 * An engine of another runtime than the path tells is not heard (Docker's containers are containerd's too). Nor is one
 * that is not of the user in whose slice the container stands: who may name his own cgroups as he likes can give them
 * the id of another's container, and must not get its image with it.
 */
static bool learns(const struct container *container, const struct container_facts *facts)
{
	uid_t owner = container->uid == CONTAINER_NO_USER ? 0 : container->uid;

	return owner == facts->owner &&
	       (!container->runtime || (facts->runtime && strcmp(container->runtime, facts->runtime) == 0));
}

static void labels_learn(struct container_facts *known, const struct container_facts *facts)
{
	known->labels = calloc(facts->n_labels, sizeof(*known->labels));
	for (size_t i = 0; known->labels && i < facts->n_labels; i++) {
		struct engine_label *label = &known->labels[i];

		label->key = strdup(facts->labels[i].key);
		label->value = strdup(facts->labels[i].value);
		known->n_labels = i + 1;
		if (!label->key || !label->value) {
			free(label->key);
			free(label->value);
			known->n_labels = i;
			return;
		}
	}
}

static void text_learn(char **known, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (!copy)
		return;
	free(*known);
	*known = copy;
}

/* What is known already stays, unless there is another word on it. Without memory it stays as it was. */
static void facts_learn(struct container_facts *known, const struct container_facts *facts)
{
	text_learn(&known->image_digest, facts->image_digest);
	text_learn(&known->image_reference, facts->image_reference);
	text_learn(&known->name, facts->name);
	text_learn(&known->pod, facts->pod);
	text_learn(&known->pod_namespace, facts->pod_namespace);
	text_learn(&known->pod_uid, facts->pod_uid);
	if (facts->image_digest)
		known->image_digest_is_config = facts->image_digest_is_config;
	if (facts->labels_refused > known->labels_refused)
		known->labels_refused = facts->labels_refused;
	known->digest_conflict = facts->digest_conflict;
	if (facts->digest_conflict) {
		free(known->image_digest);
		known->image_digest = NULL;
	}
	if (known->n_labels == 0 && facts->n_labels > 0)
		labels_learn(known, facts);
}

void container_wait_no_more(struct containers *containers, struct container *container)
{
	containers->totals.waiting -= container->waits;
	container->waits = false;
}

static bool container_learn(struct containers *containers, struct container *container,
			    const struct container_facts *facts)
{
	if (!learns(container, facts))
		return false;
	facts_learn(&container->facts, facts);
	container->answered = true;
	if (container->facts.image_digest || container->facts.digest_conflict)
		container_wait_no_more(containers, container);
	if (!container->runtime && container_runtime(facts->runtime) >= 0) {
		container->runtime = runtimes[container_runtime(facts->runtime)];
		container_name(containers, container);
	}
	return true;
}

static void early_forget(struct containers *containers, struct early *early)
{
	TAILQ_REMOVE(&containers->early, early, link);
	containers->n_early--;
	container_facts_done(&early->facts);
	free(early);
}

/* Kept until its cgroup is told of, or pushed out by others; without memory it is asked for then. */
static void early_keep(struct containers *containers, const struct container_facts *facts)
{
	struct early *early = calloc(1, sizeof(*early));

	if (!early)
		return;
	if (containers->n_early == EARLY_MAX)
		early_forget(containers, TAILQ_FIRST(&containers->early));
	memcpy(early->facts.id, facts->id, sizeof(early->facts.id));
	early->facts.runtime = facts->runtime;
	early->facts.owner = facts->owner;
	facts_learn(&early->facts, facts);
	TAILQ_INSERT_TAIL(&containers->early, early, link);
	containers->n_early++;
}

static void early_learn(struct containers *containers, struct container *container)
{
	struct early *early = TAILQ_FIRST(&containers->early), *next;

	for (; early; early = next) {
		next = TAILQ_NEXT(early, link);
		if (strcmp(early->facts.id, container->id) == 0 &&
		    container_learn(containers, container, &early->facts))
			early_forget(containers, early);
	}
}

size_t containers_learn(struct containers *containers, const struct container_facts *facts)
{
	struct container *container =
		container_with_id(*containers_id_bucket(containers, facts->id), facts->id);
	size_t learned = 0;

	for (; container; container = container_with_id(container->same_id, facts->id))
		learned += container_learn(containers, container, facts);
	if (learned == 0)
		early_keep(containers, facts);
	return learned;
}

bool containers_live(const struct containers *containers, const char *id)
{
	struct container *container =
		container_with_id(*containers_id_bucket((struct containers *)containers, id), id);

	while (container && container->to_boot_ns > 0)
		container = container_with_id(container->same_id, id);
	return container;
}

void containers_unanswered(struct containers *containers, const char *id)
{
	struct container *container = container_with_id(*containers_id_bucket(containers, id), id);

	for (; container; container = container_with_id(container->same_id, id))
		container_wait_no_more(containers, container);
}

void container_begin(struct containers *containers, struct container *container)
{
	container->waits = may_be_answered(containers, container->runtime);
	containers->totals.waiting += container->waits;
	container_name(containers, container);
	early_learn(containers, container);
}

void containers_forget_early(struct containers *containers)
{
	while (containers->n_early > 0)
		early_forget(containers, TAILQ_FIRST(&containers->early));
}
