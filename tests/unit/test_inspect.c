/* SPDX-License-Identifier: Apache-2.0 */

/* What inspect selects, and how it reads: from chunks made by hand, sealed, unsealed and still growing. */

#include "tests/unit/chain_maker.h"
#include "cli/inspect_chunks.h"
#include "cli/inspect_print.h"

#include <sys/mman.h>

#define CHAIN "0123456789abcdef0123456789abcdef"
#define CONTAINER "aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899"

#define LINE                                                                     \
	"{\"cgroup_id\":1,\"comm\":\"x\",\"container_id\":\"docker://" CONTAINER \
	"\",\"event\":{\"access\":\"read\","                                     \
	"\"path\":\"/usr/lib/a.so\",\"requested\":\"./"                          \
	"a.so\",\"type\":\"file_open\"},\"image_digest\":\"sha256:" CONTAINER    \
	"\",\"pid\":7,\"src\":\"sys_exit_openat\",\"tid\":8,\"ts_ns\":5000000000}"

static bool matches(const char *what)
{
	struct record_view view;
	struct match match;

	assert_int_equal(match_parse(what, NULL, &match), 0);
	assert_true(record_view(STR(LINE), &view));
	return match_record(&match, &view, 0);
}

static void test_what(void **state)
{
	static const char *const yes[] = {
		"pid:7",
		"7",
		"pid:8",
		"/usr/lib/a.so",
		"/usr/lib",
		"/usr/lib/",
		"/",
		"/usr/*.so",
		"/usr/lib/?.so",
		"./[a].so",
		"aabbcc",
		"docker://aabbcc",
		"docker://" CONTAINER,
		"sha256:aabbcc",
		"sha256:" CONTAINER,
	};
	static const char *const no[] = {
		"pid:70", "/usr/li", "/usr/lib/a.s",	"/usr/lib/a.so.1",
		"/*.c",	  "aabbcd",  "podman://aabbcc", "sha256:aabbcd",
	};
	static const char *const never[] = {
		"",	  "abc",     "aabbc",	      "AABBCC",	 "pid:",       "pid:0",	       "pid:-1",
		"pid:7x", "chunk:0", "chunk:1000000", "usr/lib", "sha256:xyz", "lxc://aabbcc", "docker://",
	};
	struct match match;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (!matches(yes[i]))
			print_message("%s\n", yes[i]);
		assert_true(matches(yes[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(matches(no[i]));
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		struct diag diag = { 0 };

		if (match_parse(never[i], &diag, &match) == 0)
			print_message("%s\n", never[i]);
		assert_int_equal(match_parse(never[i], &diag, &match), -EINVAL);
		assert_int_equal(diag.code, EXIT_UNSOUND);
	}
}

/* What a person sees of a record; the row goes to stdout as in the program. */
static void printed(const char *event, const char *count, char *out, size_t size)
{
	_cleanup_(closep) int kept = dup(STDOUT_FILENO), file = memfd_create("row", MFD_CLOEXEC);
	struct found_record record = { .chunk = 1, .line = 1, .sealed = true };
	char line[2048];
	ssize_t len;

	snprintf(line, sizeof(line),
		 "{\"comm\":\"x\",%s\"event\":%s,\"pid\":7,\"src\":\"s\",\"ts_ns\":5001000000}", count, event);
	record.text = line;
	record.len = strlen(line);
	fflush(stdout);
	assert_true(kept >= 0 && file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
	record_print_row(&record);
	fflush(stdout);
	assert_true(dup2(kept, STDOUT_FILENO) >= 0);
	len = pread(file, out, size - 1, 0);
	assert_true(len > 0);
	out[len] = '\0';
}

static void test_rows(void **state)
{
	static const struct {
		const char *event, *count, *row; /* how the row ends */
	} rows[] = {
		{ "{\"exit_status\":3,\"ppid\":1,\"started_ns\":1000000000,\"type\":\"process_exit\"}", "",
		  "process_exit   exit status 3 after 4.001 s\n" },
		{ "{\"ppid\":1,\"signal\":9,\"type\":\"process_exit\"}", "",
		  "process_exit   killed by signal 9\n" },
		{ "{\"at_start\":true,\"dev\":\"8:1\",\"inode\":1,\"path\":\"/"
		  "l.so\",\"type\":\"library_load\"}",
		  "", "library_load   /l.so, already so at start\n" },
		{ "{\"addr\":\"::1\",\"family\":\"ipv6\",\"op\":\"connect\",\"port\":443,\"result\":"
		  "\"ECONNREFUSED\",\"type\":\"net_connect\"}",
		  "\"count\":3,", "net_connect    connect to ::1 port 443: ECONNREFUSED, 3 times so far\n" },
		{ "{\"family\":\"unix\",\"op\":\"accept\",\"result\":0,\"type\":\"net_connect\"}", "",
		  "net_connect    accept from unix socket without a name\n" },
		{ "{\"addr\":\"/run/\\u001b[1m\",\"family\":\"unix\",\"op\":\"connect\",\"result\":0,\"type\":"
		  "\"net_connect\"}",
		  "", "net_connect    connect to unix /run/?[1m\n" },
		{ "{\"family\":\"other\",\"family_number\":40,\"op\":\"connect\",\"result\":0,\"type\":\"net_"
		  "connect\"}",
		  "", "net_connect    connect to family 40\n" },
		{ "{\"bytes\":77,\"library\":\"/libssl.so.3\",\"op\":\"write\",\"type\":\"ssl_op\"}",
		  "\"count\":2,", "ssl_op         write 77 bytes through /libssl.so.3, 2 times so far\n" },
		{ "{\"library\":\"/libz.so\",\"purl\":\"pkg:deb/"
		  "z\",\"symbol\":\"inflate\",\"type\":\"function_call\"}",
		  "", "function_call  inflate in /libz.so of pkg:deb/z\n" },
		{ "{\"library\":\"/libz.so\",\"symbol\":\"inflate\",\"type\":\"function_call\"}", "",
		  "function_call  inflate in /libz.so\n" },
		{ "{\"at_start\":true,\"op\":\"create\",\"path\":\"/docker/1\",\"type\":\"cgroup\"}", "",
		  "cgroup         create /docker/1, already so at start\n" },
		{ "{\"path\":\"/later\",\"type\":\"of_a_later_version\"}", "", "of_a_later_version  /later\n" },
	};
	char out[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].row);

		printed(rows[i].event, rows[i].count, out, sizeof(out));
		if (strlen(out) < len || strcmp(out + strlen(out) - len, rows[i].row) != 0)
			fail_msg("not \"%s\" but: %s", rows[i].row, out);
	}
}

static void test_filters(void **state)
{
	struct match match = { .want = WANT_ALL };
	struct record_view view;

	(void)state;
	assert_true(record_view(STR(LINE), &view));
	assert_int_equal(match_type("file_open", NULL, &match), 0);
	assert_true(match_record(&match, &view, 0));
	assert_int_equal(match_type("tcp_state", NULL, &match), 0);
	assert_false(match_record(&match, &view, 0));
	for (int kind = 1; kind < WIRE_KIND_END; kind++)
		assert_int_equal(match_type(event_kind_name((enum wire_kind)kind), NULL, &match), 0);
	assert_int_equal(match_type("library_loads", NULL, &match), -EINVAL);
	assert_int_equal(match_type("", NULL, &match), -EINVAL);
	assert_int_equal(match_type("file_opens", NULL, &match), -EINVAL);
	match = (struct match) { .want = WANT_ALL };
	assert_int_equal(match_since("10s", 100 * MAKER_SECOND, NULL, &match), 0);
	assert_int_equal(match.since_wall_ns, 90 * MAKER_SECOND);
	assert_false(match_record(&match, &view, (int64_t)(84 * MAKER_SECOND)));
	assert_true(match_record(&match, &view, (int64_t)(85 * MAKER_SECOND)));
	assert_int_equal(match_since("1970-01-01T00:01:00Z", 0, NULL, &match), 0);
	assert_int_equal(match.since_wall_ns, 60 * MAKER_SECOND);
	assert_int_equal(match_since("1970-01-02", 0, NULL, &match), 0);
	assert_int_equal(match.since_wall_ns, 86400 * MAKER_SECOND);
	assert_int_equal(match_since("1970-02-30", 0, NULL, &match), -EINVAL);
	assert_int_equal(match_since("1970-01-2 ", 0, NULL, &match), -EINVAL);
	assert_int_equal(match_since("1970-1-2", 0, NULL, &match), -EINVAL);
	assert_int_equal(match_since("10", 100 * MAKER_SECOND, NULL, &match), -EINVAL);
	assert_int_equal(match_since("s", 100 * MAKER_SECOND, NULL, &match), -EINVAL);
	assert_int_equal(match_since("101s", 100 * MAKER_SECOND, NULL, &match), -EINVAL);
	assert_int_equal(match_since("99999999999999999999d", 100 * MAKER_SECOND, NULL, &match), -EINVAL);
	assert_int_equal(match_since("yesterday", 100 * MAKER_SECOND, NULL, &match), -EINVAL);
}

static void test_newest_first_then_in_order(void **state)
{
	(void)state;
	for (int zstd = 0; zstd <= 1; zstd++) {
		struct maker maker = maker_new(CHAIN);
		struct match match = { .want = WANT_ALL };
		struct found found;

		maker.zstd = zstd;
		maker_chunk(&maker, 5, NULL);
		maker_chunk(&maker, 5, NULL);
		assert_int_equal(found_init(&found, 7), 0);
		for (uint64_t sequence = 2; sequence > 0; sequence--) {
			struct chunk_view view = chunk_look(maker.dir, sequence);

			assert_true(view.sealed);
			assert_int_equal(view.wall_minus_boot_ns, MAKER_WALL);
			assert_int_equal(chunk_find(maker.dir, sequence, &view, &match, NULL, &found), 0);
		}
		assert_int_equal(found.listed, 7);
		assert_true(found.full);
		for (size_t i = 0; i < 7; i++) {
			assert_int_equal(found_at(&found, i)->chunk, i < 2 ? 1 : 2);
			assert_int_equal(found_at(&found, i)->line, i < 2 ? i + 4 : i - 1);
		}
		found_done(&found);
		maker_remove(&maker);
	}
}

static void test_open_and_hostile(void **state)
{
	struct maker maker = maker_new(CHAIN);
	struct match match = { .want = WANT_ALL };
	struct chunk_view view;
	struct found found;
	uint64_t newest = 9;

	(void)state;
	assert_int_equal(chunk_newest(maker.dir, &newest), 0);
	assert_int_equal(newest, 0);
	maker_put(&maker, "chunk-000001.ndjson.open", STR(LINE "\nrubbish\n" LINE "\n{\"half\":"));
	assert_int_equal(symlinkat("chunk-000001.ndjson.open", maker.dir, "chunk-000002.ndjson.open"), 0);
	assert_int_equal(chunk_look(maker.dir, 2).file, CHUNK_FOREIGN);
	view = chunk_look(maker.dir, 1);
	assert_int_equal(view.file, CHUNK_OPEN);
	assert_false(view.sealed);
	assert_int_equal(found_init(&found, 10), 0);
	assert_int_equal(chunk_find(maker.dir, 1, &view, &match, NULL, &found), 0);
	assert_int_equal(found.listed, 2);
	assert_int_equal(found.lines, 3);
	assert_int_equal(found.unreadable, 1);
	assert_false(found.full);
	assert_int_equal(found_at(&found, 1)->line, 3);
	found_done(&found);
	/* A chunk under its final name without a seal is not sealed. */
	maker_put(&maker, "chunk-000003.ndjson", STR(LINE "\n"));
	assert_false(chunk_look(maker.dir, 3).sealed);
	maker_remove(&maker);
}

struct seen {
	uint64_t lines, last;
	size_t bytes;
};

static void count_line(void *user, uint64_t line, struct str text)
{
	struct seen *seen = user;

	seen->lines++;
	seen->last = line;
	seen->bytes += text.len;
}

static void test_growing(void **state)
{
	struct maker maker = maker_new(CHAIN);
	int writer = openat(maker.dir, "grow", O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	int reader = openat(maker.dir, "grow", O_RDONLY | O_CLOEXEC);
	char *huge = malloc(RECORD_LINE_MAX + 1);
	struct line_tail tail;
	struct seen seen = { 0 };

	(void)state;
	assert_non_null(huge);
	memset(huge, 'x', RECORD_LINE_MAX + 1);
	line_tail_init(&tail, &reader);
	assert_int_equal(reader, -1);
	assert_int_equal(file_write_all(writer, "one\ntw", 6, NULL), 0);
	assert_int_equal(line_tail_read(&tail, NULL, count_line, &seen), 0);
	assert_int_equal(seen.lines, 1);
	assert_int_equal(file_write_all(writer, "o\n\nthree", 8, NULL), 0);
	assert_int_equal(line_tail_read(&tail, NULL, count_line, &seen), 0);
	assert_int_equal(seen.lines, 3);
	assert_int_equal(seen.bytes, 6);
	/* A line that no record can be is counted, not taken, and does not disturb the next. */
	assert_int_equal(file_write_all(writer, huge, RECORD_LINE_MAX + 1, NULL), 0);
	assert_int_equal(file_write_all(writer, "\nlast\n", 6, NULL), 0);
	assert_int_equal(line_tail_read(&tail, NULL, count_line, &seen), 0);
	assert_int_equal(seen.lines, 4);
	assert_int_equal(seen.last, 5);
	assert_int_equal(seen.bytes, 10);
	line_tail_done(&tail);
	close(writer);
	free(huge);
	maker_remove(&maker);
}

static void test_damaged_compressed(void **state)
{
	struct maker maker = maker_new(CHAIN);
	struct diag diag = { 0 };
	struct seen seen = { 0 };
	int fd;

	(void)state;
	maker_put(&maker, "x", STR("no zstd at all, but long enough to be looked at"));
	fd = openat(maker.dir, "x", O_RDONLY | O_CLOEXEC);
	assert_int_equal(lines_read_zstd(fd, "x", &diag, count_line, &seen), -EBADMSG);
	assert_int_equal(diag.code, EXIT_UNSOUND);
	assert_int_equal(seen.lines, 0);
	close(fd);
	maker_remove(&maker);
}

/* Cut anywhere: what came out is taken, and it is not passed off as the whole. */
static void test_cut_compressed(void **state)
{
	struct maker maker = maker_new(CHAIN);
	struct seen whole = { 0 };
	off_t size;
	int fd;

	(void)state;
	maker.zstd = true;
	maker_chunk(&maker, 3000, NULL);
	fd = openat(maker.dir, "chunk-000001.ndjson.zst", O_RDWR | O_CLOEXEC);
	assert_int_equal(lines_read_zstd(fd, "x", NULL, count_line, &whole), 0);
	assert_int_equal(whole.lines, 3000);
	size = lseek(fd, 0, SEEK_END);
	for (int part = 0; part < 10; part++) {
		struct diag diag = { 0 };
		struct seen seen = { 0 };

		assert_int_equal(ftruncate(fd, part == 0 ? size - 1 : size * (10 - part) / 10), 0);
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_int_equal(lines_read_zstd(fd, "x", &diag, count_line, &seen), -EBADMSG);
		assert_int_equal(diag.code, EXIT_UNSOUND);
		assert_true(seen.lines <= 3000);
	}
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lines_read_zstd(fd, "x", NULL, count_line, &whole), -EBADMSG);
	close(fd);
	maker_remove(&maker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_newest_first_then_in_order),
		cmocka_unit_test(test_open_and_hostile),
		cmocka_unit_test(test_growing),
		cmocka_unit_test(test_damaged_compressed),
		cmocka_unit_test(test_cut_compressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
