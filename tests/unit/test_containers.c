// SPDX-License-Identifier: Apache-2.0
/*
 * Whose cgroup it is: ids that come again, containers that are dead and not yet forgotten, names that somebody made up,
 * engines that say more later, and a flood. What each test feeds is what the kernel half tells, in its order.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "resolve/containers.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DIGEST_1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define DIGEST_2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define DOCKER 2 /* container_runtime("docker") */

static struct containers *containers;

static int setup(void **state)
{
	(void)state;
	return containers_new(&containers);
}

static int teardown(void **state)
{
	(void)state;
	containers_free(containers);
	return 0;
}

static void make(uint64_t id, const char *path, uint64_t boot_ns)
{
	const struct container_cgroup cgroup = { .id = id, .path = str_of(path), .boot_ns = boot_ns };

	assert_int_equal(containers_made(containers, &cgroup), 0);
}

static void walk(uint64_t id, const char *path, uint64_t boot_ns)
{
	const struct container_cgroup cgroup = {
		.id = id, .path = str_of(path), .boot_ns = boot_ns, .at_start = true
	};

	assert_int_equal(containers_made(containers, &cgroup), 0);
}

static struct container *find(uint64_t id)
{
	struct container_found found;

	return containers_find(containers, id, &found);
}

static bool is_known(uint64_t id)
{
	struct container_found found;

	(void)containers_find(containers, id, &found);
	return found.known;
}

static struct container_facts facts_of(const char *id, const char *runtime, const char *digest)
{
	struct container_facts facts = { .runtime = runtime, .image_digest = (char *)digest };

	memcpy(facts.id, id, ENGINE_ID_LEN);
	return facts;
}

static size_t learn(const char *id, const char *runtime, const char *digest)
{
	struct container_facts facts = facts_of(id, runtime, digest);

	return containers_learn(containers, &facts);
}

static void a_container_and_what_is_below_it(void **state)
{
	struct container *container;

	(void)state;
	walk(1, "/", 10);
	walk(2, "/docker", 10);
	make(3, "/docker/" ID_A, 100);
	make(4, "/docker/" ID_A "/init", 110);
	container = find(3);
	assert_non_null(container);
	assert_ptr_equal(find(4), container);
	assert_string_equal(container->text, "docker://" ID_A);
	assert_int_equal(container->cgroup_id, 3);
	assert_int_equal(container->generation, 100);
	assert_false(container->at_start);
	assert_null(find(1));
	assert_true(is_known(1) && is_known(2) && !is_known(5));
}

static void found_at_the_start_then_told_of_by_the_kernel(void **state)
{
	(void)state;
	walk(3, "/docker/" ID_A, 50);
	assert_true(find(3)->at_start);
	assert_int_equal(find(3)->generation, 0);
	/* It was made while the walk went on: the kernel's record comes behind. */
	make(3, "/docker/" ID_A, 40);
	assert_false(find(3)->at_start);
	assert_int_equal(find(3)->generation, 40);
	assert_int_equal(containers_totals(containers)->containers, 1);
}

static void a_dead_one_is_known_until_the_chunk_after_is_cut(void **state)
{
	(void)state;
	make(3, "/docker/" ID_A, 100);
	containers_removed(containers, 3, 200);
	assert_non_null(find(3));
	assert_int_equal(find(3)->to_boot_ns, 200);
	containers_cut(containers, 300);
	assert_non_null(find(3)); /* its last events may still come */
	containers_cut(containers, 400);
	assert_false(is_known(3));
	assert_int_equal(containers_totals(containers)->containers, 0);
	assert_int_equal(containers_totals(containers)->cgroups, 0);
}

