// SPDX-License-Identifier: Apache-2.0
/* `health`: one line, for supervisors and people in a hurry. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/control.h"
#include "cli/facts.h"
#include "cli/options.h"
#include "cli/verbs.h"

#define ANSWER_MS 5000

static void show_line(const json_t *answer)
{
	const json_t *reason;
	size_t i;

	if (facts_true(answer, "healthy")) {
		puts("healthy");
		return;
	}
	fputs("degraded: ", stdout);
	json_array_foreach(facts_get(answer, "reasons"), i, reason)
	{
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
		OPTION_IS_TEXT("socket", 0, "PATH",
			       "control socket ($STELLA_SOCKET, " CONTROL_SOCKET_DEFAULT ")", &socket),
		OPTIONS_FACTS(&output),
	};
	const struct option_spec spec = {
		.usage = "stella signals health [OPTION...]",
		.summary = "One line: healthy, or degraded and why.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.details =
			"Degraded: the disk or the sealing fails, a probe is dead, records were lost in the "
			"last minute.\n"
			"Exit status: 0 healthy, 1 degraded or not answering, 3 not permitted, 4 not running.",
	};
	struct diag diag = { .text = "" };
	json_t *answer = NULL;
	char **arguments;
	bool healthy;
	int status, r;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	r = control_ask(control_socket_path(socket), "health", ANSWER_MS, &diag, &answer);
	if (r < 0)
		return talk_error(&diag, r);
	healthy = facts_true(answer, "healthy");
	if (output_format_now(&output) != OUTPUT_TABLE)
		output.format = OUTPUT_NDJSON; /* one line in every form */
	if (!output.quiet && output.format != OUTPUT_NDJSON)
		show_line(answer);
	else
		facts_json(&output, answer);
	json_decref(answer);
	return healthy ? EXIT_DONE : EXIT_FAILED;
}
