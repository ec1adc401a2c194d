// SPDX-License-Identifier: Apache-2.0
/* The decoder: what the kernel half writes becomes the event it means; everything else is malformed, whole. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "probe/decode.h"

static struct decode_scratch scratch;
static struct event event;

static const struct wire_head head_of_cat = {
	.boot_ns = 7, .cgroup_id = 9, .pid = 11, .tid = 12, .comm = "cat"
};

/* A record from its fixed part and tails; the size is set here. */
static struct str record_of(struct buf *out, const void *fixed, size_t fixed_len, const struct str *tails,
			    size_t n)
{
	uint32_t size;

	buf_clear(out);
	assert_int_equal(buf_append(out, fixed, fixed_len), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_append_str(out, tails[i]), 0);
	size = (uint32_t)out->len;
	memcpy(out->data + offsetof(struct wire_head, size), &size, sizeof(size));
	return buf_str(out);
}

static enum decode_result decode_open(struct wire_file_open fixed, struct str path, struct str requested)
{
	static struct buf out = BUF_MAX(WIRE_RECORD_MAX);
	struct str tails[] = { path, requested }, record;
	uint16_t flags = fixed.head.flags;

	fixed.head = head_of_cat;
	fixed.head.flags = flags;
	fixed.head.kind = WIRE_KIND_FILE_OPEN;
	fixed.head.source = WIRE_SOURCE_SYS_EXIT_OPENAT;
	fixed.path_len = (uint16_t)path.len;
	fixed.requested_len = (uint16_t)requested.len;
	record = record_of(&out, &fixed, sizeof(fixed), tails, 2);
	return decode_record(record.data, record.len, &scratch, &event);
}

static enum decode_result decode_exec(struct wire_process_exec fixed, struct str path, struct str name,
				      struct str cwd, struct str argv)
{
	static struct buf out = BUF_MAX(WIRE_RECORD_MAX);
	struct str tails[] = { path, name, cwd, argv }, record;
	uint16_t flags = fixed.head.flags;

	fixed.head = head_of_cat;
	fixed.head.flags = flags;
	fixed.head.kind = WIRE_KIND_PROCESS_EXEC;
	fixed.head.source = WIRE_SOURCE_SCHED_PROCESS_EXEC;
	fixed.path_len = (uint16_t)path.len;
	fixed.filename_len = (uint16_t)name.len;
	fixed.cwd_len = (uint16_t)cwd.len;
	fixed.argv_len = (uint32_t)argv.len;
	if (fixed.argv_bytes == 0)
		fixed.argv_bytes = (uint32_t)argv.len;
	record = record_of(&out, &fixed, sizeof(fixed), tails, 4);
	return decode_record(record.data, record.len, &scratch, &event);
}

static void assert_str(struct str got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.data, want, got.len);
}

#define NONE ((struct str) { "", 0 })

static void test_open(void **state)
{
	struct wire_file_open fixed = { .inode = 1ull << 60,
					.dev = 254 << 20 | 3,
					.flags = 02102,
					.mode = 0644,
					.granted = WIRE_GRANTED_READ | WIRE_GRANTED_WRITE };

	(void)state;
	assert_int_equal(decode_open(fixed, STR("passwd\0etc\0"), STR("../etc/passwd")), DECODE_OK);
	assert_int_equal(event.kind, WIRE_KIND_FILE_OPEN);
	assert_int_equal(event.boot_ns, 7);
	assert_int_equal(event.cgroup_id, 9);
	assert_int_equal(event.pid, 11);
	assert_int_equal(event.tid, 12);
	assert_str(event.comm, "cat");
	assert_str(event.open.path, "/etc/passwd");
	assert_str(event.open.requested, "../etc/passwd");
	assert_int_equal(event.open.inode, 1ull << 60);
	assert_int_equal(event.open.dev_major, 254);
	assert_int_equal(event.open.dev_minor, 3);
	assert_int_equal(event.open.access, ACCESS_READ_WRITE);
	assert_int_equal(event.open.mode, 0644);
	assert_false(event.open.path_truncated || event.open.unreachable || event.open.deleted);
}

static void test_open_same_name_is_not_repeated(void **state)
{
	struct wire_file_open fixed = { 0 };

	(void)state;
	assert_int_equal(decode_open(fixed, STR("passwd\0etc\0"), STR("/etc/passwd")), DECODE_OK);
	assert_null(event.open.requested.data);
	assert_int_equal(decode_open(fixed, NONE, STR("/")), DECODE_OK);
	assert_str(event.open.path, "/");
	assert_null(event.open.requested.data);
}

