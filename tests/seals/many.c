// SPDX-License-Identifier: Apache-2.0
/*
 * Many small sealed chunks, and the outbox over them, without a kernel to watch.
 *
 *   many make DIR STATE COUNT          a chain of COUNT chunks in DIR, signed by STATE/key.pem (made when missing)
 *   many run DIR STATE [OPTION...]     the outbox until nothing waits any more: exit 0, or 1 after --wait-ms
 *
 *     --rekor v1:URL|v2:URL  --tsa URL  --root FILE  --local [ORIGIN]  --witness URL  --witness-key VKEY
 *     --timeout-ms N  --wait-ms N
 *
 * `run` prints one line of JSON for each sink when it ends. It may be killed at any moment and run again.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "collect/chain.h"
#include "format/statement.h"
#include "sigstore/trusted_root.h"
#include "transparency/outbox.h"

#define PATH_LEN 512
#define POLL_MS 50

struct options {
	struct outbox_settings outbox;
	struct trusted_root root;
	const char *witnesses[OUTBOX_SINKS_MAX];
	char log[PATH_LEN], log_key[PATH_LEN], outbox_state[PATH_LEN];
	uint64_t wait_ms;
};

static int fail(const struct diag *diag, int error)
{
	fprintf(stderr, "many: %s\n", diag->text[0] ? diag->text : strerror(-error));
	return 1;
}

static int open_key(const char *state, struct diag *diag, struct key **ret_key)
{
	char path[PATH_LEN];
	int r = directory_make(state, 0700, diag);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/key.pem", state);
	if (access(path, F_OK) == 0)
		return key_load(path, diag, ret_key);
	r = key_generate(diag, ret_key);
	return r < 0 ? r : key_save(*ret_key, path, diag);
}

/* ---- make ---- */

static int identify(void *user, struct statement *statement)
{
	int r = statement_set(&statement->collector_name, "many");

	(void)user;
	if (r >= 0)
		r = statement_set(&statement->collector_version, STELLA_VERSION);
	if (r >= 0)
		r = statement_set(&statement->host_id, "the-host");
	return r < 0 ? r : statement_set(&statement->boot_id, "11111111-1111-4111-8111-111111111111");
}

static int describe(void *user, const struct moment *closed, struct statement *statement)
{
	(void)user;
	(void)closed;
	statement_forget_losses(statement);
	return 0;
}

static int make(const char *directory, const char *state, uint64_t count, struct diag *diag)
{
	_cleanup_(key_freep) struct key *key = NULL;
	_cleanup_(signer_freep) struct signer *signer = NULL;
	struct chain_options options = { .identify = identify, .describe = describe };
	struct chain_recovery recovery;
	struct chain *chain;
	int r = open_key(state, diag, &key);

	if (r >= 0)
		r = signer_of_key(key, diag, &signer);
	options.signer = signer;
	if (r >= 0)
		r = chain_open(directory, &options, diag, &recovery, &chain);
	if (r < 0)
		return r;
	r = chain_begin(chain, clock_now(), diag);
	for (uint64_t i = 1; r >= 0 && i < count; i++)
		r = chain_rotate(chain, clock_now(), diag);
	if (r < 0) {
		(void)chain_close(chain, clock_now(), 0, NULL);
		return r;
	}
	return chain_close(chain, clock_now(), 600000, diag);
}

/* ---- run ---- */

static int add_sink(struct options *options, enum outbox_kind kind, const char *url)
{
	if (options->outbox.n_sinks >= OUTBOX_SINKS_MAX)
		return -E2BIG;
	options->outbox.sinks[options->outbox.n_sinks++] = (struct outbox_sink) { kind, url };
	return 0;
}

static int set_option(struct options *options, const char *name, const char *value, struct diag *diag)
{
	if (strcmp(name, "--rekor") == 0)
		return add_sink(options, strncmp(value, "v2:", 3) == 0 ? OUTBOX_REKOR_V2 : OUTBOX_REKOR_V1,
				value + 3);
	if (strcmp(name, "--tsa") == 0)
		return add_sink(options, OUTBOX_TIMESTAMP, value);
	if (strcmp(name, "--root") == 0)
		return trusted_root_load(value, diag, &options->root);
	if (strcmp(name, "--witness-key") == 0)
		return trusted_root_add_vkey(&options->root, str_of(value), diag);
	if (strcmp(name, "--timeout-ms") == 0)
		options->outbox.http.timeout_ms = (uint32_t)strtoul(value, NULL, 10);
	else if (strcmp(name, "--wait-ms") == 0)
		options->wait_ms = strtoul(value, NULL, 10);
	else if (strcmp(name, "--witness") == 0)
		options->witnesses[options->outbox.n_witnesses++] = value;
	else if (strcmp(name, "--local") == 0) {
		options->outbox.local_log = options->log;
		options->outbox.local_log_key = options->log_key;
		options->outbox.local_log_origin = value;
		return add_sink(options, OUTBOX_LOCAL, NULL);
	} else
		return diag_error(diag, -EINVAL, "no option %s", name);
	return 0;
}

