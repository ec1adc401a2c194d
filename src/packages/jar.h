/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Java archives: what Maven's pom.properties in them say, in archives within archives too; the manifest and the file's name
 * where there are none. Hostile: bounded in depth, entries, and bytes that are unpacked.
 */

#include <stdint.h>

#include "base/str.h"

struct jar_package {
	const char *group, *artifact, *version; /* group and version NULL = not said */
	bool own; /* the archive itself is this package, not only around it */
};

struct jar_source {
	int fd; /* or, when below 0: */
	struct str bytes;
	const char *name; /* of the file, with or without its directory */
};

/* What came of it: negative = visit's own, or -ENOMEM. */
enum jar_result { JAR_READ, JAR_UNREADABLE };

/*
 * Calls with each package; a negative result ends it. *ret_why (not NULL with JAR_UNREADABLE): the archive, or one in it,
 * could not be read to its end; what was found is true nevertheless.
 */
int jar_read(const struct jar_source *source, int (*visit)(void *user, const struct jar_package *package),
	     void *user, const char **ret_why);