static void an_id_that_comes_again_is_somebody_else(void **state)
{
	struct container *first, *second;

	(void)state;
	make(3, "/docker/" ID_A, 100);
	first = find(3);
	assert_int_equal(learn(ID_A, "docker", DIGEST_1), 1);
	containers_removed(containers, 3, 200);
	make(3, "/docker/" ID_B, 300);
	second = find(3);
	assert_ptr_not_equal(first, second);
	assert_string_equal(second->text, "docker://" ID_B);
	assert_int_equal(second->generation, 300);
	assert_null(second->facts.image_digest);
	/* And once more, for the host. */
	containers_removed(containers, 3, 400);
	make(3, "/system.slice/cron.service", 500);
	assert_null(find(3));
	assert_true(is_known(3));
	/* Nobody told of the removal: the new one counts all the same. */
	make(4, "/docker/" ID_A, 600);
	make(4, "/system.slice/ssh.service", 700);
	assert_null(find(4));
	walk(5, "/docker/" ID_A, 800);
	first = find(5);
	make(5, "/docker/" ID_B, 900);
	assert_string_equal(find(5)->text, "docker://" ID_B);
	assert_int_equal(first->to_boot_ns, 900);
	/* The very same record again is no other. */
	make(5, "/docker/" ID_B, 900);
	assert_null(find(4));
	assert_int_equal(find(5)->to_boot_ns, 0);
}

/* As somebody's capture may have it. */
static void a_removal_at_no_time(void **state)
{
	(void)state;
	make(3, "/docker/" ID_A, 0);
	containers_removed(containers, 3, 0);
	containers_removed(containers, 3, 0);
	make(3, "/docker/" ID_B, 0);
	containers_removed(containers, 3, 0);
	containers_cut(containers, 10);
	containers_cut(containers, 20);
	assert_false(is_known(3));
	assert_int_equal(containers_totals(containers)->containers, 0);
}

/* Where each processor has a buffer of its own. */
static void its_end_is_told_of_first(void **state)
{
	(void)state;
	containers_removed(containers, 3, 200);
	make(3, "/docker/" ID_A, 100);
	assert_int_equal(find(3)->to_boot_ns, 200);
	make(3, "/docker/" ID_B, 300); /* once */
	assert_int_equal(find(3)->to_boot_ns, 0);
	/* An end of before its beginning is another's. */
	containers_removed(containers, 4, 100);
	make(4, "/docker/" ID_A, 200);
	assert_int_equal(find(4)->to_boot_ns, 0);
}

static void what_is_below_is_told_of_first(void **state)
{
	struct container_change change;

	(void)state;
	make(4, "/docker/" ID_A "/init", 110);
	assert_true(containers_change(containers, &change));
	assert_int_equal(change.container->cgroup_id, 4);
	make(3, "/docker/" ID_A, 100);
	assert_int_equal(find(4)->cgroup_id, 3);
	/* What was said of the one below is taken back, since it would stand above what is said of the whole. */
	assert_true(containers_change(containers, &change));
	assert_true(change.cgroup_id == 4 && change.container == find(3) && !change.gone);
	assert_true(containers_change(containers, &change));
	assert_true(change.cgroup_id == 3 && change.container == find(3));
	assert_false(containers_change(containers, &change));
}

static void the_same_container_begins_again(void **state)
{
	struct container *first, *second;

	(void)state;
	make(3, "/docker/" ID_A, 100);
	first = find(3);
	assert_true(containers_live(containers, ID_A));
	containers_removed(containers, 3, 200);
	assert_false(containers_live(containers, ID_A));
	make(9, "/docker/" ID_A, 300);
	second = find(9);
	assert_ptr_not_equal(first, second);
	assert_int_equal(second->generation, 300);
	assert_true(containers_live(containers, ID_A));
	assert_int_equal(learn(ID_A, "docker", DIGEST_1), 2); /* one image, two lives */
	assert_string_equal(first->facts.image_digest, DIGEST_1);
	assert_string_equal(second->facts.image_digest, DIGEST_1);
}

static void who_is_heard(void **state)
{
	struct container_facts facts;

	(void)state;
	make(3, "/docker/" ID_A, 100);
	assert_int_equal(learn(ID_A, "containerd", DIGEST_2), 0); /* Docker's are containerd's too */
	assert_int_equal(learn(ID_B, "docker", DIGEST_2), 0);
	facts = facts_of(ID_A, "docker", DIGEST_2);
	facts.owner = 1000;
	assert_int_equal(containers_learn(containers, &facts), 0);
	assert_null(find(3)->facts.image_digest);
	assert_int_equal(learn(ID_A, "docker", NULL), 1);
	assert_true(find(3)->answered);
	assert_int_equal(learn(ID_A, "docker", DIGEST_1), 1);
	assert_string_equal(find(3)->facts.image_digest, DIGEST_1);
	assert_int_equal(learn(ID_A, "docker", NULL), 1); /* says nothing of it: it stays */
	assert_string_equal(find(3)->facts.image_digest, DIGEST_1);
	facts = facts_of(ID_A, "docker", NULL);
	facts.labels_refused = 2;
	assert_int_equal(containers_learn(containers, &facts), 1);
	assert_int_equal(learn(ID_A, "docker", NULL), 1);
	assert_int_equal(find(3)->facts.labels_refused, 2);
	facts = facts_of(ID_A, "docker", NULL);
	facts.digest_conflict = true;
	assert_int_equal(containers_learn(containers, &facts), 1);
	assert_null(find(3)->facts.image_digest);
	assert_true(find(3)->facts.digest_conflict);
}

