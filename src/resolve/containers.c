// SPDX-License-Identifier: Apache-2.0
/*
 * The table behind containers.h: cgroups by id in buckets, each pointing to its container; containers by id in buckets
 * too, and in a list in the order of their coming. A container lives as long as a cgroup, a held record or the
 * current chunk speaks of it. Owns everything it hands out.
 */

#include "resolve/containers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "resolve/container_path.h"

#define BUCKETS 8192 /* a power of two */

struct cgroup {
	struct cgroup *next; /* of its bucket */
	TAILQ_ENTRY(cgroup) dead; /* when to_boot_ns is set */
	TAILQ_ENTRY(cgroup) change; /* when nobody has heard of it yet, or of its end */
	bool is_changed, is_gone;
	uint64_t id, to_boot_ns;
	bool at_start;
	struct container *container; /* NULL = of none */
	char inner[CONTAINER_TEXT_MAX]; /* the container within it, by its own word; "" = none */
	bool is_own; /* the container's own cgroup, not one below it */
};

TAILQ_HEAD(cgroup_list, cgroup);

struct containers {
	struct cgroup *buckets[BUCKETS];
	struct container *by_id[BUCKETS];
	struct cgroup *last; /* found last: most records come in runs */
	struct cgroup_list dead; /* in the order in which they were removed */
	struct container_list all;
	struct cgroup_list changed;
	unsigned int expected;
	uint64_t cut_boot_ns; /* of the last chunk */
	struct containers_totals totals;
};

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

int containers_new(struct containers **ret_containers)
{
	struct containers *containers = calloc(1, sizeof(*containers));

	if (!containers)
		return -ENOMEM;
	TAILQ_INIT(&containers->dead);
	TAILQ_INIT(&containers->all);
	TAILQ_INIT(&containers->changed);
	*ret_containers = containers;
	return 0;
}

static struct cgroup **bucket_of(struct containers *containers, uint64_t id)
{
	uint64_t mix = id * 0x9e3779b97f4a7c15ull;

	return &containers->buckets[mix >> 51 & (BUCKETS - 1)];
}

static struct cgroup *cgroup_find(struct containers *containers, uint64_t id)
{
	struct cgroup *cgroup = containers->last;

	if (cgroup && cgroup->id == id)
		return cgroup;
	for (cgroup = *bucket_of(containers, id); cgroup && cgroup->id != id; cgroup = cgroup->next)
		;
	containers->last = cgroup;
	return cgroup;
}

static struct container **id_bucket_of(struct containers *containers, const char *id)
{
	uint64_t begin;

	memcpy(&begin, id, sizeof(begin)); /* eight digits of a random number */
	return &containers->by_id[begin * 0x9e3779b97f4a7c15ull >> 51 & (BUCKETS - 1)];
}

static void container_free(struct containers *containers, struct container *container)
{
	struct container **at = id_bucket_of(containers, container->id);

	while (*at != container)
		at = &(*at)->same_id;
	*at = container->same_id;
	TAILQ_REMOVE(&containers->all, container, link);
	container_facts_done(&container->facts);
	free(container);
	containers->totals.containers--;
}

static void change(struct containers *containers, struct cgroup *cgroup)
{
	if (cgroup->is_changed)
		TAILQ_REMOVE(&containers->changed, cgroup, change);
	TAILQ_INSERT_TAIL(&containers->changed, cgroup, change);
	cgroup->is_changed = true;
}

/* Not found any more; it stays among the changes until that was heard. */
static void cgroup_forget(struct containers *containers, struct cgroup *cgroup)
{
	struct cgroup **at = bucket_of(containers, cgroup->id);

	while (*at != cgroup)
		at = &(*at)->next;
	*at = cgroup->next;
	if (cgroup->to_boot_ns > 0)
		TAILQ_REMOVE(&containers->dead, cgroup, dead);
	if (cgroup->container)
		cgroup->container->cgroups--;
	if (containers->last == cgroup)
		containers->last = NULL;
	containers->totals.cgroups--;
	cgroup->container = NULL;
	cgroup->is_gone = true;
	change(containers, cgroup);
}

bool containers_change(struct containers *containers, struct container_change *ret_change)
{
	struct cgroup *cgroup = TAILQ_FIRST(&containers->changed);

	if (!cgroup)
		return false;
	TAILQ_REMOVE(&containers->changed, cgroup, change);
	cgroup->is_changed = false;
	*ret_change = (struct container_change) { cgroup->id, cgroup->container, cgroup->is_gone };
	if (cgroup->is_gone)
		free(cgroup);
	return true;
}

void containers_free(struct containers *containers)
{
	struct container_change heard;
	struct container *container;

	if (!containers)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (containers->buckets[i])
			cgroup_forget(containers, containers->buckets[i]);
	}
	while (containers_change(containers, &heard))
		;
	while ((container = TAILQ_FIRST(&containers->all)))
		container_free(containers, container);
	free(containers);
}

