/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile Java archives. Each package that is told has a name; what could not be read has a reason. */

#include <stdint.h>
#include <stdlib.h>

#include "packages/jar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static int visit(void *user, const struct jar_package *package)
{
	(void)user;
	must(package->artifact && package->artifact[0] != '\0');
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct jar_source source = { .fd = -1, .bytes = { (const char *)data, size }, .name = "x-1.jar" };
	const char *why = NULL;
	int r = jar_read(&source, visit, NULL, &why);

	must(r == JAR_READ ? !why : why != NULL);
	return 0;
}