static void test_open_marks(void **state)
{
	struct wire_file_open fixed = { .head.flags = WIRE_FLAG_PATH_CUT | WIRE_FLAG_DELETED |
						      WIRE_FLAG_UNREACHABLE | WIRE_FLAG_NO_NAME,
					.path_bytes = 5000 };

	(void)state;
	assert_int_equal(decode_open(fixed, STR("b\0a\0"), NONE), DECODE_OK);
	assert_true(event.open.path_truncated);
	assert_int_equal(event.open.path_bytes, 5000);
	assert_true(event.open.unreachable);
	assert_true(event.open.deleted);
	assert_null(event.open.requested.data);
	assert_int_equal(decode_open(fixed, STR("memfd:a/b\0"), NONE), DECODE_OK);
	assert_str(event.open.path, "/memfd:a/b");
}

/* What the kernel granted counts, whatever the flags say. */
static void test_open_access(void **state)
{
	static const struct {
		uint32_t granted;
		enum event_access access;
		bool path_only;
	} rows[] = {
		{ 0x1801d, ACCESS_READ, false },
		{ 0x1801e, ACCESS_WRITE, false },
		{ 0x1801f, ACCESS_READ_WRITE, false },
		{ 0x4000, ACCESS_READ, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wire_file_open fixed = { .flags = 1, .granted = rows[i].granted };

		assert_int_equal(decode_open(fixed, STR("x\0"), NONE), DECODE_OK);
		assert_int_equal(event.open.access, rows[i].access);
		assert_int_equal(event.open.path_only, rows[i].path_only);
	}
}

static void test_open_longest_path(void **state)
{
	static char components[WIRE_PATH_MAX];
	struct wire_file_open fixed = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(components); i += 2) {
		components[i] = 'x';
		components[i + 1] = '\0';
	}
	assert_int_equal(decode_open(fixed, (struct str) { components, sizeof(components) }, NONE), DECODE_OK);
	assert_int_equal(event.open.path.len, WIRE_PATH_MAX);
}

static void test_open_bad_paths(void **state)
{
	struct wire_file_open fixed = { 0 };

	(void)state;
	assert_int_equal(decode_open(fixed, STR("passwd\0etc"), NONE), DECODE_MALFORMED);
	assert_int_equal(decode_open(fixed, STR("\0etc\0"), NONE), DECODE_MALFORMED);
	assert_int_equal(decode_open(fixed, STR("a\0\0b\0"), NONE), DECODE_MALFORMED);
	assert_int_equal(decode_open(fixed, STR("\0"), NONE), DECODE_MALFORMED);
}

static void test_exec(void **state)
{
	struct wire_process_exec fixed = { .inode = 5, .dev = 8 << 20 | 1, .ppid = 3 };

	(void)state;
	assert_int_equal(
		decode_exec(fixed, STR("dash\0bin\0usr\0"), STR("/bin/sh"), NONE, STR("sh\0-c\0\0a b\0")),
		DECODE_OK);
	assert_str(event.exec.filename, "/usr/bin/dash");
	assert_str(event.exec.requested, "/bin/sh");
	assert_null(event.exec.interpreter.data);
	assert_true(event.exec.argv_known);
	assert_false(event.exec.argv_truncated);
	assert_int_equal(event.exec.argc, 4);
	assert_str(event.exec.argv[0], "sh");
	assert_str(event.exec.argv[1], "-c");
	assert_str(event.exec.argv[2], "");
	assert_str(event.exec.argv[3], "a b");
	assert_int_equal(event.exec.ppid, 3);
	assert_int_equal(event.exec.argv_bytes, 11);
}

static void test_exec_script(void **state)
{
	struct wire_process_exec fixed = { .script = 1 };

	(void)state;
	assert_int_equal(
		decode_exec(fixed, STR("dash\0bin\0"), STR("././/x.sh"), STR("work\0home\0"), STR("sh\0")),
		DECODE_OK);
	assert_str(event.exec.filename, "/home/work/x.sh");
	assert_str(event.exec.requested, "././/x.sh");
	assert_str(event.exec.interpreter, "/bin/dash");
	assert_int_equal(decode_exec(fixed, STR("dash\0bin\0"), STR("x.sh"), NONE, STR("sh\0")), DECODE_OK);
	assert_str(event.exec.filename, "/x.sh");
	assert_int_equal(decode_exec(fixed, STR("dash\0bin\0"), STR("/opt/x.sh"), STR("a\0"), STR("sh\0")),
			 DECODE_OK);
	assert_str(event.exec.filename, "/opt/x.sh");
	assert_null(event.exec.requested.data);
}

static void test_exec_argv_cut(void **state)
{
	struct wire_process_exec fixed = { .argv_bytes = 100 };

	(void)state;
	assert_int_equal(decode_exec(fixed, STR("a\0"), STR("/a"), NONE, STR("a\0bcd")), DECODE_OK);
	assert_true(event.exec.argv_truncated);
	assert_int_equal(event.exec.argv_bytes, 100);
	assert_int_equal(event.exec.argc, 2);
	assert_str(event.exec.argv[1], "bcd");
	fixed.argv_bytes = 2;
	assert_int_equal(decode_exec(fixed, STR("a\0"), STR("/a"), NONE, STR("a\0bcd")), DECODE_MALFORMED);
}

