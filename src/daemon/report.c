// SPDX-License-Identifier: Apache-2.0
/*
 * What the collector says of itself over the control socket: facts as one JSON object each, keys sorted. Promises
 * that every loss cause is listed, also with zero, and that unknown is left out. Changes nothing of the collector
 * but for the verbs stop and rotate.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "daemon/parts.h"
#include "format/bundle.h"

/* File names may be any bytes; JSON is UTF-8. */
static json_t *text_of(const char *text)
{
	return text && text_is_utf8(str_of(text)) ? json_string(text) : json_string("(not UTF-8)");
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *digest_text(const struct digest *digest)
{
	char hex[DIGEST_TEXT_LEN + 1];

	digest_hex(digest, hex);
	return json_string(hex);
}

static json_t *moment_of(struct moment moment)
{
	char time[CLOCK_TEXT_MAX];

	clock_format(moment.wall_ns, time);
	return json_pack("{s:o, s:s}", "boot_ns", number(moment.boot_ns), "time", time);
}

int report_dump(json_t *object, struct buf *out)
{
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	int r = text ? buf_append_str(out, str_of(text)) : -ENOMEM;

	free(text);
	json_decref(object);
	return r;
}

/* ---- pieces ---- */

static json_t *probes_of(const struct collector *collector)
{
	const struct source_probe *probes;
	size_t count = source_probes(collector->source, &probes);
	json_t *rows = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *blind = json_array();

		for (size_t j = 0; probes[i].blind_spots && probes[i].blind_spots[j]; j++)
			json_array_append_new(blind, json_string(probes[i].blind_spots[j]));
		json_array_append_new(rows, json_pack("{s:s, s:s, s:b, s:o, s:o, s:o}", "kind",
						      event_kind_name(probes[i].kind), "hook", probes[i].hook,
						      "alive", probes[i].alive, "since_boot_ns",
						      number(probes[i].from_boot_ns), "covers_to_boot_ns",
						      number(probes[i].to_boot_ns), "blind_spots", blind));
	}
	return rows;
}

