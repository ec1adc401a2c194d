/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Takes a record apart. Promises: a path is its exact bytes, also where the text shows U+FFFD; a folded record counts only what those
 * before it did not; what the record does not say stays unknown.
 */

#include "merge/record_view.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/record_check.h"

#define TEXT_MAX (2u << 20)

void record_reader_init(struct record_reader *reader)
{
	for (size_t i = 0; i < ARRAY_LEN(reader->texts); i++)
		reader->texts[i] = BUF_MAX(TEXT_MAX);
	reader->used = 0;
}

void record_reader_done(struct record_reader *reader)
{
	for (size_t i = 0; i < ARRAY_LEN(reader->texts); i++)
		buf_done(&reader->texts[i]);
}

/* A string: in place when nothing in it is escaped. */
static int text_of(struct record_reader *reader, const struct canon_value *value, struct str *ret_text)
{
	struct buf *text;
	int r;

	*ret_text = (struct str) { NULL, 0 };
	if (!value || value->type != CANON_STRING || value->raw.len < 2)
		return 0;
	if (!memchr(value->raw.data, '\\', value->raw.len)) {
		*ret_text = (struct str) { value->raw.data + 1, value->raw.len - 2 };
		return 0;
	}
	if (reader->used == ARRAY_LEN(reader->texts))
		return 0;
	text = &reader->texts[reader->used++];
	buf_clear(text);
	r = canon_value_string(value, text);
	*ret_text = buf_str(text);
	return r;
}

static int base64_of(struct record_reader *reader, const struct canon_value *value, struct str *ret_text)
{
	struct buf *text;

	if (value->type != CANON_STRING || value->raw.len < 2 || reader->used == ARRAY_LEN(reader->texts))
		return 0;
	text = &reader->texts[reader->used++];
	buf_clear(text);
	if (text_unbase64_append(text, (struct str) { value->raw.data + 1, value->raw.len - 2 }) == -ENOMEM)
		return -ENOMEM;
	*ret_text = buf_str(text);
	return 0;
}

static bool key_is(const struct canon_member *member, const char *key)
{
	return str_equal(member->key, str_of(key));
}

static void dev_of(const struct canon_value *value, struct record_file *file)
{
	struct str text = { value->raw.data + 1, value->raw.len - 2 };
	const char *colon =
		value->type == CANON_STRING && value->raw.len > 2 ? memchr(text.data, ':', text.len) : NULL;
	uint64_t major, minor;

	if (!colon ||
	    text_parse_u64((struct str) { text.data, (size_t)(colon - text.data) }, 0, UINT32_MAX - 1, &major) <
		    0 ||
	    text_parse_u64((struct str) { colon + 1, (size_t)(text.data + text.len - colon) - 1 }, 0,
			   UINT32_MAX, &minor) < 0)
		return;
	file->dev_major = (uint32_t)major;
	file->dev_minor = (uint32_t)minor;
	file->has_inode = true;
}

static uint64_t number_of(const struct canon_value *value)
{
	uint64_t number = 0;

	return canon_value_u64(value, &number) < 0 ? 0 : number;
}

static void layer_of(const struct canon_value *value, struct record_file *file)
{
	file->on_overlay = value->type == CANON_STRING;
	file->upper = str_equal(value->raw, STR("\"upper\""));
}

/* Members by which files are told, whatever the type is. */
static int file_member(struct record_reader *reader, const struct canon_member *member,
		       struct record_view_of *view)
{
	struct record_file *file = &view->file, *interpreter = &view->interpreter;
	const struct canon_value *value = &member->value;

	if (key_is(member, "path") || key_is(member, "filename"))
		return text_of(reader, value, &file->path);
	if (key_is(member, "path_b64") || key_is(member, "filename_b64"))
		return base64_of(reader, value, &file->path);
	if (key_is(member, "interpreter"))
		return text_of(reader, value, &interpreter->path);
	if (key_is(member, "interpreter_b64"))
		return base64_of(reader, value, &interpreter->path);
	if (key_is(member, "dev"))
		dev_of(value, file);
	else if (key_is(member, "inode"))
		file->inode = number_of(value);
	else if (key_is(member, "layer"))
		layer_of(value, file);
	else if (key_is(member, "interpreter_dev"))
		dev_of(value, interpreter);
	else if (key_is(member, "interpreter_inode"))
		interpreter->inode = number_of(value);
	else if (key_is(member, "interpreter_layer"))
		layer_of(value, interpreter);
	else if (key_is(member, "path_truncated"))
		file->path_cut = value->type == CANON_TRUE;
	else if (key_is(member, "unreachable") || key_is(member, "deleted"))
		file->path_is_name = file->path_is_name || value->type == CANON_TRUE;
	else if (key_is(member, "at_start"))
		view->at_start = value->type == CANON_TRUE;
	return 0;
}

