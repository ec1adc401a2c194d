/* SPDX-License-Identifier: Apache-2.0 */
/* A set of packages: one purl is one package, a file tells of whom it is or of nobody, and it all stays small. */

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "packages/package.h"
#include "packages/texts.h"

static int set_up(void **state)
{
	struct package_set *set = NULL;
	int r = package_set_new(&set);

	*state = set;
	return r;
}

static int tear_down(void **state)
{
	package_set_free(*state);
	return 0;
}

static uint32_t add(struct package_set *set, const char *purl)
{
	struct package package = { .purl = (char *)(uintptr_t)purl };
	uint32_t index = UINT32_MAX;

	assert_int_equal(package_set_add(set, &package, &index), 0);
	return index;
}

static void file(struct package_set *set, uint32_t index, const char *path)
{
	assert_int_equal(package_set_add_file(set, index, str_of(path)), 0);
}

static enum package_match whose(const struct package_set *set, const char *path, uint32_t *ret_index)
{
	return package_set_whose(set, str_of(path), UINT32_MAX, 0, 0, ret_index);
}

static void is_ones(const struct package_set *set, const char *path, uint32_t owner)
{
	uint32_t index = UINT32_MAX;

	if (whose(set, path, &index) != PACKAGE_ONE || index != owner)
		fail_msg("%s is not that of package %u", path, owner);
}

static void is_nobodys(const struct package_set *set, const char *path, enum package_match match)
{
	uint32_t index = UINT32_MAX;

	if (whose(set, path, &index) != match)
		fail_msg("%s is somebody's", path);
	assert_int_equal(index, UINT32_MAX);
}

struct seen {
	uint32_t list[16];
	bool within[16];
	size_t count;
};

static void note(void *user, uint32_t index, bool within)
{
	struct seen *seen = user;

	assert_true(seen->count < ARRAY_LEN(seen->list));
	seen->within[seen->count] = within;
	seen->list[seen->count++] = index;
}

static struct seen each(const struct package_set *set, const char *path)
{
	struct seen seen = { .count = 0 };
	size_t n = package_set_each(set, str_of(path), UINT32_MAX, 0, 0, note, &seen);

	assert_int_equal(n, seen.count);
	return seen;
}

