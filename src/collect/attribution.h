/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whose event it is: gives each event its container and what is known of its image, learns of cgroups from the records
 * themselves, and says which events filters.target_containers leaves out. A record of a container about which an engine
 * may still say something is held, as bytes, until it did or is not waited for any longer; when ATTRIBUTION_HELD_MAX
 * bytes are held, the container that would be next is not waited for. Depends on nothing but the order in which it is
 * fed: fed the same again, it does the same.
 */

#include "base/cleanup.h"
#include "collect/learned.h"
#include "format/event.h"
#include "resolve/containers.h"
#include "resolve/selector.h"

#define ATTRIBUTION_HELD_MAX (4u << 20)

struct attribution;

/* filters.target_containers and filters.host; borrowed. No selectors: everything is kept. */
struct attribution_targets {
	const struct selector *selectors;
	size_t count;
	bool host; /* what is of no container is kept */
};

int attribution_new(const struct attribution_targets *targets, struct attribution **ret_attribution);
void attribution_free(struct attribution *attribution);
DEFINE_FREEP(attribution, attribution_free)

/* Others from now on; each container is decided anew. */
void attribution_retarget(struct attribution *attribution, const struct attribution_targets *targets);

enum attribution_verdict {
	ATTRIBUTION_KEPT, /* the event has what is known; its views live as long as the container */
	ATTRIBUTION_STRANGER, /* the same, but nobody told of its cgroup: whose it is is not known */
	ATTRIBUTION_LEFT_OUT,
	ATTRIBUTION_HELD, /* it comes again from attribution_release */
};

/* `data` are the bytes that `event` was decoded from. */
enum attribution_verdict attribution_judge(struct attribution *attribution, const void *data, size_t len,
					   struct event *event);

/* Takes what `learned` owns. */
void attribution_learn(struct attribution *attribution, struct learned *learned);

/*
 * Hands over held records whose container is not waited for any more, in their order, until `take` says that it has no
 * more room (false): then there may be more, and true is returned.
 */
typedef bool (*attribution_take_fn)(void *taker, const void *data, size_t len);
bool attribution_release(struct attribution *attribution, attribution_take_fn take, void *taker);

struct containers *attribution_containers(struct attribution *attribution);
enum container_choice attribution_host(const struct attribution *attribution);
/* Grows whenever a container was decided, or decided anew. */
uint64_t attribution_decisions(const struct attribution *attribution);
