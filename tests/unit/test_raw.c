// SPDX-License-Identifier: Apache-2.0
/* Raw captures: what was written is read back, and what is none, or one of another border, is refused with a line. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "collect/raw.h"
#include "wire/records.h"

struct header {
	char magic[8];
	uint32_t wire_version;
	uint32_t order;
};

static char directory[] = "/tmp/stella-raw-XXXXXX";
static char path[64];

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/raw", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

static void put_file(const void *data, size_t len)
{
	FILE *file = fopen(path, "wbe");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void what_was_written_is_read(void **state)
{
	_cleanup_(raw_reader_freep) struct raw_reader *reader = NULL;
	struct raw_writer *writer = NULL;
	struct raw_entry entry;

	(void)state;
	assert_int_equal(raw_writer_open(path, NULL, &writer), 0);
	assert_int_equal(raw_writer_begin(writer, (struct moment) { 5, 6 }), 0);
	assert_int_equal(raw_writer_add(writer, RAW_RECORD, "abc", 3), 0);
	assert_int_equal(raw_writer_close(writer), 0);
	assert_int_equal(raw_reader_open(path, NULL, &reader), 0);
	assert_int_equal(raw_reader_next(reader, NULL, &entry), 1);
	assert_int_equal(entry.type, RAW_BEGIN);
	assert_int_equal(entry.moment.boot_ns, 5);
	assert_int_equal(raw_reader_next(reader, NULL, &entry), 1);
	assert_int_equal(entry.type, RAW_RECORD);
	assert_true(str_equal(entry.body, STR("abc")));
	assert_int_equal(raw_reader_next(reader, NULL, &entry), 0);
	unlink(path);
}

/* The border's records have changed: those of version 1 would be misread, not just unknown. */
static void other_borders_are_refused(void **state)
{
	static const struct {
		struct header header;
		const char *line;
	} cases[] = {
		{ { "STLRAW1\n", 1, 0x01020304 }, "has wire version 1, this program reads 4" },
		{ { "STLRAW1\n", 2, 0x01020304 }, "has wire version 2, this program reads 4" },
		{ { "STLRAW1\n", 3, 0x01020304 }, "has wire version 3, this program reads 4" },
		{ { "STLRAW1\n", WIRE_VERSION + 1, 0x01020304 }, "has wire version 5, this program reads 4" },
		{ { "STLRAW1\n", WIRE_VERSION, 0x04030201 }, "the other byte order" },
		{ { "STLRAW2\n", WIRE_VERSION, 0x01020304 }, "is no raw capture" },
	};
	struct raw_reader *reader = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct diag diag = { 0 };

		put_file(&cases[i].header, sizeof(cases[i].header));
		assert_int_equal(raw_reader_open(path, &diag, &reader), -EBADMSG);
		assert_int_equal(diag.code, EXIT_UNSOUND);
		if (!strstr(diag.text, cases[i].line))
			fail_msg("\"%s\" does not say \"%s\"", diag.text, cases[i].line);
		assert_null(reader);
		unlink(path);
	}
	put_file("STLRAW1", 7);
	assert_int_equal(raw_reader_open(path, NULL, &reader), -EBADMSG);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(other_borders_are_refused),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
