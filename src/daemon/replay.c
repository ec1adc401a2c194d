// SPDX-License-Identifier: Apache-2.0
/*
 * Replay: the forward road with a file in the kernel's place. Cuts chunks where the capture says they were cut and at
 * those moments, so the chunk files are the live ones' bytes when filters and compression are the same. What the seal
 * says of host, probes and losses is what the capture says; who sealed it, and that it is a replay, is our own word.
 * Refuses a target in which anything lies. Of a capture that was not closed on purpose it writes what is certain, the
 * chunks up to the last cut, and says what is left out; whatever ends it, no half chunk stays behind.
 */

#include "daemon/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "collect/chain.h"
#include "collect/draft.h"
#include "collect/learned.h"
#include "collect/pipeline.h"
#include "collect/raw.h"
#include "daemon/config.h"
#include "daemon/identity.h"
#include "daemon/keys.h"
#include "daemon/parts.h"

#define SEAL_WAIT_MS 600000
#define FAILED_WAIT_MS 30000

struct replay {
	struct config *config;
	struct digest config_digest;
	struct filter *filter;
	struct selection *selection;
	struct signing_key key;
	struct ledger ledger;
	struct pipeline *pipeline;
	struct chain *chain;
	struct raw_reader *reader;
	char replay_of[DIGEST_TEXT_LEN + 1];
	bool begun;
	bool cut; /* `said` holds a cut that is not made yet: whether it was the last, the next entry says */
	struct statement said;
	struct moment last;
	uint64_t records, malformed; /* up to the last cut */
	uint64_t behind; /* records since */
};

static void replay_done(struct replay *replay)
{
	struct diag diag = { .text = "" };

	if (replay->chain)
		(void)chain_drop(replay->chain, FAILED_WAIT_MS, &diag);
	pipeline_free(replay->pipeline);
	raw_reader_free(replay->reader);
	filter_free(replay->filter);
	selection_free(replay->selection);
	signing_key_done(&replay->key);
	config_free(replay->config);
	statement_done(&replay->said);
}

static int identify(void *user, struct statement *statement)
{
	const struct replay *replay = user;
	const struct statement *said = &replay->said;
	int r = statement_set(&statement->collector_name, COLLECTOR_NAME);

	statement->config_digest = replay->config_digest;
	statement->btf_source_digest = said->btf_source_digest;
	if (r >= 0)
		r = statement_set(&statement->collector_version, STELLA_VERSION);
	if (r >= 0)
		r = statement_set(&statement->replay_of, replay->replay_of);
	if (r >= 0)
		r = statement_set(&statement->host_id, said->host_id);
	if (r >= 0)
		r = statement_set(&statement->boot_id, said->boot_id);
	if (r >= 0)
		r = statement_set(&statement->kernel_release, said->kernel_release);
	if (r >= 0)
		r = statement_set(&statement->arch, said->arch);
	if (r >= 0)
		r = statement_set(&statement->btf_source_kind, said->btf_source_kind);
	if (r >= 0)
		r = statement_set(&statement->btf_source_path, said->btf_source_path);
	if (r >= 0)
		r = statement_set(&statement->btf_selection_reason, said->btf_selection_reason);
	return r < 0 ? r : signing_key_announce(&replay->key, statement);
}

static void take_list(char ***to, size_t *to_count, char ***from, size_t *from_count)
{
	*to = TAKE(*from);
	*to_count = *from_count;
	*from_count = 0;
}

static void take_containers(struct statement *statement, struct statement *copy)
{
	take_list(&statement->target_containers, &statement->n_target_containers, &copy->target_containers,
		  &copy->n_target_containers);
	statement->host_known = copy->host_known;
	statement->host = copy->host;
	statement->cgroup_hierarchy = TAKE(copy->cgroup_hierarchy);
	statement->container_coverage = TAKE(copy->container_coverage);
	statement->n_container_coverage = copy->n_container_coverage;
	statement->containers_more = copy->containers_more;
	statement->containers = TAKE(copy->containers);
	statement->n_containers = copy->n_containers;
	copy->n_container_coverage = copy->n_containers = 0;
}

