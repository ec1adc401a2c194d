// SPDX-License-Identifier: Apache-2.0
/* `health`: one line, for supervisors and people in a hurry. */

#include <errno.h>
#include <stdio.h>

#include "cli/control.h"
#include "cli/facts.h"
#include "cli/verbs.h"

static void show_line(const json_t *answer)
{
	const json_t *reason;
	size_t i;

	if (facts_true(answer, "healthy")) {
		puts("healthy");
		return;
	}
	fputs("degraded: ", stdout);
	json_array_foreach (facts_get(answer, "reasons"), i, reason) {
		fputs(i > 0 ? "; " : "", stdout);
		output_print(json_string_value(reason) ? json_string_value(reason) : "?");
	}
	putchar('\n');
}

int verb_health(int argc, char **argv)
{
	struct output output = OUTPUT_DEFAULT;
	const char *socket = NULL;
	const struct option_row rows[] = {
		OPTION_SOCKET(&socket),
		OPTIONS_FACTS(&output),
	};
	const struct option_spec spec = {
		.usage = "stella signals health [OPTION...]",
		.summary = "One line: healthy, or degraded and why.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.details =
			"Degraded: the disk or the sealing fails, a probe is dead, the raw capture ended,\n"
			"records were lost in the last minute, seals wait for a log for more than an hour,\n"
			"a log's answer was refused, the local log cannot be used.\n"
			"Exit status: 0 healthy, 1 degraded or not answering, 3 not permitted, 4 not running.",
	};
	struct diag diag = { .text = "" };
	_cleanup_(json_decrefp) json_t *answer = NULL;
	char **arguments;
	int status, r;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	r = control_ask(socket, "health", CONTROL_WAIT_MS, &diag, &answer);
	if (r < 0)
		return talk_error(&diag, r);
	if (output_format_now(&output) != OUTPUT_TABLE)
		output.format = OUTPUT_NDJSON; /* one line in every form */
	if (facts_for_people(&output, answer))
		show_line(answer);
	return facts_true(answer, "healthy") ? EXIT_DONE : EXIT_FAILED;
}
