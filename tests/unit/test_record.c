/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events become lines: byte for byte those of tests/golden/record-v1.ndjson, each of them canonical and of the
 * schema. STELLA_GOLDEN=write rewrites the file; what changed must then stand in the commit.
 */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/text.h"
#include "format/address.h"
#include "format/record.h"
#include "format/record_check.h"

#define GOLDEN "tests/golden/record-v1.ndjson"
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define EVENT(KIND, SOURCE, ...)                                                                          \
	{                                                                                                 \
		.kind = WIRE_KIND_##KIND, .source = WIRE_SOURCE_##SOURCE, .boot_ns = 1234567890123456789, \
		.pid = 4242, .tid = 4243, .cgroup_id = 7, .comm = STR("nginx"), __VA_ARGS__               \
	}
#define OPEN(...)                                   \
	EVENT(FILE_OPEN, SYS_EXIT_OPENAT,           \
	      .open = { .path = STR("/etc/passwd"), \
			.inode = 131,               \
			.dev_major = 8,             \
			.dev_minor = 1,             \
			##__VA_ARGS__ })
#define ARGV(array) .argv = (array), .argc = ARRAY_LEN(array), .argv_known = true
#define EXEC(...)                                        \
	EVENT(PROCESS_EXEC, SCHED_PROCESS_EXEC,          \
	      .exec = { .filename = STR("/usr/bin/env"), \
			.ppid = 1,                       \
			.inode = 99,                     \
			.dev_major = 259,                \
			##__VA_ARGS__ })
#define TCP4(...)                                    \
	EVENT(TCP_STATE, INET_SOCK_SET_STATE,        \
	      .tcp = { .family = 4,                  \
		       .saddr = { 127, 0, 0, 1 },    \
		       .daddr = { 10, 200, 3, 255 }, \
		       .sport = 65535,               \
		       .dport = 80,                  \
		       .old_state = 1,               \
		       .new_state = 2,               \
		       ##__VA_ARGS__ })
#define TCP6(old, new, ...)                   \
	EVENT(TCP_STATE, INET_SOCK_SET_STATE, \
	      .tcp = { .family = 6,           \
		       .sport = 0,            \
		       .dport = 443,          \
		       .old_state = old,      \
		       .new_state = new,      \
		       .saddr = { [15] = 1 }, \
		       .daddr = { __VA_ARGS__ } })

#define EXIT(...) EVENT(PROCESS_EXIT, SCHED_PROCESS_EXIT, .exit = { .ppid = 1, ##__VA_ARGS__ })
#define LIBRARY(...)                                     \
	EVENT(LIBRARY_LOAD, SYS_EXIT_MMAP,               \
	      .library = { .path = STR("/usr/lib/l.so"), \
			   .inode = 131,                 \
			   .dev_major = 8,               \
			   .dev_minor = 1,               \
			   ##__VA_ARGS__ })
#define CONNECT(af, ...) EVENT(NET_CONNECT, SYS_EXIT_CONNECT, .connect = { .family = af, ##__VA_ARGS__ })
#define SSL(...) \
	EVENT(SSL_OP, UPROBE_SSL_READ, .ssl = { .library = STR("/usr/lib/libssl.so.3"), ##__VA_ARGS__ })
#define FUNCTION(...)                               \
	EVENT(FUNCTION_CALL, UPROBE_FUNCTION_ENTRY, \
	      .function = { .symbol = STR("inflate"), .library = STR("/usr/lib/libz.so.1"), ##__VA_ARGS__ })
#define CGROUP(...) EVENT(CGROUP, CGROUP_MKDIR, .cgroup = { .op = EVENT_CGROUP_CREATE, ##__VA_ARGS__ })
#define FOLDED .count = 3, .last_boot_ns = UINT64_MAX

/* The macros set defaults that single samples override. */
#pragma GCC diagnostic ignored "-Woverride-init"

static const struct str one_argv[] = { STR("env") };
static const struct str four_argv[] = { STR("env"), STR(""), STR("a b"), STR("\"\n") };
static const struct str empty_argv[] = { STR("") };
static const struct str bad_argv[] = { STR("a"), STR("\x80"), STR("") };
static const struct str split_argv[] = { STR("x\xc3"), STR("\xa9y") };
static const struct str shell_argv[] = { STR("sh") };

static const struct event events[] = {
	OPEN(),
	OPEN(.access = ACCESS_WRITE, .flags = 0x241, .mode = 0644),
	OPEN(.access = ACCESS_READ_WRITE, .flags = UINT32_MAX, .mode = UINT32_MAX, .inode = UINT64_MAX),
	OPEN(.requested = STR("../etc/passwd")),
	OPEN(.requested = STR("")),
	OPEN(.deleted = true),
	OPEN(.path_truncated = true, .path_bytes = 4321),
	OPEN(.path_truncated = true),
	OPEN(.path_only = true, .path_truncated = true),
	OPEN(.unreachable = true),
	OPEN(.deleted = true, .path_truncated = true, .unreachable = true, .requested = STR("x")),
	OPEN(.path = STR("/")),
	OPEN(.path = STR("/a b/\"quoted\"/back\\slash")),
	OPEN(.path = STR("/\b\t\n\f\r\x01\x1f\x7f")),
	OPEN(.path = STR("/\0nul")),
	OPEN(.path = STR("/caf\xc3\xa9/\xe6\x97\xa5\xe6\x9c\xac/\xf0\x9f\x98\x80")),
	OPEN(.path = STR("/latin1/caf\xe9")),
	OPEN(.path = STR("/\xff\xfe\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe6\x97")),
	OPEN(.path = STR("/\xef\xbf\xbd is not bad by itself")),
	OPEN(.path = STR("/seven\xff"), .requested = STR("seven\xff\xfe\xfd\"")),
	OPEN(.path = STR("/\xe2\x80\xa8\xe2\x80\xa9</script>")),
	OPEN(.dev_major = 4095, .dev_minor = 1048575),
	OPEN(.inode = 0, .dev_major = 0, .dev_minor = 0),
	EXEC(ARGV(one_argv)),
	EXEC(ARGV(four_argv)),
	EXEC(.argv_known = true),
	EXEC(ARGV(empty_argv), .argv_truncated = true, .argv_bytes = 20000),
	EXEC(.argv_bytes = 77),
	EXEC(.ppid = 0),
	EXEC(ARGV(bad_argv)),
	EXEC(ARGV(split_argv), .argv_truncated = true, .argv_bytes = UINT32_MAX),
	EXEC(ARGV(shell_argv), .interpreter = STR("/bin/dash"), .requested = STR("./run.sh")),
	EXEC(ARGV(shell_argv), .filename = STR("/r\xff"), .interpreter = STR("/i\xff"),
	     .requested = STR("r\xff")),
	EXEC(ARGV(shell_argv), .deleted = true, .path_truncated = true, .unreachable = true),
	TCP4(),
	TCP4(.old_state = 7, .new_state = 10, .saddr = { 0 }, .daddr = { 255, 255, 255, 255 }),
	TCP6(2, 1, 0),
	TCP6(3, 4, [15] = 1),
	TCP6(5, 6, 0x20, 0x01, 0x0d, 0xb8, [15] = 1),
	TCP6(8, 9, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1),
	TCP6(11, 12, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1),
	TCP6(13, 1, 0x20, 0x01, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1),
	TCP6(1, 7, [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 128),
	TCP6(1, 7, 0xfe, 0x80, [8] = 0x0a, 0xbc, 0xde, 0xff, 0xfe, 0, 0, 0x0f),
	TCP6(1, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	     0xff),
	TCP6(1, 7, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6),
	EVENT(FILE_OPEN, SYS_EXIT_CREAT, .open.path = STR("/c"), .container_id = STR("docker://" HEX64),
	      .image_digest = STR("sha256:" HEX64)),
	EVENT(FILE_OPEN, SYS_EXIT_OPEN, .open.path = STR("/c"), .container_id = STR("containerd://" HEX64)),
	EVENT(FILE_OPEN, SYS_EXIT_OPENAT2, .open.path = STR("/c"), .cgroup_id = 0),
	EVENT(FILE_OPEN, SYS_EXIT_OPEN_BY_HANDLE_AT, .open.path = STR("/c"), .cgroup_id = UINT64_MAX),
	EVENT(FILE_OPEN, SYS_EXIT_OPEN, .open.path = STR("/c"), .comm = STR("")),
	EVENT(FILE_OPEN, SYS_EXIT_OPEN, .open.path = STR("/c"), .comm = STR("sixteen\\bytes\"\x01")),
	EVENT(FILE_OPEN, SYS_EXIT_OPEN, .open.path = STR("/c"),
	      .comm = STR("\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\x80\x81\x82\x83\x84\x85\x86\x87")),
	EVENT(FILE_OPEN, SYS_EXIT_OPEN, .open.path = STR("/c"), .comm = STR("cut in \xe6\x97")),
	EVENT(FILE_OPEN, SYS_EXIT_OPEN, .open.path = STR("/c"), .boot_ns = 0, .pid = 1, .tid = 1),
	EVENT(FILE_OPEN, SYS_EXIT_OPEN, .open.path = STR("/c"), .boot_ns = UINT64_MAX, .pid = UINT32_MAX,
	      .tid = UINT32_MAX),
	EVENT(FILE_OPEN, SYS_EXIT_OPEN, .open.path = STR("/c"), .boot_ns = 9007199254740993),
	EVENT(FILE_OPEN, DO_FILP_OPEN, .open.path = STR("/c"), .count = 1, .last_boot_ns = 5),
	EVENT(FILE_OPEN, DO_FILP_OPEN, .open.path = STR("/c"), FOLDED),
	EVENT(FILE_OPEN, DO_FILP_OPEN, .open.path = STR("/c"), .ns_pid = 1),
	EVENT(FILE_OPEN, DO_FILP_OPEN, .open.path = STR("/c"), .ns_pid = UINT32_MAX, FOLDED),
	EVENT(FILE_OPEN, DO_FILE_OPEN_ROOT, .open.path = STR("/c"), .count = UINT64_MAX,
	      .last_boot_ns = 1234567890123456789, .container_id = STR("docker://" HEX64),
	      .image_digest = STR("sha256:" HEX64)),
	EVENT(PROCESS_EXEC, ITER_TASK, .exec = { .filename = STR("/sbin/init"), ARGV(one_argv) },
	      .at_start = true),
	EVENT(PROCESS_EXEC, ITER_TASK, .exec = { .filename = STR("/sbin/init"), .deleted = true },
	      .at_start = true),
	EVENT(TCP_STATE, ITER_TASK_FILE, .tcp = { .family = 4, .sport = 22, .old_state = 10, .new_state = 10 },
	      .at_start = true),
	EXIT(.started_boot_ns = 1000),
	EXIT(.exit_status = 255, .ppid = 0),
	EXIT(.signal = 9, .started_boot_ns = UINT64_MAX, .ppid = UINT32_MAX),
	LIBRARY(),
	LIBRARY(.build_id = STR("\x00\xff\x1a"), .deleted = true),
	LIBRARY(.build_id = STR(
			"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67")),
	LIBRARY(.path = STR("/l\xff"), .path_truncated = true, .path_bytes = 5000, .unreachable = true),
	EVENT(LIBRARY_LOAD, ITER_TASK_VMA, .library = { .path = STR("/l") }, .at_start = true, FOLDED),
	CONNECT(EVENT_AF_INET, .addr = { 10, 0, 0, 1 }, .port = 443, .socket_type = 1, .result = -111),
	CONNECT(EVENT_AF_INET, .accept = true, .socket_type = 2),
	CONNECT(EVENT_AF_INET6, .addr = { [15] = 1 }, .port = 65535, .result = -115, .socket_type = 5),
	CONNECT(EVENT_AF_UNIX, .path = STR("/run/x.sock"), .socket_type = 10),
	CONNECT(EVENT_AF_UNIX, .path = STR("rel\xff")),
	CONNECT(EVENT_AF_UNIX, .path = STR("@a\0b"), .abstract = true, .result = -4095),
	CONNECT(EVENT_AF_UNIX, .result = -512),
	CONNECT(0, .result = -97),
	CONNECT(40, .accept = true, .socket_type = 1),
	EVENT(NET_CONNECT, UPROBE_CONNECT, .connect = { .family = EVENT_AF_UNIX }, FOLDED),
	SSL(.bytes = UINT64_MAX, .write = true),
	EVENT(SSL_OP, UPROBE_SSL_WRITE_EX, .ssl = { .library = STR("/l\xff"), .bytes = 0 }, FOLDED),
	FUNCTION(),
	FUNCTION(.build_id = STR("\xab"), .purl = STR("pkg:deb/debian/zlib1g@1.2"), .offset = UINT64_MAX),
	FUNCTION(.n_callers = 1, .callers = { { .inode = 5, .offset = 1, .dev_minor = 38 } }),
	FUNCTION(.build_id = STR("\x01\x02"), .n_callers = 2, .offset = 16,
		 .callers = { { .inode = UINT64_MAX,
				.offset = UINT64_MAX,
				.dev_major = UINT32_MAX,
				.dev_minor = UINT32_MAX,
				.library = STR("/a \"b\""),
				.symbol = STR("main"),
				.build_id = STR("\xff\xee") },
			      { .inode = 1,
				.offset = 2,
				.dev_major = 8,
				.dev_minor = 1,
				.library = STR("/l\xff"),
				.symbol = STR("s\xfe") } }),
	FUNCTION(.symbol = STR("s\xff"), .library = STR("/l\xff"), .purl = STR("pkg:\xff")),
	CGROUP(.path = STR("/")),
	CGROUP(.path = STR("/docker/" HEX64), .op = EVENT_CGROUP_ATTACH, .parent_id = 3),
	CGROUP(.path = STR("/a\xff\n"), .op = EVENT_CGROUP_REMOVE, .path_truncated = true),
	EVENT(CGROUP, CGROUP_WALK, .cgroup = { .op = EVENT_CGROUP_CREATE, .path = STR("/a") },
	      .at_start = true),
	OPEN(.layer = LAYER_LOWER),
	OPEN(.layer = LAYER_UPPER, .access = ACCESS_WRITE),
	EXEC(ARGV(one_argv), .layer = LAYER_UPPER),
	EXEC(ARGV(shell_argv), .interpreter = STR("/bin/dash"), .layer = LAYER_LOWER),
	LIBRARY(.layer = LAYER_LOWER),
	LIBRARY(.layer = LAYER_UPPER, .deleted = true),
};

static void lines_are_the_golden_ones(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(16u << 20), golden = BUF_MAX(1u << 20);
	const char *mode = getenv("STELLA_GOLDEN");
	struct diag diag = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		assert_int_equal(record_append(&out, &events[i]), 0);
	if (mode && strcmp(mode, "write") == 0)
		assert_int_equal(file_publish_at(AT_FDCWD, GOLDEN, 0644, out.data, out.len, false, &diag), 0);
	assert_int_equal(file_read_at(AT_FDCWD, GOLDEN, &golden, &diag), 0);
	if (!str_equal(buf_str(&out), buf_str(&golden)))
		fail_msg("the lines are not those of %s; they are:\n%s", GOLDEN, buf_cstr(&out));
}

static void check_line(struct str line, const struct event *event)
{
	struct canon_member members[RECORD_MEMBERS_MAX];
	enum wire_kind kind;
	const char *why;
	size_t count, offset;
	uint64_t ts_ns;

	assert_int_equal(line.data[line.len - 1], '\n');
	line.len--;
	if (canon_scan_object(line, members, ARRAY_LEN(members), &count, &offset) != CANON_OK)
		fail_msg("not canonical at %zu: %.*s", offset, (int)line.len, line.data);
	if (record_check(members, count, &kind, &ts_ns, &why) != RECORD_OK)
		fail_msg("%s: %.*s", why, (int)line.len, line.data);
	assert_int_equal(kind, event->kind);
	assert_true(ts_ns == event->boot_ns);
}

static void each_line_is_canonical_and_of_the_schema(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		_cleanup_(buf_done) struct buf out = BUF_MAX(1u << 20);

		assert_int_equal(record_append(&out, &events[i]), 0);
		check_line(buf_str(&out), &events[i]);
	}
}

/* The worst that the border lets through: still within the promised length, and what was there before is kept. */
static void the_longest_record_fits(void **state)
{
	static char bad[2 * WIRE_PATH_MAX + 256], controls[2 * WIRE_PATH_MAX + 256];
	static struct str argv[EVENT_ARGV_MAX];
	_cleanup_(buf_done) struct buf out = BUF_MAX(RECORD_LINE_MAX), small = BUF_MAX(RECORD_LINE_MAX / 64);
	struct event event = EXEC(.argv = argv, .argc = ARRAY_LEN(argv), .argv_known = true,
				  .argv_truncated = true, .argv_bytes = UINT32_MAX);

	(void)state;
	memset(bad, 0xff, sizeof(bad));
	memset(controls, 1, sizeof(controls));
	bad[0] = controls[0] = '/';
	for (size_t i = 0; i < ARRAY_LEN(argv); i++)
		argv[i] = (struct str) { "\xff", 0 }; /* known, empty */
	event.exec.filename = (struct str) { controls, sizeof(controls) };
	event.exec.requested = (struct str) { controls, WIRE_PATH_MAX };
	event.exec.interpreter = (struct str) { bad, WIRE_PATH_MAX + 256 };
	assert_int_equal(record_append(&out, &event), 0);
	check_line(buf_str(&out), &event);
	out.len = 0;
	argv[0] = (struct str) { bad, sizeof(bad) };
	argv[1] = (struct str) { controls, sizeof(controls) };
	event.exec.argc = WIRE_ARGV_MAX - 2 * sizeof(bad);
	assert_int_equal(record_append(&out, &event), 0);
	check_line(buf_str(&out), &event);

	/* One byte an argument costs most: six for its escape, and quotes, comma and base64 for it alone. */
	out.len = 0;
	for (size_t i = 0; i < ARRAY_LEN(argv) / 2; i++)
		argv[i] = (struct str) { i ? "\x01" : "\xff", 1 };
	event.exec.argc = ARRAY_LEN(argv) / 2;
	event.container_id = STR("containerd://" HEX64);
	event.image_digest = STR("sha256:" HEX64);
	event.comm = (struct str) { bad, WIRE_COMM };
	assert_int_equal(record_append(&out, &event), 0);
	check_line(buf_str(&out), &event);

	assert_int_equal(buf_append(&small, "before", 6), 0);
	assert_int_equal(record_append(&small, &event), -E2BIG);
	assert_int_equal(small.len, 6);
}

/* Random bytes in every text: canonical whatever they are, and the exact bytes come back. */
static void hostile_bytes_come_back_exactly(void **state)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(1u << 20), back = BUF_MAX(1u << 20);
	uint64_t random = 88172645463325252u;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct canon_member members[32], inner[32];
		const struct canon_value *exact, *path;
		char bytes[40] = "/";
		struct event event = OPEN();
		size_t count, offset, len;

		for (len = 1; len < 2 + (size_t)round % 38; len++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			bytes[len] = (char)(random >> (round % 3 ? 32 : 57));
		}
		event.open.path = (struct str) { bytes, len };
		out.len = back.len = 0;
		assert_int_equal(record_append(&out, &event), 0);
		check_line(buf_str(&out), &event);
		canon_scan_object((struct str) { out.data, out.len - 1 }, members, 32, &count, &offset);
		count = canon_members(canon_find(members, count, STR("event"))->raw, inner, 32);
		exact = canon_find(inner, count, STR("path_b64"));
		path = canon_find(inner, count, STR("path"));
		assert_int_equal(exact == NULL, text_is_utf8(event.open.path));
		if (exact)
			assert_int_equal(text_unbase64_append(&back, (struct str) { exact->raw.data + 1,
										    exact->raw.len - 2 }),
					 0);
		else
			assert_int_equal(canon_value_string(path, &back), 0);
		assert_true(str_equal(buf_str(&back), event.open.path));
	}
}

static void addresses_follow_rfc5952(void **state)
{
	static const struct {
		uint8_t bytes[16];
		const char *text;
	} samples[] = {
		{ { 0 }, "::" },
		{ { [15] = 1 }, "::1" },
		{ { [0] = 1 }, "100::" },
		{ { 0x20, 1, 0xd, 0xb8, [15] = 1 }, "2001:db8::1" },
		{ { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1 }, "2001:db8:0:1:1:1:1:1" },
		{ { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1 }, "2001:db8::1:0:0:1" },
		{ { 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 0, 0, 0 }, "1:2:3:4:5:6::" },
		{ { 0, 0, 0, 0, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8 }, "::3:4:5:6:7:8" },
		{ { [10] = 0xff, [11] = 0xff, 127, 0, 0, 1 }, "::ffff:127.0.0.1" },
		{ { [9] = 1, [10] = 0xff, [11] = 0xff, 127, 0, 0, 1 }, "::1:ffff:7f00:1" },
		{ { [12] = 127, [15] = 1 }, "::7f00:1" },
	};
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		char *end = address_put_ipv6(text, samples[i].bytes);

		if (!str_equal((struct str) { text, (size_t)(end - text) }, str_of(samples[i].text)))
			fail_msg("%.*s is not %s", (int)(end - text), text, samples[i].text);
	}
}

/* The kernel's numbers on every machine; glibc's names for them must agree where it has the same numbers. */
static void errno_names_are_the_kernels(void **state)
{
	unsigned int known = 0;

	(void)state;
	assert_null(event_errno_name(0));
	assert_null(event_errno_name(41));
	assert_null(event_errno_name(134));
	assert_null(event_errno_name(EVENT_ERRNO_MAX));
	assert_null(event_errno_name(UINT32_MAX));
	assert_string_equal(event_errno_name(11), "EAGAIN");
	assert_string_equal(event_errno_name(111), "ECONNREFUSED");
	assert_string_equal(event_errno_name(512), "ERESTARTSYS");
#if defined(__x86_64__) || defined(__aarch64__)
	for (int number = 1; number < 512; number++) {
		const char *libc = strerrorname_np(number), *ours = event_errno_name((uint32_t)number);

		assert_int_equal(libc == NULL, ours == NULL);
		if (ours)
			assert_string_equal(ours, libc);
		known += ours != NULL;
	}
	assert_int_equal(known, 131);
#endif
}

static void numbers_without_a_name_have_none(void **state)
{
	enum wire_kind kind;

	(void)state;
	assert_null(event_kind_name((enum wire_kind)0));
	assert_null(event_kind_name(WIRE_KIND_END));
	assert_null(event_source_name((enum wire_source)0));
	assert_null(event_source_name(WIRE_SOURCE_END));
	assert_null(event_tcp_state_name(0));
	assert_null(event_tcp_state_name(14));
	assert_null(event_tcp_state_name(255));
	assert_string_equal(event_tcp_state_name(13), "BOUND_INACTIVE");
	assert_null(event_socket_type_name(0));
	assert_null(event_socket_type_name(7));
	assert_null(event_socket_type_name(11));
	assert_string_equal(event_socket_type_name(10), "packet");
	assert_int_equal(event_kind_find(STR("file_opens"), &kind), -ENOENT);
	assert_int_equal(event_kind_find(STR(""), &kind), -ENOENT);
	assert_int_equal(event_kind_find(STR("tcp_state"), &kind), 0);
	assert_int_equal(kind, WIRE_KIND_TCP_STATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_the_golden_ones),
		cmocka_unit_test(each_line_is_canonical_and_of_the_schema),
		cmocka_unit_test(the_longest_record_fits),
		cmocka_unit_test(hostile_bytes_come_back_exactly),
		cmocka_unit_test(addresses_follow_rfc5952),
		cmocka_unit_test(errno_names_are_the_kernels),
		cmocka_unit_test(numbers_without_a_name_have_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
