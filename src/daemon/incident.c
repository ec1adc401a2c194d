// SPDX-License-Identifier: Apache-2.0
/*
 * What happened to the machine or to a probe, by which the evidence must be read: into the log at once, into the seal
 * of its chunk, and into status. Looked for once a second; a wall clock that is set wakes us. Owns the rows, the
 * kernel's list of processors as a descriptor, and the timer that ends when the clock is set.
 */

#include "daemon/incident.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/log.h"

#define ONLINE "/sys/devices/system/cpu/online"
#define STEP_NS 250000000 /* more than a clock that is slewed can gain in a second */
#define FAR_FUTURE_S 4000000000 /* the timer never ends by itself */

void incidents_note(struct incidents *incidents, const char *what, uint64_t boot_ns, const char *format, ...)
{
	struct incident *row = &incidents->rows[incidents->total++ % INCIDENTS_MAX];
	va_list arguments;

	*row = (struct incident) { .what = what, .boot_ns = boot_ns };
	va_start(arguments, format);
	vsnprintf(row->detail, sizeof(row->detail), format, arguments);
	va_end(arguments);
	log_line(LOG_LEVEL_WARNING, "%s", row->detail);
}

/* ---- the wall clock ---- */

/* Wakes whoever waits on it when somebody sets the clock. */
static void watch_clock(struct incidents *incidents)
{
	struct itimerspec never = { .it_value.tv_sec = FAR_FUTURE_S };

	if (incidents->clock >= 0)
		(void)timerfd_settime(incidents->clock, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
				      NULL);
}

static void look_at_clock(struct incidents *incidents, struct moment now)
{
	int64_t offset = (int64_t)(now.wall_ns - now.boot_ns), step = offset - incidents->wall_offset_ns;

	incidents->wall_offset_ns = offset;
	if (step >= -STEP_NS && step <= STEP_NS)
		return;
	incidents_note(incidents, "clock_step", now.boot_ns, "the wall clock was set %s by %" PRIu64 " ms",
		       step < 0 ? "back" : "forward", (uint64_t)(step < 0 ? -step : step) / 1000000);
}

void incidents_clock_set(struct incidents *incidents, struct moment now)
{
	uint64_t expirations;

	(void)!read(incidents->clock, &expirations, sizeof(expirations)); /* ECANCELED: it was set */
	watch_clock(incidents);
	look_at_clock(incidents, now);
}

/* ---- the processors ---- */

/* "0-3,5" -> 5; 0 = not of that form. */
static unsigned int processors_in(const char *list)
{
	unsigned int count = 0;

	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list)
			return 0;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last > 65535 || (*end && *end != ','))
			return 0;
		count += (unsigned int)(last - first) + 1;
		list = *end ? end + 1 : end;
	}
	return count;
}

static bool read_online(const struct incidents *incidents, char out[INCIDENT_ONLINE_MAX])
{
	ssize_t n = pread(incidents->online, out, INCIDENT_ONLINE_MAX - 1, 0);

	if (n <= 0)
		return false;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return true;
}

static void look_at_processors(struct incidents *incidents, struct moment now)
{
	char online[INCIDENT_ONLINE_MAX];
	bool fewer;

	if (!read_online(incidents, online) || strcmp(online, incidents->online_text) == 0)
		return;
	fewer = processors_in(online) < processors_in(incidents->online_text);
	incidents_note(incidents, fewer ? "cpu_offline" : "cpu_online", now.boot_ns,
		       "processors online: %.100s, before: %.100s", online, incidents->online_text);
	memcpy(incidents->online_text, online, sizeof(online));
}

/* ---- all of it ---- */

void incidents_begin(struct incidents *incidents, struct moment now)
{
	incidents->wall_offset_ns = (int64_t)(now.wall_ns - now.boot_ns);
	incidents->clock = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	watch_clock(incidents);
	incidents->online = open(ONLINE, O_RDONLY | O_CLOEXEC);
	if (!read_online(incidents, incidents->online_text))
		incidents->online_text[0] = '\0';
}

void incidents_end(struct incidents *incidents)
{
	closep(&incidents->clock);
	closep(&incidents->online);
}

void incidents_look(struct incidents *incidents, struct moment now)
{
	look_at_clock(incidents, now);
	look_at_processors(incidents, now);
}

void incidents_cut(struct incidents *incidents)
{
	incidents->before = incidents->total;
}

size_t incidents_kept(const struct incidents *incidents, bool since_start, uint64_t *ret_first)
{
	uint64_t first = since_start ? 0 : incidents->before;

	if (incidents->total - first > INCIDENTS_MAX)
		first = incidents->total - INCIDENTS_MAX;
	*ret_first = first;
	return (size_t)(incidents->total - first);
}

int incidents_rows(const struct incidents *incidents, struct statement *statement)
{
	uint64_t first;
	size_t count = incidents_kept(incidents, false, &first);
	int r = 0;

	statement->incidents_known = true;
	if (count == 0)
		return 0;
	statement->incidents = calloc(count, sizeof(*statement->incidents));
	if (!statement->incidents)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < count; i++) {
		const struct incident *row = &incidents->rows[(first + i) % INCIDENTS_MAX];
		struct statement_incident *said = &statement->incidents[statement->n_incidents++];

		said->boot_ns = row->boot_ns;
		r = statement_set(&said->what, row->what);
		if (r >= 0)
			r = statement_set(&said->detail, row->detail);
	}
	return r;
}
