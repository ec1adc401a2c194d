/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an SBOM: refused with a sentence, or packages and counts that fit each other. Asked for the owner of a path, the
 * set answers with a package that it has.
 */

#include <stdint.h>
#include <stdlib.h>

#include "packages/sbom.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void check(const struct package_set *set, const struct sbom_facts *facts)
{
	size_t count = package_set_count(set);
	uint32_t index;

	must(facts->format && count <= facts->components);
	must(facts->duplicates + count <= facts->components && facts->without_files <= count);
	must(facts->without_purl <= facts->components && facts->bad_purls <= facts->without_purl);
	for (size_t i = 0; i < count; i++) {
		const struct package *package = package_set_get(set, (uint32_t)i);

		must((package->purl || package->name) && package->sources == PACKAGE_FROM_SBOM);
	}
	if (package_set_whose(set, STR("/usr/bin/a"), UINT32_MAX, 0, 0, &index) == PACKAGE_ONE)
		must(index < count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag diag = { .text = "" };
	struct sbom_facts facts = { .format = NULL };
	struct package_set *set = NULL;

	must(package_set_new(&set) == 0);
	if (sbom_parse((struct str) { (const char *)data, size }, "fuzz", set, &diag, &facts) == 0) {
		must(package_set_finish(set) == 0);
		check(set, &facts);
	} else {
		must(diag.text[0] != '\0' && !facts.format);
	}
	sbom_facts_done(&facts);
	package_set_free(set);
	return 0;
}
