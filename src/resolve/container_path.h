/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What stands at a cgroup's path, said by the path alone: the host, or a container, by the names that the engines give
 * to their cgroups (a table of patterns, container_path.c). Pure: asks nobody, owns nothing; the answer's views are views
 * of the path.
 *
 * What a hostile workload can pretend. Whoever may make cgroups below his own (a privileged container, one with a
 * writable cgroup file system, the root of an LXC or nspawn container) names them as he likes: /docker/HIS/docker/YOURS
 * is a full pattern, and nothing in the path tells it from a true docker-in-docker. But he can't leave his own: the
 * part of the path above stays. So both are reported, and a record gets `outer` (container_path_recorded), the one that
 * was named from outside of every container: never another's id. `inner` is the word of the one around it: fit for the
 * seal's table as a claim, not for attribution, not even when an engine of this host knows its id (it would know the
 * id of the one who is imitated). Names without a full pattern, 64 digits included, make no container of their own.
 *
 * The same holds for a user of this host with cgroups of his own (rootless engines): nothing stands above these names
 * but his slice. `uid` says whose word it is: only an engine of that user may tell more of such a container, and when
 * the id is also that of a container that stands outside of his slice, that one is it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define CONTAINER_PATH_MAX 4096 /* bytes; a longer one was cut by somebody and can't be judged */
#define CONTAINER_ID_LEN 64
#define CONTAINER_POD_UID_MAX 36
#define CONTAINER_NO_USER UINT32_MAX

enum container_kind {
	CONTAINER_HOST, /* none: also pods' own cgroups, and engines' helpers (conmon, lxc.monitor) */
	CONTAINER_OCI, /* has a 64-digit id, by which an engine knows it */
	CONTAINER_OTHER, /* LXC, systemd-nspawn, machines of machined and libvirt, BuildKit's steps: has a name instead */
};

enum container_qos { CONTAINER_QOS_UNKNOWN, CONTAINER_GUARANTEED, CONTAINER_BURSTABLE, CONTAINER_BEST_EFFORT };

struct container_place {
	enum container_kind kind;
	/*
	 * OCI: "docker", "containerd", "cri-o", "podman", or NULL when the path does not tell. OTHER: "lxc", "libvirt",
	 * "machined", "systemd-nspawn", "buildkit". A constant.
	 */
	const char *runtime;
	struct str id; /* OCI: 64 lower-case hex digits */
	struct str name; /* OTHER: as in the path (systemd's \x2d not undone); any bytes but '/' and NUL */
	struct str cgroup; /* the container's own: the path up to here */
	size_t depth; /* components below it; 0 = the container's own (crun puts its first process one below) */
	char pod_uid[CONTAINER_POD_UID_MAX + 1]; /* Kubernetes, dashes restored; "" = not in the path */
	enum container_qos qos;
};

struct container_path {
	struct container_place outer, inner; /* outermost and innermost; the same when not nested */
	size_t nested; /* containers in the path: 0 = host, 1 = not nested */
	uint32_t uid; /* in whose slice the outermost stands, or CONTAINER_NO_USER */
};

/*
 * `path` as in /proc/PID/cgroup, seen from the root of the hierarchy, without the kernel's " (deleted)". False, and
 * nothing written: not such a path (relative, too long, with empty, "." or ".." components or NUL): unknown.
 */
bool container_path_parse(struct str path, struct container_path *ret_found);

/* The one a record belongs to, or NULL: on the host, or in one that has no id (then nothing within is sure either). */
const struct container_place *container_path_recorded(const struct container_path *found);

/* Exactly 64 lower-case hex digits. */
bool container_id_is(struct str text);