static json_t *losses_of(const struct collector *collector)
{
	_cleanup_(statement_done) struct statement statement = { .sequence = 0 };
	json_t *rows = json_array();

	if (ledger_rows(&collector->ledger, true, 0, &statement) < 0)
		return rows;
	for (size_t i = 0; i < statement.n_losses; i++) {
		const struct statement_loss *loss = &statement.losses[i];
		json_t *row = json_pack("{s:s, s:s, s:s, s:o}", "layer", loss->layer, "cause", loss->cause,
					"effect", loss->effect, "count", number(loss->count));

		if (loss->kind)
			json_object_set_new(row, "kind", json_string(loss->kind));
		if (loss->count > 0)
			json_object_set_new(row, "last_boot_ns", number(loss->last_boot_ns));
		if (ledger_cure(loss->cause))
			json_object_set_new(row, "cure", json_string(ledger_cure(loss->cause)));
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *events_of(const struct collector *collector)
{
	json_t *events = json_object();

	for (int kind = 1; kind < WIRE_KIND_END; kind++) {
		const char *name = event_kind_name((enum wire_kind)kind);

		if (name)
			json_object_set_new(events, name,
					    number(pipeline_totals(collector->pipeline)->events[kind]));
	}
	return events;
}

/* Of which kinds there are probes: a kind without is not watched, and its zero says nothing. */
static json_t *watched_of(const struct collector *collector)
{
	const struct source_probe *probes;
	size_t count = source_probes(collector->source, &probes);
	unsigned int kinds = 0;
	json_t *names = json_array();

	for (size_t i = 0; i < count; i++)
		kinds |= 1u << probes[i].kind;
	for (int kind = 1; kind < WIRE_KIND_END; kind++) {
		if (kinds & 1u << kind)
			json_array_append_new(names, json_string(event_kind_name((enum wire_kind)kind)));
	}
	return names;
}

static uint64_t folded_by(const struct collector *collector)
{
	uint64_t sum = 0;

	for (int kind = 1; kind < WIRE_KIND_END; kind++)
		sum += ledger_folded(&collector->ledger, true, (enum wire_kind)kind);
	return sum;
}

uint64_t collector_events(const struct collector *collector)
{
	uint64_t sum = 0;

	for (int kind = 1; kind < WIRE_KIND_END; kind++)
		sum += pipeline_totals(collector->pipeline)->events[kind];
	return sum;
}

static json_t *ring_of(const struct collector *collector)
{
	size_t used, size;

	source_ring(collector->source, &used, &size);
	return json_pack("{s:o, s:o}", "used", number(used), "size", number(size));
}

static json_t *head_of(uint64_t sequence, const struct digest *digest)
{
	return sequence == 0
		       ? json_null()
		       : json_pack("{s:o, s:o}", "sequence", number(sequence), "sha256", digest_text(digest));
}

static json_t *chain_of(const struct collector *collector)
{
	struct chain_state state;
	json_t *row;

	chain_state(collector->chain, &state);
	row = json_pack("{s:s, s:o, s:o, s:o, s:s}", "id", state.chain_id, "head",
			head_of(state.sealed_sequence, &state.sealed_head), "sealed",
			number(state.sealed_chunks), "waiting", number(state.waiting), "head_memory",
			state.head_error < 0 ? strerror(-state.head_error) : "ok");
	if (state.error < 0)
		json_object_set_new(row, "error", text_of(state.error_text));
	return row;
}

static json_t *open_chunk_of(const struct collector *collector)
{
	uint64_t sequence, bytes, records;
	struct moment opened;

	chain_current(collector->chain, &sequence, &bytes, &records, &opened);
	return json_pack("{s:o, s:o, s:o, s:o}", "sequence", number(sequence), "records", number(records),
			 "bytes", number(bytes), "age_s",
			 number((clock_now().boot_ns - opened.boot_ns) / 1000000000u));
}

static json_t *config_of(const struct collector *collector)
{
	json_t *row = json_pack("{s:o}", "digest", digest_text(&collector->config_digest));

	if (collector->config_path)
		json_object_set_new(row, "file", text_of(collector->config_path));
	if (collector->reload_error[0])
		json_object_set_new(row, "last_reload_error", text_of(collector->reload_error));
	return row;
}

static json_t *disk_of(const struct collector *collector)
{
	if (collector->disk_error == 0)
		return json_pack("{s:s}", "state", "well");
	return json_pack("{s:s, s:s, s:o}", "state", "failing", "error", strerror(-collector->disk_error),
			 "since", moment_of(collector->disk_since));
}

/* Resident set, from /proc/self/statm's second number (pages); 0 when it cannot be read. */
static uint64_t memory_bytes(void)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(256);
	unsigned long long size, resident;

	if (file_read_at(AT_FDCWD, "/proc/self/statm", &text, NULL) < 0 || !buf_cstr(&text) ||
	    sscanf(text.data, "%llu %llu", &size, &resident) != 2)
		return 0;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static json_t *features_of(const struct collector *collector)
{
	unsigned int features = source_features(collector->source);
	json_t *names = json_array();

	for (unsigned int i = 0; i < FEATURE_NUMBERS; i++) {
		if (features & 1u << i)
			json_array_append_new(names, json_string(feature_name(i)));
	}
	return names;
}

static json_t *dedup_of(const struct collector *collector)
{
	json_t *folded = json_object();

	for (int kind = 1; kind < WIRE_KIND_END; kind++)
		json_object_set_new(folded, event_kind_name((enum wire_kind)kind),
				    number(ledger_folded(&collector->ledger, true, (enum wire_kind)kind)));
	return json_pack("{s:s, s:o}", "scope", collector_dedup(collector->config), "folded", folded);
}

static json_t *incidents_of(const struct collector *collector)
{
	const struct incidents *incidents = &collector->incidents;
	json_t *rows = json_array();
	uint64_t first;
	size_t count = incidents_kept(incidents, true, &first);

	for (size_t i = 0; i < count; i++) {
		const struct incident *row = &incidents->rows[(first + i) % INCIDENTS_MAX];

		json_array_append_new(rows, json_pack("{s:s, s:o, s:o}", "what", row->what, "boot_ns",
						      number(row->boot_ns), "detail", text_of(row->detail)));
	}
	return rows;
}

/* How it watches: what of this changes is in the seals too. */
static void add_watching(json_t *object, const struct collector *collector)
{
	json_object_set_new(object, "watched", watched_of(collector));
	json_object_set_new(object, "transport", json_string(source_transport(collector->source)));
	json_object_set_new(object, "features", features_of(collector));
	json_object_set_new(object, "dedup", dedup_of(collector));
	json_object_set_new(object, "targets", report_targets(collector));
	report_containers(object, collector);
	json_object_set_new(object, "incidents", incidents_of(collector));
	json_object_set_new(object, "log", logs_report(collector->logs));
	json_object_set_new(object, "btf", text_of(source_btf(collector->source)->source_path));
}

static uint64_t filtered_by(const struct collector *collector)
{
	return pipeline_totals(collector->pipeline)->filtered + ledger_filtered(&collector->ledger, true);
}

/* ---- health ---- */

static uint64_t lost_in_the_last_minute(const struct collector *collector)
{
	uint64_t before = collector->seconds < COLLECTOR_MINUTE
				  ? 0
				  : collector->lost_by_second[collector->seconds % COLLECTOR_MINUTE];

	return ledger_records_lost(&collector->ledger) - before;
}

static void reason(json_t *reasons, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void reason(json_t *reasons, const char *format, ...)
{
	char text[DIAG_MAX + 64];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	json_array_append_new(reasons, text_of(text));
}

static void add_reason(void *reasons, const char *text)
{
	reason(reasons, "%s", text);
}

static json_t *reasons_of(const struct collector *collector)
{
	const struct source_probe *probes;
	size_t count = source_probes(collector->source, &probes);
	uint64_t lost = lost_in_the_last_minute(collector);
	json_t *reasons = json_array();
	struct chain_state state;

	chain_state(collector->chain, &state);
	if (collector->disk_error < 0)
		reason(reasons, "evidence directory: %s", strerror(-collector->disk_error));
	if (state.error < 0)
		reason(reasons, "sealing: %s", state.error_text);
	for (size_t i = 0; i < count; i++) {
		if (!probes[i].alive)
			reason(reasons, "probe %s (%s) does not answer", probes[i].hook,
			       event_kind_name(probes[i].kind));
	}
	if (lost > 0)
		reason(reasons, "%llu records lost in the last minute", (unsigned long long)lost);
	logs_reasons(collector->logs, add_reason, reasons);
	if (collector->raw_error < 0)
		reason(reasons, "raw capture ended: %s", strerror(-collector->raw_error));
	return reasons;
}

/* ---- verbs ---- */

static json_t *report_status(const struct collector *collector)
{
	json_t *reasons = reasons_of(collector);
	json_t *object = json_pack(
		"{s:b, s:b, s:b, s:o, s:i, s:s, s:o, s:o, s:o, s:o, s:{s:o}, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o}",
		"ok", true, "running", true, "healthy", json_array_size(reasons) == 0, "since",
		moment_of(collector->covered), "pid", (int)getpid(), "version", STELLA_VERSION, "directory",
		text_of(collector->config->output_directory), "chain", chain_of(collector), "open_chunk",
		open_chunk_of(collector), "probes", probes_of(collector), "rates", "events_per_s",
		number(collector->events_rate), "events", events_of(collector), "ring", ring_of(collector),
		"losses", losses_of(collector), "filtered", number(filtered_by(collector)), "config",
		config_of(collector), "memory_bytes", number(memory_bytes()), "disk", disk_of(collector));

	if (object)
		json_object_set_new(object, "reasons", reasons);
	else
		json_decref(reasons);
	if (object)
		add_watching(object, collector);
	if (object && collector->raw)
		json_object_set_new(
			object, "raw_capture",
			json_string(collector->raw_error < 0 ? strerror(-collector->raw_error) : "well"));
	return object;
}

static json_t *report_stats(const struct collector *collector)
{
	const struct pipeline_totals *totals = pipeline_totals(collector->pipeline);

	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ok", true, "now",
			 moment_of(clock_now()), "events", events_of(collector), "watched",
			 watched_of(collector), "folded", number(folded_by(collector)), "events_per_s",
			 number(collector->events_rate), "filtered", number(filtered_by(collector)), "bytes",
			 number(totals->bytes), "records_lost", number(ledger_records_lost(&collector->ledger)),
			 "ring", ring_of(collector), "open_chunk", open_chunk_of(collector), "memory_bytes",
			 number(memory_bytes()));
}

static json_t *report_health(const struct collector *collector)
{
	json_t *reasons = reasons_of(collector);

	return json_pack("{s:b, s:b, s:o}", "ok", true, "healthy", json_array_size(reasons) == 0, "reasons",
			 reasons);
}

static json_t *report_rotated(struct collector *collector)
{
	uint64_t sequence, bytes, records;
	struct moment opened;
	int r;

	chain_current(collector->chain, &sequence, &bytes, &records, &opened);
	r = collector_rotate(collector);
	if (r < 0)
		return json_pack("{s:b, s:s}", "ok", false, "error", strerror(-r));
	return json_pack("{s:b, s:o}", "ok", true, "closed", number(sequence));
}

static void add_public(const struct collector *collector, json_t *object)
{
	if (collector->key.trusted)
		json_object_set_new(object, "trusted", text_of(collector->key.trusted));
	if (collector->key.public_file)
		json_object_set_new(object, "public", text_of(collector->key.public_file));
}

json_t *collector_started(struct collector *collector)
{
	const struct chain_recovery *recovery = &collector->recovery;
	json_t *key = json_pack("{s:s, s:b}", "kind", signer_kind(collector->key.signer), "generated",
				collector->key.generated);
	json_t *recovered = json_pack("{s:o, s:o, s:o, s:o}", "chunks", number(recovery->recovered_chunks),
				      "records", number(recovery->recovered_records), "torn_bytes",
				      number(recovery->torn_bytes), "finished", number(recovery->finished));

	if (collector->key.id[0] != '\0')
		json_object_set_new(key, "id", json_string(collector->key.id));
	if (collector->key.file)
		json_object_set_new(key, "file", text_of(collector->key.file));
	add_public(collector, key);
	return json_pack("{s:b, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ok", true, "pid",
			 (int)getpid(), "version", STELLA_VERSION, "since", moment_of(collector->covered),
			 "directory", text_of(collector->config->output_directory), "socket",
			 text_of(collector->config->control_socket), "chain", chain_of(collector), "probes",
			 probes_of(collector), "key", key, "recovered", recovered, "config",
			 config_of(collector));
}

enum control_reply collector_serve(void *user, const char *verb, struct buf *answer)
{
	struct collector *collector = user;
	json_t *object;

	if (!collector->pipeline)
		object = json_pack("{s:b, s:s}", "ok", false, "error", "still starting");
	else if (strcmp(verb, "status") == 0)
		object = report_status(collector);
	else if (strcmp(verb, "stats") == 0)
		object = report_stats(collector);
	else if (strcmp(verb, "health") == 0)
		object = report_health(collector);
	else if (strcmp(verb, "rotate") == 0)
		object = report_rotated(collector);
	else if (strcmp(verb, "stop") == 0) {
		collector->stopping = true;
		return CONTROL_WAITS;
	} else {
		return CONTROL_UNKNOWN;
	}
	if (report_dump(object, answer) < 0) {
		buf_clear(answer);
		(void)buf_append_str(answer, STR("{\"error\":\"no memory\",\"ok\":false}"));
	}
	return CONTROL_ANSWERED;
}

/* ---- the end ---- */

/* The last seal as it lies there now: what an auditor will hold against --expect-head. */
static int read_head(const char *directory, uint64_t sequence, struct digest *ret_digest)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	_cleanup_(closep) int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[CHUNK_NAME_MAX];
	int r = chunk_name(CHUNK_SEAL, sequence, name);

	if (r < 0 || dir < 0)
		return r < 0 ? r : -errno;
	r = file_read_nofollow_at(dir, name, &text, NULL);
	if (r >= 0)
		r = bundle_parse(buf_str(&text), NULL, &bundle);
	return r < 0 ? r : digest_of(bundle.payload.data, bundle.payload.len, ret_digest);
}

void collector_report_stopped(struct collector *collector, uint64_t last_sequence, int error,
			      const struct diag *diag, struct buf *answer)
{
	const char *directory = collector->config->output_directory;
	struct digest head;
	json_t *object;

	if (error >= 0)
		error = read_head(directory, last_sequence, &head);
	if (error < 0) {
		object = json_pack("{s:b, s:o}", "ok", false, "error",
				   text_of(diag->text[0] ? diag->text : strerror(-error)));
	} else {
		object = json_pack(
			"{s:b, s:o, s:o, s:o, s:o, s:o}", "ok", true, "directory", text_of(directory), "head",
			head_of(last_sequence, &head), "events", events_of(collector), "records_lost",
			number(ledger_records_lost(&collector->ledger)), "losses", losses_of(collector));
		json_object_set_new(object, "kind", json_string(signer_kind(collector->key.signer)));
		add_public(collector, object);
		if (*collector->config->trusted_root)
			json_object_set_new(object, "trusted_root", text_of(collector->config->trusted_root));
	}
	if (report_dump(object, answer) < 0)
		buf_clear(answer);
}
