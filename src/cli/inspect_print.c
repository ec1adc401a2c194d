/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Prints records. Promises: nothing in a record can drive a terminal, and the row for people leaves out, but never
 * rewords: who needs all members takes JSON.
 */

#include "cli/inspect_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/output.h"

#define ROW_MAX (1u << 20)
#define ROW_ARGV_MAX 32

void record_print_json(const struct found_record *record)
{
	printf("{\"chunk\":%" PRIu64 ",\"line\":%" PRIu64 ",\"record\":", record->chunk, record->line);
	fwrite(record->text, 1, record->len, stdout);
	printf(",\"sealed\":%s}", record->sealed ? "true" : "false");
}

void record_print_heading(void)
{
	printf("%-23s  %-8s  %5s  %-7s  %-15s  %-12s  %s\n", "TIME (UTC)", "STATE", "CHUNK", "PID", "COMMAND",
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

/* The arguments behind the first, which the file's name stands for. Strings of a canonical array: no spaces between. */
static void put_exec(struct buf *row, const struct record_view *view)
{
	const struct canon_value *argv = canon_find(view->event, view->event_count, STR("argv"));
	_cleanup_(buf_done) struct buf text = BUF_MAX(ROW_MAX);
	size_t shown = 0;

	put(row, view, "filename");
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
		if (shown > 0 &&
		    canon_value_string(&(struct canon_value) { CANON_STRING, { raw, end + 1 } }, &text) == 0) {
			buf_append(row, " ", 1);
			buf_append_str(row, buf_str(&text));
		}
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

static void put_what(struct buf *row, const struct record_view *view, const char *type)
{
	if (strcmp(type, "file_open") == 0)
		put_file(row, view);
	else if (strcmp(type, "process_exec") == 0)
		put_exec(row, view);
	else if (strcmp(type, "tcp_state") == 0)
		put_tcp(row, view);
	else
		put(row, view, "path");
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
	buf_printf(&row, "%.23s  %-8s  %5" PRIu64 "  %-7" PRIu64 "  %-15s  %-12s  ", time,
		   record->sealed ? "sealed" : "unsealed", record->chunk,
		   view_number(view.members, view.count, "pid"),
		   record_text(view.members, view.count, "comm", &comm), name);
	put_what(&row, &view, name);
	(void)text_printable_append(&shown, buf_str(&row));
	fwrite(shown.data, 1, shown.len, stdout);
	putchar('\n');
}
