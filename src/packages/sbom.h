/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SBOMs: CycloneDX 1.4 to 1.6 and SPDX 2.3 and 3.0, JSON; with the file locations that syft and trivy write. Hostile:
 * at most SBOM_FILE_MAX bytes, bounded depth and members, no recursion without a limit, duplicate refs and cycles judged.
 */

#include "base/diag.h"
#include "packages/package.h"

#define SBOM_FILE_MAX (512u << 20)

struct sbom_facts {
	char *format; /* "CycloneDX 1.6", "SPDX 2.3", ... */
	char *subject; /* name of what it describes; NULL = not said */
	char *image_digest; /* "sha256:..." when it describes an image; NULL */
	uint64_t components, without_purl, duplicates, without_files;
};

/* Adds its packages and files. -EBADMSG/-EFBIG with one line: where, what. */
int sbom_load(const char *path, struct package_set *set, struct diag *diag, struct sbom_facts *ret_facts);
int sbom_parse(struct str text, const char *name, struct package_set *set, struct diag *diag,
	       struct sbom_facts *ret_facts);
void sbom_facts_done(struct sbom_facts *facts);
