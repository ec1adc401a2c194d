// SPDX-License-Identifier: Apache-2.0
/* Which hierarchy of cgroups is chosen, from what the kernel says of machines of each kind; lines that are no lines. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "probe/hierarchy.h"

#define MOUNT(root, point, type, options) \
	"31 23 0:28 " root " " point " rw,relatime - " type " " type " " options "\n"
#define V2(point) MOUNT("/", point, "cgroup2", "rw,nsdelegate")
#define V1(controllers) MOUNT("/", "/sys/fs/cgroup/" controllers, "cgroup", "rw," controllers)
#define TMPFS MOUNT("/", "/sys/fs/cgroup", "tmpfs", "rw,mode=755")
#define HEAD "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"

static const struct {
	const char *mounts, *controllers, *wanted, *name, *mount;
	unsigned int number;
} samples[] = {
	/* The second version alone. */
	{ V2("/sys/fs/cgroup"), HEAD "cpuset\t0\t9\t1\nmemory\t0\t9\t1\n", NULL, "unified", "/sys/fs/cgroup",
	  0 },
	/* Of newer kernels, which do not list what the first version does not have. */
	{ V2("/sys/fs/cgroup"), HEAD, NULL, "unified", "/sys/fs/cgroup", 0 },
	/* systemd's hybrid. */
	{ TMPFS V2("/sys/fs/cgroup/unified") V1("cpu,cpuacct") V1("memory") V1("pids"),
	  HEAD "cpu\t3\t9\t1\nmemory\t7\t9\t1\npids\t2\t9\t1\n", NULL, "memory", "/sys/fs/cgroup/memory", 7 },
	/* The first version alone. */
	{ TMPFS V1("cpu,cpuacct") V1("devices"), HEAD "devices\t4\t9\t1\ncpu\t3\t9\t1\nmemory\t0\t9\t0\n", NULL,
	  "cpu", "/sys/fs/cgroup/cpu,cpuacct", 3 },
	/* One that somebody mounted beside the second version, which has the others. */
	{ V2("/sys/fs/cgroup") V1("freezer"), HEAD "freezer\t1\t2\t1\nmemory\t0\t9\t1\n", NULL, "unified",
	  "/sys/fs/cgroup", 0 },
	/* memory is switched off, pids is in the second version. */
	{ V2("/sys/fs/cgroup") V1("freezer"), HEAD "memory\t0\t9\t0\npids\t0\t9\t1\nfreezer\t1\t9\t1\n", NULL,
	  "unified", "/sys/fs/cgroup", 0 },
	/* Bound to nothing, because nobody mounted it. */
	{ V1("devices"), HEAD "memory\t0\t9\t1\ndevices\t1\t9\t1\n", NULL, "devices", "/sys/fs/cgroup/devices",
	  1 },
	/* Only systemd's own, without controllers. */
	{ MOUNT("/", "/sys/fs/cgroup/systemd", "cgroup", "rw,name=systemd") V2("/sys/fs/cgroup/unified"),
	  HEAD "memory\t0\t9\t1\n", NULL, "unified", "/sys/fs/cgroup/unified", 0 },
	/* The whole hierarchy rather than a part of it. */
	{ MOUNT("/docker/1", "/part", "cgroup", "rw,memory") V1("memory")
		  MOUNT("/x", "/other", "cgroup", "rw,memory"),
	  HEAD "memory\t7\t9\t1\n", NULL, "memory", "/sys/fs/cgroup/memory", 7 },
	{ MOUNT("/docker/1", "/a\\040b\\134", "cgroup", "rw,memory"), HEAD "memory\t7\t9\t1\n", NULL, "memory",
	  "/a b\\", 7 },
	/* Wishes. */
	{ V2("/two") V1("memory") V1("pids"), HEAD "memory\t7\t9\t1\npids\t8\t9\t1\n", "pids", "pids",
	  "/sys/fs/cgroup/pids", 8 },
	{ V2("/two") V1("memory"), HEAD "memory\t7\t9\t1\n", "unified", "unified", "/two", 0 },
	/* Nothing is mounted, or nothing that can be read. */
	{ "", "", NULL, "unified", "", 0 },
	{ "31 23 0:28 / /x rw - cgroup\n- - -\n\n31 23 0:28 / /x rw,relatime cgroup cgroup rw,memory\n",
	  HEAD "memory\n\t\nmemory\t7\t9\n", NULL, "unified", "", 0 },
	{ V1("memory"), HEAD "memory\t99999999999999999999\t9\t1\n", NULL, "unified", "", 0 },
};

static void the_one_with_the_controllers_is_chosen(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct hierarchy got = { .number = 77 };

		print_message("# sample %zu\n", i);
		assert_int_equal(hierarchy_choose(str_of(samples[i].mounts), str_of(samples[i].controllers),
						  samples[i].wanted, &got),
				 0);
		assert_string_equal(got.name, samples[i].name);
		assert_string_equal(got.mount, samples[i].mount);
		assert_int_equal(got.number, samples[i].number);
	}
}

static void what_is_not_there_is_refused(void **state)
{
	struct hierarchy got = { .number = 77 };

	(void)state;
	assert_int_equal(hierarchy_choose(STR(V1("memory")), STR(HEAD "memory\t7\t9\t1\n"), "pids", &got),
			 -ENOENT);
	assert_int_equal(hierarchy_choose(STR(V1("memory")), STR(HEAD "memory\t7\t9\t1\n"), "unified", &got),
			 -ENOENT);
	assert_int_equal(hierarchy_choose(STR(V2("/x")), STR(HEAD "memory\t0\t9\t1\n"), "memory", &got),
			 -ENOENT);
	assert_int_equal(got.number, 77);
}

static void a_mount_too_deep_to_keep_is_none(void **state)
{
	char mounts[1024], deep[HIERARCHY_MOUNT_MAX + 8] = "/";
	struct hierarchy got;

	(void)state;
	memset(deep + 1, 'x', sizeof(deep) - 2);
	deep[sizeof(deep) - 1] = '\0';
	snprintf(mounts, sizeof(mounts), "31 23 0:28 / %s rw - cgroup2 cgroup2 rw\n", deep);
	assert_int_equal(hierarchy_choose(str_of(mounts), STR(HEAD), NULL, &got), 0);
	assert_string_equal(got.name, "unified");
	assert_string_equal(got.mount, "");
}

static void controllers_have_their_names_within(void **state)
{
	char name[32];

	(void)state;
	hierarchy_subsystem(&(struct hierarchy) { .name = "blkio", .number = 1 }, name, sizeof(name));
	assert_string_equal(name, "io_cgrp_id");
	hierarchy_subsystem(&(struct hierarchy) { .name = "memory", .number = 1 }, name, sizeof(name));
	assert_string_equal(name, "memory_cgrp_id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_one_with_the_controllers_is_chosen),
		cmocka_unit_test(what_is_not_there_is_refused),
		cmocka_unit_test(a_mount_too_deep_to_keep_is_none),
		cmocka_unit_test(controllers_have_their_names_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
