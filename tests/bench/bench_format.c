/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How fast the format room is, alone, on one core: record_append in ns a record, canon_scan_object + record_check in
 * MB/s. Prints medians of seven rounds; asserts nothing.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "format/record.h"
#include "format/record_check.h"

#define RECORDS 200000
#define ROUNDS 7

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int append_all(struct buf *out, const struct event *events, size_t n)
{
	size_t i;
	int r;

	out->len = 0;
	for (i = 0; i < RECORDS; i++) {
		struct event event = events[i % n];

		event.boot_ns += i;
		r = record_append(out, &event);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_all(const struct buf *text)
{
	const char *at = text->data, *end = text->data + text->len;
	struct canon_member members[RECORD_MEMBERS_MAX];
	size_t count, offset;
	enum wire_kind kind;
	const char *why;
	uint64_t ts_ns;

	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));

		if (canon_scan_object((struct str) { at, (size_t)(lf - at) }, members, RECORD_MEMBERS_MAX,
				      &count, &offset) != CANON_OK ||
		    record_check(members, count, &kind, &ts_ns, &why) != RECORD_OK)
			return -EBADMSG;
		at = lf + 1;
	}
	return 0;
}

static int measure(const char *name, const struct event *events, size_t n)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(512u << 20);
	double append[ROUNDS], check[ROUNDS];
	int i;

	if (append_all(&out, events, n) < 0)
		return -1;
	for (i = 0; i < ROUNDS; i++) {
		double start = now_s(), middle;

		if (append_all(&out, events, n) < 0)
			return -1;
		middle = now_s();
		if (check_all(&out) < 0)
			return -1;
		append[i] = middle - start;
		check[i] = now_s() - middle;
	}
	qsort(append, ROUNDS, sizeof(append[0]), by_value);
	qsort(check, ROUNDS, sizeof(check[0]), by_value);
	printf("%-14s %4zu bytes a line   append %6.1f ns a record   scan and check %6.1f MB/s\n", name,
	       out.len / RECORDS, append[ROUNDS / 2] / RECORDS * 1e9,
	       (double)out.len / check[ROUNDS / 2] / 1e6);
	return 0;
}

int main(void)
{
	static const struct str argv[] = {
		{ "python3", 7 }, { "-m", 2 }, { "http.server", 11 }, { "8080", 4 }
	};
	const struct event events[] = {
		{ .kind = WIRE_KIND_FILE_OPEN,
		  .source = WIRE_SOURCE_SYS_EXIT_OPENAT,
		  .boot_ns = 123456789012345,
		  .pid = 41234,
		  .tid = 41234,
		  .cgroup_id = 5243,
		  .comm = STR("python3"),
		  .open = { .path = STR("/usr/lib/python3.11/encodings/__pycache__/utf_8.cpython-311.pyc"),
			    .inode = 1835277,
			    .dev_major = 259,
			    .dev_minor = 2,
			    .flags = 0x80000 } },
		{ .kind = WIRE_KIND_PROCESS_EXEC,
		  .source = WIRE_SOURCE_SCHED_PROCESS_EXEC,
		  .boot_ns = 123456789012345,
		  .pid = 41234,
		  .tid = 41234,
		  .cgroup_id = 5243,
		  .comm = STR("python3"),
		  .exec = { .filename = STR("/usr/bin/python3.11"),
			    .requested = STR("/usr/bin/python3"),
			    .argv = argv,
			    .argc = ARRAY_LEN(argv),
			    .argv_known = true,
			    .ppid = 812,
			    .inode = 1835277,
			    .dev_major = 259 } },
		{ .kind = WIRE_KIND_TCP_STATE,
		  .source = WIRE_SOURCE_INET_SOCK_SET_STATE,
		  .boot_ns = 123456789012345,
		  .pid = 41234,
		  .tid = 41234,
		  .cgroup_id = 5243,
		  .comm = STR("python3"),
		  .tcp = { .family = 6,
			   .saddr = { 0x20, 1, 0xd, 0xb8, [15] = 1 },
			   .daddr = { 0x20, 1, 0xd, 0xb8, [15] = 2 },
			   .sport = 8080,
			   .dport = 54321,
			   .old_state = 3,
			   .new_state = 1 } },
	};

	if (measure("file_open", &events[0], 1) < 0 || measure("process_exec", &events[1], 1) < 0 ||
	    measure("tcp_state", &events[2], 1) < 0 || measure("mixed", events, 3) < 0) {
		fprintf(stderr, "bench_format: a record was not written, or not found sound\n");
		return 1;
	}
	return 0;
}
