// SPDX-License-Identifier: Apache-2.0
/* Rows of a table, like the command's own (cli/options.c, which the daemon does not link): strict, no abbreviations. */

#include "daemon/arguments.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/nearest.h"
#include "base/text.h"

enum argument_type { ARGUMENT_FLAG, ARGUMENT_TEXT, ARGUMENT_FD };

struct argument {
	const char *name;
	enum argument_type type;
	size_t offset;
	const char *value;
	const char *help;
};

#define INTO(member) offsetof(struct arguments, member)

static const struct argument rows[] = {
	{ "config", ARGUMENT_TEXT, INTO(config), "FILE",
	  "configuration (default: $STELLA_CONFIG, /etc/stella/stellaops.yaml)" },
	{ "target", ARGUMENT_TEXT, INTO(target), "DIR",
	  "evidence directory instead of signals.output_directory" },
	{ "socket", ARGUMENT_TEXT, INTO(socket), "PATH", "control socket instead of signals.control_socket" },
	{ "log", ARGUMENT_TEXT, INTO(log), "FILE",
	  "append the log there instead of to syslog or standard error" },
	{ "record-raw", ARGUMENT_TEXT, INTO(record_raw), "FILE", "write a raw capture beside the evidence" },
	{ "replay", ARGUMENT_TEXT, INTO(replay), "RAW", "write a raw capture's evidence to --target, and end" },
	{ "foreground", ARGUMENT_FLAG, INTO(foreground), NULL,
	  "stay, log to standard error (without --ready-fd always)" },
	{ "ready-fd", ARGUMENT_FD, INTO(ready_fd), "N",
	  "tell readiness on this descriptor, then leave the terminal" },
	{ "help-config", ARGUMENT_FLAG, INTO(help_config), NULL, "list the configuration's keys" },
	{ "example-config", ARGUMENT_FLAG, INTO(example_config), NULL,
	  "print a configuration of all defaults" },
	{ "man-config", ARGUMENT_FLAG, INTO(man_config), NULL, "print the manual page of the configuration" },
	{ "version", ARGUMENT_FLAG, INTO(version), NULL, "print the version" },
	{ "help", ARGUMENT_FLAG, INTO(help), NULL, "print this" },
};

static int refuse_unknown(struct diag *diag, const char *word, struct str name)
{
	struct nearest nearest = NEAREST_TO(name);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		nearest_try(&nearest, rows[i].name);
	if (nearest.best)
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "unknown option %s, did you mean --%s?", word,
				 nearest.best);
	return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "unknown option %s; --help lists them", word);
}

static int store(struct arguments *arguments, const struct argument *row, const char *value, struct diag *diag)
{
	char *field = (char *)arguments + row->offset;
	uint64_t fd;

	switch (row->type) {
	case ARGUMENT_FLAG:
		*(bool *)field = true;
		return 0;
	case ARGUMENT_TEXT:
		*(const char **)field = value;
		return *value ? 0 : diag_exit(diag, EXIT_UNSOUND, -EINVAL, "--%s is empty", row->name);
	case ARGUMENT_FD:
		if (text_parse_u64(str_of(value), 3, 1023, &fd) < 0)
			return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "--%s: a descriptor's number is wanted",
					 row->name);
		*(int *)field = (int)fd;
		return 0;
	}
	return -EINVAL;
}

static int parse_word(struct arguments *arguments, char **argv, int *index, struct diag *diag)
{
	const char *word = argv[*index], *equals = strchr(word, '='), *value;
	struct str name;

	if (strncmp(word, "--", 2) != 0)
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "unexpected '%s'; --help lists the options",
				 word);
	name = (struct str) { word + 2, equals ? (size_t)(equals - word - 2) : strlen(word + 2) };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!str_equal(name, str_of(rows[i].name)))
			continue;
		if (rows[i].type == ARGUMENT_FLAG && equals)
			return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "--%s takes no value", rows[i].name);
		value = equals ? equals + 1 : NULL;
		if (rows[i].type != ARGUMENT_FLAG && !value)
			value = argv[++*index];
		if (rows[i].type != ARGUMENT_FLAG && !value)
			return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "--%s needs a value", rows[i].name);
		return store(arguments, &rows[i], value, diag);
	}
	return refuse_unknown(diag, word, name);
}

int arguments_parse(int argc, char **argv, struct diag *diag, struct arguments *ret_arguments)
{
	struct arguments arguments = { .ready_fd = -1 };

	for (int i = 1; i < argc; i++) {
		int r = parse_word(&arguments, argv, &i, diag);

		if (r < 0)
			return r;
	}
	if (arguments.replay && !arguments.target)
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "--replay needs --target DIR");
	if (arguments.replay && (arguments.record_raw || arguments.log))
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "--replay and %s exclude one another",
				 arguments.record_raw ? "--record-raw" : "--log");
	*ret_arguments = arguments;
	return 0;
}

void arguments_help(void)
{
	printf("Usage: stella-signalsd [OPTION...]\n\nThe collector of Stella Signals; `stella signals start` "
	       "runs it.\n\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char left[48];

		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].value ? " " : "",
			 rows[i].value ? rows[i].value : "");
		printf("  %-20s  %s\n", left, rows[i].help);
	}
}
