/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Small roots made in a temporary directory, and what is found in them. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "packages/package.h"
#include "packages/root.h"

struct world {
	char directory[64];
	struct package_set *set;
	struct root_facts facts;
};

static inline int world_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	strcpy(world->directory, "/tmp/stella-root-XXXXXX");
	*state = world;
	return mkdtemp(world->directory) ? 0 : -1;
}

static inline int world_down(void **state)
{
	struct world *world = *state;
	char command[256];

	snprintf(command, sizeof(command), "chmod -R u+rwX %s; rm -rf %s", world->directory, world->directory);
	package_set_free(world->set);
	root_facts_done(&world->facts);
	if (system(command) != 0)
		return -1;
	free(world);
	return 0;
}

/* PATH in the root as a path of the test; the directories above it are made. */
static inline const char *place(const struct world *world, const char *path)
{
	static char full[8192];
	char above[8192], *slash;

	assert_in_range(snprintf(full, sizeof(full), "%s%s", world->directory, path), 1, sizeof(full) - 1);
	strcpy(above, full);
	slash = strrchr(above, '/');
	*slash = '\0';
	assert_int_equal(directory_make(above, 0755, NULL), 0);
	return full;
}

static inline void put_bytes(const struct world *world, const char *path, const void *data, size_t len)
{
	int fd = open(place(world, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, data, len, NULL), 0);
	close(fd);
}

static inline void put(const struct world *world, const char *path, const char *text)
{
	put_bytes(world, path, text, strlen(text));
}

static inline void put_link(const struct world *world, const char *path, const char *target)
{
	assert_int_equal(symlink(target, place(world, path)), 0);
}

static inline void load(struct world *world)
{
	struct root_options options = { .same_inodes = true };
	struct diag diag = { 0 };

	package_set_free(world->set);
	world->set = NULL;
	root_facts_done(&world->facts);
	assert_int_equal(package_set_new(&world->set), 0);
	if (root_load(world->directory, &options, world->set, &diag, &world->facts) < 0)
		fail_msg("%s", diag.text);
}

static inline uint32_t package_of(const struct world *world, const char *purl)
{
	uint32_t index = UINT32_MAX;

	if (package_set_find_purl(world->set, str_of(purl), &index) < 0)
		fail_msg("no package %s", purl);
	return index;
}

struct owners {
	const struct world *world;
	struct buf text;
};

static inline void owner_add(void *user, uint32_t index, bool within)
{
	struct owners *owners = user;
	const struct package *package = package_set_get(owners->world->set, index);

	(void)within;
	assert_int_equal(buf_printf(&owners->text, "%s%s", owners->text.len ? " " : "",
				    package->purl ? package->purl : package->name),
			 0);
}

/* All packages of which the path tells, as text; "" = none. By path, as evidence of another machine would be asked. */
static inline void tells_of(const struct world *world, const char *path, const char *purls)
{
	struct owners owners = { world, BUF_MAX(65536) };

	package_set_each(world->set, str_of(path), UINT32_MAX, 0, 0, owner_add, &owners);
	assert_non_null(buf_cstr(&owners.text));
	if (strcmp(owners.text.data, purls) != 0)
		fail_msg("%s tells of \"%s\", not of \"%s\"", path, owners.text.data, purls);
	buf_done(&owners.text);
}

/* The same by device and inode. */
static inline void inode_tells_of(const struct world *world, const char *path, const char *purls)
{
	struct owners owners = { world, BUF_MAX(65536) };
	struct stat status;

	assert_int_equal(stat(place(world, path), &status), 0);
	package_set_each(world->set, STR("/not/this"), (uint32_t)(status.st_dev >> 8 & 0xfff),
			 (uint32_t)((status.st_dev & 0xff) | (status.st_dev >> 12 & 0xfff00)), status.st_ino,
			 owner_add, &owners);
	assert_non_null(buf_cstr(&owners.text));
	assert_string_equal(owners.text.data, purls);
	buf_done(&owners.text);
}

static inline void all_was_readable(const struct world *world)
{
	if (world->facts.unreadable != 0)
		fail_msg("unreadable: %s", world->facts.first_unreadable);
}

static inline void was_unreadable(const struct world *world, uint64_t count, const char *word)
{
	if (world->facts.unreadable != count || !strstr(world->facts.first_unreadable, word))
		fail_msg("%llu unreadable: %s", (unsigned long long)world->facts.unreadable,
			 world->facts.first_unreadable ? world->facts.first_unreadable : "none");
}

#define test_world(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
