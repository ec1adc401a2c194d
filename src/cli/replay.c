// SPDX-License-Identifier: Apache-2.0
/* `replay`: the daemon does it, because decoding and sealing are its rooms; it needs no root and no kernel half. */

#include <stdio.h>

#include "cli/facts.h"
#include "cli/launch.h"
#include "cli/options.h"
#include "cli/verbs.h"

static void show(const struct output *output, const json_t *facts, const char *target)
{
	if (!facts_for_people(output, facts))
		return;
	printf("Replayed %llu record%s into ", (unsigned long long)facts_number(facts, "records"),
	       facts_number(facts, "records") == 1 ? "" : "s");
	output_print(target);
	printf("\n%llu malformed. The seals say replay_of %s.\n",
	       (unsigned long long)facts_number(facts, "malformed"), facts_text(facts, "replay_of"));
}

int verb_replay(int argc, char **argv)
{
	struct output output = OUTPUT_DEFAULT;
	const char *target = NULL, *config = NULL;
	const struct option_row rows[] = {
		OPTION_IS_TEXT("target", 't', "DIR", "where the evidence is written (required)", &target),
		OPTION_IS_TEXT("config", 'c', "FILE", "configuration: filters, key, compression", &config),
		OPTIONS_FACTS(&output),
	};
	const struct option_spec spec = {
		.usage = "stella signals replay [OPTION...] RAW --target DIR",
		.summary = "Turns a raw capture (start --record-raw) into records again: byte-identical.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.min_arguments = 1,
		.max_arguments = 1,
		.argument = "RAW",
		.details = "The seals say that they are a replay (collector.replay_of) and no live capture.\n"
			   "Exit status: 0 done, 1 failed, 2 no whole capture, or bad arguments or "
			   "configuration,\n"
			   "3 not permitted.",
	};
	struct diag diag = { .text = "" };
	char *words[8], **arguments;
	_cleanup_(json_decrefp) json_t *facts = NULL;
	size_t count = 1;
	int status;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	if (!target) {
		talk("replay: --target DIR is missing");
		return EXIT_UNSOUND;
	}
	words[count++] = (char *)"--replay";
	words[count++] = arguments[0];
	words[count++] = (char *)"--target";
	words[count++] = (char *)target;
	if (config) {
		words[count++] = (char *)"--config";
		words[count++] = (char *)config;
	}
	words[count] = NULL;
	status = launch_and_read(words, &diag, &facts);
	if (status < 0)
		return talk_error(&diag, status);
	if (facts)
		show(&output, facts, target);
	return status; /* when it is not 0 the daemon has said why; of an incomplete capture it gives facts too */
}
