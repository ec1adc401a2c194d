/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which hierarchy of cgroups says whose an event is. A machine may have several at once; engines put their containers
 * into the one that has the controllers. Chosen once, at the start.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "base/str.h"

#define HIERARCHY_UNIFIED "unified"
#define HIERARCHY_NAME_MAX 16
#define HIERARCHY_MOUNT_MAX 256

struct hierarchy {
	char name[HIERARCHY_NAME_MAX]; /* HIERARCHY_UNIFIED, or the controller of the first version */
	char mount[HIERARCHY_MOUNT_MAX]; /* "" = mounted nowhere, or too deep to keep */
	unsigned int number; /* the kernel's; 0 = the second version */
};

/*
 * From the texts of /proc/self/mountinfo and /proc/cgroups. The first controller of memory, pids, cpu, devices,
 * freezer, cpuset, blkio that is anywhere says where containers are; when none is, it is the second version.
 * `wanted`: a name instead of the choice; NULL = choose. -ENOENT: that is not mounted.
 */
int hierarchy_choose(struct str mounts, struct str controllers, const char *wanted,
		     struct hierarchy *ret_hierarchy);
/* The same of this machine. */
int hierarchy_find(const char *wanted, struct diag *diag, struct hierarchy *ret_hierarchy);

bool hierarchy_is_unified(const struct hierarchy *hierarchy);
/* The name in the kernel's enum cgroup_subsys_id; for the first version only. */
void hierarchy_subsystem(const struct hierarchy *hierarchy, char *ret_name, size_t room);

/* ---- cgroup.c ---- */

/* The kernfs id of the cgroup that a process is in; 0 = not known. */
uint64_t cgroup_of_process(const struct hierarchy *hierarchy, pid_t pid);
/* False: it is known to be gone. */
bool cgroup_lives(const struct hierarchy *hierarchy, uint64_t cgroup_id);
/* Of a cgroup's directory. -ENODEV: it is none of this hierarchy. */
int cgroup_of_directory(const struct hierarchy *hierarchy, const char *path, uint64_t *ret_id);
