// SPDX-License-Identifier: Apache-2.0
/*
 * The collector's outbox. Promises that a log which is away, lies or is damaged never keeps the collector from
 * collecting, and that each of these is told. Refuses to start only what the configuration could never mean. Owns the
 * outbox, the trusted root and the paths in it.
 */

#include "daemon/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "daemon/log.h"
#include "sigstore/note.h"
#include "transparency/local_log.h"

#define NAME_DIGITS 16

struct logs {
	struct outbox *outbox; /* NULL = no log at all */
	struct trusted_root root;
	struct outbox_settings settings;
	char *state, *directory, *key, *trust; /* STATE/outbox, STATE/log, STATE/keys/log.pem, STATE/trust */
	char *published; /* the local log's verifier key in the trust directory */
	char local_error[DIAG_MAX]; /* why there is no local log though there should be one; "" = there is */
	char told[OUTBOX_SINKS_MAX][DIAG_MAX]; /* the errors that the log file heard of */
};

/* ---- settings ---- */

static int set_path(const struct config *config, const char *name, char **ret_path)
{
	if (asprintf(ret_path, "%s/%s", config->state_directory, name) >= 0)
		return 0;
	*ret_path = NULL;
	return -ENOMEM;
}

static int set_paths(struct logs *logs, const struct config *config)
{
	int r = set_path(config, "outbox", &logs->state);

	if (r >= 0)
		r = set_path(config, "log", &logs->directory);
	if (r >= 0)
		r = set_path(config, "keys/log.pem", &logs->key);
	return r < 0 ? r : set_path(config, "trust", &logs->trust);
}

static int load_root(struct logs *logs, const struct config *config, struct diag *diag)
{
	struct diag why = { .text = "" };
	int r = *config->trusted_root ? trusted_root_load(config->trusted_root, &why, &logs->root) : 0;

	if (r < 0)
		r = diag_error(diag, r, "signals.signing.trusted_root: %s", why.text);
	for (size_t i = 0; r >= 0 && i < config->witness_keys.count; i++)
		r = trusted_root_add_vkey(&logs->root, str_of(config->witness_keys.items[i]), diag);
	if (r < 0 && r != -ENOMEM && diag && diag->code == 0)
		diag->code = EXIT_UNSOUND;
	return r;
}

static int add_sink(struct outbox_settings *settings, enum outbox_kind kind, const char *url, struct diag *diag)
{
	if (settings->n_sinks >= OUTBOX_SINKS_MAX - 1) /* one is for the witnesses */
		return diag_exit(diag, EXIT_UNSOUND, -E2BIG,
				 "signals.signing names more than %d logs and timestamp authorities",
				 OUTBOX_SINKS_MAX - 1);
	settings->sinks[settings->n_sinks++] = (struct outbox_sink) { kind, url };
	return 0;
}

static int add_remote(struct outbox_settings *settings, const struct config *config, struct diag *diag)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < config->timestamp_urls.count; i++)
		r = add_sink(settings, OUTBOX_TIMESTAMP, config->timestamp_urls.items[i], diag);
	for (size_t i = 0; r >= 0 && config->submit_to_rekor && i < config->rekor_urls.count; i++) {
		const char *item = config->rekor_urls.items[i];

		r = add_sink(settings, item[1] == '2' ? OUTBOX_REKOR_V2 : OUTBOX_REKOR_V1, item + 3, diag);
	}
	return r;
}

static int fill_settings(struct logs *logs, const struct config *config, struct signer *signer,
			 struct diag *diag)
{
	struct outbox_settings *settings = &logs->settings;

	*settings = (struct outbox_settings) {
		.directory = config->output_directory,
		.state = logs->state,
		.http = config_http(config),
		.root = &logs->root,
		.public = signer_public(signer),
		.trust = logs->trust,
		.witnesses = (const char *const *)config->witness_urls.items,
		.n_witnesses = config->witness_urls.count,
		.signer = signer,
	};
	return add_remote(settings, config, diag);
}

/* ---- the local log ---- */

static int add_local(struct logs *logs, const struct config *config, struct diag *diag)
{
	struct outbox_settings *settings = &logs->settings;

	if (!config->local_log)
		return 0;
	settings->local_log = logs->directory;
	settings->local_log_key = logs->key;
	settings->local_log_origin = config->local_log_origin;
	return add_sink(settings, OUTBOX_LOCAL, NULL, diag);
}

static void drop_local(struct logs *logs)
{
	logs->settings.local_log = NULL;
	logs->settings.n_sinks--; /* it is the last */
	logs->settings.n_witnesses = 0;
}

