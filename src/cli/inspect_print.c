/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Prints records. Promises: nothing in a record can drive a terminal, and the row for people leaves out, but never
 * rewords: who needs all members takes JSON.
 */

#include "cli/inspect_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/facts.h"
#include "cli/output.h"

#define ROW_MAX (1u << 20)
#define ROW_ARGV_MAX 32
#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

void record_print_json(const struct found_record *record)
{
	printf("{\"chunk\":%" PRIu64, record->chunk);
	/* A digest by its form, which statement_parse checked: nothing to escape. */
	if (record->image_digest)
		printf(",\"image_digest\":\"%s\",\"image_digest_from\":\"%s\"", record->image_digest,
		       record->sealed ? "seal" : "draft");
	printf(",\"line\":%" PRIu64 ",\"record\":", record->line);
	fwrite(record->text, 1, record->len, stdout);
	printf(",\"sealed\":%s}", record->sealed ? "true" : "false");
}

void record_print_heading(void)
{
	printf("%-23s  %-8s  %5s  %-7s  %-15s  %-13s  %s\n", "TIME (UTC)", "STATE", "CHUNK", "PID", "COMMAND",
	       "TYPE", "WHAT");
}

static uint64_t view_number(const struct canon_member *members, size_t count, const char *key)
{
	const struct canon_value *value = canon_find(members, count, str_of(key));
	uint64_t number = 0;

	return value && canon_value_u64(value, &number) == 0 ? number : 0;
}

static void put(struct buf *row, const struct record_view *view, const char *key)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(ROW_MAX);

	record_text(view->event, view->event_count, key, &text);
	buf_append_str(row, buf_str(&text));
}

