/* SPDX-License-Identifier: Apache-2.0 */
/* Package URLs: one canonical spelling for each, whatever the spelling that came in; and no other text is taken for one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "packages/purl.h"

static void canonical_spelling(void **state)
{
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{ "pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64",
		  "pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64" },
		{ "pkg:deb/Debian/Bash@1:5.2?distro=d&Arch=amd64",
		  "pkg:deb/debian/bash@1:5.2?arch=amd64&distro=d" },
		{ "pkg:deb/debian/x@1%3A2+b1", "pkg:deb/debian/x@1:2%2Bb1" },
		{ "PKG://PyPI/Zope.Interface__x@1.0RC1", "pkg:pypi/zope-interface-x@1.0rc1" },
		{ "pkg:npm/%40Angular/Core@12.3.1", "pkg:npm/%40angular/core@12.3.1" },
		{ "pkg:npm/@babel/core#/a/./b/../", "pkg:npm/%40babel/core#a/b" },
		{ "pkg:npm/@babel/core@7.1.0", "pkg:npm/%40babel/core@7.1.0" },
		{ "pkg:npm/a@1?vcs_url=git://h.org/r.git%40abc",
		  "pkg:npm/a@1?vcs_url=git://h.org/r.git%40abc" },
		{ "pkg:maven/org.Apache/Commons@1?type=", "pkg:maven/org.Apache/Commons@1" },
		{ "pkg:golang/GitHub.com//Foo/Bar@v1.2.3#x", "pkg:golang/github.com/foo/bar@v1.2.3#x" },
		{ "pkg:rpm/Fedora/SDL@1?b=2&a=1&c=%20", "pkg:rpm/fedora/SDL@1?a=1&b=2&c=%20" },
		{ "pkg:generic/a%2Fb@x%2Fy", "pkg:generic/a%2Fb@x%2Fy" },
		{ "pkg:generic/a?checksum=sha1:0,sha256:1", "pkg:generic/a?checksum=sha1:0%2Csha256:1" },
		{ "pkg:cargo/rand@0.7.2", "pkg:cargo/rand@0.7.2" },
		{ "pkg:generic/%E4%B8%AD@1~2", "pkg:generic/%E4%B8%AD@1~2" },
		{ "pkg:swift/github.com/a/b@1", "pkg:swift/github.com/a/b@1" },
		{ "pkg:x.y-1/name/", "pkg:x.y-1/name" },
		{ "pkg:gem/ruby@1?k=a=b", "pkg:gem/ruby@1?k=a%3Db" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(purl_done) struct purl purl = { .type = NULL };
		_cleanup_(buf_done) struct buf out = BUF_MAX(8192);
		const char *reason = NULL;

		if (purl_parse(str_of(cases[i].text), &reason, &purl) < 0)
			fail_msg("%s: %s", cases[i].text, reason);
		assert_int_equal(purl_write(&out, &purl), 0);
		assert_string_equal(buf_cstr(&out), cases[i].canonical);
	}
}

static void others_are_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"pkg",
		"pkg:",
		"bash@5.2",
		"pkg:deb",
		"pkg:/deb",
		"pkg:deb/",
		"pkg:deb/@1",
		"pkg:deb/debian/bash@",
		"pkg:3deb/x@1",
		"pkg:d&eb/x@1",
		"pkg:deb:a/x@1",
		"pkg%3Adeb/x",
		"pkg:generic/a b",
		"pkg:generic/a%2",
		"pkg:generic/a%zz",
		"pkg:generic/a%00b",
		"pkg:generic/a%0Ab",
		"pkg:generic/%FF",
		"pkg:generic/\xc3\xbc",
		"pkg:generic/a%2Fb/c",
		"pkg:generic/a#x%2Fy",
		"pkg:generic/a?x",
		"pkg:generic/a?=1",
		"pkg:generic/a?1x=1",
		"pkg:generic/a?in%20x=1",
		"pkg:generic/a?k=1&K=2",
		"pkg:pypi/ns/x@1",
		"pkg:maven/x@1",
		"pkg:cran/x",
		"pkg:swift/a/b",
		"pkg:swid/x@1",
		"pkg:cpan/AUTHOR/A::B@1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct purl purl = { .type = NULL };
		const char *reason = NULL;

		if (purl_parse(str_of(cases[i]), &reason, &purl) != -EINVAL)
			fail_msg("taken for a purl: %s", cases[i]);
		assert_non_null(reason);
		assert_null(purl.type);
	}
}

static void limits(void **state)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(1 << 20);
	struct purl purl = { .type = NULL };
	const char *reason = NULL;

	(void)state;
	assert_int_equal(buf_append_str(&text, STR("pkg:generic/")), 0);
	while (text.len < PURL_MAX)
		assert_int_equal(buf_append(&text, "x", 1), 0);
	assert_int_equal(purl_parse(buf_str(&text), &reason, &purl), 0);
	purl_done(&purl);
	assert_int_equal(buf_append(&text, "x", 1), 0);
	assert_int_equal(purl_parse(buf_str(&text), &reason, &purl), -EINVAL);

	buf_clear(&text);
	assert_int_equal(buf_append_str(&text, STR("pkg:generic/x?a=1")), 0);
	for (int i = 1; i < PURL_QUALIFIERS_MAX; i++)
		assert_int_equal(buf_printf(&text, "&k%d=1", i), 0);
	assert_int_equal(purl_parse(buf_str(&text), &reason, &purl), 0);
	purl_done(&purl);
	assert_int_equal(buf_append_str(&text, STR("&z=1")), 0);
	assert_int_equal(purl_parse(buf_str(&text), &reason, &purl), -EINVAL);
}

static void full_buffer_is_left_as_it_was(void **state)
{
	static const char text[] = "pkg:npm/%40a/b@1?x=1#s";
	_cleanup_(purl_done) struct purl purl = { .type = NULL };

	(void)state;
	assert_int_equal(purl_parse(str_of(text), NULL, &purl), 0);
	for (size_t max = 1; max < sizeof(text); max++) {
		_cleanup_(buf_done) struct buf out = BUF_MAX(max);

		assert_int_equal(buf_append(&out, "x", 1), 0);
		assert_int_equal(purl_write(&out, &purl), -E2BIG);
		assert_int_equal(out.len, 1);
	}
}

static void names_for_people(void **state)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
		{ "pkg:deb/debian/bash@1", "bash" },
		{ "pkg:npm/%40a/b@1", "@a/b" },
		{ "pkg:npm/b@1", "b" },
		{ "pkg:maven/org.x/y@1", "org.x:y" },
		{ "pkg:golang/github.com/x/y@v1", "github.com/x/y" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(purl_done) struct purl purl = { .type = NULL };
		_cleanup_(buf_done) struct buf out = BUF_MAX(8192);

		assert_int_equal(purl_parse(str_of(cases[i].text), NULL, &purl), 0);
		assert_int_equal(purl_full_name(&out, &purl), 0);
		assert_string_equal(buf_cstr(&out), cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_spelling),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(limits),
		cmocka_unit_test(full_buffer_is_left_as_it_was),
		cmocka_unit_test(names_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
