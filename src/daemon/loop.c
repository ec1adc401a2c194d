// SPDX-License-Identifier: Apache-2.0
/*
 * The collector's loop: one thread, one epoll, nothing in it blocks. Wakes on the drain timer, the ring's high-water
 * mark, signals and the control socket; once a second it looks after everything that only needs to be timely.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/parts.h"

#define SECOND_NS 1000000000ull
#define DRAIN_RECORDS 65536 /* then the other descriptors get their turn */

enum loop_source { LOOP_TIMER, LOOP_RING, LOOP_SIGNAL, LOOP_CONTROL, LOOP_CLOCK };

static uint64_t clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static int watch(struct collector *collector, int fd, enum loop_source source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = source };

	return epoll_ctl(collector->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

void collector_signals(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGINT);
	sigaddset(ret_set, SIGHUP);
	sigaddset(ret_set, SIGUSR1);
}

static int loop_open(struct collector *collector)
{
	long interval = (long)collector->config->drain_interval_ms * 1000000;
	struct itimerspec every = { .it_interval.tv_nsec = interval, .it_value.tv_nsec = interval };
	sigset_t signals;
	int r;

	collector_signals(&signals);
	collector->epoll = epoll_create1(EPOLL_CLOEXEC);
	collector->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	collector->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (collector->epoll < 0 || collector->timer < 0 || collector->signals < 0 ||
	    timerfd_settime(collector->timer, 0, &every, NULL) < 0)
		return -errno;
	r = watch(collector, collector->timer, LOOP_TIMER);
	if (r >= 0)
		r = watch(collector, source_fd(collector->source), LOOP_RING);
	if (r >= 0)
		r = watch(collector, collector->signals, LOOP_SIGNAL);
	if (r >= 0 && collector->incidents.clock >= 0)
		r = watch(collector, collector->incidents.clock, LOOP_CLOCK);
	return r < 0 ? r : watch(collector, control_fd(collector->control), LOOP_CONTROL);
}