static void take_coverage(struct statement *statement, struct statement *copy)
{
	statement->probes = TAKE(copy->probes);
	statement->n_probes = copy->n_probes;
	take_list(&statement->path_allowlist, &statement->n_path_allowlist, &copy->path_allowlist,
		  &copy->n_path_allowlist);
	take_list(&statement->path_denylist, &statement->n_path_denylist, &copy->path_denylist,
		  &copy->n_path_denylist);
	take_list(&statement->comm_allowlist, &statement->n_comm_allowlist, &copy->comm_allowlist,
		  &copy->n_comm_allowlist);
	take_list(&statement->comm_denylist, &statement->n_comm_denylist, &copy->comm_denylist,
		  &copy->n_comm_denylist);
	take_list(&statement->cgroups, &statement->n_cgroups, &copy->cgroups, &copy->n_cgroups);
	take_list(&statement->pid_namespaces, &statement->n_pid_namespaces, &copy->pid_namespaces,
		  &copy->n_pid_namespaces);
	take_containers(statement, copy);
	statement->filtered = copy->filtered;
	statement->dedup_scope = TAKE(copy->dedup_scope);
	memcpy(statement->folded, copy->folded, sizeof(statement->folded));
	statement->transport = TAKE(copy->transport);
	statement->targets = TAKE(copy->targets);
	statement->n_targets = copy->n_targets;
	statement->targets_more = copy->targets_more;
	statement->incidents_known = copy->incidents_known;
	statement->incidents = TAKE(copy->incidents);
	statement->n_incidents = copy->n_incidents;
	copy->n_probes = copy->n_targets = copy->n_incidents = 0;
}

/* Moves the parts that a copy of what was said has; before the first cut nothing is known, and nothing is claimed. */
static int describe(void *user, const struct moment *closed, struct statement *statement)
{
	const struct replay *replay = user;
	struct statement copy = { .sequence = 0 };
	int r;

	(void)closed;
	if (!replay->cut)
		return 0;
	r = statement_copy(&replay->said, &copy);
	if (r < 0)
		return r;
	/* What stands in a seal's coverage and losses is all of the capture's; the rest stays the replay's own. */
	take_coverage(statement, &copy);
	statement->losses = TAKE(copy.losses);
	statement->n_losses = copy.n_losses;
	statement->losses_known = copy.losses_known;
	copy.n_losses = 0;
	statement_done(&copy);
	return 0;
}

static int visit_any(void *user, const char *name)
{
	(void)user;
	(void)name;
	return -ENOTEMPTY;
}

/* Missing or empty: beside other files, a replay's chunks would be taken for those of a collector. */
static int target_check(const char *target, struct diag *diag)
{
	_cleanup_(closep) int dir = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir < 0)
		return diag_exit(diag, errno == ENOTDIR ? EXIT_UNSOUND : EXIT_DONE, -errno,
				 "cannot open %s: %s", target, strerror(errno));
	r = directory_visit(dir, visit_any, NULL);
	if (r == -ENOTEMPTY)
		return diag_exit(diag, EXIT_UNSOUND, r, "%s is not empty; a replay needs a new directory",
				 target);
	return r < 0 ? diag_error(diag, r, "cannot list %s: %s", target, strerror(-r)) : 0;
}

static int replay_open(struct replay *replay, const char *raw_path, const char *config_path, const char *target,
		       struct diag *diag)
{
	struct chain_options options = { .identify = identify, .describe = describe, .user = replay };
	struct attribution_targets targets;
	struct chain_recovery recovery;
	struct digest digest;
	int r = raw_reader_open(raw_path, diag, &replay->reader);

	if (r >= 0)
		r = target_check(target, diag);
	if (r >= 0)
		r = raw_reader_digest(replay->reader, &digest);
	if (r >= 0)
		r = collector_load_config(config_path, target, NULL, diag, &replay->config,
					  &replay->config_digest);
	if (r >= 0)
		r = collector_filter_new(replay->config, diag, &replay->filter);
	if (r >= 0)
		r = signing_key_open(replay->config, diag, &replay->key);
	if (r >= 0)
		r = selection_new(replay->config, diag, &replay->selection);
	if (r < 0)
		return r;
	targets = selection_view(replay->selection);
	r = pipeline_new(replay->filter, &targets, &replay->ledger, &replay->pipeline);
	if (r < 0)
		return r;
	digest_hex(&digest, replay->replay_of);
	options.signer = replay->key.signer;
	options.draft_key = replay->key.drafts ? signer_key(replay->key.drafts) : NULL;
	options.compression = replay->config->compression == CONFIG_COMPRESSION_ZSTD ? CHAIN_ZSTD : CHAIN_PLAIN;
	return chain_open(target, &options, diag, &recovery, &replay->chain);
}

static int flush(struct replay *replay, struct diag *diag)
{
	int r = pipeline_flush(replay->pipeline, replay->chain, replay->last);

	return r < 0 ? diag_error(diag, r, "%s: %s", replay->config->output_directory, strerror(-r)) : 0;
}

