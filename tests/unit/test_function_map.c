/* SPDX-License-Identifier: Apache-2.0 */
/* The function map: what is read, and what refuses it with which sentence. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/function_map.h"

#define ENTRY(members) "{\"version\":1,\"functions\":[{" members "}]}"

static const struct {
	const char *text, *said;
} refused[] = {
	{ "", "line" },
	{ "[]", "must be an object" },
	{ "{\"version\":1}", "functions: must be an array" },
	{ "{\"version\":1,\"functions\":[]}", "functions: must be an array" },
	{ "{\"version\":2,\"functions\":[{}]}", "version: must be 1" },
	{ "{\"version\":1,\"version\":1,\"functions\":[{}]}", "duplicate" },
	{ "{\"version\":1,\"functions\":[{}],\"more\":1}", "more: unknown" },
	{ "{\"version\":1,\"functions\":[1]}", "functions[0]: must be an object" },
	{ ENTRY("\"symbols\":\"*\""), "functions[0]: needs library or build_id" },
	{ ENTRY("\"library\":\"l.so\""), "functions[0]: needs symbols or offsets" },
	{ ENTRY("\"library\":\"l.so\",\"symbol\":\"*\""), "functions[0].symbol: unknown" },
	{ ENTRY("\"library\":\"a/l.so\",\"symbols\":\"*\""), "functions[0].library: must be a file's name" },
	{ ENTRY("\"library\":\"\",\"symbols\":\"*\""), "functions[0].library: must be a string of 1" },
	{ ENTRY("\"library\":\"l.so\",\"symbols\":\"a*\""), "functions[0].symbols: must be" },
	{ ENTRY("\"library\":\"l.so\",\"symbols\":[]"), "functions[0].symbols: must be" },
	{ ENTRY("\"library\":\"l.so\",\"symbols\":[\"a\",1]"), "functions[0].symbols[1]: must be" },
	{ ENTRY("\"library\":\"l.so\",\"symbols\":[\"b\",\"a\",\"b\"]"), "names the function b twice" },
	{ ENTRY("\"library\":\"l.so\",\"symbols\":[\"a\\u0000\"]"), "line" },
	{ ENTRY("\"library\":\"l.so\",\"offsets\":[{\"offset\":1,\"symbol\":\"a\"}]"),
	  "functions[0].offsets: needs build_id" },
	{ ENTRY("\"build_id\":\"AB\",\"symbols\":\"*\""), "functions[0].build_id: must be an even number" },
	{ ENTRY("\"build_id\":\"abc\",\"symbols\":\"*\""), "functions[0].build_id: must be an even number" },
	{ ENTRY("\"build_id\":\"ab\",\"offsets\":[{\"offset\":0,\"symbol\":\"a\"}]"),
	  "functions[0].offsets[0].offset: must be a positive integer" },
	{ ENTRY("\"build_id\":\"ab\",\"offsets\":[{\"offset\":1}]"),
	  "functions[0].offsets[0].symbol: must be" },
	{ ENTRY("\"build_id\":\"ab\",\"offsets\":[{\"offset\":1,\"symbol\":\"a\",\"x\":1}]"),
	  "functions[0].offsets[0]: must be an object of" },
	{ ENTRY("\"library\":\"l.so\",\"purl\":\"deb/x\",\"symbols\":\"*\""), "functions[0].purl: must be" },
};

static void what_is_wrong_is_refused_with_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct function_map *map = NULL;
		struct diag diag = { .text = "" };

		assert_int_equal(function_map_parse(str_of(refused[i].text), &diag, &map), -EINVAL);
		assert_null(map);
		if (!strstr(diag.text, refused[i].said))
			fail_msg("%s: said '%s', wanted '%s'", refused[i].text, diag.text, refused[i].said);
	}
}

static bool means(const struct function_map_entry *entry, const char *path, const char *soname,
		  const uint8_t *build_id, size_t len)
{
	const struct function_map_file file = { path, soname, build_id, len };

	return function_map_means(entry, &file);
}

static void entries_are_what_was_written(void **state)
{
	static const uint8_t id[] = { 0xab, 0x01 };
	const struct function_map_entry *entries;
	struct function_map *map = NULL;
	struct diag diag = { .text = "" };

	(void)state;
	assert_int_equal(
		function_map_parse(
			STR("{\"version\":1,\"functions\":[{\"library\":\"l.so\",\"symbols\":[\"b\",\"a\"],"
			    "\"purl\":\"pkg:deb/debian/l@1\"},{\"build_id\":\"ab01\",\"library\":\"/usr/l.so\","
			    "\"offsets\":[{\"offset\":4660,\"symbol\":\"c\"}]},{\"build_id\":\"ab01\","
			    "\"symbols\":\"*\"}]}"),
			&diag, &map),
		0);
	assert_int_equal(function_map_entries(map, &entries), 3);
	assert_int_equal(entries[0].n_wanted, 2);
	assert_true(str_equal(entries[0].wanted[0].symbol, STR("a")));
	assert_true(str_equal(entries[0].wanted[1].symbol, STR("b")));
	assert_string_equal(entries[0].purl, "pkg:deb/debian/l@1");
	assert_true(entries[1].wanted[0].by_offset);
	assert_int_equal(entries[1].wanted[0].offset, 4660);
	assert_true(entries[2].all);

	assert_true(means(&entries[0], "/opt/l.so", "", NULL, 0));
	assert_false(means(&entries[0], "/opt/l.so.1", "", NULL, 0));
	assert_false(means(&entries[0], "/l.so/x", "", NULL, 0));
	assert_true(means(&entries[0], "/opt/l.so.1.2", "l.so", NULL, 0));
	assert_false(means(&entries[0], "/opt/l.so.1.2", "l.so.1", NULL, 0));
	assert_false(means(&entries[1], "/opt/l.so", "/usr/l.so", id, sizeof(id)));
	assert_true(means(&entries[1], "/usr/l.so", "", id, sizeof(id)));
	assert_false(means(&entries[1], "/opt/l.so", "", id, sizeof(id)));
	assert_false(means(&entries[1], "/usr/l.so", "", id, 1));
	assert_true(means(&entries[2], "/any", "", id, sizeof(id)));
	function_map_free(map);
}

/* No table of names at all: the sanitizers watch what is done with none. */
static void a_whole_library_alone_is_a_map(void **state)
{
	const struct function_map_entry *entries;
	struct function_map *map = NULL;
	struct diag diag = { .text = "" };

	(void)state;
	assert_int_equal(function_map_parse(STR("{\"version\":1,\"functions\":[{\"library\":\"l.so\","
						"\"symbols\":\"*\"}]}"),
					    &diag, &map),
			 0);
	assert_int_equal(function_map_entries(map, &entries), 1);
	assert_true(entries[0].all);
	assert_int_equal(entries[0].n_wanted, 0);
	function_map_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_refused_with_its_place),
		cmocka_unit_test(entries_are_what_was_written),
		cmocka_unit_test(a_whole_library_alone_is_a_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
