// SPDX-License-Identifier: Apache-2.0
/* `status`: what is watched, what was lost and what cures it, where the chain is. */

#include <stdio.h>
#include <string.h>

#include "cli/control.h"
#include "cli/facts.h"
#include "cli/status_containers.h"
#include "cli/status_logs.h"
#include "cli/verbs.h"

static void show_reasons(const json_t *status)
{
	const json_t *reason;
	size_t i;

	if (facts_true(status, "healthy")) {
		printf("%shealthy%s\n", output_color(COLOR_GOOD), output_color_end());
		return;
	}
	printf("%sdegraded%s\n", output_color(COLOR_BAD), output_color_end());
	json_array_foreach (facts_get(status, "reasons"), i, reason) {
		fputs("  ", stdout);
		output_print(json_string_value(reason) ? json_string_value(reason) : "?");
		putchar('\n');
	}
}

static void show_chain(struct table *table, const json_t *status)
{
	uint64_t sequence = facts_number(status, "chain.head.sequence");
	uint64_t records = facts_number(status, "open_chunk.records");
	const char *error;
	char bytes[FACTS_TEXT_MAX], age[FACTS_TEXT_MAX];

	table_cell(table, "chain");
	table_cell(table, "%s", facts_text(status, "chain.id"));
	table_cell(table, "head");
	if (sequence > 0)
		table_cell(table, "chunk %llu, sha256 %s", (unsigned long long)sequence,
			   facts_text(status, "chain.head.sha256"));
	else
		table_cell(table, "nothing sealed yet");
	table_cell(table, "open chunk");
	table_cell(table, "%llu: %llu record%s, %s, %s old",
		   (unsigned long long)facts_number(status, "open_chunk.sequence"), (unsigned long long)records,
		   records == 1 ? "" : "s", facts_bytes(facts_number(status, "open_chunk.bytes"), bytes),
		   facts_duration(facts_number(status, "open_chunk.age_s"), age));
	table_cell(table, "sealing");
	if (*facts_text(status, "chain.error"))
		table_cell(table, "%llu waiting: %s", (unsigned long long)facts_number(status, "chain.waiting"),
			   facts_text(status, "chain.error"));
	else
		table_cell(table, "%llu waiting", (unsigned long long)facts_number(status, "chain.waiting"));
	table_cell(table, "disk");
	error = facts_text(status, "disk.error");
	table_cell(table, "%s%s%s", *error ? facts_text(status, "disk.state") : "can be written",
		   *error ? ": " : "", error);
}

static uint64_t folded_sum(const json_t *status)
{
	const json_t *count;
	const char *kind;
	uint64_t sum = 0;

	json_object_foreach ((json_t *)facts_get(status, "dedup.folded"), kind, count)
		sum += (uint64_t)json_integer_value(count);
	return sum;
}

static void show_targets(struct table *table, const json_t *status)
{
	if (facts_number(status, "targets.files_seen") == 0 &&
	    facts_number(status, "targets.functions_asked") == 0)
		return;
	table_cell(table, "functions");
	table_cell(table,
		   "%llu watched and %llu answered of %llu asked, %llu entries without a file, %llu refused",
		   (unsigned long long)facts_number(status, "targets.functions_attached"),
		   (unsigned long long)facts_number(status, "targets.functions_answered"),
		   (unsigned long long)facts_number(status, "targets.functions_asked"),
		   (unsigned long long)facts_number(status, "targets.entries_unmet"),
		   (unsigned long long)facts_number(status, "targets.refused"));
}

/* Names out of an array, with "..." where `all` says that there are more. */
static void names_print(const json_t *names, uint64_t all)
{
	const json_t *name;
	size_t i;

	json_array_foreach (names, i, name) {
		fputs(i > 0 ? ", " : "", stdout);
		output_print(json_string_value(name) ? json_string_value(name) : "?");
	}
	puts(all > json_array_size(names) ? ", ..." : "");
}

static void show_files(const json_t *status)
{
	const json_t *files = facts_get(status, "targets.files"), *row;
	const json_t *waiting = facts_get(status, "targets.waiting");
	size_t i;

	json_array_foreach (files, i, row) {
		uint64_t missing = facts_number(row, "missing_count");

		printf("%s%s: ", i == 0 ? "\nFiles whose functions are watched:\n  " : "  ",
		       facts_text(row, "kind"));
		output_print(facts_text(row, "library"));
		printf(", %llu watched, %llu missing%s", (unsigned long long)facts_number(row, "attached"),
		       (unsigned long long)missing, missing > 0 ? ": " : "");
		names_print(facts_get(row, "missing"), missing);
	}
	if (facts_number(status, "targets.files_more") > 0)
		printf("  and %llu more\n", (unsigned long long)facts_number(status, "targets.files_more"));
	if (json_array_size(waiting) == 0)
		return;
	fputs("\nWaiting for a file: ", stdout);
	names_print(waiting, facts_number(status, "targets.entries_unmet"));
}

