/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Package URLs (package-url/purl-spec, ECMA-427): parsed strictly, written canonically. */

#include "base/buf.h"

#define PURL_MAX 4096
#define PURL_QUALIFIERS_MAX 32

struct purl_qualifier {
	char *key, *value; /* decoded */
};

struct purl {
	char *type, *namespace_, *name, *version, *subpath; /* decoded; NULL = absent */
	struct purl_qualifier qualifiers[PURL_QUALIFIERS_MAX]; /* sorted by key */
	size_t n_qualifiers;
};

/* -EINVAL: not a purl (*ret_reason says why, never NULL then); type-specific lower-casing is applied. */
int purl_parse(struct str text, const char **ret_reason, struct purl *ret_purl);
void purl_done(struct purl *purl);
int purl_write(struct buf *out, const struct purl *purl);
const char *purl_qualifier(const struct purl *purl, const char *key);

/* Appends `text` as a component of a purl: all but letters, digits and ".-_~:" become %XX. */
int purl_encode(struct buf *out, struct str text);
/*
 * What people and scanners of its world call it: "@scope/name" (npm), "group:artifact" (maven), "host/path" (golang,
 * composer, github, ...), else the name alone.
 */
int purl_full_name(struct buf *out, const struct purl *purl);
