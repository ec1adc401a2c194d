/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which container a cgroup is of, and what is known of it. Fed with the cgroups that the kernel told of, in the order
 * in which it did, and with what engines said; asked with the cgroup id of each event. A cgroup is known by its id and
 * its generation, so that one whose id comes again never inherits a dead one's name; a removed one stays known until
 * the chunk after its removal is cut, since its last events may still be on their way. Bounded; what finds no room is
 * counted, and then belongs to nobody known. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "resolve/container_path.h"
#include "resolve/engines.h"

#define CONTAINERS_MAX 16384 /* STATEMENT_CONTAINERS_MAX: as many as a seal can name */
#define CONTAINERS_CGROUPS_MAX 65536
#define CONTAINER_TEXT_MAX 80 /* "containerd://", 64 digits and a NUL fit */

/* Who chose: filters.target_containers. */
enum container_choice { CONTAINER_KEPT, CONTAINER_LEFT_OUT, CONTAINER_UNDECIDED };

struct container {
	TAILQ_ENTRY(container) link; /* of containers_all */
	struct container *same_id; /* the next of its bucket */
	char id[ENGINE_ID_LEN + 1];
	char text[CONTAINER_TEXT_MAX]; /* as a record has it: docker://...; "" = it can't be said */
	const char *runtime; /* NULL = not known */
	uint32_t uid; /* in whose slice it stands, or CONTAINER_NO_USER: only an engine of that user is heard */
	char pod_uid[CONTAINER_POD_UID_MAX + 1]; /* "" = not in the path */
	uint64_t cgroup_id, generation; /* of its own cgroup, or of the first below it that was told of */
	uint64_t from_boot_ns; /* made, or found at the start */
	uint64_t to_boot_ns; /* its own cgroup removed; 0 = it lives */
	bool at_start; /* it was there when coverage opened */
	bool waits; /* an engine may still say more: its records are held */
	bool answered; /* an engine knows it */
	struct container_facts facts;
	enum container_choice choice;
	enum container_choice told; /* the caller's: what the kernel half was told */
	bool was_undecided; /* some of its records were kept or left out before it was decided: in this chunk */
	unsigned int lacks; /* the caller's: why what it did may not all be there */
	uint64_t records; /* that became lines, in this chunk */
	uint64_t asked_ns; /* CLOCK_MONOTONIC; the caller's, 0 = not yet */
	size_t cgroups,
		held; /* cgroups that are its, and records that are held: while there are any it stays */
};

struct containers;

int containers_new(struct containers **ret_containers);
void containers_free(struct containers *containers);
DEFINE_FREEP(containers, containers_free)

struct container_cgroup {
	uint64_t id;
	struct str path; /* in its hierarchy */
	bool path_cut; /* its end is missing */
	uint64_t boot_ns; /* when it was made; at_start: when it was found */
	bool at_start;
};

/* Again for the same is nothing new. -ENOMEM, -ENOSPC: it was not kept (and counted). */
int containers_made(struct containers *containers, const struct container_cgroup *cgroup);
void containers_removed(struct containers *containers, uint64_t cgroup_id, uint64_t boot_ns);

struct container_found {
	bool known; /* somebody told of the cgroup */
	const char *
		inner; /* the container within it, as whoever is in it says; NULL = none. Until the next removal */
};

/* The container of a cgroup, the outermost when they are nested; NULL = none, or nobody told of the cgroup. */
struct container *containers_find(struct containers *containers, uint64_t cgroup_id,
				  struct container_found *ret_found);

/*
 * Which runtimes' containers may hope for an answer from now on: a mask of 1 << container_runtime. One that is made
 * while its runtime's bit is set, or while any is when its runtime is not known, waits.
 */
void containers_expect(struct containers *containers, unsigned int runtimes);
/* Index of "containerd", "cri-o", "docker", "podman"; -1. */
int container_runtime(const char *name);
const char *container_runtime_name(unsigned int index);

/*
 * An engine's word on the containers of that id, beside what was known. An engine of another runtime than the path tells
 * is not heard, nor one of another user than that in whose slice the container stands. How many learned from it.
 */
size_t containers_learn(struct containers *containers, const struct container_facts *facts);
/* Has one of that id not ended yet? */
bool containers_live(const struct containers *containers, const char *id);
/* They are not waited for any more; what an engine says later is heard all the same. */
void containers_unanswered(struct containers *containers, const char *id);
void container_wait_no_more(struct containers *containers, struct container *container);

/* All, in the order in which they were first told of; those that have ended since the last cut but one included. */
TAILQ_HEAD(container_list, container);
const struct container_list *containers_all(const struct containers *containers);

struct container_change {
	uint64_t cgroup_id;
	struct container *container; /* NULL = of none; of one that is gone too */
	bool gone; /* forgotten; else told of for the first time */
};

/* What changed since, one at a time and in order; false: nothing more. Whoever feeds cgroups takes the changes. */
bool containers_change(struct containers *containers, struct container_change *ret_change);

/* A chunk was cut: what ended before the last one is forgotten, and the counts of the chunk begin anew. */
void containers_cut(struct containers *containers, uint64_t cut_boot_ns);

struct containers_totals {
	size_t containers, cgroups, waiting; /* now */
	uint64_t no_room; /* cgroups that were not kept */
	size_t appeared; /* containers that came in this chunk */
	uint64_t forgotten; /* dead ones of this chunk that had to make room */
};
const struct containers_totals *containers_totals(const struct containers *containers);