static void take_signals(struct collector *collector)
{
	struct signalfd_siginfo info;

	while (read(collector->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			collector_reload(collector);
		else if (info.ssi_signo == SIGUSR1)
			(void)collector_rotate(collector);
		else
			collector->stopping = true;
	}
}

/* ---- once a second ---- */

/* CLOCK_BOOTTIME counts sleep, CLOCK_MONOTONIC does not: the difference grows by what we slept through. */
static void note_suspend(struct collector *collector, struct moment now)
{
	/* Monotonic first: on a machine that never slept they are equal, and the difference must not be negative. */
	uint64_t awake_ns = clock_ns(CLOCK_MONOTONIC);
	uint64_t asleep_ns = clock_ns(CLOCK_BOOTTIME) - awake_ns;

	if (collector->seconds > 0 && asleep_ns > collector->asleep_ns + SECOND_NS) {
		incidents_note(&collector->incidents, "suspend", now.boot_ns,
			       "the machine slept for %llu s; the gap is recorded",
			       (unsigned long long)((asleep_ns - collector->asleep_ns) / SECOND_NS));
		chain_gap(collector->chain, GAP_SUSPEND, collector->last_second, now);
		(void)collector_rotate(collector);
	}
	collector->asleep_ns = asleep_ns;
}

/* A number that was taken and has not come yet looks like a hole: only one that was there the last time too is. */
void collector_note_holes(struct collector *collector, struct moment now)
{
	uint64_t seen = source_holes(collector->source);
	uint64_t sure = seen < collector->holes_seen ? seen : collector->holes_seen;

	collector->holes_seen = seen;
	if (sure <= collector->holes_told)
		return;
	ledger_add(&collector->ledger, LEDGER_HOLE, sure - collector->holes_told, now.boot_ns);
	collector->holes_told = sure;
}

static void note_over_limit(struct collector *collector)
{
	struct source_target_counts counts;

	source_target_counts(collector->source, &counts);
	if (counts.over_limit <= collector->over_limit_told)
		return;
	collector->over_limit_told = counts.over_limit;
	log_line(LOG_LEVEL_WARNING,
		 "%llu functions of the map are not watched: this kernel (before 6.6) takes probes one by one, "
		 "and more than %d would take minutes; they are missing in the seal; ask for fewer",
		 (unsigned long long)counts.over_limit, SOURCE_SINGLE_MAX);
}

static void note_rates(struct collector *collector)
{
	uint64_t events = collector_events(collector);

	collector->events_rate = events - collector->events_before;
	collector->events_before = events;
	collector->lost_by_second[collector->seconds % COLLECTOR_MINUTE] =
		ledger_records_lost(&collector->ledger);
	collector->seconds++;
}

/* A failing seal is said once, not every second. */
static void note_sealer(struct collector *collector)
{
	struct chain_state state;

	chain_state(collector->chain, &state);
	if (state.error == 0)
		state.error_text[0] = '\0';
	if (strcmp(state.error_text, collector->log_error) == 0)
		return;
	if (state.error < 0)
		log_line(LOG_LEVEL_ERROR, "sealing: %s; tried again", state.error_text);
	else
		log_line(LOG_LEVEL_INFO, "sealing works again");
	memcpy(collector->log_error, state.error_text, sizeof(collector->log_error));
}

static void rotate_when_old(struct collector *collector, struct moment now)
{
	uint64_t sequence, bytes, records;
	struct moment opened;

	chain_current(collector->chain, &sequence, &bytes, &records, &opened);
	if (now.boot_ns - opened.boot_ns >= config_max_age_ns(collector->config))
		(void)collector_rotate(collector);
}

/* The draft is how a later start knows what was covered; when it can't be written, the disk is what is wrong. */
static void checkpoint(struct collector *collector, struct moment now)
{
	struct diag diag = { .text = "" };
	int r = chain_checkpoint(collector->chain, now, &diag);

	if (r < 0)
		collector_note_disk(collector, r,
				    now); /* its end is seen by the next append, not by a draft left as it is */
}

static void each_second(struct collector *collector)
{
	struct moment now = clock_now();

	collector_read_counters(collector);
	incidents_look(&collector->incidents, now);
	collector_note_holes(collector, now);
	note_over_limit(collector);
	note_suspend(collector, now);
	note_rates(collector);
	checkpoint(collector, now);
	rotate_when_old(collector, now);
	note_sealer(collector);
	collector_tell_logs(collector);
	if (collector->raw && collector->raw_error == 0)
		collector_note_capture(collector, raw_writer_flush(collector->raw));
	collector->last_second = now;
}

static void on_timer(struct collector *collector)
{
	uint64_t expirations, now_ns = clock_ns(CLOCK_MONOTONIC);

	(void)!read(collector->timer, &expirations, sizeof(expirations));
	if (now_ns < collector->second_ns)
		return;
	collector->second_ns = now_ns + SECOND_NS;
	each_second(collector);
	control_dispatch(collector->control, now_ns / 1000000);
}

static int wait_once(struct collector *collector, int timeout_ms)
{
	struct epoll_event events[8];
	int count = epoll_wait(collector->epoll, events, ARRAY_LEN(events), timeout_ms);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		switch ((enum loop_source)events[i].data.u32) {
		case LOOP_TIMER:
			on_timer(collector);
			break;
		case LOOP_RING:
			break; /* the drain follows in any case */
		case LOOP_SIGNAL:
			take_signals(collector);
			break;
		case LOOP_CLOCK:
			incidents_clock_set(&collector->incidents, clock_now());
			break;
		case LOOP_CONTROL:
			control_dispatch(collector->control, clock_ns(CLOCK_MONOTONIC) / 1000000);
			break;
		}
	}
	return 0;
}

int collector_run(struct collector *collector, struct diag *diag)
{
	int r = loop_open(collector);
	int taken = 0;

	while (r >= 0 && !collector->stopping) {
		r = wait_once(collector, taken < DRAIN_RECORDS ? -1 : 0);
		if (r < 0)
			break;
		taken = collector_drain(collector, DRAIN_RECORDS);
		if (taken < 0)
			r = taken;
		collector_attend(collector);
		collector_rotate_when_full(collector);
	}
	return r < 0 ? diag_error(diag, r, "the collector's loop: %s", strerror(-r)) : 0;
}
