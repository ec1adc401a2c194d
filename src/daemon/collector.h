/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The collector: owns every long-lived object, from open coverage to the last seal. One thread (the chain's sealer
 * has its own). Before collector_open the caller blocks collector_signals, so that they reach the loop and no other
 * thread.
 */

#include <jansson.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/diag.h"

struct collector;

struct collector_options {
	const char *config_path; /* absolute; NULL = the defaults */
	const char *target; /* instead of signals.output_directory; absolute */
	const char *socket; /* instead of signals.control_socket; absolute */
	const char *record_raw; /* file for the raw capture, NULL = none */
};

/* The signals that the loop takes. */
void collector_signals(sigset_t *ret_set);

/* When this returns 0, coverage is open. Exit 3: a capability or a file is refused; 10: the directory is taken. */
int collector_open(const struct collector_options *options, struct diag *diag,
		   struct collector **ret_collector);
/* What was opened, for the one who started us: a new object, {"ok":true,...}. NULL without memory. */
json_t *collector_started(struct collector *collector);
/* Until SIGTERM, SIGINT or a stop request. 0, or the loop itself failed. */
int collector_run(struct collector *collector, struct diag *diag);
/* Empties the ring, seals everything, answers who asked for the stop. */
int collector_stop(struct collector *collector, struct diag *diag);
void collector_free(struct collector *collector);
DEFINE_FREEP(collector, collector_free)