static void test_exec_argv_unreadable(void **state)
{
	struct wire_process_exec fixed = { .head.flags = WIRE_FLAG_NO_ARGV, .argv_bytes = 100 };

	(void)state;
	assert_int_equal(decode_exec(fixed, STR("a\0"), STR("/a"), NONE, NONE), DECODE_OK);
	assert_false(event.exec.argv_known);
	assert_int_equal(event.exec.argc, 0);
}

static void test_exec_nothing_but_empty_arguments(void **state)
{
	static char nothing[WIRE_ARGV_MAX];
	struct wire_process_exec fixed = { 0 };

	(void)state;
	assert_int_equal(
		decode_exec(fixed, STR("a\0"), STR("/a"), NONE, (struct str) { nothing, sizeof(nothing) }),
		DECODE_OK);
	assert_int_equal(event.exec.argc, WIRE_ARGV_MAX);
}

static struct wire_tcp_state tcp_of(uint8_t family, uint8_t old_state, uint8_t new_state)
{
	struct wire_tcp_state fixed = { .head = head_of_cat,
					.saddr = { 127, 0, 0, 1 },
					.sport = 80,
					.family = family,
					.old_state = old_state,
					.new_state = new_state };

	fixed.head.kind = WIRE_KIND_TCP_STATE;
	fixed.head.source = WIRE_SOURCE_INET_SOCK_SET_STATE;
	fixed.head.size = sizeof(fixed);
	return fixed;
}

static void test_tcp(void **state)
{
	struct wire_tcp_state fixed = tcp_of(4, 2, 1);

	(void)state;
	assert_int_equal(decode_record(&fixed, sizeof(fixed), &scratch, &event), DECODE_OK);
	assert_int_equal(event.tcp.family, 4);
	assert_int_equal(event.tcp.sport, 80);
	assert_int_equal(event.tcp.new_state, 1);
	fixed = tcp_of(5, 2, 1);
	assert_int_equal(decode_record(&fixed, sizeof(fixed), &scratch, &event), DECODE_MALFORMED);
	fixed = tcp_of(6, 0, 1);
	assert_int_equal(decode_record(&fixed, sizeof(fixed), &scratch, &event), DECODE_MALFORMED);
	fixed = tcp_of(6, 1, 200);
	assert_int_equal(decode_record(&fixed, sizeof(fixed), &scratch, &event), DECODE_MALFORMED);
}

/* ---- the kinds that came with version 2 of the border ---- */

/* Any kind: the head is that of cat, the tail one piece. */
static enum decode_result decode_as(enum wire_kind kind, enum wire_source source, void *fixed, size_t len,
				    struct str tail)
{
	static struct buf out = BUF_MAX(WIRE_RECORD_MAX);
	struct wire_head *head = fixed;
	uint16_t flags = head->flags;
	struct str record;

	*head = head_of_cat;
	head->flags = flags;
	head->kind = (uint8_t)kind;
	head->source = (uint8_t)source;
	record = record_of(&out, fixed, len, &tail, 1);
	return decode_record(record.data, record.len, &scratch, &event);
}

