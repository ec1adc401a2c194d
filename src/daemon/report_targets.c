// SPDX-License-Identifier: Apache-2.0
/*
 * Which files' functions are watched, which names they lack and for which entries of the map no file was seen, for
 * status. Lists the first and counts the rest: file names are the watched processes', and the answer has a limit.
 */

#include <string.h>

#include "base/text.h"
#include "daemon/parts.h"

#define FILES_LISTED 48
#define MISSING_LISTED 5 /* of each file */
#define WAITING_LISTED 32

static json_t *text_of(const char *text)
{
	return text && text_is_utf8(str_of(text)) ? json_string(text) : json_string("(not UTF-8)");
}

static json_t *file_of(const struct source_target *target)
{
	json_t *missing = json_array();
	json_t *row;

	for (size_t i = 0; i < target->n_missing_listed && i < MISSING_LISTED; i++)
		json_array_append_new(missing, text_of(target->missing[i]));
	row = json_pack("{s:s, s:o, s:I, s:I, s:o}", "kind", event_kind_name(target->kind), "library",
			text_of(target->library), "attached", (json_int_t)target->attached, "missing_count",
			(json_int_t)target->missing_count, "missing", missing);
	if (row && target->purl)
		json_object_set_new(row, "purl", text_of(target->purl));
	return row;
}

static void add_files(json_t *object, struct source *source)
{
	const struct source_target *targets;
	size_t count = source_targets(source, &targets);
	json_t *files = json_array();
	json_int_t more = 0;

	for (size_t i = 0; i < count; i++) {
		if (targets[i].to_boot_ns != 0)
			continue; /* taken off: the seal has it */
		if (json_array_size(files) < FILES_LISTED)
			json_array_append_new(files, file_of(&targets[i]));
		else
			more++;
	}
	json_object_set_new(object, "files", files);
	if (more > 0)
		json_object_set_new(object, "files_more", json_integer(more));
}

static void take_waiting(void *user, const char *library, const uint8_t *build_id, size_t build_id_len)
{
	char hex[2 * WIRE_BUILD_ID_MAX + 1];
	json_t *waiting = user;

	if (json_array_size(waiting) >= WAITING_LISTED)
		return; /* entries_unmet has all of them */
	text_hex(build_id, build_id_len, hex);
	json_array_append_new(waiting, library ? text_of(library) : json_sprintf("build id %s", hex));
}

json_t *report_targets(const struct collector *collector)
{
	struct source_target_counts counts;
	json_t *object, *waiting = json_array();

	source_target_counts(collector->source, &counts);
	source_unmet(collector->source, take_waiting, waiting);
	object = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "functions_asked",
		(json_int_t)counts.functions_asked, "functions_attached", (json_int_t)counts.functions_attached,
		"functions_answered", (json_int_t)counts.functions_answered, "entries_unmet",
		(json_int_t)counts.entries_unmet, "files_seen", (json_int_t)counts.files_seen, "files_lost",
		(json_int_t)counts.files_lost, "over_limit", (json_int_t)counts.over_limit, "refused",
		(json_int_t)counts.refused, "callers_unresolved", (json_int_t)counts.callers_unresolved,
		"callers_unproven", (json_int_t)counts.callers_unproven, "waiting", waiting);
	if (object)
		add_files(object, collector->source);
	return object;
}