static int make_keys_directory(const struct logs *logs, struct diag *diag)
{
	_cleanup_(freep) char *directory = strndup(logs->key, (size_t)(strrchr(logs->key, '/') - logs->key));

	return directory ? directory_make(directory, 0700, diag) : -ENOMEM;
}

static int write_vkey(const struct local_log *log, struct buf *out)
{
	_cleanup_(public_key_freep) struct public_key *copy = NULL;
	_cleanup_(note_key_done) struct note_key key = { .name = NULL };
	int r = public_key_copy(local_log_key(log), &copy);

	if (r >= 0)
		r = note_key_make(local_log_origin(log), NOTE_ED25519, &copy, &key);
	if (r >= 0)
		r = note_key_write(&key, out);
	return r < 0 ? r : buf_append(out, "\n", 1);
}

static int publish_key(struct logs *logs, struct diag *diag)
{
	const struct local_log *log = outbox_local_log(logs->outbox);
	_cleanup_(buf_done) struct buf vkey = BUF_MAX(NOTE_MAX), there = BUF_MAX(NOTE_MAX);
	struct diag quiet = { .text = "" };
	char hex[DIGEST_TEXT_LEN + 1];
	int r = write_vkey(log, &vkey);

	if (r >= 0)
		r = directory_make(logs->trust, 0755, diag);
	if (r < 0)
		return r;
	digest_hex(local_log_id(log), hex);
	if (asprintf(&logs->published, "%s/log-%.*s.vkey", logs->trust, NAME_DIGITS, hex) < 0) {
		logs->published = NULL;
		return -ENOMEM;
	}
	if (file_read_nofollow_at(AT_FDCWD, logs->published, &there, &quiet) == 0 &&
	    str_equal(buf_str(&there), buf_str(&vkey)))
		return 0;
	return file_publish_at(AT_FDCWD, logs->published, 0644, vkey.data, vkey.len, true, diag);
}

/* ---- life ---- */

/* Without the local log when that is what fails. */
static int open_outbox(struct logs *logs, struct diag *diag)
{
	struct diag why = { .text = "" };
	int r = outbox_new(&logs->settings, &why, &logs->outbox);

	if (r >= 0 || !logs->settings.local_log || why.code == EXIT_UNSOUND) {
		if (r < 0)
			*diag = why;
		return r;
	}
	strcpy(logs->local_error, why.text);
	log_line(LOG_LEVEL_ERROR, "the local log is not in use: %s", why.text);
	drop_local(logs);
	return logs->settings.n_sinks > 0 ? outbox_new(&logs->settings, diag, &logs->outbox) : 0;
}

int logs_open(const struct config *config, struct signer *signer, struct diag *diag, struct logs **ret_logs)
{
	_cleanup_(logs_closep) struct logs *logs = calloc(1, sizeof(*logs));
	struct diag why = { .text = "" };
	int r = logs ? set_paths(logs, config) : -ENOMEM;

	if (r >= 0)
		r = load_root(logs, config, diag);
	if (r >= 0)
		r = fill_settings(logs, config, signer, diag);
	if (r >= 0)
		r = add_local(logs, config, diag);
	if (r >= 0 && logs->settings.local_log && make_keys_directory(logs, &why) < 0) {
		strcpy(logs->local_error, why.text);
		drop_local(logs);
	}
	if (r >= 0 && logs->settings.n_sinks > 0)
		r = open_outbox(logs, diag);
	if (r < 0)
		return diag_error(diag, r, "logs: %s", strerror(-r));
	if (logs->outbox && outbox_local_log(logs->outbox) && publish_key(logs, &why) < 0)
		snprintf(logs->local_error, sizeof(logs->local_error), "its key could not be published: %.900s",
			 why.text);
	*ret_logs = TAKE(logs);
	return 0;
}

void logs_close(struct logs *logs)
{
	if (!logs)
		return;
	outbox_stop(logs->outbox);
	trusted_root_done(&logs->root);
	free(logs->state);
	free(logs->directory);
	free(logs->key);
	free(logs->trust);
	free(logs->published);
	free(logs);
}

void logs_sealed(struct logs *logs, uint64_t sequence)
{
	if (logs->outbox && sequence > 0)
		outbox_sealed(logs->outbox, sequence);
}

void logs_finish(struct logs *logs)
{
	if (!logs->outbox || outbox_wait(logs->outbox, LOGS_STOP_WAIT_MS) >= 0)
		return;
	log_line(LOG_LEVEL_WARNING, "some seals are not in all logs yet; the next start goes on");
}

/* ---- telling ---- */

