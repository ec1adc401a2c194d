// SPDX-License-Identifier: Apache-2.0
/*
 * Ring to chain, and from one chunk to the next. Promises that what a seal says of losses (describe.c) belongs to its
 * chunk: the counters are those of the moment at which it ended (epoch.c), and are cut right after. A disk that fails is
 * noted, never waited for: the ring is emptied all the same and what cannot be kept is counted.
 */

#include <errno.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/parts.h"

#define CHUNK_CONTAINERS_MAX 1024
#define SECOND_NS 1000000000ull
#define MINUTE_NS (60 * SECOND_NS)

void collector_note_disk(struct collector *collector, int error, struct moment now)
{
	bool tell = error < 0
			    ? !collector->disk_logged_ns || now.boot_ns - collector->disk_logged_ns >= MINUTE_NS
			    : collector->disk_told;

	/* One that was not told, for it came too soon behind another, and lasts: its turn comes. */
	if (error == collector->disk_error && (error == 0 || collector->disk_told || !tell))
		return;
	/* A disk on the edge fails and recovers many times a second; the log hears of it once a minute. */
	if (tell && error < 0) {
		log_line(LOG_LEVEL_ERROR, "%s: %s; records are counted as lost until it recovers",
			 collector->config->output_directory, strerror(-error));
		collector->disk_logged_ns = now.boot_ns;
	} else if (tell) {
		log_line(LOG_LEVEL_INFO, "%s: writing again", collector->config->output_directory);
	}
	collector->disk_told = error < 0 && tell;
	if (error != collector->disk_error)
		collector->disk_since = now;
	collector->disk_error = error;
}

/* A probe that fell silent is an incident; that it answers again, the log says. */
static void note_probes(struct collector *collector)
{
	const struct source_probe *probes;
	size_t count = source_probes(collector->source, &probes);

	for (size_t i = 0; i < count && i < COLLECTOR_PROBES_MAX; i++) {
		const char *kind = event_kind_name(probes[i].kind);

		if (!probes[i].alive && !collector->silent[i])
			incidents_note(&collector->incidents, "probe_silent", probes[i].to_boot_ns,
				       "probe %s (%s) does not answer; what it covers ends here",
				       probes[i].hook, kind);
		else if (probes[i].alive && collector->silent[i])
			log_line(LOG_LEVEL_INFO, "probe %s (%s) answers again", probes[i].hook, kind);
		collector->silent[i] = !probes[i].alive;
	}
}

static int note_loser(void *user, const struct wire_loss_key *key, const struct wire_loss_count *count)
{
	return losers_note(user, key, count);
}

void collector_read_counters(struct collector *collector)
{
	struct wire_cpu_counters sum;
	int r;

	/* By cgroup first: the totals, read later, are never less. Without memory for it they are all there is. */
	(void)source_losses_by_cgroup(collector->source, note_loser, &collector->ledger.losers);
	r = source_counters(collector->source, &sum);
	source_refresh(
		collector->source); /* what is said of a probe is as fresh as what is said of its losses */
	note_probes(collector);
	collector->losses_unknown = r < 0;
	if (r >= 0)
		ledger_kernel(&collector->ledger, &sum);
}

void collector_note_capture(struct collector *collector, int error)
{
	if (error >= 0 || collector->raw_error < 0)
		return;
	collector->raw_error = error;
	log_line(LOG_LEVEL_ERROR, "raw capture ended: %s", strerror(-error));
}

void collector_record_cut(struct collector *collector)
{
	if (collector->raw && collector->cut.len > 0)
		collector_note_capture(collector, raw_writer_add(collector->raw, RAW_CUT, collector->cut.data,
								 collector->cut.len));
	buf_clear(&collector->cut);
}

int collector_cut(struct collector *collector)
{
	struct moment now = collector_turn(collector);
	struct diag diag = { .text = "" };
	int r;

	collector->cutting = true;
	r = chain_rotate(collector->chain, now, &diag);
	collector->cutting = false;
	if (r < 0) {
		buf_clear(&collector->cut);
		collector->cut_retry_ns = now.boot_ns + SECOND_NS;
		collector_note_disk(collector, r, now);
		return r;
	}
	collector_record_cut(collector);
	ledger_cut(&collector->ledger);
	incidents_cut(&collector->incidents);
	collector->filtered_before = pipeline_totals(collector->pipeline)->filtered;
	collector_attend_cut(collector, now.boot_ns);
	return 0;
}

void collector_flush(struct collector *collector)
{
	struct moment now = clock_now();
	uint64_t before = pipeline_totals(collector->pipeline)->bytes;
	int r = pipeline_flush(collector->pipeline, collector->chain, now);

	if (r < 0 || pipeline_totals(collector->pipeline)->bytes > before)
		collector_note_disk(collector, r, now);
}

void collector_take(struct collector *collector, const void *data, size_t len)
{
	if (collector->raw)
		collector_note_capture(collector, raw_writer_add(collector->raw, RAW_RECORD, data, len));
	pipeline_take(collector->pipeline, data, len);
	if (pipeline_full(collector->pipeline))
		collector_flush(collector);
}

static void take_record(void *taker, const void *data, size_t len)
{
	struct collector *collector = taker;

	if (!collector->holding || !collector_hold(collector, data, len))
		collector_take(collector, data, len);
}

int collector_drain(struct collector *collector, size_t max_records)
{
	int taken = source_drain(collector->source, max_records, take_record, collector);

	collector_flush(collector);
	return taken;
}

static void take_total(void *taker, const void *data, size_t len)
{
	collector_take(taker, data, len);
}

void collector_sweep(struct collector *collector)
{
	int r = source_sweep(collector->source, take_total, collector);

	collector_flush(collector);
	if (r < 0)
		log_line(LOG_LEVEL_ERROR, "totals of folded events could not be read: %s", strerror(-r));
}

int collector_snapshot(struct collector *collector, struct diag *diag)
{
	int r = source_snapshot(collector->source, take_record, collector, diag);

	collector_flush(collector);
	return r;
}

int collector_rotate(struct collector *collector)
{
	int r = collector_cut(collector);

	collector_release(collector);
	return r;
}

static bool collector_chunk_full(const struct collector *collector)
{
	uint64_t sequence, bytes, records;
	struct moment opened;

	chain_current(collector->chain, &sequence, &bytes, &records, &opened);
	/* A seal has room for so many containers. */
	return bytes >= collector->config->max_size_mb << 20 ||
	       containers_totals(attribution_containers(pipeline_attribution(collector->pipeline)))->appeared >=
		       CHUNK_CONTAINERS_MAX;
}

void collector_rotate_when_full(struct collector *collector)
{
	if (collector_chunk_full(collector) && clock_now().boot_ns >= collector->cut_retry_ns)
		(void)collector_rotate(collector);
}