static int function_members(struct record_reader *reader, struct str object, struct record_function *function)
{
	struct canon_member member;
	int r = 0;

	while (r == 0 && canon_member_next(&object, &member)) {
		if (key_is(&member, "symbol"))
			r = text_of(reader, &member.value, &function->symbol);
		else if (key_is(&member, "library"))
			r = text_of(reader, &member.value, &function->library);
		else if (key_is(&member, "build_id"))
			r = text_of(reader, &member.value, &function->build_id);
		else if (key_is(&member, "purl"))
			r = text_of(reader, &member.value, &function->purl);
	}
	return r;
}

static int callers_of(struct record_reader *reader, const struct canon_value *event,
		      struct record_view_of *view)
{
	struct canon_member member;
	struct canon_value caller;
	struct str rest = event->raw, list = { NULL, 0 };
	int r = 0;

	while (canon_member_next(&rest, &member)) {
		if (key_is(&member, "callers") && member.value.type == CANON_ARRAY)
			list = member.value.raw;
	}
	while (r == 0 && view->n_callers < RECORD_CALLERS_MAX && canon_element_next(&list, &caller)) {
		struct record_function *function = &view->callers[view->n_callers++];

		if (caller.type == CANON_OBJECT)
			r = function_members(reader, caller.raw, function);
	}
	return r;
}

static int event_members(struct record_reader *reader, const struct canon_value *event,
			 struct record_view_of *view)
{
	static const struct {
		struct str name;
		enum record_kind kind;
	} kinds[] = {
		{ STR("\"file_open\""), RECORD_OPEN },
		{ STR("\"process_exec\""), RECORD_EXEC },
		{ STR("\"library_load\""), RECORD_LIBRARY },
		{ STR("\"function_call\""), RECORD_FUNCTION },
	};
	struct canon_member member;
	struct str rest = event->raw;
	int r = 0;

	while (canon_member_next(&rest, &member)) {
		if (!key_is(&member, "type"))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
			if (str_equal(member.value.raw, kinds[i].name))
				view->kind = kinds[i].kind;
		}
	}
	if (view->kind == RECORD_OTHER)
		return 0;
	if (view->kind == RECORD_FUNCTION) {
		r = function_members(reader, event->raw, &view->function);
		return r < 0 ? r : callers_of(reader, event, view);
	}
	rest = event->raw;
	while (r == 0 && canon_member_next(&rest, &member))
		r = file_member(reader, &member, view);
	return r;
}

/* The highest count holds for all before it: of 16, 256, 4096, ... the one before stood for a sixteenth. */
static uint64_t events_of(uint64_t count)
{
	uint64_t before = 1;

	if (count <= 1)
		return 1;
	while (before <= UINT64_MAX / 16 && before * 16 < count)
		before *= 16;
	return count - before;
}

static void files_settle(struct record_view_of *view)
{
	struct record_file *file = &view->file;

	/* A pipe has "/" for a path that is cut: no file's. */
	if (file->path_cut && file->path.len <= 1)
		file->path_cut = false, file->path_is_name = true;
	file->path_cut = file->path_cut && !file->path_is_name;
	file->path_is_name = file->path_is_name || file->path_cut;
	view->interpreter.has_inode = view->interpreter.has_inode && view->interpreter.path.len > 0;
	if (view->interpreter.path.len == 0)
		return;
	/* Of the script nothing but its path is known at this hook; the overlay is told of by its interpreter. */
	file->script = true;
	file->on_overlay = view->interpreter.on_overlay;
}

int record_view_read(struct record_reader *reader, const struct canon_member *members, size_t count,
		     struct record_view_of *ret_view)
{
	struct record_view_of view = { .events = 1 };
	uint64_t folded = 1;
	int r = 0;

	reader->used = 0;
	for (size_t i = 0; i < count && i < RECORD_MEMBERS_MAX && r == 0; i++) {
		const struct canon_value *value = &members[i].value;

		if (key_is(&members[i], "event"))
			r = event_members(reader, value, &view);
		else if (key_is(&members[i], "ts_ns"))
			view.ts_ns = number_of(value);
		else if (key_is(&members[i], "last_ts_ns"))
			view.last_ts_ns = number_of(value);
		else if (key_is(&members[i], "count"))
			folded = number_of(value);
		else if (key_is(&members[i], "pid"))
			view.pid = number_of(value);
		else if (key_is(&members[i], "container_id"))
			r = text_of(reader, value, &view.container_id);
		else if (key_is(&members[i], "image_digest"))
			r = text_of(reader, value, &view.image_digest);
	}
	if (r < 0)
		return r;
	view.events = events_of(folded);
	view.last_ts_ns = view.last_ts_ns > view.ts_ns ? view.last_ts_ns : view.ts_ns;
	files_settle(&view);
	*ret_view = view;
	return 0;
}