/* ---- made ---- */

static bool may_be_answered(const struct containers *containers, const char *runtime)
{
	int index = container_runtime(runtime);

	return index < 0 ? containers->expected != 0 : containers->expected >> index & 1;
}

/* "" when the runtime is not known. */
static void text_of(const char *runtime, struct str id, char out[CONTAINER_TEXT_MAX])
{
	out[0] = '\0';
	if (runtime)
		snprintf(out, CONTAINER_TEXT_MAX, "%s://%.*s", runtime, (int)id.len, id.data);
}

/* The next of that id, from `container` on. */
static struct container *with_id(struct container *container, const char *id)
{
	while (container && strcmp(container->id, id) != 0)
		container = container->same_id;
	return container;
}

/* A cgroup below it is told of after it, or before it by the walk. A user's is never the system's, whatever its id. */
static struct container *container_living(struct containers *containers, const char *id, uint32_t uid)
{
	struct container *container = with_id(*id_bucket_of(containers, id), id);

	while (container && (container->to_boot_ns > 0 || container->uid != uid))
		container = with_id(container->same_id, id);
	return container;
}

/* The one that has been dead for longest, before its time. */
static void dead_forget(struct containers *containers)
{
	struct cgroup *cgroup = TAILQ_FIRST(&containers->dead);
	struct container *container = cgroup->container;

	cgroup_forget(containers, cgroup);
	if (!container || container->cgroups > 0 || container->held > 0)
		return;
	container_free(containers, container);
	containers->totals.forgotten++;
}

/*
 * Gives the container its name for records. Of two of one id, one in a user's slice and one of the system, the user's has
 * none: it can be had by making a cgroup of that name.
 */
static void container_name(struct containers *containers, struct container *container)
{
	struct container *other = with_id(*id_bucket_of(containers, container->id), container->id);
	bool is_users = container->uid != CONTAINER_NO_USER;

	text_of(container->runtime, str_of(container->id), container->text);
	for (; other; other = with_id(other->same_id, container->id)) {
		if (is_users && other->uid == CONTAINER_NO_USER)
			container->text[0] = '\0';
		else if (!is_users && other->uid != CONTAINER_NO_USER)
			other->text[0] = '\0';
	}
}

static struct container *container_new(struct containers *containers, const struct container_place *place,
				       uint32_t uid, const struct container_cgroup *cgroup)
{
	struct container *container;

	while (containers->totals.containers >= CONTAINERS_MAX && !TAILQ_EMPTY(&containers->dead))
		dead_forget(containers);
	if (containers->totals.containers >= CONTAINERS_MAX)
		return NULL;
	container = calloc(1, sizeof(*container));
	if (!container)
		return NULL;
	memcpy(container->id, place->id.data, ENGINE_ID_LEN);
	container->runtime = place->runtime;
	container->uid = uid;
	memcpy(container->pod_uid, place->pod_uid, sizeof(container->pod_uid));
	container->cgroup_id = cgroup->id;
	container->generation = cgroup->at_start ? 0 : cgroup->boot_ns;
	container->from_boot_ns = cgroup->boot_ns;
	container->at_start = cgroup->at_start;
	container->waits = may_be_answered(containers, place->runtime);
	containers->totals.waiting += container->waits;
	container->choice = CONTAINER_UNDECIDED;
	container->same_id = *id_bucket_of(containers, container->id);
	*id_bucket_of(containers, container->id) = container;
	TAILQ_INSERT_TAIL(&containers->all, container, link);
	containers->totals.containers++;
	containers->totals.appeared++;
	container_name(containers, container);
	return container;
}

/* Its own cgroup, told of after one below it. */
static void container_settle(struct container *container, const struct container_cgroup *cgroup)
{
	container->cgroup_id = cgroup->id;
	container->generation = cgroup->at_start ? 0 : cgroup->boot_ns;
}

/* The walk at the start saw what was made while it walked: the kernel's word on when is the better one. */
static bool is_told_again(struct cgroup *known, const struct container_cgroup *cgroup)
{
	if (known->to_boot_ns > 0)
		return false;
	if (known->at_start && !cgroup->at_start) {
		known->at_start = false;
		if (known->container && known->is_own) {
			known->container->at_start = false;
			known->container->from_boot_ns = cgroup->boot_ns;
			container_settle(known->container, cgroup);
		}
	}
	return true;
}

static struct cgroup *cgroup_new(struct containers *containers, const struct container_cgroup *made)
{
	struct cgroup *cgroup, **bucket = bucket_of(containers, made->id);

