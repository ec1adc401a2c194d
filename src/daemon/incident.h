/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Incidents: what happened to the machine or to a probe. The last INCIDENTS_MAX are kept. */

#include <stdbool.h>

#include "base/clock.h"
#include "format/statement.h"

#define INCIDENTS_MAX 256
#define INCIDENT_ONLINE_MAX 256

struct incident {
	const char *what; /* "clock_step", "cpu_online", "cpu_offline", "suspend", "probe_silent" */
	uint64_t boot_ns;
	char detail[232];
};

struct incidents {
	struct incident rows[INCIDENTS_MAX]; /* a ring: number N stands at N % INCIDENTS_MAX */
	uint64_t total, before; /* since the start; when the current chunk opened */
	int clock; /* readable when the wall clock was set; -1 = none */
	int online;
	int64_t wall_offset_ns; /* wall clock less boot clock */
	char online_text[INCIDENT_ONLINE_MAX];
};

void incidents_begin(struct incidents *incidents, struct moment now);
void incidents_end(struct incidents *incidents);
/* Notes one, and says it in the log. `what` is a literal. */
void incidents_note(struct incidents *incidents, const char *what, uint64_t boot_ns, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Once a second. */
void incidents_look(struct incidents *incidents, struct moment now);
/* `clock` is readable. */
void incidents_clock_set(struct incidents *incidents, struct moment now);
/* The current chunk ends here. */
void incidents_cut(struct incidents *incidents);
/* How many are kept, and the number of the first: rows[number % INCIDENTS_MAX]. */
size_t incidents_kept(const struct incidents *incidents, bool since_start, uint64_t *ret_first);
/* Fills in those of the current chunk. */
int incidents_rows(const struct incidents *incidents, struct statement *statement);