static void show_incidents(const json_t *status)
{
	const json_t *incidents = facts_get(status, "incidents"), *row;
	size_t i;

	json_array_foreach (incidents, i, row) {
		printf("%s%s: ", i == 0 ? "\nIncidents:\n  " : "  ", facts_text(row, "what"));
		output_print(facts_text(row, "detail"));
		putchar('\n');
	}
}

/* What of the kernel's is in use. */
static void show_features(struct table *table, const json_t *status)
{
	const json_t *name;
	char text[512] = "";
	size_t i, len = 0;

	json_array_foreach (facts_get(status, "features"), i, name) {
		if (len < sizeof(text))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "",
						json_string_value(name) ? json_string_value(name) : "?");
	}
	table_cell(table, "kernel has");
	table_cell(table, "%s", text);
	table_cell(table, "types from");
	table_cell(table, "%s", facts_text(status, "btf"));
}

static void show_events(struct table *table, const json_t *status)
{
	const json_t *count;
	const char *kind;
	char used[FACTS_TEXT_MAX], size[FACTS_TEXT_MAX];

	json_object_foreach ((json_t *)facts_get(status, "events"), kind, count) {
		table_cell(table, "%s", kind);
		if (facts_watched(status, kind))
			table_cell(table, "%lld record%s", (long long)json_integer_value(count),
				   json_integer_value(count) == 1 ? "" : "s");
		else
			table_cell(table, "not watched");
	}
	table_cell(table, "rate");
	table_cell(table, "%llu/s", (unsigned long long)facts_number(status, "rates.events_per_s"));
	table_cell(table, "filtered");
	table_cell(table, "%llu left out by filters", (unsigned long long)facts_number(status, "filtered"));
	table_cell(table, "folded");
	table_cell(table, "%llu into equal records (dedup: %s)", (unsigned long long)folded_sum(status),
		   facts_text(status, "dedup.scope"));
	table_cell(table, "%s",
		   strcmp(facts_text(status, "transport"), "perf_buffer") == 0 ? "perf buffers" : "ring");
	table_cell(table, "%s of %s", facts_bytes(facts_number(status, "ring.used"), used),
		   facts_bytes(facts_number(status, "ring.size"), size));
	table_cell(table, "memory");
	table_cell(table, "%s", facts_bytes(facts_number(status, "memory_bytes"), used));
}

static void show_config(struct table *table, const json_t *status)
{
	table_cell(table, "configuration");
	table_cell(table, "%s",
		   *facts_text(status, "config.file") ? facts_text(status, "config.file") : "the defaults");
	table_cell(table, "  digest");
	table_cell(table, "%s", facts_text(status, "config.digest"));
}

static void show(const struct output *output, const json_t *status, bool verbose)
{
	static const struct table_column columns[] = { { "", false }, { "", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), false);

	if (!facts_for_people(output, status))
		return;
	fputs("Running since ", stdout);
	output_print(facts_text(status, "since.time"));
	printf(", pid %llu, ", (unsigned long long)facts_number(status, "pid"));
	show_reasons(status);
	if (*facts_text(status, "config.last_reload_error")) {
		table_cell(table, "last reload");
		table_cell(table, "refused, the old configuration stays: %s",
			   facts_text(status, "config.last_reload_error"));
	}
	table_cell(table, "evidence");
	table_cell(table, "%s", facts_text(status, "directory"));
	show_chain(table, status);
	show_events(table, status);
	show_targets(table, status);
	if (verbose) {
		show_config(table, status);
		show_features(table, status);
	}
	(void)table_print(table, stdout);
	putchar('\n');
	facts_probes(status);
	putchar('\n');
	facts_losses(status, verbose);
	status_logs(status);
	if (verbose) {
		status_containers(status);
		show_files(status);
	}
	show_incidents(status);
}

int verb_status(int argc, char **argv)
{
	struct output output = OUTPUT_DEFAULT;
	const char *socket = NULL;
	bool verbose = false;
	const struct option_row rows[] = {
		OPTION_IS_FLAG("verbose", 'v',
			       "also configuration, containers and the engines asked about them, files whose "
			       "functions are watched, and loss causes that did not strike",
			       &verbose),
		OPTION_SOCKET(&socket),
		OPTIONS_FACTS(&output),
	};
	const struct option_spec spec = {
		.usage = "stella signals status [OPTION...]",
		.summary = "What the collector watches, what it lost, where the chain is.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.details = "Exit status: 0 running, 3 not permitted, 4 not running.",
	};
	struct diag diag = { .text = "" };
	_cleanup_(json_decrefp) json_t *answer = NULL;
	char **arguments;
	int status, r;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	r = control_ask(socket, "status", CONTROL_WAIT_MS, &diag, &answer);
	if (r < 0)
		return talk_error(&diag, r);
	show(&output, answer, verbose);
	return EXIT_DONE;
}
