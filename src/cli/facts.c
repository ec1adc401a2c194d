// SPDX-License-Identifier: Apache-2.0
/*
 * Answers shown. What a collector says is made printable before a terminal sees it; what it leaves out is
 * shown as missing, never as zero where that would say something else. Owns nothing.
 */

#include "cli/facts.h"

#include <stdio.h>
#include <string.h>

#define PATH_PART_MAX 64

bool facts_for_people(const struct output *output, const json_t *object)
{
	enum output_format format = output_format_now(output);
	size_t flags = JSON_SORT_KEYS | (format == OUTPUT_NDJSON ? JSON_COMPACT : JSON_INDENT(2));

	if (output->quiet)
		return false;
	if (format == OUTPUT_TABLE)
		return true;
	if (json_dumpf(object, stdout, flags) == 0)
		putchar('\n');
	return false;
}

const json_t *facts_get(const json_t *object, const char *path)
{
	char part[PATH_PART_MAX];

	while (object && *path) {
		size_t len = strcspn(path, ".");

		snprintf(part, sizeof(part), "%.*s", (int)len, path);
		object = json_object_get(object, part);
		path += len + (path[len] == '.');
	}
	return object;
}

uint64_t facts_number(const json_t *object, const char *path)
{
	json_int_t value = json_integer_value(facts_get(object, path));

	return value > 0 ? (uint64_t)value : 0;
}

const char *facts_text(const json_t *object, const char *path)
{
	const char *text = json_string_value(facts_get(object, path));

	return text ? text : "";
}

bool facts_true(const json_t *object, const char *path)
{
	return json_is_true(facts_get(object, path));
}

bool facts_watched(const json_t *object, const char *kind)
{
	const json_t *watched = facts_get(object, "watched"), *name;
	size_t i;

	json_array_foreach (watched, i, name) {
		if (json_string_value(name) && strcmp(json_string_value(name), kind) == 0)
			return true;
	}
	return !watched;
}

const char *facts_bytes(uint64_t bytes, char out[FACTS_TEXT_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(out, FACTS_TEXT_MAX, "%u B", (unsigned int)bytes);
		return out;
	}
	while (value >= 1024 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(out, FACTS_TEXT_MAX, "%.1f %s", value, units[unit]);
	return out;
}

const char *facts_duration(uint64_t seconds, char out[FACTS_TEXT_MAX])
{
	unsigned int s = (unsigned int)(seconds % 60), m = (unsigned int)(seconds / 60 % 60);
	unsigned int h = (unsigned int)(seconds / 3600 % 24);
	unsigned long long d = seconds / 86400;

	if (d > 0)
		snprintf(out, FACTS_TEXT_MAX, "%llu d %u h", d, h);
	else if (h > 0)
		snprintf(out, FACTS_TEXT_MAX, "%u h %u min", h, m);
	else if (m > 0)
		snprintf(out, FACTS_TEXT_MAX, "%u min %u s", m, s);
	else
		snprintf(out, FACTS_TEXT_MAX, "%u s", s);
	return out;
}

const char *facts_short_id(const char *id, char out[FACTS_ID_MAX])
{
	const char *digits = strchr(id, ':');

	digits = digits ? digits + strspn(digits, ":/") : id;
	snprintf(out, FACTS_ID_MAX, "%.*s%.12s", (int)(digits - id), id, digits);
	return out;
}

static void append_text(struct buf *out, const char *text)
{
	if (out->len > 0)
		(void)buf_append(out, ", ", 2);
	(void)buf_append_str(out, str_of(text));
}

void facts_probes(const json_t *object)
{
	static const struct table_column columns[] = {
		{ "WATCHES", false }, { "HOOK", false }, { "ALIVE", false }, { "BLIND SPOTS", false }
	};
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), true);
	const json_t *probe, *spot;
	size_t i, j;

	json_array_foreach (facts_get(object, "probes"), i, probe) {
		_cleanup_(buf_done) struct buf blind = BUF_MAX(4096);

		json_array_foreach (facts_get(probe, "blind_spots"), j, spot)
			append_text(&blind, json_string_value(spot) ? json_string_value(spot) : "?");
		table_cell(table, "%s", facts_text(probe, "kind"));
		table_cell(table, "%s", facts_text(probe, "hook"));
		table_cell(table, "%s", facts_true(probe, "alive") ? "yes" : "NO");
		table_cell(table, "%s", blind.len > 0 && buf_cstr(&blind) ? buf_cstr(&blind) : "-");
	}
	(void)table_print(table, stdout);
}

void facts_losses(const json_t *object, bool all)
{
	static const struct table_column columns[] = { { "LOST", true },   { "KIND", false },
						       { "LAYER", false }, { "CAUSE", false },
						       { "WHAT", false },  { "CURE", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), true);
	const json_t *loss;
	bool any = false;
	size_t i;

	json_array_foreach (facts_get(object, "losses"), i, loss) {
		uint64_t count = facts_number(loss, "count");

		any = any || count > 0;
		if (count == 0 && !all)
			continue;
		table_cell(table, "%llu", (unsigned long long)count);
		table_cell(table, "%s", *facts_text(loss, "kind") ? facts_text(loss, "kind") : "any");
		table_cell(table, "%s", facts_text(loss, "layer"));
		table_cell(table, "%s", facts_text(loss, "cause"));
		table_cell(table, "%s",
			   strcmp(facts_text(loss, "effect"), "member") == 0 ? "a member" : "records");
		table_cell(table, "%s", facts_text(loss, "cure"));
	}
	if (!any)
		puts("Nothing was lost.");
	(void)table_print(table, stdout);
}
