// SPDX-License-Identifier: Apache-2.0
/* `stop`: returns when everything is sealed; the head it prints is what someone else should keep. */

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/control.h"
#include "cli/facts.h"
#include "cli/verbs.h"

#define STOP_MS 60000 /* the collector itself waits up to 30 s for the disk */

static void add_option(struct buf *command, const char *option, const char *value)
{
	if (!*value)
		return;
	buf_printf(command, " %s", option);
	command_word(command, value);
}

static void show(const struct output *output, const json_t *answer)
{
	_cleanup_(buf_done) struct buf command = BUF_MAX(65536);
	const char *hex = facts_text(answer, "head.sha256");

	if (!facts_for_people(output, answer))
		return;
	printf("%sStopped%s, everything is sealed.\n  head  chunk %llu, sha256 ", output_color(COLOR_GOOD),
	       output_color_end(), (unsigned long long)facts_number(answer, "head.sequence"));
	output_print(hex);
	putchar('\n');
	facts_losses(answer, false);
	buf_printf(&command, "  stella signals verify-chain");
	command_word(&command, facts_text(answer, "directory"));
	command_trust(&command, facts_text(answer, "trusted"));
	add_option(&command, "--key", facts_text(answer, "public"));
	add_option(&command, "--trusted-root", facts_text(answer, "trusted_root"));
	if (strcmp(facts_text(answer, "kind"), "fulcio") == 0)
		buf_printf(&command, " --certificate-identity NAME --certificate-oidc-issuer ISSUER");
	buf_printf(&command, " --expect-head %s", hex);
	puts("Keep the head elsewhere: it shows whether the end was cut off. To verify:");
	output_print(buf_cstr(&command) ? buf_cstr(&command) : "");
	putchar('\n');
}

int verb_stop(int argc, char **argv)
{
	struct output output = OUTPUT_DEFAULT;
	const char *socket = NULL;
	const struct option_row rows[] = {
		OPTION_SOCKET(&socket),
		OPTIONS_FACTS(&output),
	};
	const struct option_spec spec = {
		.usage = "stella signals stop [OPTION...]",
		.summary = "Stops the collector and returns when everything is sealed.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.details = "Exit status: 0 all is sealed, 1 something could not be sealed (the next start does "
			   "it),\n"
			   "3 not permitted, 4 not running.",
	};
	struct diag diag = { .text = "" };
	_cleanup_(json_decrefp) json_t *answer = NULL;
	char **arguments;
	int status, r;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	r = control_ask(socket, "stop", STOP_MS, &diag, &answer);
	if (r < 0)
		return talk_error(&diag, r);
	show(&output, answer);
	return EXIT_DONE;
}