static void the_runtime_that_the_path_does_not_tell(void **state)
{
	(void)state;
	make(3, "/kubepods/burstable/pod6a6d1d4c-3a0c-4b7e-9d0e-8b8a1f1f2d3e/" ID_A, 100);
	assert_string_equal(find(3)->text, "");
	assert_int_equal(learn(ID_A, "containerd", DIGEST_1), 1);
	assert_string_equal(find(3)->text, "containerd://" ID_A);
	assert_int_equal(learn(ID_A, "docker", DIGEST_2), 0); /* it has one now */
}

#define USERS "/user.slice/user-1000.slice/user@1000.service/user.slice"

static void a_user_takes_the_id_of_another(void **state)
{
	struct container_facts facts;

	(void)state;
	make(3, "/machine.slice/libpod-" ID_A ".scope", 100);
	make(4, USERS "/libpod-" ID_A ".scope", 200);
	make(5, USERS "/libpod-" ID_B ".scope", 200);
	assert_ptr_not_equal(find(3), find(4));
	assert_string_equal(find(3)->text, "podman://" ID_A);
	assert_string_equal(find(4)->text, "");
	assert_string_equal(find(5)->text, "podman://" ID_B);
	assert_int_equal(find(5)->uid, 1000);
	assert_int_equal(learn(ID_A, "podman", DIGEST_1), 1); /* root's engine: of root's only */
	assert_null(find(4)->facts.image_digest);
	facts = facts_of(ID_B, "podman", DIGEST_2);
	facts.owner = 1001;
	assert_int_equal(containers_learn(containers, &facts), 0);
	facts.owner = 1000;
	assert_int_equal(containers_learn(containers, &facts), 1);
	/* Below his own slice a user may make one that is called root's. */
	make(7, USERS "/user-0.slice/libpod-" ID_A ".scope", 250);
	assert_int_equal(find(7)->uid, 1000);
	assert_int_equal(learn(ID_A, "podman", DIGEST_1), 1);
	assert_null(find(7)->facts.image_digest);
	/* The true one comes later: the user's loses what it never had. */
	make(6, "/machine.slice/libpod-" ID_B ".scope", 300);
	assert_string_equal(find(6)->text, "podman://" ID_B);
	assert_string_equal(find(5)->text, "");
}

static void within_another(void **state)
{
	struct container_found found;
	struct container *container;

	(void)state;
	make(3, "/docker/" ID_A, 100);
	make(4, "/docker/" ID_A "/docker/" ID_B, 200);
	container = containers_find(containers, 4, &found);
	assert_string_equal(container->text, "docker://" ID_A);
	assert_string_equal(found.inner, "docker://" ID_B);
	(void)containers_find(containers, 3, &found);
	assert_null(found.inner);
}

static void who_waits(void **state)
{
	(void)state;
	make(3, "/docker/" ID_A, 100);
	assert_false(find(3)->waits); /* nobody is expected to answer */
	containers_expect(containers, 1u << DOCKER);
	make(4, "/docker/" ID_B, 100);
	make(5, "/machine.slice/libpod-" ID_A ".scope", 100);
	assert_true(find(4)->waits);
	assert_false(find(5)->waits);
	assert_int_equal(containers_totals(containers)->waiting, 1);
	assert_int_equal(learn(ID_B, "docker", NULL), 1);
	assert_true(find(4)->waits); /* for the digest */
	containers_unanswered(containers, ID_B);
	assert_false(find(4)->waits);
	assert_int_equal(containers_totals(containers)->waiting, 0);
	assert_int_equal(learn(ID_B, "docker", DIGEST_1), 1); /* late, and heard all the same */
}

