/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The descriptions in a Java archive. */

#include "base/str.h"

struct jar_pom {
	char *group, *artifact, *version; /* NULL = not said */
};

/* 1: it names an artifact; 0: not; or -ENOMEM. */
int jar_pom_parse(struct str text, struct jar_pom *ret_pom);
void jar_pom_done(struct jar_pom *pom);
/* The archive of this file name ("a/b-1.0.jar") is called after the artifact. */
bool jar_pom_names(const struct jar_pom *pom, const char *file_name);
/* From the manifest, and what it does not say from the file's name. 1: a name and a version; 0: not both; or -ENOMEM. */
int jar_manifest_parse(struct str text, const char *file_name, struct jar_pom *ret_pom);
