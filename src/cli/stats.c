// SPDX-License-Identifier: Apache-2.0
/*
 * `stats`: the counters, once or again and again. --watch draws in place on a terminal and writes one object a line
 * otherwise; it ends when the collector or the reader goes away.
 */

#include <stdio.h>
#include <time.h>

#include "cli/control.h"
#include "cli/facts.h"
#include "cli/verbs.h"

/* label, member of the answer, unit; below the records of each kind */
static const char *const counters[][3] = {
	{ "rate", "events_per_s", "records a second" },
	{ "lost", "records_lost", "records" },
	{ "filtered", "filtered", "left out by filters" },
	{ "folded", "folded", "into equal records" },
	{ "written", "bytes", "bytes of records" },
	{ "ring", "ring.used", "bytes waiting" },
	{ "memory", "memory_bytes", "bytes" },
};

static void show_table(const json_t *stats)
{
	static const struct table_column columns[] = { { "", false }, { "", true }, { "", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), false);
	const json_t *count;
	const char *kind;

	json_object_foreach ((json_t *)facts_get(stats, "events"), kind, count) {
		table_cell(table, "%s", kind);
		if (facts_watched(stats, kind))
			table_cell(table, "%lld", (long long)json_integer_value(count));
		else
			table_cell(table, "-");
		table_cell(table, facts_watched(stats, kind) ? "records" : "not watched");
	}
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		table_cell(table, "%s", counters[i][0]);
		table_cell(table, "%llu", (unsigned long long)facts_number(stats, counters[i][1]));
		table_cell(table, "%s", counters[i][2]);
	}
	(void)table_print(table, stdout);
}

/* One look; the number of lines goes to *ret_lines so that the next can be drawn over it. */
static int once(const char *socket, const struct output *output, struct diag *diag, size_t *ret_lines)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	int r = control_ask(socket, "stats", CONTROL_WAIT_MS, diag, &answer);

	if (r < 0)
		return r;
	if (facts_for_people(output, answer))
		show_table(answer);
	*ret_lines = json_object_size(facts_get(answer, "events")) + ARRAY_LEN(counters);
	return 0;
}

static int watch(const char *socket, struct output *output, uint64_t interval_ms, struct diag *diag)
{
	bool in_place = output_format_now(output) == OUTPUT_TABLE;
	struct timespec pause = { .tv_sec = (time_t)(interval_ms / 1000),
				  .tv_nsec = (long)(interval_ms % 1000) * 1000000 };
	size_t lines = 0;

	if (!in_place)
		output->format = OUTPUT_NDJSON; /* a stream of objects is only readable line by line */
	for (;;) {
		int r = once(socket, output, diag, &lines);

		if (r < 0)
			return r;
		if (output_broken())
			return 0;
		nanosleep(&pause, NULL);
		if (in_place && !output->quiet)
			printf("\033[%zuA\033[J", lines);
	}
}

int verb_stats(int argc, char **argv)
{
	struct output output = OUTPUT_DEFAULT;
	const char *socket = NULL;
	bool live = false;
	uint64_t interval_ms = 1000;
	const struct option_row rows[] = {
		OPTION_IS_FLAG("watch", 'w', "again and again, in place; until interrupted", &live),
		OPTION_IS_U64("interval", 'i', "MS", 100, 3600000,
			      "milliseconds between two looks (default 1000)", &interval_ms),
		OPTION_SOCKET(&socket),
		OPTIONS_FACTS(&output),
	};
	const struct option_spec spec = {
		.usage = "stella signals stats [OPTION...]",
		.summary = "The collector's counters since its start.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.details = "Exit status: 0 done, 3 not permitted, 4 not running.",
	};
	struct diag diag = { .text = "" };
	char **arguments;
	size_t lines;
	int status, r;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	r = live ? watch(socket, &output, interval_ms, &diag) : once(socket, &output, &diag, &lines);
	return r < 0 ? talk_error(&diag, r) : EXIT_DONE;
}
