// SPDX-License-Identifier: Apache-2.0
/* `start`: returns when coverage is open, and says what is watched and what cannot be. */

#include <stdio.h>

#include "cli/command.h"
#include "cli/facts.h"
#include "cli/launch.h"
#include "cli/options.h"
#include "cli/verbs.h"

#define DAEMON_WORDS_MAX 32

struct start {
	const char *target, *config, *socket, *record_raw, *log;
	bool foreground;
	struct output output;
};

static void show_recovered(const json_t *facts)
{
	uint64_t chunks = facts_number(facts, "recovered.chunks"),
		 finished = facts_number(facts, "recovered.finished");
	uint64_t records = facts_number(facts, "recovered.records");
	uint64_t torn = facts_number(facts, "recovered.torn_bytes");

	if (chunks > 0)
		printf("Recovered what the last run left unsealed: %llu chunk%s, %llu record%s; the gap is "
		       "recorded.\n",
		       (unsigned long long)chunks, chunks == 1 ? "" : "s", (unsigned long long)records,
		       records == 1 ? "" : "s");
	if (torn > 0)
		printf("Cut off %llu byte%s of an unfinished line; counted as torn_tail.\n",
		       (unsigned long long)torn, torn == 1 ? "" : "s");
	if (finished > 0)
		printf("Finished %llu publication%s cut short before.\n", (unsigned long long)finished,
		       finished == 1 ? "" : "s");
}

static void show(const struct output *output, const json_t *facts)
{
	static const struct table_column columns[] = { { "", false }, { "", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), false);
	_cleanup_(buf_done) struct buf command = BUF_MAX(65536);
	static const char *const rows[][2] = {
		{ "evidence", "directory" }, { "chain", "chain.id" },	     { "key", "key.id" },
		{ "key file", "key.file" },  { "public key", "key.public" }, { "trust", "key.trusted" },
		{ "socket", "socket" },
	};

	if (!facts_for_people(output, facts))
		return;
	printf("%sCoverage is open%s since ", output_color(COLOR_GOOD), output_color_end());
	output_print(facts_text(facts, "since.time"));
	printf(", pid %llu.\n", (unsigned long long)facts_number(facts, "pid"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!*facts_text(facts, rows[i][1]))
			continue;
		table_cell(table, "  %s", rows[i][0]);
		table_cell(table, "%s", facts_text(facts, rows[i][1]));
	}
	(void)table_print(table, stdout);
	show_recovered(facts);
	putchar('\n');
	facts_probes(facts);
	puts("\nWhat falls into a blind spot leaves no record and no loss, or a record that is wrong in the "
	     "way "
	     "that\ndocs/probe-reference.md names. How it goes:");
	buf_printf(&command, "  stella signals status");
	command_socket(&command, facts_text(facts, "socket"));
	output_print(buf_cstr(&command) ? buf_cstr(&command) : "");
	putchar('\n');
}

static void add(char **words, size_t *count, const char *option, const char *value)
{
	if (!value)
		return;
	words[(*count)++] = (char *)option;
	words[(*count)++] = (char *)value;
}

static size_t daemon_words(const struct start *start, char **words)
{
	size_t count = 1;

	add(words, &count, "--config", start->config);
	add(words, &count, "--target", start->target);
	add(words, &count, "--socket", start->socket);
	add(words, &count, "--record-raw", start->record_raw);
	add(words, &count, "--log", start->log);
	if (start->foreground)
		words[count++] = (char *)"--foreground";
	words[count] = NULL;
	return count;
}

int verb_start(int argc, char **argv)
{
	struct start start = { .output = OUTPUT_DEFAULT };
	const struct option_row rows[] = {
		OPTION_IS_TEXT("target", 't', "DIR", "evidence directory instead of signals.output_directory",
			       &start.target),
		OPTION_IS_TEXT("config", 'c', "FILE",
			       "configuration ($STELLA_CONFIG, /etc/stella/stellaops.yaml)", &start.config),
		OPTION_IS_TEXT("socket", 0, "PATH", "control socket instead of signals.control_socket",
			       &start.socket),
		OPTION_IS_TEXT("record-raw", 0, "FILE", "also write a raw capture, for `replay`",
			       &start.record_raw),
		OPTION_IS_TEXT("log", 0, "FILE", "append the collector's log there instead of syslog",
			       &start.log),
		OPTION_IS_FLAG("foreground", 'f', "stay in the foreground, log to standard error",
			       &start.foreground),
		OPTIONS_FACTS(&start.output),
	};
	const struct option_spec spec = {
		.usage = "stella signals start [OPTION...]",
		.summary = "Starts the collector and returns when coverage is open.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.details = "Needs root, or CAP_BPF and CAP_PERFMON.\n"
			   "Exit status: 0 coverage is open, 1 failed, 2 the configuration is refused, 3 not "
			   "permitted,\n"
			   "4 no such configuration, key or program, 10 another collector has the directory or "
			   "the socket.",
	};
	struct diag diag = { .text = "" };
	char *words[DAEMON_WORDS_MAX], **arguments;
	_cleanup_(json_decrefp) json_t *facts = NULL;
	size_t count;
	int status, r;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	count = daemon_words(&start, words);
	if (start.foreground)
		return talk_error(&diag, launch_exec(words, &diag));
	r = launch_background(words, count, &diag, &facts);
	if (r < 0)
		return talk_error(&diag, r);
	show(&start.output, facts);
	return EXIT_DONE;
}