static void print_states(struct outbox *outbox)
{
	struct outbox_sink_state states[OUTBOX_SINKS_MAX];
	size_t n = outbox_state(outbox, states);

	for (size_t i = 0; i < n; i++) {
		json_t *row =
			json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I, s:I, s:b, s:s}", "kind",
				  outbox_kind_name(states[i].kind), "url", states[i].url, "done",
				  (json_int_t)states[i].done, "waiting", (json_int_t)states[i].waiting,
				  "submitted", (json_int_t)states[i].submitted, "failures",
				  (json_int_t)states[i].failures, "refused", (json_int_t)states[i].refused,
				  "split_view", states[i].split_view, "error", states[i].error);
		char *text = row ? json_dumps(row, JSON_COMPACT) : NULL;

		puts(text ? text : "{}");
		free(text);
		json_decref(row);
	}
}

/* The last seal there is. */
static int note_name(void *user, const char *name)
{
	uint64_t *last = user, sequence;

	if (chunk_name_parse(name, &sequence) == CHUNK_SEAL && sequence > *last)
		*last = sequence;
	return 0;
}

static bool is_idle(struct outbox *outbox)
{
	struct outbox_sink_state states[OUTBOX_SINKS_MAX];
	size_t n = outbox_state(outbox, states);
	bool idle = true;

	for (size_t i = 0; i < n; i++)
		idle = idle && states[i].waiting == 0;
	return idle;
}

static int run(struct options *options, struct diag *diag)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000l };
	_cleanup_(closep) int dir = open(options->outbox.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct outbox *outbox;
	uint64_t last = 0;
	int r = dir < 0 ? -errno : directory_visit(dir, note_name, &last);

	if (r >= 0)
		r = outbox_new(&options->outbox, diag, &outbox);
	if (r < 0)
		return r;
	outbox_sealed(outbox, last);
	for (uint64_t waited = 0; !is_idle(outbox) && waited < options->wait_ms; waited += POLL_MS)
		nanosleep(&pause, NULL);
	r = outbox_wait(outbox, 0);
	print_states(outbox);
	outbox_stop(outbox);
	return r;
}

static int prepare(struct options *options, int argc, char **argv, struct public_key **ret_public,
		   struct diag *diag)
{
	_cleanup_(key_freep) struct key *key = NULL;
	const char *state = argv[3];
	int r = open_key(state, diag, &key);

	if (r >= 0)
		r = key_public(key, diag, ret_public);
	if (r < 0)
		return r;
	snprintf(options->log, sizeof(options->log), "%s/log", state);
	snprintf(options->log_key, sizeof(options->log_key), "%s/log.pem", state);
	snprintf(options->outbox_state, sizeof(options->outbox_state), "%s/outbox", state);
	options->wait_ms = UINT64_MAX;
	options->outbox.directory = argv[2];
	options->outbox.state = options->outbox_state;
	options->outbox.root = &options->root;
	options->outbox.public = *ret_public;
	options->outbox.witnesses = options->witnesses;
	for (int i = 4; r >= 0 && i + 1 < argc; i += 2)
		r = set_option(options, argv[i], argv[i + 1], diag);
	return r;
}

int main(int argc, char **argv)
{
	static struct options options;
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	struct diag diag = { .text = "" };
	int r;

	if (argc == 5 && strcmp(argv[1], "make") == 0) {
		r = make(argv[2], argv[3], strtoull(argv[4], NULL, 10), &diag);
		return r < 0 ? fail(&diag, r) : 0;
	}
	if (argc < 4 || argc % 2 != 0 || strcmp(argv[1], "run") != 0) {
		fputs("usage: many make DIR STATE COUNT | many run DIR STATE [OPTION VALUE]...\n", stderr);
		return 2;
	}
	r = prepare(&options, argc, argv, &public, &diag);
	if (r >= 0)
		r = run(&options, &diag);
	trusted_root_done(&options.root);
	return r < 0 ? fail(&diag, r) : 0;
}
