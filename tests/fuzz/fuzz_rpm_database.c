/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile SQLite files as RPM's database: whatever is in them, root_load comes to an end and says what it could not read. */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "packages/root.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/stella-fuzz-XXXXXX";

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void remove_all(void)
{
	static const char *const paths[] = { "/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm", "/var/lib", "/var",
					     "" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s%s", directory, paths[i]);
		remove(path);
	}
}

static void make_root(void)
{
	static const char *const paths[] = { "/var", "/var/lib", "/var/lib/rpm" };

	must(mkdtemp(directory) != NULL);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s%s", directory, paths[i]);
		must(mkdir(path, 0700) == 0);
	}
	atexit(remove_all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(package_set_freep) struct package_set *set = NULL;
	_cleanup_(closep) int fd = -1;
	struct root_facts facts = { .distro = NULL };
	char path[128];

	if (strchr(directory, 'X') && strcmp(directory + strlen(directory) - 6, "XXXXXX") == 0)
		make_root();
	snprintf(path, sizeof(path), "%s/var/lib/rpm/rpmdb.sqlite", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	must(package_set_new(&set) == 0);
	if (root_load(directory, NULL, set, NULL, &facts) == 0)
		must((facts.unreadable == 0) == (facts.first_unreadable == NULL));
	root_facts_done(&facts);
	return 0;
}
