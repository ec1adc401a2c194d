/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The command line of stella-signalsd. */

#include <stdbool.h>

#include "base/diag.h"

struct arguments {
	const char *config, *target, *socket, *record_raw, *replay, *log;
	int ready_fd; /* -1 = nobody waits */
	bool foreground; /* what it does anyway; accepted so that a unit file can say so */
	bool help, version, help_config, example_config, man_config;
};

/* -EINVAL (exit 2) with a line. Paths stay as they were given. */
int arguments_parse(int argc, char **argv, struct diag *diag, struct arguments *ret_arguments);
void arguments_help(void);