static void an_engine_speaks_first(void **state)
{
	char id[ENGINE_ID_LEN + 1];

	(void)state;
	containers_expect(containers, 1u << DOCKER);
	assert_int_equal(learn(ID_A, "docker", DIGEST_1), 0);
	assert_int_equal(learn(ID_B, "podman", DIGEST_2), 0);
	make(3, "/docker/" ID_A, 100);
	make(4, "/docker/" ID_B, 100);
	assert_string_equal(find(3)->facts.image_digest, DIGEST_1);
	assert_false(find(3)->waits);
	assert_null(find(4)->facts.image_digest); /* another engine's word */
	/* A talkative one pushes out what it said before. */
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "%064x", i);
		assert_int_equal(learn(id, "docker", DIGEST_1), 0);
	}
	make(5, "/docker/0000000000000000000000000000000000000000000000000000000000000001", 200);
	make(6, "/docker/00000000000000000000000000000000000000000000000000000000000003e7", 200);
	assert_null(find(5)->facts.image_digest);
	assert_non_null(find(6)->facts.image_digest);
}

static void what_changed_is_heard_once_and_in_order(void **state)
{
	struct container_change change;

	(void)state;
	walk(1, "/", 10);
	make(3, "/docker/" ID_A, 100);
	assert_true(containers_change(containers, &change));
	assert_true(change.cgroup_id == 1 && !change.container && !change.gone);
	assert_true(containers_change(containers, &change));
	assert_true(change.cgroup_id == 3 && change.container && !change.gone);
	assert_false(containers_change(containers, &change));
	containers_removed(containers, 3, 200);
	make(3, "/docker/" ID_B, 300);
	assert_true(containers_change(containers, &change));
	assert_true(change.cgroup_id == 3 && change.gone);
	assert_true(containers_change(containers, &change));
	assert_true(change.cgroup_id == 3 && !change.gone && change.container);
	assert_false(containers_change(containers, &change));
}

static void a_flood_is_bounded_and_counted(void **state)
{
	struct container_cgroup cgroup = { .boot_ns = 1 };
	struct container_change change;
	char path[128];
	int r = 0;

	(void)state;
	for (uint64_t i = 1; i <= CONTAINERS_MAX + 100; i++) {
		snprintf(path, sizeof(path), "/docker/%064llx", (unsigned long long)i);
		cgroup.id = i;
		cgroup.path = str_of(path);
		r = containers_made(containers, &cgroup);
	}
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(containers_totals(containers)->containers, CONTAINERS_MAX);
	assert_int_equal(containers_totals(containers)->no_room, 100);
	while (containers_change(containers, &change))
		;
	for (uint64_t i = 1; i <= CONTAINERS_MAX; i++)
		containers_removed(containers, i, 2);
	/* The dead make room, the first dead first. */
	for (uint64_t i = 0; i < CONTAINERS_CGROUPS_MAX; i++) {
		cgroup.id = 1000000 + i;
		cgroup.path = str_of("/system.slice/x.service");
		assert_int_equal(containers_made(containers, &cgroup), 0);
	}
	assert_int_equal(containers_totals(containers)->cgroups, CONTAINERS_CGROUPS_MAX);
	assert_false(is_known(1));
	assert_int_equal(containers_totals(containers)->containers, 0);
	assert_int_equal(containers_totals(containers)->forgotten, CONTAINERS_MAX);
	cgroup.id = 5;
	assert_int_equal(containers_made(containers, &cgroup), -ENOSPC);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_container_and_what_is_below_it),
		TEST(found_at_the_start_then_told_of_by_the_kernel),
		TEST(a_dead_one_is_known_until_the_chunk_after_is_cut),
		TEST(an_id_that_comes_again_is_somebody_else),
		TEST(a_removal_at_no_time),
		TEST(its_end_is_told_of_first),
		TEST(what_is_below_is_told_of_first),
		TEST(the_same_container_begins_again),
		TEST(who_is_heard),
		TEST(the_runtime_that_the_path_does_not_tell),
		TEST(a_user_takes_the_id_of_another),
		TEST(within_another),
		TEST(who_waits),
		TEST(an_engine_speaks_first),
		TEST(what_changed_is_heard_once_and_in_order),
		TEST(a_flood_is_bounded_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