	if (containers->totals.cgroups >= CONTAINERS_CGROUPS_MAX && !TAILQ_EMPTY(&containers->dead))
		dead_forget(containers);
	if (containers->totals.cgroups >= CONTAINERS_CGROUPS_MAX)
		return NULL;
	cgroup = calloc(1, sizeof(*cgroup));
	if (!cgroup)
		return NULL;
	cgroup->id = made->id;
	cgroup->at_start = made->at_start;
	cgroup->next = *bucket;
	*bucket = cgroup;
	containers->totals.cgroups++;
	return cgroup;
}

/* Gives the cgroup its container, if its path tells one. */
static int cgroup_place(struct containers *containers, struct cgroup *cgroup,
			const struct container_cgroup *made)
{
	char id[ENGINE_ID_LEN + 1] = "";
	const struct container_place *place;
	struct container_path path;

	place = container_path_parse(made->path, &path) ? container_path_recorded(&path) : NULL;
	if (!place)
		return made->path_cut ? -ENAMETOOLONG : 0; /* the container may be behind the cut */
	memcpy(id, place->id.data, ENGINE_ID_LEN);
	cgroup->is_own = place->depth == 0;
	if (path.nested > 1 && path.inner.kind == CONTAINER_OCI)
		text_of(path.inner.runtime, path.inner.id, cgroup->inner);
	cgroup->container = container_living(containers, id, path.uid);
	if (!cgroup->container)
		cgroup->container = container_new(containers, place, path.uid, made);
	else if (cgroup->is_own)
		container_settle(cgroup->container, made);
	if (!cgroup->container)
		return -ENOSPC;
	cgroup->container->cgroups++;
	return 0;
}

int containers_made(struct containers *containers, const struct container_cgroup *made)
{
	struct cgroup *cgroup = cgroup_find(containers, made->id);
	int r;

	if (cgroup && is_told_again(cgroup, made))
		return 0;
	if (cgroup) /* the id came again: the dead one's last events are no longer told apart by it */
		cgroup_forget(containers, cgroup);
	cgroup = cgroup_new(containers, made);
	r = cgroup ? cgroup_place(containers, cgroup, made) : -ENOSPC;
	if (r < 0) {
		containers->totals.no_room++;
		if (cgroup)
			cgroup_forget(containers, cgroup);
		return r;
	}
	change(containers, cgroup);
	return 0;
}

void containers_removed(struct containers *containers, uint64_t cgroup_id, uint64_t boot_ns)
{
	struct cgroup *cgroup = cgroup_find(containers, cgroup_id);

	if (!cgroup || cgroup->to_boot_ns > 0)
		return;
	cgroup->to_boot_ns = boot_ns;
	TAILQ_INSERT_TAIL(&containers->dead, cgroup, dead);
	if (cgroup->container && cgroup->container->cgroup_id == cgroup_id)
		cgroup->container->to_boot_ns = boot_ns;
}

struct container *containers_find(struct containers *containers, uint64_t cgroup_id,
				  struct container_found *ret_found)
{
	struct cgroup *cgroup = cgroup_find(containers, cgroup_id);

	ret_found->known = cgroup;
	ret_found->inner = cgroup && cgroup->inner[0] ? cgroup->inner : NULL;
	return cgroup ? cgroup->container : NULL;
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

size_t containers_learn(struct containers *containers, const struct container_facts *facts)
{
	struct container *container = with_id(*id_bucket_of(containers, facts->id), facts->id);
	size_t learned = 0;

	for (; container; container = with_id(container->same_id, facts->id)) {
		if (!learns(container, facts))
			continue;
		facts_learn(&container->facts, facts);
		container->answered = true;
		if (container->facts.image_digest || container->facts.digest_conflict)
			container_wait_no_more(containers, container);
		if (!container->runtime && container_runtime(facts->runtime) >= 0) {
			container->runtime = runtimes[container_runtime(facts->runtime)];
			container_name(containers, container);
		}
		learned++;
	}
	return learned;
}

void containers_unanswered(struct containers *containers, const char *id)
{
	struct container *container = with_id(*id_bucket_of(containers, id), id);

	for (; container; container = with_id(container->same_id, id))
		container_wait_no_more(containers, container);
}

const struct container_list *containers_all(const struct containers *containers)
{
	return &containers->all;
}

void containers_cut(struct containers *containers, uint64_t cut_boot_ns)
{
	struct container *container = TAILQ_FIRST(&containers->all), *next;
	struct cgroup *cgroup;

	while ((cgroup = TAILQ_FIRST(&containers->dead)) && cgroup->to_boot_ns < containers->cut_boot_ns)
		cgroup_forget(containers, cgroup);
	for (; container; container = next) {
		next = TAILQ_NEXT(container, link);
		container->records = 0;
		container->was_undecided = false;
		if (container->cgroups == 0 && container->held == 0)
			container_free(containers, container);
	}
	containers->totals.appeared = containers->totals.forgotten = 0;
	containers->cut_boot_ns = cut_boot_ns;
}

const struct containers_totals *containers_totals(const struct containers *containers)
{
	return &containers->totals;
}