static void one_purl_is_one_package(void **state)
{
	struct package_set *set = *state;
	static const char *const alike[] = {
		"pkg:deb/debian/bash@5.2-1%2Bb2?arch=amd64",
		"pkg:deb/debian/bash@5.2-1+b2?arch=amd64&distro=debian-12",
		"pkg:deb/Debian/bash@5.2-1%2Bb2?distro=debian-12.5&upstream=bash%405.2-1&arch=amd64",
		"pkg:deb/debian/bash@0:5.2-1%2Bb2?arch=amd64&epoch=0",
	};
	static const char *const others[] = {
		"pkg:deb/debian/bash@5.2-1%2Bb2?arch=i386",  "pkg:deb/debian/bash@5.2-1?arch=amd64",
		"pkg:deb/ubuntu/bash@5.2-1%2Bb2?arch=amd64", "pkg:deb/debian/bash@1:5.2-1%2Bb2?arch=amd64",
		"pkg:rpm/debian/bash@5.2-1%2Bb2?arch=amd64", "pkg:deb/debian/bash?arch=amd64",
	};

	for (size_t i = 0; i < ARRAY_LEN(alike); i++)
		assert_int_equal(add(set, alike[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(add(set, others[i]), i + 1);
	assert_int_equal(add(set, "pkg:deb/debian/bash@5.2-1%2Bb2?arch=amd64&epoch=1"), 4);
	assert_int_equal(package_set_count(set), 1 + ARRAY_LEN(others));
	assert_string_equal(package_set_get(set, 0)->purl, alike[0]);
	assert_null(package_set_get(set, 100));
}

static void what_the_purl_says_is_taken(void **state)
{
	struct package_set *set = *state;
	struct package sbom = { .purl = (char[]) { "pkg:npm/%40a/b@1.0" },
				.ref = (char[]) { "ref-1" },
				.sources = PACKAGE_FROM_SBOM };
	struct package database = { .purl = (char[]) { "pkg:npm/%40A/b@1.0" },
				    .name = (char[]) { "other" },
				    .arch = (char[]) { "x" },
				    .sources = PACKAGE_FROM_NODE };
	const struct package *package;
	uint32_t index = 0;

	assert_int_equal(package_set_add(set, &sbom, &index), 0);
	assert_int_equal(package_set_add(set, &database, &index), 0);
	assert_int_equal(index, 0);
	package = package_set_get(set, 0);
	assert_string_equal(package->type, "npm");
	assert_string_equal(package->name, "@a/b");
	assert_string_equal(package->version, "1.0");
	assert_string_equal(package->arch, "x");
	assert_string_equal(package->ref, "ref-1");
	assert_int_equal(package->sources, PACKAGE_FROM_SBOM | PACKAGE_FROM_NODE);
}

static void without_a_purl(void **state)
{
	struct package_set *set = *state;
	struct package package = { .name = (char[]) { "app" }, .version = (char[]) { "1" } };
	struct package bad = { .purl = (char[]) { "not a purl" }, .name = (char[]) { "app" } };
	uint32_t index = 9;

	assert_int_equal(package_set_add(set, &package, &index), 0);
	assert_int_equal(package_set_add(set, &package, &index), 0);
	assert_int_equal(index, 0);
	/* Without a version nobody can say that they are the same. */
	package.version = NULL;
	assert_int_equal(package_set_add(set, &package, &index), 0);
	assert_int_equal(package_set_add(set, &package, &index), 0);
	assert_int_equal(index, 2);
	package.name = NULL;
	assert_int_equal(package_set_add(set, &package, &index), -EINVAL);
	assert_int_equal(package_set_add(set, &bad, &index), -EINVAL);
	assert_int_equal(package_set_count(set), 3);
}

static void found_by_purl(void **state)
{
	struct package_set *set = *state;
	uint32_t amd64 = add(set, "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12");
	uint32_t i386 = add(set, "pkg:deb/debian/libc6@2.36-9?arch=i386&distro=debian-12");
	uint32_t lodash = add(set, "pkg:npm/lodash@4.17.21"), older = add(set, "pkg:npm/lodash@3.0.0");
	uint32_t requests = add(set, "pkg:pypi/requests@2.0");
	const struct {
		const char *purl;
		int result;
		uint32_t index;
	} cases[] = {
		{ "pkg:deb/debian/libc6@2.36-9?arch=amd64", 0, amd64 },
		{ "pkg:deb/debian/libc6@2.36-9?arch=i386&distro=x", 0, i386 },
		{ "pkg:deb/debian/libc6@2.36-9", -EEXIST, 0 },
		{ "pkg:deb/debian/libc6?arch=i386", 0, i386 },
		{ "pkg:deb/debian/libc6@2.36-9?arch=arm64", -ENOENT, 0 },
		{ "pkg:deb/debian/libc6@2.36-8?arch=i386", -ENOENT, 0 },
		{ "pkg:npm/lodash", -EEXIST, 0 },
		{ "pkg:npm/lodash@4.17.21", 0, lodash },
		{ "pkg:npm/lodash@3.0.0?vcs_url=x", 0, older },
		{ "pkg:pypi/Requests", 0, requests },
		{ "pkg:pypi/request", -ENOENT, 0 },
		{ "lodash", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t index = 0;
		int r = package_set_find_purl(set, str_of(cases[i].purl), &index);

		if (r != cases[i].result || (r == 0 && index != cases[i].index))
			fail_msg("%s: %d, package %u", cases[i].purl, r, index);
	}
}

static void files_have_an_owner_or_none(void **state)
{
	struct package_set *set = *state;
	uint32_t bash = add(set, "pkg:deb/debian/bash@1"), dash = add(set, "pkg:deb/debian/dash@1");

	file(set, bash, "/usr/bin/bash");
	file(set, dash, "/usr/bin/dash");
	file(set, bash, "/usr/share/both");
	file(set, dash, "/usr/share/both");
	/* The same package known twice is one. */
	file(set, add(set, "pkg:deb/debian/bash@1?distro=debian-12"), "/usr/bin/bash");
	assert_int_equal(package_set_finish(set), 0);
	is_ones(set, "/usr/bin/bash", bash);
	is_ones(set, "/usr/bin/dash", dash);
	is_nobodys(set, "/usr/share/both", PACKAGE_AMBIGUOUS);
	assert_int_equal(each(set, "/usr/share/both").count, 0);
	is_nobodys(set, "/usr/bin", PACKAGE_NONE);
	is_nobodys(set, "/usr/bin/bas", PACKAGE_NONE);
	is_nobodys(set, "/usr/bin/bash/", PACKAGE_NONE);
	is_nobodys(set, "bash", PACKAGE_NONE);
	is_nobodys(set, "", PACKAGE_NONE);
	assert_int_equal(package_set_each(set, (struct str) { NULL, 0 }, 8, 1, 1, note, NULL), 0);
	assert_int_equal(package_set_get(set, bash)->n_files, 2);
}

static void merged_usr(void **state)
{
	struct package_set *set = *state;
	uint32_t bash = add(set, "pkg:deb/debian/bash@1"), libc = add(set, "pkg:deb/debian/libc6@1");

	file(set, bash, "/bin/bash");
	file(set, libc, "/usr/lib64/ld.so");
	file(set, libc, "/opt/lib/x");
	assert_int_equal(package_set_finish(set), 0);
	is_ones(set, "/bin/bash", bash);
	is_ones(set, "/usr/bin/bash", bash);
	is_ones(set, "/lib64/ld.so", libc);
	is_nobodys(set, "/usr/opt/lib/x", PACKAGE_NONE);
	package_set_separate_usr(set);
	is_nobodys(set, "/usr/bin/bash", PACKAGE_NONE);
	is_nobodys(set, "/lib64/ld.so", PACKAGE_NONE);
}

static void compiled_python(void **state)
{
	struct package_set *set = *state;
	uint32_t source = add(set, "pkg:pypi/x@1"), own = add(set, "pkg:pypi/y@1");

	file(set, source, "/usr/lib/x/api.py");
	file(set, source, "/usr/lib/x/y.py");
	file(set, own, "/usr/lib/x/__pycache__/y.cpython-311.pyc");
	file(set, own, "/usr/lib/x/__pycache__/z.cpython-311.pyc");
	assert_int_equal(package_set_finish(set), 0);
	is_ones(set, "/usr/lib/x/__pycache__/api.cpython-311.pyc", source);
	is_ones(set, "/usr/lib/x/__pycache__/api.cpython-311.opt-2.pyc", source);
	is_ones(set, "/usr/lib/x/__pycache__/y.cpython-311.pyc", source);
	is_ones(set, "/usr/lib/x/__pycache__/z.cpython-311.pyc", own);
	is_nobodys(set, "/usr/lib/x/__pycache__/api.pyc", PACKAGE_NONE);
	is_nobodys(set, "/usr/lib/x/__pycache__/.pyc", PACKAGE_NONE);
	is_nobodys(set, "/usr/lib/x/__pycache__/.opt-1.pyc", PACKAGE_NONE);
	is_nobodys(set, "/usr/lib/x/__pycache__/no.cpython-311.pyc", PACKAGE_NONE);
	is_nobodys(set, "/usr/lib/x/__pycache__/api.cpython-311.so", PACKAGE_NONE);
	is_nobodys(set, "/__pycache__/a.b.pyc", PACKAGE_NONE);
}

/* A deb that holds a Python distribution: the file is of both, and the deb is named first. */
static void one_owner_in_each_world(void **state)
{
	struct package_set *set = *state;
	uint32_t pypi = add(set, "pkg:pypi/requests@2"), deb = add(set, "pkg:deb/debian/python3-requests@2");
	uint32_t npm = add(set, "pkg:npm/a@1"), other = add(set, "pkg:npm/b@1");
	struct seen seen;

	file(set, pypi, "/x/requests.py");
	file(set, deb, "/x/requests.py");
	file(set, npm, "/x/b");
	file(set, other, "/x/b");
	file(set, pypi, "/x/b");
	assert_int_equal(package_set_finish(set), 0);
	is_ones(set, "/x/requests.py", deb);
	seen = each(set, "/x/requests.py");
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.list[0], deb);
	assert_int_equal(seen.list[1], pypi);
	/* Of the two npm packages nobody can tell; the Python one is beyond doubt. */
	seen = each(set, "/x/b");
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.list[0], pypi);
}

static void archives_hold_many(void **state)
{
	struct package_set *set = *state;
	uint32_t app = add(set, "pkg:maven/g/app@1"), a = add(set, "pkg:maven/g/a@1"),
		 b = add(set, "pkg:maven/g/b@1"), deb = add(set, "pkg:deb/debian/podman@4"),
		 module = add(set, "pkg:golang/example.org/m@v1");
	struct seen seen;

	file(set, app, "/app.jar");
	assert_int_equal(package_set_add_within(set, a, STR("/app.jar")), 0);
	assert_int_equal(package_set_add_within(set, b, STR("/app.jar")), 0);
	assert_int_equal(package_set_add_within(set, a, STR("/fat.jar")), 0);
	assert_int_equal(package_set_add_within(set, b, STR("/fat.jar")), 0);
	assert_int_equal(package_set_add_within(set, b, STR("/one.jar")), 0);
	file(set, deb, "/usr/bin/podman");
	assert_int_equal(package_set_add_within(set, module, STR("/usr/bin/podman")), 0);
	assert_int_equal(package_set_finish(set), 0);
	is_ones(set, "/app.jar", app);
	assert_int_equal(each(set, "/app.jar").count, 3);
	is_nobodys(set, "/fat.jar", PACKAGE_AMBIGUOUS);
	assert_int_equal(each(set, "/fat.jar").count, 2);
	is_ones(set, "/one.jar", b);
	is_ones(set, "/usr/bin/podman", deb);
	seen = each(set, "/usr/bin/podman");
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.list[1], module);
	assert_false(seen.within[0]);
	assert_true(seen.within[1]);
	/* What is a file of its own here and within another there is asked file by file. */
	file(set, a, "/a.jar");
	assert_int_equal(package_set_finish(set), 0);
	seen = each(set, "/a.jar");
	assert_int_equal(seen.count, 1);
	assert_false(seen.within[0]);
	seen = each(set, "/fat.jar");
	assert_true(seen.within[0]);
	assert_true(package_set_get(set, a)->contained);
	assert_false(package_set_get(set, app)->contained);
}

static void the_inode_decides(void **state)
{
	struct package_set *set = *state;
	uint32_t a = add(set, "pkg:deb/debian/a@1"), b = add(set, "pkg:deb/debian/b@1"), index = 9;

	file(set, a, "/a");
	file(set, b, "/b");
	assert_int_equal(package_set_add_inode(set, a, 8, 1, 100), 0);
	assert_int_equal(package_set_add_inode(set, b, 8, 1, 101), 0);
	/* Both own a link to 102. */
	file(set, a, "/empty-a");
	file(set, b, "/empty-b");
	assert_int_equal(package_set_add_inode(set, a, 8, 1, 102), 0);
	assert_int_equal(package_set_add_inode(set, b, 8, 1, 102), 0);
	assert_int_equal(package_set_finish(set), 0);
	assert_int_equal(package_set_whose(set, STR("/b"), 8, 1, 100, &index), PACKAGE_ONE);
	assert_int_equal(index, a);
	assert_int_equal(package_set_whose(set, STR("/nowhere"), 8, 1, 101, &index), PACKAGE_ONE);
	assert_int_equal(index, b);
	assert_int_equal(package_set_whose(set, STR("/b"), 8, 2, 100, &index), PACKAGE_ONE);
	assert_int_equal(index, b);
	assert_int_equal(package_set_whose(set, STR("/empty-b"), 8, 1, 102, &index), PACKAGE_ONE);
	assert_int_equal(index, b);
	assert_int_equal(package_set_whose(set, STR("/nowhere"), 8, 1, 102, &index), PACKAGE_AMBIGUOUS);
	assert_int_equal(package_set_whose(set, STR("/nowhere"), 8, 1, 103, &index), PACKAGE_NONE);
}

static void more_may_come_after(void **state)
{
	struct package_set *set = *state;
	uint32_t a = add(set, "pkg:deb/debian/a@1"), b = add(set, "pkg:maven/g/b@1");

	file(set, a, "/a");
	assert_int_equal(package_set_add_within(set, b, STR("/a")), 0);
	assert_int_equal(package_set_finish(set), 0);
	is_ones(set, "/a", a);
	file(set, a, "/b");
	assert_int_equal(package_set_add_within(set, b, STR("/a")), 0);
	assert_int_equal(package_set_finish(set), 0);
	is_ones(set, "/a", a);
	is_ones(set, "/b", a);
	assert_int_equal(each(set, "/a").count, 2);
	assert_int_equal(package_set_get(set, b)->n_files, 1);
}

static void bent_paths_are_refused(void **state)
{
	struct package_set *set = *state;
	static const char *const paths[] = { "",     "/",    "a",   "a/b",   "//a",   "/a/",	"/a//b",
					     "/./a", "/a/.", "/..", "/a/..", "/../a", "/a/../b" };
	_cleanup_(buf_done) struct buf text = BUF_MAX(2 * PACKAGE_TEXT_MAX);
	uint32_t a = add(set, "pkg:deb/debian/a@1");

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(package_set_add_file(set, a, str_of(paths[i])), -EINVAL);
	assert_int_equal(package_set_add_file(set, a, STR("/a\0b")), -EINVAL);
	assert_int_equal(package_set_add_file(set, a + 1, STR("/a")), -EINVAL);
	file(set, a, "/...");
	file(set, a, "/.a/..b");
	assert_int_equal(buf_append(&text, "/", 1), 0);
	while (text.len < PACKAGE_TEXT_MAX)
		assert_int_equal(buf_append(&text, "x", 1), 0);
	assert_int_equal(package_set_add_file(set, a, buf_str(&text)), 0);
	assert_int_equal(buf_append(&text, "x", 1), 0);
	assert_int_equal(package_set_add_file(set, a, buf_str(&text)), -EINVAL);
}

struct listing {
	struct buf text;
	int left;
};

static bool list_file(void *user, uint32_t index, const char *directory, const char *name)
{
	struct listing *listing = user;

	assert_int_equal(buf_printf(&listing->text, "%u %s/%s\n", index, directory, name), 0);
	return --listing->left > 0;
}

static void all_files(void **state)
{
	struct package_set *set = *state;
	uint32_t a = add(set, "pkg:deb/debian/a@1"), b = add(set, "pkg:deb/debian/b@1");
	struct listing listing = { .text = BUF_MAX(4096), .left = 3 };

	file(set, a, "/d/x");
	file(set, b, "/y");
	file(set, a, "/d/x");
	file(set, a, "/d/z");
	file(set, b, "/last");
	assert_int_equal(package_set_finish(set), 0);
	package_set_files(set, list_file, &listing);
	assert_string_equal(buf_cstr(&listing.text), "0 /d/x\n0 /d/z\n1 /y\n");
	buf_done(&listing.text);
}

static size_t in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* 300,000 files of 2,000 packages, with inodes: as a large server has them. */
static void many_files_stay_small(void **state)
{
	struct package_set *set = *state;
	size_t before = in_use();
	char text[256];
	uint32_t index = 0;

	for (uint32_t i = 0; i < 300000; i++) {
		if (i % 150 == 0) {
			snprintf(text, sizeof(text),
				 "pkg:deb/debian/package-%u@1.0-%u?arch=amd64&distro=debian-12&upstream=source",
				 i, i);
			index = add(set, text);
		}
		snprintf(text, sizeof(text), "/usr/share/package-%u/some/directory-%u/file-number-%u.txt",
			 i / 150, i / 10, i);
		file(set, index, text);
		assert_int_equal(package_set_add_inode(set, index, 8, 1, i), 0);
	}
	assert_int_equal(package_set_finish(set), 0);
#ifndef __SANITIZE_ADDRESS__
	if (in_use() - before > 60000000)
		fail_msg("%zu bytes", in_use() - before);
	print_message("# %zu bytes in use\n", in_use() - before);
#else
	(void)before;
#endif
	is_ones(set, "/usr/share/package-7/some/directory-105/file-number-1050.txt", 7);
	is_nobodys(set, "/usr/share/package-7/some/directory-105/file-number-1060.txt", PACKAGE_NONE);
}

static void texts_are_kept_once(void **state)
{
	struct texts texts;
	uint32_t number = 9;
	bool is_new = false;
	char text[64], *first;

	(void)state;
	assert_int_equal(texts_init(&texts), 0);
	assert_false(texts_find(&texts, STR("a"), &number));
	assert_int_equal(texts_add(&texts, STR(""), &number, &is_new), 0);
	assert_true(is_new && number == 0);
	assert_int_equal(texts_add(&texts, (struct str) { NULL, 0 }, &number, &is_new), 0);
	assert_true(!is_new && number == 0);
	assert_int_equal(texts_add(&texts, STR("a\0b"), &number, NULL), -EINVAL);
	assert_int_equal(texts_add(&texts, STR("ab"), &number, NULL), 0);
	assert_false(texts_find(&texts, STR("a"), &number));
	assert_false(texts_find(&texts, STR("abc"), &number));
	first = texts_get(&texts, 1);
	for (uint32_t i = 2; i < 100000; i++) {
		snprintf(text, sizeof(text), "text-number-%u", i);
		assert_int_equal(texts_add(&texts, str_of(text), &number, &is_new), 0);
		assert_true(is_new && number == i);
	}
	assert_ptr_equal(texts_get(&texts, 1), first);
	assert_true(texts_find(&texts, STR("text-number-777"), &number) && number == 777);
	assert_string_equal(texts_get(&texts, 777), "text-number-777");
	texts_done(&texts);
}

#define test_with_set(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_kept_once),
		test_with_set(one_purl_is_one_package),
		test_with_set(what_the_purl_says_is_taken),
		test_with_set(without_a_purl),
		test_with_set(found_by_purl),
		test_with_set(files_have_an_owner_or_none),
		test_with_set(merged_usr),
		test_with_set(compiled_python),
		test_with_set(one_owner_in_each_world),
		test_with_set(archives_hold_many),
		test_with_set(the_inode_decides),
		test_with_set(more_may_come_after),
		test_with_set(bent_paths_are_refused),
		test_with_set(all_files),
		test_with_set(many_files_stay_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
