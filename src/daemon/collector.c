// SPDX-License-Identifier: Apache-2.0
/*
 * The life of the collector's objects, in the order they need one another: configuration, key, control socket, chain
 * (recovers what a killed one left), kernel half; then the first chunk begins, with coverage. And back again. What
 * was opened before a failure is closed again: a start that fails leaves no empty chunk behind.
 */

#include "daemon/parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon/log.h"

#define SEAL_WAIT_MS 30000

static int keep_options(struct collector *collector, const struct collector_options *options)
{
	const char *const from[] = { options->config_path, options->target, options->socket };
	char **const to[] = { &collector->config_path, &collector->target, &collector->socket };

	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		if (!from[i])
			continue;
		*to[i] = strdup(from[i]);
		if (!*to[i])
			return -ENOMEM;
	}
	return 0;
}

static int open_chain(struct collector *collector, struct diag *diag)
{
	_cleanup_(freep) char *heads = NULL;
	struct chain_options options = {
		.signer = collector->key.signer,
		.draft_key = collector->key.drafts ? signer_key(collector->key.drafts) : NULL,
		.compression =
			collector->config->compression == CONFIG_COMPRESSION_ZSTD ? CHAIN_ZSTD : CHAIN_PLAIN,
		.identify = collector_identify,
		.describe = collector_describe,
		.user = collector,
	};

	if (asprintf(&heads, "%s/heads", collector->config->state_directory) < 0) {
		heads = NULL;
		return -ENOMEM;
	}
	options.heads_directory = heads;
	/* Beside a file: key there may be no state directory yet; that it can't be made shows as head_memory. */
	(void)directory_make(collector->config->state_directory, 0755, NULL);
	return chain_open(collector->config->output_directory, &options, diag, &collector->recovery,
			  &collector->chain);
}

static int open_source(struct collector *collector, struct diag *diag)
{
	struct source_options options = collector_watches(collector->config);
	const struct attribution_targets targets = selection_view(collector->selection);
	int r;

	if (options.kinds == 0)
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL,
				 "signals.probes leaves nothing to watch; function_call needs functions.map, "
				 "and libc net_connect");

	options.filter = scope_filter(collector->scope);
	/* The window begins before the first record can; from when each probe covers, it says itself. */
	collector->opened = collector->last_second = clock_now();
	r = source_open(&options, diag, &collector->source);
	if (r < 0)
		return r;
	incidents_begin(&collector->incidents, collector->opened);
	r = pipeline_new(collector->filter, &targets, &collector->ledger, &collector->pipeline);
	if (r < 0)
		return r;
	collector_retarget(collector);
	if (collector->raw)
		collector_note_capture(collector, raw_writer_begin(collector->raw, collector->opened));
	r = chain_begin(collector->chain, collector->opened, diag);
	if (r >= 0)
		r = collector_snapshot(collector, diag);
	collector_attend(collector);
	collector_target(collector);
	collector->covered = clock_now();
	return r;
}

/* Everything that can be refused comes before the kernel is touched. */
static int open_parts(struct collector *collector, const struct collector_options *options, struct diag *diag)
{
	const struct control_handler handler = { .serve = collector_serve, .user = collector };
	int r = keep_options(collector, options);

	if (r >= 0)
		r = collector_load_config(collector->config_path, collector->target, collector->socket, diag,
					  &collector->config, &collector->config_digest);
	if (r >= 0)
		r = collector_filter_new(collector->config, diag, &collector->filter);
	if (r >= 0)
		r = scope_new(collector->config, diag, &collector->scope);
	if (r >= 0)
		r = selection_new(collector->config, diag, &collector->selection);
	if (r >= 0)
		r = signing_key_open(collector->config, diag, &collector->key);
	if (r < 0)
		return r;
	identity_read(&collector->identity);
	/* The socket first: when another collector answers there, not even a directory has been made. */
	r = control_open(collector->config->control_socket, &handler, diag, &collector->control);
	if (r >= 0)
		r = open_chain(collector, diag);
	if (r >= 0)
		r = logs_open(collector->config, collector->key.signer, diag, &collector->logs);
	if (r >= 0 && options->record_raw)
		r = raw_writer_open(options->record_raw, diag, &collector->raw);
	if (r >= 0)
		r = collector_engines(collector->config, diag, &collector->engines);
	return r < 0 ? r : open_source(collector, diag);
}

int collector_open(const struct collector_options *options, struct diag *diag, struct collector **ret_collector)
{
	_cleanup_(collector_freep) struct collector *collector = calloc(1, sizeof(*collector));
	int r;

	if (!collector)
		return diag_error(diag, -ENOMEM, "no memory");
	collector->incidents.clock = collector->incidents.online = -1;
	collector->epoll = collector->timer = collector->signals = -1;
	collector->cut = BUF_MAX(STATEMENT_MAX);
	r = open_parts(collector, options, diag);
	if (r < 0)
		return diag_error(diag, r, "start: %s", strerror(-r));
	*ret_collector = TAKE(collector);
	return 0;
}

void collector_tell_logs(struct collector *collector)
{
	struct chain_state state;

	chain_state(collector->chain, &state);
	logs_sealed(collector->logs, state.sealed_sequence);
	logs_tell(collector->logs);
}

int collector_stop(struct collector *collector, struct diag *diag)
{
	_cleanup_(buf_done) struct buf answer = BUF_MAX(CONTROL_ANSWER_MAX);
	uint64_t sequence, bytes, records;
	struct moment opened, closed;
	int r;

	closed = collector_turn(collector);
	collector_last_holes(collector);
	collector_attend_end(collector); /* to what these brought */
	buf_done(&collector->held); /* it happened after the last window, so it is nobody's */
	chain_current(collector->chain, &sequence, &bytes, &records, &opened);
	collector->cutting = true;
	r = chain_close(TAKE(collector->chain), closed, SEAL_WAIT_MS, diag);
	collector->cutting = false;
	collector_record_cut(collector);
	if (collector->raw && raw_writer_close(TAKE(collector->raw)) < 0)
		log_line(LOG_LEVEL_ERROR, "the raw capture is not complete");
	if (r >= 0)
		logs_sealed(collector->logs, sequence);
	logs_finish(collector->logs);
	collector_report_stopped(collector, sequence, r, diag, &answer);
	control_leave(collector->control); /* who hears that it has stopped may start the next one at once */
	control_answer_waiting(collector->control, buf_str(&answer));
	return r;
}

void collector_free(struct collector *collector)
{
	struct diag diag = { .text = "" };

	if (!collector)
		return;
	/* Only after a failed start: nothing was begun, or coverage never opened. */
	if (collector->chain)
		(void)chain_close(collector->chain, clock_now(), SEAL_WAIT_MS, &diag);
	logs_close(collector->logs);
	pipeline_free(collector->pipeline);
	ledger_done(&collector->ledger);
	incidents_end(&collector->incidents);
	source_close(collector->source);
	raw_writer_closep(&collector->raw);
	control_close(collector->control);
	filter_free(collector->filter);
	scope_free(collector->scope);
	selection_free(collector->selection);
	engines_stop(collector->engines);
	signing_key_done(&collector->key);
	config_free(collector->config);
	buf_done(&collector->cut);
	buf_done(&collector->held);
	closep(&collector->epoll);
	closep(&collector->timer);
	closep(&collector->signals);
	free(collector->config_path);
	free(collector->target);
	free(collector->socket);
	free(collector);
}
