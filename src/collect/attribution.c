// SPDX-License-Identifier: Apache-2.0
/*
 * A record's way past the containers. Held records lie one behind the other as they came; letting some go moves the
 * rest together. Owns the containers and the held bytes.
 */

#include "collect/attribution.h"

#include <errno.h>
#include <string.h>

struct held {
	struct container *container;
	uint32_t len; /* of the record behind it */
};

struct attribution {
	struct containers *containers;
	struct attribution_targets targets;
	struct buf held;
	struct container *released; /* what is judged now was held, and is this one's */
	uint64_t decisions;
};

int attribution_new(const struct attribution_targets *targets, struct attribution **ret_attribution)
{
	_cleanup_(attribution_freep) struct attribution *attribution = calloc(1, sizeof(*attribution));
	int r;

	if (!attribution)
		return -ENOMEM;
	attribution->held = BUF_MAX(ATTRIBUTION_HELD_MAX);
	attribution->targets = *targets;
	r = containers_new(&attribution->containers);
	if (r < 0)
		return r;
	*ret_attribution = TAKE(attribution);
	return 0;
}

void attribution_free(struct attribution *attribution)
{
	if (!attribution)
		return;
	buf_done(&attribution->held);
	containers_free(attribution->containers);
	free(attribution);
}

/* ---- choosing ---- */

static enum container_choice choose(const struct attribution *attribution, const struct container *container)
{
	const struct attribution_targets *targets = &attribution->targets;
	struct container_facts facts = container->facts;

	if (targets->count == 0)
		return CONTAINER_KEPT;
	memcpy(facts.id, container->id, sizeof(facts.id));
	facts.runtime = container->runtime;
	switch (selectors_match(targets->selectors, targets->count, &facts,
				container->answered && !container->waits)) {
	case SELECTOR_YES:
		return CONTAINER_KEPT;
	case SELECTOR_NO:
		return CONTAINER_LEFT_OUT;
	case SELECTOR_UNDECIDED:
		break;
	}
	return CONTAINER_UNDECIDED;
}

/* NULL = all of them. */
static void choose_anew(struct attribution *attribution, const char *id)
{
	struct container *container;

	TAILQ_FOREACH (container, containers_all(attribution->containers), link) {
		if (!id || strcmp(container->id, id) == 0)
			container->choice = choose(attribution, container);
	}
	attribution->decisions++;
}

void attribution_retarget(struct attribution *attribution, const struct attribution_targets *targets)
{
	attribution->targets = *targets;
	choose_anew(attribution, NULL);
}

enum container_choice attribution_host(const struct attribution *attribution)
{
	return attribution->targets.count == 0 || attribution->targets.host ? CONTAINER_KEPT
									    : CONTAINER_LEFT_OUT;
}

/* ---- judging ---- */

static void take_cgroup(struct attribution *attribution, const struct event *event)
{
	const struct container_cgroup cgroup = { .id = event->cgroup_id,
						 .path = event->cgroup.path,
						 .path_cut = event->cgroup.path_truncated,
						 .boot_ns = event->boot_ns,
						 .at_start = event->at_start };
	struct container_found found;
	struct container *container;

	if (event->cgroup.op == EVENT_CGROUP_REMOVE)
		containers_removed(attribution->containers, event->cgroup_id, event->boot_ns);
	if (event->cgroup.op != EVENT_CGROUP_CREATE || containers_made(attribution->containers, &cgroup) < 0)
		return;
	container = containers_find(attribution->containers, event->cgroup_id, &found);
	if (container && container->choice == CONTAINER_UNDECIDED)
		container->choice = choose(attribution, container);
}

/* False: there is no room; the container is not waited for any more. */
static bool hold(struct attribution *attribution, struct container *container, const void *data, size_t len)
{
	struct held head = { container, (uint32_t)len };

	if (buf_reserve(&attribution->held, sizeof(head) + len) < 0) {
		container_wait_no_more(attribution->containers, container);
		return false;
	}
	(void)buf_append(&attribution->held, &head, sizeof(head));
	(void)buf_append(&attribution->held, data, len);
	container->held++;
	return true;
}

static void attribute(const struct container *container, const char *inner, struct event *event)
{
	event->nested_container_id = str_of(inner);
	if (container->text[0])
		event->container_id = str_of(container->text);
	if (container->facts.image_digest)
		event->image_digest = str_of(container->facts.image_digest);
}

enum attribution_verdict attribution_judge(struct attribution *attribution, const void *data, size_t len,
					   struct event *event)
{
	struct container_found found;
	struct container *container;

	if (event->kind == WIRE_KIND_CGROUP && !attribution->released)
		take_cgroup(attribution, event);
	container = containers_find(attribution->containers, event->cgroup_id, &found);
	if (attribution->released && attribution->released != container) {
		container = attribution->released; /* its cgroup's id is another's by now */
		found = (struct container_found) { .known = true };
	}
	if (!container) {
		if (event->kind != WIRE_KIND_CGROUP && found.known &&
		    attribution_host(attribution) == CONTAINER_LEFT_OUT)
			return ATTRIBUTION_LEFT_OUT;
		return found.known || event->cgroup_id == 0 ? ATTRIBUTION_KEPT : ATTRIBUTION_STRANGER;
	}
	if (container->choice == CONTAINER_LEFT_OUT && event->kind != WIRE_KIND_CGROUP)
		return ATTRIBUTION_LEFT_OUT;
	if (container->waits && hold(attribution, container, data, len))
		return ATTRIBUTION_HELD;
	attribute(container, found.inner, event);
	container->was_undecided |= container->choice == CONTAINER_UNDECIDED;
	container->records++;
	return ATTRIBUTION_KEPT;
}

void attribution_learn(struct attribution *attribution, struct learned *learned)
{
	switch (learned->what) {
	case LEARNED_EXPECT:
		containers_expect(attribution->containers, learned->runtimes);
		break;
	case LEARNED_FACTS:
		if (containers_learn(attribution->containers, &learned->facts) > 0)
			choose_anew(attribution, learned->facts.id);
		break;
	case LEARNED_UNANSWERED:
		containers_unanswered(attribution->containers, learned->id);
		choose_anew(attribution, learned->id); /* what is not known of it now does not come */
		break;
	}
	learned_done(learned);
}

bool attribution_release(struct attribution *attribution, attribution_take_fn take, void *taker)
{
	struct buf *held = &attribution->held;
	size_t at = 0, kept = 0;
	bool room = true;
	struct held head;

	while (at < held->len) {
		size_t size;

		memcpy(&head, held->data + at, sizeof(head));
		size = sizeof(head) + head.len;
		if (room && !head.container->waits) {
			head.container->held--;
			attribution->released = head.container;
			room = take(taker, held->data + at + sizeof(head), head.len);
		} else {
			memmove(held->data + kept, held->data + at, size);
			kept += size;
		}
		at += size;
	}
	held->len = kept;
	attribution->released = NULL;
	return !room;
}

uint64_t attribution_decisions(const struct attribution *attribution)
{
	return attribution->decisions;
}

struct containers *attribution_containers(struct attribution *attribution)
{
	return attribution->containers;
}
