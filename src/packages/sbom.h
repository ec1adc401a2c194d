/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * SBOMs: CycloneDX 1.4 to 1.6 (1.2, 1.3 and 1.7 where they are alike) and SPDX 2.2, 2.3 and 3.0, JSON; with the file
 * locations that syft and trivy write. Hostile: at most SBOM_FILE_MAX bytes, read as a stream, so that what it takes of
 * memory is the packages, their files and some 32 bytes for each id; bounded depth and members. The first reading checks all
 * of the text before anything is added.
 *
 * What is wrong in the whole is one error; what is wrong in a part counts for nothing and is counted.
 */

#include "base/cleanup.h"
#include "base/diag.h"
#include "packages/package.h"

#define SBOM_FILE_MAX (512u << 20)
#define SBOM_NESTING_MAX 32 /* components within components */

struct sbom_facts {
	char *format; /* "CycloneDX 1.6", "SPDX 2.3", ... */
	char *subject; /* name of what it describes; NULL = not said */
	char *image_digest; /* "sha256:..." when it describes an image; NULL */
	uint64_t components, without_purl;
	uint64_t duplicates; /* components that are one with another of the same purl */
	uint64_t without_files; /* components of which the SBOM tells no file */
	uint64_t files; /* told of, and believed */
	uint64_t bad_purls; /* no package URLs: left out */
	uint64_t duplicate_refs; /* ids given to more than one thing: the first keeps it */
	uint64_t unknown_refs; /* ends of relationships that name no package or file of the document */
	/* Places that are no absolute, normalised path (nor relative to an image's root): "../../etc/passwd". */
	uint64_t bad_paths;
	/* Places that tell where the package was read of, not what is its own: databases, lock files. */
	uint64_t sources;
};

/* Adds its packages and files. -EBADMSG/-EFBIG/-E2BIG with one line: where, what. */
int sbom_load(const char *path, struct package_set *set, struct diag *diag, struct sbom_facts *ret_facts);
int sbom_parse(struct str text, const char *name, struct package_set *set, struct diag *diag,
	       struct sbom_facts *ret_facts);
void sbom_facts_done(struct sbom_facts *facts);