/* The cut that was held back was not the last one. */
static int make_cut(struct replay *replay, struct diag *diag)
{
	int r;

	if (!replay->cut)
		return 0;
	r = chain_rotate(replay->chain, replay->said.closed, diag);
	replay->cut = false;
	return r;
}

static struct containers *replay_containers(struct replay *replay)
{
	return attribution_containers(pipeline_attribution(replay->pipeline));
}

static int take_cut(struct replay *replay, struct str body, struct diag *diag)
{
	struct statement said;
	int r = flush(replay, diag);

	if (r >= 0)
		r = make_cut(replay, diag);
	if (r >= 0)
		r = statement_parse(body, diag, &said);
	if (r < 0)
		return r;
	statement_done(&replay->said);
	replay->said = said;
	replay->last = said.closed;
	replay->cut = true;
	containers_cut(replay_containers(replay), said.closed.boot_ns);
	replay->records += replay->behind;
	replay->behind = 0;
	replay->malformed = replay->ledger.own[LEDGER_MALFORMED].count;
	return 0;
}

static int take_record(struct replay *replay, struct str body, struct diag *diag)
{
	struct container_change change;
	int r = make_cut(replay, diag);

	if (r < 0)
		return r;
	replay->behind++;
	pipeline_take(replay->pipeline, body.data, body.len);
	while (containers_change(replay_containers(replay), &change))
		; /* nobody is asked */
	return pipeline_full(replay->pipeline) ? flush(replay, diag) : 0;
}

static int take_learned(struct replay *replay, struct str body, struct diag *diag)
{
	struct learned learned;
	bool released;
	int r = learned_parse(body, diag, &learned);

	if (r < 0)
		return r;
	released = learned.what == LEARNED_RELEASED;
	pipeline_learn(replay->pipeline, &learned);
	while (released && r >= 0 && pipeline_release(replay->pipeline))
		r = flush(replay, diag);
	return r;
}

static int take_entry(struct replay *replay, const struct raw_entry *entry, struct diag *diag)
{
	if ((entry->type == RAW_BEGIN) == replay->begun)
		return diag_exit(diag, EXIT_UNSOUND, -EBADMSG, "the capture begins %s",
				 replay->begun ? "twice" : "nowhere");
	if (entry->type == RAW_BEGIN) {
		replay->begun = true;
		replay->last = entry->moment;
		return chain_begin(replay->chain, entry->moment, diag);
	}
	if (entry->type == RAW_LEARNED)
		return take_learned(replay, entry->body, diag);
	return entry->type == RAW_CUT ? take_cut(replay, entry->body, diag)
				      : take_record(replay, entry->body, diag);
}

/* The capture ends where no chunk did. What lies behind the last cut belongs to no closed chunk, so to none. */
static int end_early(struct replay *replay, const char *raw_path, struct diag *diag)
{
	int r = make_cut(replay, diag);

	if (r >= 0)
		r = chain_drop(TAKE(replay->chain), SEAL_WAIT_MS, diag);
	if (r < 0)
		return r;
	return diag_exit(
		diag, EXIT_UNSOUND, -ENODATA,
		"%s: the capture is not complete; %llu records behind its last closed chunk are left out",
		raw_path, (unsigned long long)replay->behind);
}

static int replay_all(struct replay *replay, const char *raw_path, struct diag *diag)
{
	struct raw_entry entry;
	int r;

	while ((r = raw_reader_next(replay->reader, diag, &entry)) > 0) {
		r = take_entry(replay, &entry, diag);
		if (r < 0)
			return r;
	}
	if (r < 0 && r != -ENODATA)
		return r;
	if (r == -ENODATA || !replay->cut)
		return end_early(replay, raw_path, diag);
	return chain_close(TAKE(replay->chain), replay->said.closed, SEAL_WAIT_MS, diag);
}

int replay_run(const char *raw_path, const char *config_path, const char *target, struct diag *diag)
{
	_cleanup_(replay_done) struct replay replay = { .reader = NULL };
	int r = replay_open(&replay, raw_path, config_path, target, diag);

	if (r >= 0)
		r = replay_all(&replay, raw_path, diag);
	if (r < 0 && r != -ENODATA)
		return diag_error(diag, r, "replay of %s: %s", raw_path, strerror(-r));
	printf("{\"left_out\":%llu,\"malformed\":%llu,\"ok\":%s,\"records\":%llu,\"replay_of\":\"%s\"}\n",
	       (unsigned long long)replay.behind, (unsigned long long)replay.malformed,
	       r < 0 ? "false" : "true", (unsigned long long)replay.records, replay.replay_of);
	return r;
}
