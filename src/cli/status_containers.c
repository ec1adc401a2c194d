// SPDX-License-Identifier: Apache-2.0
/*
 * Containers and engines as the collector tells them: {id, name, image, image_digest, since_boot_ns, records, losses,
 * decision} and {engine, socket, connected, error, asked, answered, refused}. What is left out is shown as unknown. All of
 * it is the word of engines and of who named the containers: made printable. Owns nothing.
 */

#include "cli/status_containers.h"

#include <stdio.h>

#include "base/clock.h"
#include "cli/facts.h"

static void put_or_dash(struct table *table, const char *text)
{
	table_cell(table, "%s", *text ? text : "-");
}

/* Counters that a collector leaves out are unknown, not zero. */
static void put_count(struct table *table, const json_t *row, const char *key)
{
	if (json_is_integer(facts_get(row, key)))
		table_cell(table, "%llu", (unsigned long long)facts_number(row, key));
	else
		table_cell(table, "-");
}

/* Of the collector's own moment, which has both clocks. */
static void put_since(struct table *table, const json_t *status, const json_t *row)
{
	uint64_t boot_ns = facts_number(row, "since_boot_ns"), wall_ns;
	char time[CLOCK_TEXT_MAX];

	if (boot_ns == 0 || clock_parse(facts_text(status, "since.time"), &wall_ns) < 0) {
		table_cell(table, "-");
		return;
	}
	clock_format(wall_ns - facts_number(status, "since.boot_ns") + boot_ns, time);
	table_cell(table, "%.19s", time);
}

static void put_image(struct table *table, const json_t *row)
{
	const char *image = facts_text(row, "image"), *digest = facts_text(row, "image_digest");
	char shown[FACTS_ID_MAX];

	if (*image && *digest)
		table_cell(table, "%s (%s)", image, facts_short_id(digest, shown));
	else
		put_or_dash(table, *digest ? facts_short_id(digest, shown) : image);
}

static void show_containers(const json_t *status, const json_t *containers)
{
	static const struct table_column columns[] = { { "CONTAINER", false },	 { "NAME", false },
						       { "SINCE (UTC)", false }, { "RECORDS", true },
						       { "LOST", true },	 { "DECISION", false },
						       { "IMAGE", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), true);
	char shown[FACTS_ID_MAX];
	const json_t *row;
	size_t i;

	putchar('\n');
	if (json_array_size(containers) == 0)
		puts("No container is known.");
	json_array_foreach (containers, i, row) {
		table_cell(table, "%s", facts_short_id(facts_text(row, "id"), shown));
		put_or_dash(table, facts_text(row, "name"));
		put_since(table, status, row);
		put_count(table, row, "records");
		put_count(table, row, "losses");
		put_or_dash(table, facts_text(row, "decision"));
		put_image(table, row);
	}
	if (i > 0)
		(void)table_print(table, stdout);
	if (facts_number(status, "containers_more") > 0)
		printf("and %llu more\n", (unsigned long long)facts_number(status, "containers_more"));
}

static void show_engines(const json_t *engines)
{
	static const struct table_column columns[] = { { "ENGINE", false },  { "ASKED", true },
						       { "ANSWERED", true }, { "REFUSED", true },
						       { "SOCKET", false },  { "STATE", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), true);
	const json_t *row;
	size_t i;

	putchar('\n');
	if (json_array_size(engines) == 0)
		puts("No container engine is asked: images and names stay unknown.");
	json_array_foreach (engines, i, row) {
		const char *error = facts_text(row, "error");

		put_or_dash(table, facts_text(row, "engine"));
		put_count(table, row, "asked");
		put_count(table, row, "answered");
		put_count(table, row, "refused");
		put_or_dash(table, facts_text(row, "socket"));
		if (facts_true(row, "connected"))
			table_cell(table, "connected");
		else
			table_cell(table, "not connected%s%s", *error ? ": " : "", error);
	}
	if (i > 0)
		(void)table_print(table, stdout);
}

void status_containers(const json_t *status)
{
	const json_t *containers = facts_get(status, "containers"), *engines = facts_get(status, "engines");

	if (json_is_array(containers))
		show_containers(status, containers);
	if (json_is_array(engines))
		show_engines(engines);
}