static size_t states_of(struct logs *logs, struct outbox_sink_state states[OUTBOX_SINKS_MAX])
{
	return logs->outbox ? outbox_state(logs->outbox, states) : 0;
}

static const char *name_of(const struct outbox_sink_state *state)
{
	return state->kind == OUTBOX_LOCAL ? "the local log" : state->url;
}

/* A log that fails is said once for each way in which it does, and once when it answers again. */
void logs_tell(struct logs *logs)
{
	struct outbox_sink_state states[OUTBOX_SINKS_MAX];
	size_t n = states_of(logs, states);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(states[i].error, logs->told[i]) == 0)
			continue;
		if (states[i].error[0])
			log_line(states[i].split_view ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
				 "%llu seals wait for %s: %s", (unsigned long long)states[i].waiting,
				 name_of(&states[i]), states[i].error);
		else
			log_line(LOG_LEVEL_INFO, "%s takes seals again", name_of(&states[i]));
		strcpy(logs->told[i], states[i].error);
	}
}

static json_t *text_of(const char *text)
{
	return text_is_utf8(str_of(text)) ? json_string(text) : json_string("(not UTF-8)");
}

/* Errors name the server, and so do we. */
static const char *error_of(const struct outbox_sink_state *state)
{
	size_t len = state->url ? strlen(state->url) : 0;

	if (len > 0 && strncmp(state->error, state->url, len) == 0 && strncmp(state->error + len, ": ", 2) == 0)
		return state->error + len + 2;
	return state->error;
}

static json_t *sink_report(const struct outbox_sink_state *state)
{
	json_t *row =
		json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "kind", outbox_kind_name(state->kind),
			  "done", (json_int_t)state->done, "waiting", (json_int_t)state->waiting,
			  "oldest_wait_s", (json_int_t)(state->oldest_wait_ms / 1000), "submitted",
			  (json_int_t)state->submitted, "failures", (json_int_t)state->failures, "refused",
			  (json_int_t)state->refused, "split_view", state->split_view);

	if (state->url)
		json_object_set_new(row, "url", text_of(state->url));
	if (state->error[0])
		json_object_set_new(row, "error", text_of(error_of(state)));
	if (state->retry_in_ms > 0)
		json_object_set_new(row, "retry_in_s",
				    json_integer((json_int_t)(state->retry_in_ms + 999) / 1000));
	return row;
}

static json_t *local_report(const struct logs *logs)
{
	const struct local_log *log = logs->outbox ? outbox_local_log(logs->outbox) : NULL;
	char hex[DIGEST_TEXT_LEN + 1];
	json_t *row;

	if (!log)
		return NULL;
	digest_hex(local_log_id(log), hex);
	row = json_pack("{s:s, s:s, s:o}", "id", hex, "origin", local_log_origin(log), "directory",
			text_of(logs->directory));
	if (logs->published)
		json_object_set_new(row, "trusted", text_of(logs->published));
	return row;
}

json_t *logs_report(struct logs *logs)
{
	struct outbox_sink_state states[OUTBOX_SINKS_MAX];
	size_t n = states_of(logs, states);
	json_t *sinks = json_array(), *object = json_pack("{s:o}", "sinks", sinks), *local = local_report(logs);

	for (size_t i = 0; i < n; i++)
		json_array_append_new(sinks, sink_report(&states[i]));
	if (local)
		json_object_set_new(object, "local", local);
	if (logs->local_error[0])
		json_object_set_new(object, "local_error", text_of(logs->local_error));
	return object;
}

void logs_reasons(struct logs *logs, void (*add)(void *user, const char *text), void *user)
{
	struct outbox_sink_state states[OUTBOX_SINKS_MAX];
	size_t n = states_of(logs, states);
	char text[DIAG_MAX + 256];

	for (size_t i = 0; i < n; i++) {
		const struct outbox_sink_state *state = &states[i];

		if (state->split_view || (state->refused > 0 && state->error[0]))
			snprintf(text, sizeof(text), "%s%s: %s",
				 state->split_view ? "split view: " : "an answer was refused: ", name_of(state),
				 state->error[0] ? error_of(state) : "it contradicted itself before");
		else if (state->oldest_wait_ms >= LOGS_LATE_MS)
			snprintf(text, sizeof(text), "%llu seals wait for %s, the oldest for %llu minutes%s%s",
				 (unsigned long long)state->waiting, name_of(state),
				 (unsigned long long)(state->oldest_wait_ms / 60000),
				 state->error[0] ? ": " : "", error_of(state));
		else
			continue;
		add(user, text);
	}
	if (logs->local_error[0]) {
		snprintf(text, sizeof(text), "local log: %s", logs->local_error);
		add(user, text);
	}
}
