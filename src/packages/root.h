/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The package databases of a file system: dpkg, apk, rpm (sqlite), Python dist-info, node_modules, Ruby gems, Java archives,
 * Go and Rust binaries. Reads below one root, never outside of it (openat2 with RESOLVE_IN_ROOT, Linux 5.6), and follows
 * nothing that is no regular file. Paths are given as a process in that root would see them resolved.
 *
 * Not walked: /proc, /sys, /dev, /run; other roots within this one (a directory with an os-release of its own, and the
 * stores of container engines); mounted file systems that are not ordinary local ones (network, FUSE, tmpfs, overlays).
 */

#include "base/diag.h"
#include "packages/package.h"

struct root_options {
	bool same_inodes; /* this very tree is what ran: device and inode join too */
	const char *distro; /* of purls; NULL = from its os-release */
};

struct root_facts {
	char *distro; /* "debian-12"; NULL = unknown */
	uint64_t packages, files;
	unsigned int sources; /* databases found: enum package_source */
	/* Databases, archives, binaries, directories that could not be read: what is theirs is unknown, not absent. */
	uint64_t unreadable;
	char *first_unreadable; /* the first and why, for the person; NULL = none */
};

/* The set is finished then, and may be added to. */
int root_load(const char *directory, const struct root_options *options, struct package_set *set,
	      struct diag *diag, struct root_facts *ret_facts);
void root_facts_done(struct root_facts *facts);
