/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What processes map, as /proc/PID/maps tells. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct mapping {
	uint64_t start, end, inode;
	uint32_t dev; /* as the kernel's: major << 20 | minor */
	bool executable;
	bool deleted;
	const char *path; /* "" = none; without " (deleted)" */
};

/* Not 0 ends the visit and is returned. */
typedef int (*mapping_fn)(void *user, pid_t pid, const struct mapping *mapping);

int maps_visit(pid_t pid, mapping_fn visit, void *user);
/* Of every process; those that go meanwhile are passed over. Negative errno: there is no /proc. */
int maps_visit_all(mapping_fn visit, void *user);
