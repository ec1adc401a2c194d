/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The table of containers as its files share it: containers.c (cgroups come and go), containers_learn.c (names, and what
 * engines say). Nobody else includes this.
 */

#include "resolve/containers.h"

#define BUCKETS 8192 /* a power of two */
#define EARLY_MAX 512
#define ENDED_MAX 256

/* An engine's word on a container whose cgroup nobody has told of yet: engines know of it first. */
struct early {
	TAILQ_ENTRY(early) link; /* in the order of their coming */
	struct container_facts facts;
};

TAILQ_HEAD(early_list, early);

struct cgroup {
	struct cgroup *next; /* of its bucket */
	TAILQ_ENTRY(cgroup) dead; /* when to_boot_ns is set */
	TAILQ_ENTRY(cgroup) change; /* when nobody has heard of it yet, or of its end */
	bool is_changed, is_gone;
	uint64_t id, to_boot_ns; /* 0 = it lives */
	uint64_t told_boot_ns; /* when it was made; at_start: when it was found */
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
	struct early_list early;
	size_t n_early;
	unsigned int expected;
	uint64_t cut_boot_ns; /* of the last chunk */
	/* Ends of cgroups that nobody has told of yet: where each processor has a buffer of its own they may come first. */
	struct ended {
		uint64_t id, boot_ns;
	} ended[ENDED_MAX];
	size_t n_ended; /* ever; the oldest goes */
	struct containers_totals totals;
};

/* ---- containers_learn.c ---- */

/* Where the containers begin whose id falls there; the next of that very id from one on, itself included. */
struct container **containers_id_bucket(struct containers *containers, const char *id);
struct container *container_with_id(struct container *container, const char *id);
/* "docker://ID"; "" when the runtime is not known. */
void container_text(const char *runtime, struct str id, char out[CONTAINER_TEXT_MAX]);
/*
 * One that is new: gives it its name for records, lets it wait if somebody may answer, and tells it what an engine has
 * said already.
 */
void container_begin(struct containers *containers, struct container *container);
void containers_forget_early(struct containers *containers);