#define AS(KIND, SOURCE, fixed, tail) \
	decode_as(WIRE_KIND_##KIND, WIRE_SOURCE_##SOURCE, &(fixed), sizeof(fixed), tail)
#define AS_EXIT(fixed) AS(PROCESS_EXIT, SCHED_PROCESS_EXIT, fixed, NONE)

static void test_exit(void **state)
{
	struct wire_process_exit fixed = { .started_boot_ns = 5, .ppid = 3, .exit_status = 255 };

	(void)state;
	assert_int_equal(AS_EXIT(fixed), DECODE_OK);
	assert_int_equal(event.kind, WIRE_KIND_PROCESS_EXIT);
	assert_int_equal(event.exit.started_boot_ns, 5);
	assert_int_equal(event.exit.ppid, 3);
	assert_int_equal(event.exit.exit_status, 255);
	assert_int_equal(event.exit.signal, 0);
	fixed.signal = 9;
	assert_int_equal(AS_EXIT(fixed), DECODE_MALFORMED);
	fixed.exit_status = 0;
	assert_int_equal(AS_EXIT(fixed), DECODE_OK);
	assert_int_equal(event.exit.signal, 9);
	fixed.signal = 128;
	assert_int_equal(AS_EXIT(fixed), DECODE_MALFORMED);
	fixed.signal = 0;
	fixed.exit_status = 256;
	assert_int_equal(AS_EXIT(fixed), DECODE_MALFORMED);
	fixed.exit_status = 0;
	assert_int_equal(AS(PROCESS_EXIT, SCHED_PROCESS_EXIT, fixed, STR("x")), DECODE_MALFORMED);
}

#define AS_LIBRARY(fixed, tail) AS(LIBRARY_LOAD, SYS_EXIT_MMAP, fixed, tail)
#define BOTH_LAYERS (WIRE_FLAG_LAYER_LOWER | WIRE_FLAG_LAYER_UPPER)

static void test_layers(void **state)
{
	static const struct {
		__u16 flags;
		enum decode_result result;
		enum event_layer layer;
	} cases[] = {
		{ 0, DECODE_OK, LAYER_UNKNOWN },
		{ WIRE_FLAG_LAYER_LOWER, DECODE_OK, LAYER_LOWER },
		{ WIRE_FLAG_LAYER_UPPER | WIRE_FLAG_DELETED, DECODE_OK, LAYER_UPPER },
		{ BOTH_LAYERS, DECODE_MALFORMED, LAYER_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct wire_file_open open = { .head.flags = cases[i].flags };
		struct wire_process_exec exec = { .head.flags = cases[i].flags };
		struct wire_library_load library = { .head.flags = cases[i].flags, .path_len = 2 };

		assert_int_equal(decode_open(open, STR("a\0"), NONE), cases[i].result);
		assert_true(cases[i].result != DECODE_OK || event.open.layer == cases[i].layer);
		assert_int_equal(decode_exec(exec, STR("a\0"), STR("/a"), NONE, STR("a\0")), cases[i].result);
		assert_true(cases[i].result != DECODE_OK || event.exec.layer == cases[i].layer);
		assert_int_equal(AS_LIBRARY(library, STR("a\0")), cases[i].result);
		assert_true(cases[i].result != DECODE_OK || event.library.layer == cases[i].layer);
	}
}

/* Only a file has one. */
static void test_layers_of_nothing(void **state)
{
	struct wire_process_exit fixed = { .ppid = 1 };

	(void)state;
	assert_int_equal(AS_EXIT(fixed), DECODE_OK);
	fixed.head.flags = WIRE_FLAG_LAYER_LOWER;
	assert_int_equal(AS_EXIT(fixed), DECODE_MALFORMED);
	fixed.head.flags = WIRE_FLAG_LAYER_UPPER;
	assert_int_equal(AS_EXIT(fixed), DECODE_MALFORMED);
}

static void test_library(void **state)
{
	struct wire_library_load fixed = { .head.flags = WIRE_FLAG_DELETED | WIRE_FLAG_AT_START,
					   .inode = 1ull << 60,
					   .dev = 8 << 20 | 1,
					   .path_len = 8,
					   .path_bytes = 77,
					   .build_id_len = 3,
					   .build_id = "\x01\x00\xff" };

	(void)state;
	assert_int_equal(AS_LIBRARY(fixed, STR("l.so\0us\0")), DECODE_OK);
	assert_str(event.library.path, "/us/l.so");
	assert_int_equal(event.library.inode, 1ull << 60);
	assert_int_equal(event.library.dev_major, 8);
	assert_int_equal(event.library.dev_minor, 1);
	assert_int_equal(event.library.build_id.len, 3);
	assert_memory_equal(event.library.build_id.data, "\x01\x00\xff", 3);
	assert_true(event.at_start && event.library.deleted);
	assert_false(event.library.path_truncated || event.library.unreachable);
	assert_int_equal(event.library.path_bytes, 0);
	fixed.head.flags = WIRE_FLAG_PATH_CUT | WIRE_FLAG_UNREACHABLE;
	fixed.build_id_len = 0;
	assert_int_equal(AS_LIBRARY(fixed, STR("l.so\0us\0")), DECODE_OK);
	assert_null(event.library.build_id.data);
	assert_true(event.library.path_truncated && event.library.unreachable);
	assert_int_equal(event.library.path_bytes, 77);
	assert_false(event.at_start || event.library.deleted);
	assert_int_equal(AS_LIBRARY(fixed, STR("l.so\0us")), DECODE_MALFORMED);
	assert_int_equal(AS_LIBRARY(fixed, STR("l.so\0us\0x")), DECODE_MALFORMED);
	assert_int_equal(AS_LIBRARY(fixed, STR("l.so\0usx")), DECODE_MALFORMED);
	fixed.build_id_len = WIRE_BUILD_ID_MAX + 1;
	assert_int_equal(AS_LIBRARY(fixed, STR("l.so\0us\0")), DECODE_MALFORMED);
}

static enum decode_result decode_peer(struct wire_net_connect fixed, struct str name)
{
	fixed.path_len = (uint16_t)name.len;
	return AS(NET_CONNECT, UPROBE_CONNECT, fixed, name);
}

static void test_connect(void **state)
{
	struct wire_net_connect fixed = {
		.addr = { 10, 0, 0, 1 }, .result = -111, .port = 443, .family = 2, .type = 1, .op = WIRE_CONNECT
	};

	(void)state;
	assert_int_equal(decode_peer(fixed, NONE), DECODE_OK);
	assert_false(event.connect.accept);
	assert_int_equal(event.connect.family, EVENT_AF_INET);
	assert_memory_equal(event.connect.addr, fixed.addr, 16);
	assert_int_equal(event.connect.port, 443);
	assert_int_equal(event.connect.socket_type, 1);
	assert_int_equal(event.connect.result, -111);
	assert_null(event.connect.path.data);
	fixed.op = WIRE_ACCEPT;
	fixed.family = EVENT_AF_INET6;
	fixed.result = 0;
	assert_int_equal(decode_peer(fixed, NONE), DECODE_OK);
	assert_true(event.connect.accept);
	fixed.family = 40; /* AF_VSOCK has no port of ours */
	assert_int_equal(decode_peer(fixed, NONE), DECODE_MALFORMED);
	fixed.port = 0;
	assert_int_equal(decode_peer(fixed, NONE), DECODE_OK);
	assert_int_equal(decode_peer(fixed, STR("/run/x")), DECODE_MALFORMED);
	for (int op = 0; op < 256; op++) {
		fixed.op = (uint8_t)op;
		assert_int_equal(decode_peer(fixed, NONE),
				 op == WIRE_CONNECT || op == WIRE_ACCEPT ? DECODE_OK : DECODE_MALFORMED);
	}
	fixed.op = WIRE_ACCEPT;
	fixed.type = 7;
	assert_int_equal(decode_peer(fixed, NONE), DECODE_MALFORMED);
	fixed.type = 0;
	fixed.result = 1;
	assert_int_equal(decode_peer(fixed, NONE), DECODE_MALFORMED);
	fixed.result = -EVENT_ERRNO_MAX;
	assert_int_equal(decode_peer(fixed, NONE), DECODE_OK);
	fixed.result = INT32_MIN;
	assert_int_equal(decode_peer(fixed, NONE), DECODE_MALFORMED);
}

static void test_connect_names(void **state)
{
	static char longest[WIRE_SOCKET_PATH_MAX + 1];
	struct wire_net_connect fixed = { .family = EVENT_AF_UNIX, .op = WIRE_CONNECT };

	(void)state;
	assert_int_equal(decode_peer(fixed, NONE), DECODE_OK);
	assert_null(event.connect.path.data);
	assert_int_equal(decode_peer(fixed, STR("run/x.sock")), DECODE_OK);
	assert_str(event.connect.path, "run/x.sock");
	assert_false(event.connect.abstract);
	/* Callers give the size of the whole struct: what is behind the NUL was never part of the name. */
	assert_int_equal(decode_peer(fixed, STR("/x\0rest\0")), DECODE_OK);
	assert_str(event.connect.path, "/x");
	assert_int_equal(decode_peer(fixed, STR("\0a\0b")), DECODE_OK);
	assert_true(event.connect.abstract);
	assert_int_equal(event.connect.path.len, 4);
	assert_memory_equal(event.connect.path.data, "@a\0b", 4);
	assert_int_equal(decode_peer(fixed, (struct str) { longest, WIRE_SOCKET_PATH_MAX }), DECODE_OK);
	assert_int_equal(decode_peer(fixed, (struct str) { longest, WIRE_SOCKET_PATH_MAX + 1 }),
			 DECODE_MALFORMED);
	assert_int_equal(AS(NET_CONNECT, SYS_CONNECT, fixed, STR("x")), DECODE_MALFORMED);
}

#define AS_SSL(fixed, tail) AS(SSL_OP, UPROBE_SSL_WRITE, fixed, tail)

static void test_ssl(void **state)
{
	struct wire_ssl_op fixed = { .bytes = 1ull << 40, .library_len = 4, .op = WIRE_WRITE };

	(void)state;
	assert_int_equal(AS_SSL(fixed, STR("/l.3")), DECODE_OK);
	assert_str(event.ssl.library, "/l.3");
	assert_int_equal(event.ssl.bytes, 1ull << 40);
	assert_true(event.ssl.write);
	fixed.op = WIRE_READ;
	assert_int_equal(AS_SSL(fixed, STR("/l.3")), DECODE_OK);
	assert_false(event.ssl.write);
	assert_int_equal(AS_SSL(fixed, STR("/l.35")), DECODE_MALFORMED);
	assert_int_equal(AS_SSL(fixed, STR("/l.")), DECODE_MALFORMED);
	fixed.target = 1; /* the collector has not said which library that is */
	assert_int_equal(AS_SSL(fixed, STR("/l.3")), DECODE_MALFORMED);
	fixed.target = 0;
	fixed.op = 3;
	assert_int_equal(AS_SSL(fixed, STR("/l.3")), DECODE_MALFORMED);
	fixed.op = WIRE_READ;
	fixed.library_len = 0;
	assert_int_equal(AS_SSL(fixed, NONE), DECODE_MALFORMED);
}

#define AS_FUNCTION(fixed, tail) AS(FUNCTION_CALL, UPROBE_FUNCTION_ENTRY, fixed, tail)

/* The texts of a function, then of its callers: `names` of them. */
static struct str caller_tail(char room[512], const struct wire_caller_name *names, const char *const *texts,
			      size_t n)
{
	size_t len = 5;

	memcpy(room, "fn/li", len);
	for (size_t i = 0; i < n; i++) {
		memcpy(room + len, &names[i], sizeof(names[i]));
		len += sizeof(names[i]);
		memcpy(room + len, texts[i], strlen(texts[i]));
		len += strlen(texts[i]);
	}
	return (struct str) { room, len };
}

static void test_callers(void **state)
{
	static const char *const texts[] = { "main/prog", "", "x" };
	struct wire_function_call fixed = { .symbol_len = 2,
					    .library_len = 3,
					    .callers = { { .inode = 9, .offset = 77, .dev = 8u << 20 | 1 },
							 { .inode = 1, .offset = 1 } } };
	struct wire_caller_name names[3] = {
		{ .symbol_len = 4, .library_len = 5, .build_id_len = 2, .build_id = { 0xab, 0xcd } }
	};
	const struct event_function *function = &event.function;
	char room[512];

	(void)state;
	assert_int_equal(AS_FUNCTION(fixed, caller_tail(room, names, texts, 2)), DECODE_OK);
	assert_int_equal(function->n_callers, 2);
	assert_str(function->callers[0].symbol, "main");
	assert_str(function->callers[0].library, "/prog");
	assert_int_equal(function->callers[0].build_id.len, 2);
	assert_memory_equal(function->callers[0].build_id.data, "\xab\xcd", 2);
	assert_int_equal(function->callers[0].inode, 9);
	assert_int_equal(function->callers[0].offset, 77);
	assert_int_equal(function->callers[0].dev_major, 8);
	assert_int_equal(function->callers[0].dev_minor, 1);
	assert_null(function->callers[1].symbol.data);
	assert_null(function->callers[1].library.data);
	assert_null(function->callers[1].build_id.data);
	/* A caller without its names, names without a caller, a text too long or too short. */
	assert_int_equal(AS_FUNCTION(fixed, caller_tail(room, names, texts, 1)), DECODE_MALFORMED);
	assert_int_equal(AS_FUNCTION(fixed, caller_tail(room, names, texts, 3)), DECODE_MALFORMED);
	names[1].symbol_len = 1;
	assert_int_equal(AS_FUNCTION(fixed, caller_tail(room, names, texts, 2)), DECODE_MALFORMED);
	names[1].symbol_len = 0;
	names[0].symbol_len = WIRE_SYMBOL_MAX + 1;
	assert_int_equal(AS_FUNCTION(fixed, caller_tail(room, names, texts, 2)), DECODE_MALFORMED);
	names[0].symbol_len = 4;
	names[0].library_len = WIRE_PATH_MAX + 1;
	assert_int_equal(AS_FUNCTION(fixed, caller_tail(room, names, texts, 2)), DECODE_MALFORMED);
	names[0].library_len = 5;
	names[0].build_id_len = WIRE_BUILD_ID_MAX + 1;
	assert_int_equal(AS_FUNCTION(fixed, caller_tail(room, names, texts, 2)), DECODE_MALFORMED);
	names[0].build_id_len = 0;
	fixed.callers[1].offset = 0; /* nothing returns there */
	assert_int_equal(AS_FUNCTION(fixed, caller_tail(room, names, texts, 2)), DECODE_MALFORMED);
	fixed.callers[1].inode = 0;
	assert_int_equal(AS_FUNCTION(fixed, caller_tail(room, names, texts, 1)), DECODE_OK);
	assert_int_equal(function->n_callers, 1);
	fixed.callers[0].inode = 0;
	assert_int_equal(AS_FUNCTION(fixed, STR("fn/li")), DECODE_OK);
	assert_int_equal(function->n_callers, 0);
	fixed.callers[1].inode = 1; /* above one that is unknown */
	assert_int_equal(AS_FUNCTION(fixed, STR("fn/li")), DECODE_MALFORMED);
	assert_int_equal(AS_FUNCTION(fixed, caller_tail(room, names, texts, 1)), DECODE_MALFORMED);
}

static void test_function(void **state)
{
	struct wire_function_call fixed = { .offset = 4096,
					    .symbol_len = 2,
					    .library_len = 3,
					    .purl_len = 4,
					    .build_id_len = WIRE_BUILD_ID_MAX };

	(void)state;
	assert_int_equal(AS_FUNCTION(fixed, STR("fn/libpkg:")), DECODE_MALFORMED);
	assert_int_equal(AS_FUNCTION(fixed, STR("fn/lipkg:")), DECODE_OK);
	assert_str(event.function.symbol, "fn");
	assert_str(event.function.library, "/li");
	assert_str(event.function.purl, "pkg:");
	assert_int_equal(event.function.build_id.len, WIRE_BUILD_ID_MAX);
	assert_int_equal(event.function.offset, 4096);
	fixed.purl_len = fixed.build_id_len = 0;
	assert_int_equal(AS_FUNCTION(fixed, STR("fn/li")), DECODE_OK);
	assert_null(event.function.purl.data);
	assert_null(event.function.build_id.data);
	fixed.target = 1;
	assert_int_equal(AS_FUNCTION(fixed, STR("fn/li")), DECODE_MALFORMED);
	fixed.target = 0;
	fixed.symbol_len = 0;
	assert_int_equal(AS_FUNCTION(fixed, STR("/li")), DECODE_MALFORMED);
	fixed.symbol_len = WIRE_SYMBOL_MAX + 1;
	assert_int_equal(AS_FUNCTION(fixed, STR("fn/li")), DECODE_MALFORMED);
	fixed.symbol_len = 5;
	fixed.library_len = 0;
	assert_int_equal(AS_FUNCTION(fixed, STR("fn/li")), DECODE_MALFORMED);
}

static enum decode_result decode_cgroup(struct wire_cgroup fixed, struct str path)
{
	static struct buf out = BUF_MAX(WIRE_RECORD_MAX);
	uint8_t source = fixed.head.source ? fixed.head.source : WIRE_SOURCE_CGROUP_MKDIR;
	uint16_t flags = fixed.head.flags;
	struct str record;

	fixed.head = head_of_cat;
	fixed.head.kind = WIRE_KIND_CGROUP;
	fixed.head.source = source;
	fixed.head.flags = flags;
	record = record_of(&out, &fixed, sizeof(fixed), &path, 1);
	return decode_record(record.data, record.len, &scratch, &event);
}

static void test_cgroup(void **state)
{
	struct wire_cgroup fixed = { .op = WIRE_CGROUP_CREATE, .path_len = 2, .parent_id = 5 };

	(void)state;
	assert_int_equal(decode_cgroup(fixed, STR("/a")), DECODE_OK);
	assert_str(event.cgroup.path, "/a");
	assert_int_equal(event.cgroup.op, EVENT_CGROUP_CREATE);
	assert_int_equal(event.cgroup.parent_id, 5);
	assert_int_equal(event.cgroup_id, 9);
	assert_false(event.cgroup.path_truncated);
	fixed.head.flags = WIRE_FLAG_PATH_CUT;
	fixed.op = WIRE_CGROUP_ATTACH;
	assert_int_equal(decode_cgroup(fixed, STR("/a")), DECODE_OK);
	assert_true(event.cgroup.path_truncated);
	assert_int_equal(decode_cgroup(fixed, STR("aa")), DECODE_MALFORMED);
	assert_int_equal(decode_cgroup(fixed, STR("/")), DECODE_MALFORMED);
	assert_int_equal(decode_cgroup(fixed, STR("/aa")), DECODE_MALFORMED);
	fixed.path_len = 0;
	assert_int_equal(decode_cgroup(fixed, NONE), DECODE_MALFORMED);
	fixed.path_len = 2;
	fixed.op = 0;
	assert_int_equal(decode_cgroup(fixed, STR("/a")), DECODE_MALFORMED);
	fixed.op = WIRE_CGROUP_ATTACH + 1;
	assert_int_equal(decode_cgroup(fixed, STR("/a")), DECODE_MALFORMED);
	fixed.op = WIRE_CGROUP_CREATE;
	fixed.head.source = WIRE_SOURCE_CGROUP_WALK;
	assert_int_equal(decode_cgroup(fixed, STR("/a")), DECODE_MALFORMED);
	fixed.head.flags = WIRE_FLAG_AT_START;
	assert_int_equal(decode_cgroup(fixed, STR("/a")), DECODE_OK);
	assert_true(event.at_start);
	fixed.head.source = WIRE_SOURCE_CGROUP_RMDIR;
	assert_int_equal(decode_cgroup(fixed, STR("/a")), DECODE_MALFORMED);
}

static void test_what_was_folded(void **state)
{
	struct wire_tcp_state good = tcp_of(4, 2, 1), bad;

	(void)state;
	good.head.count = 7;
	good.head.last_boot_ns = 9;
	good.head.epoch = 3;
	assert_int_equal(decode_record(&good, sizeof(good), &scratch, &event), DECODE_OK);
	assert_int_equal(event.count, 7);
	assert_int_equal(event.last_boot_ns, 9);
	assert_int_equal(event.epoch, 3);
	assert_int_equal(event.ns_pid, 0);
	good.head.ns_pid = 1;
	assert_int_equal(decode_record(&good, sizeof(good), &scratch, &event), DECODE_OK);
	assert_int_equal(event.ns_pid, 1);
	bad = good;
	bad.head.last_boot_ns = bad.head.boot_ns - 1;
	assert_int_equal(decode_record(&bad, sizeof(bad), &scratch, &event), DECODE_MALFORMED);
	bad.head.count = 1; /* then nobody has set it */
	assert_int_equal(decode_record(&bad, sizeof(bad), &scratch, &event), DECODE_OK);
}

/* A snapshot finds processes, mappings and sockets; that an open was found at start cannot be. */
static void test_at_start(void **state)
{
	struct wire_file_open open = { .head.flags = WIRE_FLAG_AT_START };
	struct wire_process_exec exec = { .head.flags = WIRE_FLAG_AT_START };
	struct wire_tcp_state tcp = tcp_of(4, 10, 10);

	(void)state;
	assert_int_equal(decode_open(open, STR("x\0"), NONE), DECODE_MALFORMED);
	assert_int_equal(decode_exec(exec, STR("x\0"), STR("/x"), NONE, NONE), DECODE_OK);
	assert_true(event.at_start);
	tcp.head.flags = WIRE_FLAG_AT_START;
	tcp.head.source = WIRE_SOURCE_ITER_TASK_FILE;
	assert_int_equal(decode_record(&tcp, sizeof(tcp), &scratch, &event), DECODE_OK);
	assert_true(event.at_start);
}

static void test_heads_that_lie(void **state)
{
	struct wire_tcp_state good = tcp_of(4, 2, 1), bad;

	(void)state;
	for (size_t len = 0; len < sizeof(good); len++)
		assert_int_equal(decode_record(&good, len, &scratch, &event), DECODE_MALFORMED);
	bad = good;
	bad.head.size++;
	assert_int_equal(decode_record(&bad, sizeof(bad), &scratch, &event), DECODE_MALFORMED);
	bad = good;
	bad.head.pid = 0;
	assert_int_equal(decode_record(&bad, sizeof(bad), &scratch, &event), DECODE_MALFORMED);
	bad = good;
	bad.head.tid = 0;
	assert_int_equal(decode_record(&bad, sizeof(bad), &scratch, &event), DECODE_MALFORMED);
	for (int source = 0; source < 256; source++) {
		bad = good;
		bad.head.source = (uint8_t)source;
		assert_int_equal(decode_record(&bad, sizeof(bad), &scratch, &event),
				 source == WIRE_SOURCE_INET_SOCK_SET_STATE ||
						 source == WIRE_SOURCE_ITER_TASK_FILE
					 ? DECODE_OK
					 : DECODE_MALFORMED);
	}
	for (int kind = 0; kind < 256; kind++) {
		bad = good;
		bad.head.kind = (uint8_t)kind;
		assert_int_equal(decode_record(&bad, sizeof(bad), &scratch, &event),
				 kind == WIRE_KIND_TCP_STATE ? DECODE_OK : DECODE_MALFORMED);
	}
}

/* Lengths that point beyond the record, or leave something over. */
static void test_tails_that_lie(void **state)
{
	static struct buf out = BUF_MAX(WIRE_RECORD_MAX);
	struct wire_file_open fixed = { .head = head_of_cat, .path_len = 2, .requested_len = 1 };
	struct str tails[] = { STR("a\0"), STR("b") }, record;

	(void)state;
	fixed.head.kind = WIRE_KIND_FILE_OPEN;
	fixed.head.source = WIRE_SOURCE_SYS_EXIT_OPEN;
	record = record_of(&out, &fixed, sizeof(fixed), tails, 2);
	assert_int_equal(decode_record(record.data, record.len, &scratch, &event), DECODE_OK);
	for (uint32_t path_len = 0; path_len <= UINT16_MAX; path_len += path_len < 8 ? 1 : 1009) {
		fixed.path_len = (uint16_t)path_len;
		record = record_of(&out, &fixed, sizeof(fixed), tails, 2);
		assert_int_equal(decode_record(record.data, record.len, &scratch, &event),
				 path_len == 2 ? DECODE_OK : DECODE_MALFORMED);
	}
	fixed.path_len = 2;
	fixed.requested_len = UINT16_MAX;
	record = record_of(&out, &fixed, sizeof(fixed), tails, 2);
	assert_int_equal(decode_record(record.data, record.len, &scratch, &event), DECODE_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_open_same_name_is_not_repeated),
		cmocka_unit_test(test_open_marks),
		cmocka_unit_test(test_open_access),
		cmocka_unit_test(test_open_longest_path),
		cmocka_unit_test(test_open_bad_paths),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_exec_script),
		cmocka_unit_test(test_exec_argv_cut),
		cmocka_unit_test(test_exec_argv_unreadable),
		cmocka_unit_test(test_exec_nothing_but_empty_arguments),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_exit),
		cmocka_unit_test(test_library),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_layers_of_nothing),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_connect_names),
		cmocka_unit_test(test_ssl),
		cmocka_unit_test(test_function),
		cmocka_unit_test(test_callers),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_what_was_folded),
		cmocka_unit_test(test_at_start),
		cmocka_unit_test(test_heads_that_lie),
		cmocka_unit_test(test_tails_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