static void put_file(struct buf *row, const struct record_view *view)
{
	put(row, view, "path");
	buf_printf(row, " (");
	put(row, view, "access");
	buf_printf(row, ")");
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * The first argument is left out where the file's name stands for it, and shown where a program is told by it what it is
 * (busybox, a link, the interpreter of a script).
 */
static void put_called(struct buf *row, const char *filename, const char *called)
{
	if (*called && strcmp(last_part(filename), last_part(called)) != 0)
		buf_printf(row, " as %s", called);
}

/* Strings of a canonical array: no spaces between. */
static void put_exec(struct buf *row, const struct record_view *view)
{
	const struct canon_value *argv = canon_find(view->event, view->event_count, STR("argv"));
	_cleanup_(buf_done) struct buf text = BUF_MAX(ROW_MAX), file = BUF_MAX(ROW_MAX);
	const char *filename = record_text(view->event, view->event_count, "filename", &file);
	size_t shown = 0;

	buf_append_str(row, str_of(filename));
	for (size_t at = 1; argv && argv->type == CANON_ARRAY && at + 1 < argv->raw.len; shown++) {
		const char *raw = argv->raw.data + at;
		size_t end = 1;

		while (at + end < argv->raw.len && raw[end] != '"')
			end += raw[end] == '\\' ? 2 : 1;
		if (shown == ROW_ARGV_MAX) {
			buf_printf(row, " ...");
			return;
		}
		buf_clear(&text);
		if (canon_value_string(&(struct canon_value) { CANON_STRING, { raw, end + 1 } }, &text) < 0)
			buf_clear(&text);
		if (shown == 0)
			put_called(row, filename, buf_cstr(&text) ? buf_cstr(&text) : "");
		else if (buf_append(row, " ", 1) == 0)
			buf_append_str(row, buf_str(&text));
		at += end + 2;
	}
}

static void put_tcp(struct buf *row, const struct record_view *view)
{
	put(row, view, "saddr");
	buf_printf(row, " port %" PRIu64 " to ", view_number(view->event, view->event_count, "sport"));
	put(row, view, "daddr");
	buf_printf(row, " port %" PRIu64 ": ", view_number(view->event, view->event_count, "dport"));
	put(row, view, "old_state");
	buf_printf(row, " to ");
	put(row, view, "new_state");
}

static bool has(const struct record_view *view, const char *key)
{
	return canon_find(view->event, view->event_count, str_of(key));
}

static uint64_t number_of(const struct record_view *view, const char *key)
{
	return view_number(view->event, view->event_count, key);
}

static void put_exit(struct buf *row, const struct record_view *view)
{
	uint64_t started = number_of(view, "started_ns");

	if (has(view, "signal"))
		buf_printf(row, "killed by signal %" PRIu64, number_of(view, "signal"));
	else
		buf_printf(row, "exit status %" PRIu64, number_of(view, "exit_status"));
	if (has(view, "started_ns") && view->ts_ns >= started)
		buf_printf(row, " after %" PRIu64 ".%03" PRIu64 " s", (view->ts_ns - started) / NS_PER_S,
			   (view->ts_ns - started) % NS_PER_S / NS_PER_MS);
}

static void put_path(struct buf *row, const struct record_view *view)
{
	put(row, view, "path");
}

/* The result is told when it is not that all went well. */
static void put_connect(struct buf *row, const struct record_view *view)
{
	_cleanup_(buf_done) struct buf op = BUF_MAX(ROW_MAX), family = BUF_MAX(ROW_MAX);
	const char *name = record_text(view->event, view->event_count, "family", &family);
	bool accept = strcmp(record_text(view->event, view->event_count, "op", &op), "accept") == 0;

	buf_printf(row, accept ? "accept from " : "connect to ");
	if (has(view, "family_number"))
		buf_printf(row, "family %" PRIu64, number_of(view, "family_number"));
	else if (strcmp(name, "unix") == 0)
		buf_printf(row, has(view, "addr") ? "unix " : "unix socket without a name");
	put(row, view, "addr");
	if (has(view, "port"))
		buf_printf(row, " port %" PRIu64, number_of(view, "port"));
	record_text(view->event, view->event_count, "result", &op);
	if (op.len > 0)
		buf_printf(row, ": %s", buf_cstr(&op));
}

static void put_ssl(struct buf *row, const struct record_view *view)
{
	put(row, view, "op");
	buf_printf(row, " %" PRIu64 " bytes through ", number_of(view, "bytes"));
	put(row, view, "library");
}

/* One of them, as far as it has names. */
static void put_caller(struct buf *row, struct str object)
{
	struct record_view caller = { .event_count = 0 };

	while (caller.event_count < ARRAY_LEN(caller.event) &&
	       canon_member_next(&object, &caller.event[caller.event_count]))
		caller.event_count++;
	if (has(&caller, "symbol"))
		put(row, &caller, "symbol");
	else
		buf_printf(row, "offset %" PRIu64, number_of(&caller, "offset"));
	buf_printf(row, " in ");
	if (has(&caller, "library"))
		put(row, &caller, "library");
	else
		buf_printf(row, "inode %" PRIu64, number_of(&caller, "inode"));
}

static void put_function(struct buf *row, const struct record_view *view)
{
	const struct canon_value *callers = canon_find(view->event, view->event_count, STR("callers"));
	struct str rest = callers ? callers->raw : STR("");
	struct canon_value caller;
	bool more = false;

	put(row, view, "symbol");
	buf_printf(row, " in ");
	put(row, view, "library");
	if (has(view, "purl")) {
		buf_printf(row, " of ");
		put(row, view, "purl");
	}
	for (; callers && callers->type == CANON_ARRAY && canon_element_next(&rest, &caller); more = true) {
		if (caller.type != CANON_OBJECT)
			continue;
		buf_printf(row, more ? ", from " : ", called from ");
		put_caller(row, caller.raw);
	}
}

static void put_cgroup(struct buf *row, const struct record_view *view)
{
	put(row, view, "op");
	buf_printf(row, " ");
	put(row, view, "path");
}

static void put_what(struct buf *row, const struct record_view *view, const char *type)
{
	static const struct {
		const char *type;
		void (*put)(struct buf *row, const struct record_view *view);
	} types[] = {
		{ "file_open", put_file }, { "process_exec", put_exec },      { "process_exit", put_exit },
		{ "tcp_state", put_tcp },  { "library_load", put_path },      { "net_connect", put_connect },
		{ "ssl_op", put_ssl },	   { "function_call", put_function }, { "cgroup", put_cgroup },
	};
	const struct canon_value *at_start = canon_find(view->event, view->event_count, STR("at_start"));
	uint64_t count = view_number(view->members, view->count, "count");
	size_t i = 0;

	while (i < ARRAY_LEN(types) && strcmp(type, types[i].type) != 0)
		i++;
	(i < ARRAY_LEN(types) ? types[i].put : put_path)(row, view);
	if (at_start && at_start->type == CANON_TRUE)
		buf_printf(row, ", already so at start");
	if (count > 1)
		buf_printf(row, ", %" PRIu64 " times so far", count);
}

/* By its name, where seal or draft know it, else by its id; with the image's reference, where they know that. */
static void put_container(struct buf *row, const struct found_record *record, const struct record_view *view)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(4096);
	const char *id = record_text(view->members, view->count, "container_id", &text);
	char shown[FACTS_ID_MAX];

	if (record->container)
		buf_printf(row, ", in container %s", record->container);
	else if (*id)
		buf_printf(row, ", in container %s", facts_short_id(id, shown));
	if (record->image)
		buf_printf(row, " of %s", record->image);
}

void record_print_row(const struct found_record *record)
{
	_cleanup_(buf_done) struct buf row = BUF_MAX(ROW_MAX), shown = BUF_MAX(4 * ROW_MAX),
				       comm = BUF_MAX(4096);
	_cleanup_(buf_done) struct buf type = BUF_MAX(4096);
	char time[CLOCK_TEXT_MAX];
	struct record_view view;
	const char *name;

	if (!record_view((struct str) { record->text, record->len }, &view))
		return;
	clock_format(view.ts_ns + (uint64_t)record->wall_minus_boot_ns, time);
	name = record_text(view.event, view.event_count, "type", &type);
	buf_printf(&row, "%.23s  %-8s  %5" PRIu64 "  %-7" PRIu64 "  %-15s  %-13s  ", time,
		   record->sealed ? "sealed" : "unsealed", record->chunk,
		   view_number(view.members, view.count, "pid"),
		   record_text(view.members, view.count, "comm", &comm), name);
	put_what(&row, &view, name);
	put_container(&row, record, &view);
	(void)text_printable_append(&shown, buf_str(&row));
	fwrite(shown.data, 1, shown.len, stdout);
	putchar('\n');
}
