/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What scanners write otherwise than the package managers' own databases. Promises that the same installed package has the
 * same purl from either; changes nothing that could tell two packages apart.
 */

#include "packages/scanner_purl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

static void drop_qualifier(struct purl *purl, size_t at)
{
	free(purl->qualifiers[at].key);
	free(purl->qualifiers[at].value);
	purl->n_qualifiers--;
	memmove(&purl->qualifiers[at], &purl->qualifiers[at + 1],
		(purl->n_qualifiers - at) * sizeof(*purl->qualifiers));
}

/* Debian has the epoch in front of the version; trivy takes it out. */
static int restore_epoch(struct purl *purl)
{
	for (size_t i = 0; i < purl->n_qualifiers; i++) {
		char *version = NULL;

		if (strcmp(purl->qualifiers[i].key, "epoch") != 0)
			continue;
		if (strcmp(purl->qualifiers[i].value, "0") != 0 && !strchr(purl->version, ':')) {
			if (asprintf(&version, "%s:%s", purl->qualifiers[i].value, purl->version) < 0)
				return -ENOMEM;
			free(purl->version);
			purl->version = version;
		}
		drop_qualifier(purl, i);
		return 0;
	}
	return 0;
}

int scanner_purl_parse(struct str text, const char **ret_reason, struct purl *ret_purl)
{
	_cleanup_(purl_done) struct purl purl = { .type = NULL };
	int r = purl_parse(text, ret_reason, &purl);

	if (r == 0 && purl.version && strcmp(purl.type, "deb") == 0)
		r = restore_epoch(&purl);
	if (r < 0)
		return r;
	*ret_purl = purl;
	purl = (struct purl) { .type = NULL };
	return 0;
}
