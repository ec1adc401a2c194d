/* SPDX-License-Identifier: Apache-2.0 */
/* Where seals are logged: how far, what waits and why. */

#include "cli/status_logs.h"

#include <stdio.h>

#include "cli/facts.h"
#include "cli/output.h"

static void show_sink(const json_t *sink)
{
	char wait[FACTS_TEXT_MAX], retry[FACTS_TEXT_MAX];
	uint64_t waiting = facts_number(sink, "waiting");

	fputs("  ", stdout);
	output_print(facts_text(sink, "kind"));
	if (*facts_text(sink, "url")) {
		putchar(' ');
		output_print(facts_text(sink, "url"));
	}
	if (facts_true(sink, "split_view"))
		printf(", %sSPLIT VIEW%s", output_color(COLOR_BAD), output_color_end());
	printf(": %llu done, %llu waiting", (unsigned long long)facts_number(sink, "done"),
	       (unsigned long long)waiting);
	if (waiting > 0)
		printf(" (the oldest for %s)", facts_duration(facts_number(sink, "oldest_wait_s"), wait));
	if (facts_number(sink, "refused") > 0)
		printf(", %llu answers refused", (unsigned long long)facts_number(sink, "refused"));
	if (facts_number(sink, "retry_in_s") > 0)
		printf(", tried again in %s", facts_duration(facts_number(sink, "retry_in_s"), retry));
	if (*facts_text(sink, "error")) {
		fputs(": ", stdout);
		output_print(facts_text(sink, "error"));
	}
	putchar('\n');
}

void status_logs(const json_t *status)
{
	const json_t *sinks = facts_get(status, "log.sinks"), *sink;
	size_t i;

	json_array_foreach (sinks, i, sink) {
		if (i == 0)
			puts("\nLogs of seals:");
		show_sink(sink);
	}
	if (*facts_text(status, "log.local_off"))
		printf("\nNo local log: %s\n", facts_text(status, "log.local_off"));
	if (*facts_text(status, "log.local_error")) {
		fputs("\nThe local log is not in use: ", stdout);
		output_print(facts_text(status, "log.local_error"));
		putchar('\n');
	}
}
