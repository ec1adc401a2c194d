// SPDX-License-Identifier: Apache-2.0
/*
 * The table behind containers.h: cgroups by id in buckets, each pointing to its container; containers by id in buckets
 * too, and in a list in the order of their coming. A container lives as long as a cgroup, a held record or the
 * current chunk speaks of it. Owns everything it hands out.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "resolve/containers_parts.h"

int containers_new(struct containers **ret_containers)
{
	struct containers *containers = calloc(1, sizeof(*containers));

	if (!containers)
		return -ENOMEM;
	TAILQ_INIT(&containers->dead);
	TAILQ_INIT(&containers->all);
	TAILQ_INIT(&containers->changed);
	TAILQ_INIT(&containers->early);
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

static void container_free(struct containers *containers, struct container *container)
{
	struct container **at = containers_id_bucket(containers, container->id);

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
	containers_forget_early(containers);
	free(containers);
}

/* A cgroup below it is told of after it, or before it by the walk. A user's is never the system's, whatever its id. */
static struct container *container_living(struct containers *containers, const char *id, uint32_t uid)
{
	struct container *container = container_with_id(*containers_id_bucket(containers, id), id);

	while (container && (container->to_boot_ns > 0 || container->uid != uid))
		container = container_with_id(container->same_id, id);
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

/* ---- made ---- */

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
	container->choice = CONTAINER_UNDECIDED;
	container->same_id = *containers_id_bucket(containers, container->id);
	*containers_id_bucket(containers, container->id) = container;
	TAILQ_INSERT_TAIL(&containers->all, container, link);
	containers->totals.containers++;
	containers->totals.appeared++;
	container_begin(containers, container);
	return container;
}

/* Its own cgroup, told of after one below it: what was said of that one until now is to be said of its own. */
static void container_settle(struct containers *containers, struct container *container,
			     const struct container_cgroup *cgroup)
{
	struct cgroup *before = cgroup_find(containers, container->cgroup_id);

	if (before && before->id != cgroup->id && before->container == container)
		change(containers, before);
	container->cgroup_id = cgroup->id;
	container->generation = cgroup->at_start ? 0 : cgroup->boot_ns;
}

/*
 * The walk at the start saw what was made while it walked: the kernel's word on when is the better one. What was made
 * after it was told of is another one of that id, and the record of the first one's end is lost.
 */
static bool is_told_again(struct containers *containers, struct cgroup *known,
			  const struct container_cgroup *cgroup)
{
	if (known->to_boot_ns > 0 || (!cgroup->at_start && cgroup->boot_ns > known->told_boot_ns))
		return false;
	if (known->at_start && !cgroup->at_start) {
		known->at_start = false;
		known->told_boot_ns = cgroup->boot_ns;
		if (known->container && known->is_own) {
			known->container->at_start = false;
			known->container->from_boot_ns = cgroup->boot_ns;
			container_settle(containers, known->container, cgroup);
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
	cgroup->told_boot_ns = made->boot_ns;
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
		container_text(path.inner.runtime, path.inner.id, cgroup->inner);
	cgroup->container = container_living(containers, id, path.uid);
	if (!cgroup->container)
		cgroup->container = container_new(containers, place, path.uid, made);
	else if (cgroup->is_own)
		container_settle(containers, cgroup->container, made);
	if (!cgroup->container)
		return -ENOSPC;
	cgroup->container->cgroups++;
	return 0;
}

/* When it ended, if that was told of before its beginning; else 0. */
static uint64_t ended_take(struct containers *containers, const struct container_cgroup *made)
{
	for (size_t i = 0; i < ENDED_MAX && i < containers->n_ended; i++) {
		struct ended *ended = &containers->ended[i];
		uint64_t boot_ns = ended->boot_ns;

		if (ended->id != made->id || boot_ns <= made->boot_ns)
			continue;
		*ended = (struct ended) { .id = 0 };
		return boot_ns;
	}
	return 0;
}

int containers_made(struct containers *containers, const struct container_cgroup *made)
{
	struct cgroup *cgroup = cgroup_find(containers, made->id);
	uint64_t ended_ns;
	int r;

	if (cgroup && is_told_again(containers, cgroup, made))
		return 0;
	if (cgroup) { /* the id came again: the dead one's last events are no longer told apart by it */
		containers_removed(containers, made->id, made->boot_ns);
		cgroup_forget(containers, cgroup);
	}
	cgroup = cgroup_new(containers, made);
	r = cgroup ? cgroup_place(containers, cgroup, made) : -ENOSPC;
	if (r < 0) {
		containers->totals.no_room++;
		if (cgroup)
			cgroup_forget(containers, cgroup);
		return r;
	}
	change(containers, cgroup);
	ended_ns = made->at_start ? 0 : ended_take(containers, made);
	if (ended_ns > 0)
		containers_removed(containers, made->id, ended_ns);
	return 0;
}

void containers_removed(struct containers *containers, uint64_t cgroup_id, uint64_t boot_ns)
{
	struct cgroup *cgroup = cgroup_find(containers, cgroup_id);

	if (!cgroup)
		containers->ended[containers->n_ended++ % ENDED_MAX] = (struct ended) { cgroup_id, boot_ns };
	if (!cgroup || cgroup->to_boot_ns > 0)
		return;
	/* A time that cannot be, as of somebody's capture, must not read as a life that goes on. */
	cgroup->to_boot_ns = boot_ns > 0 ? boot_ns : 1;
	TAILQ_INSERT_TAIL(&containers->dead, cgroup, dead);
	if (cgroup->container && cgroup->container->cgroup_id == cgroup_id)
		cgroup->container->to_boot_ns = cgroup->to_boot_ns;
}

struct container *containers_find(struct containers *containers, uint64_t cgroup_id,
				  struct container_found *ret_found)
{
	struct cgroup *cgroup = cgroup_find(containers, cgroup_id);

	ret_found->known = cgroup;
	ret_found->inner = cgroup && cgroup->inner[0] ? cgroup->inner : NULL;
	return cgroup ? cgroup->container : NULL;
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
