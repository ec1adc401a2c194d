// SPDX-License-Identifier: Apache-2.0
/*
 * What a seal says that the chain does not know itself: who collected and where, and what of probes, filters and losses
 * belongs to this chunk. Claims no more than is known: a probe covers until it was last found alive, and counters that
 * could not be read are unknown, not zero. Owns nothing; what it fills in is the statement's.
 */

#include <string.h>

#include "daemon/parts.h"

int collector_identify(void *user, struct statement *statement)
{
	const struct collector *collector = user;
	const struct btf_choice *btf = collector->source ? source_btf(collector->source) : NULL;
	int r = identity_write(&collector->identity, statement);

	if (r >= 0)
		r = signing_key_announce(&collector->key, statement);
	statement->config_digest = collector->config_digest;
	if (r < 0 || !btf)
		return r;
	statement->btf_source_digest = btf->digest;
	r = statement_set(&statement->btf_source_kind, btf->source_kind);
	if (r >= 0)
		r = statement_set(&statement->btf_source_path, btf->source_path);
	return r < 0 ? r : statement_set(&statement->btf_selection_reason, btf->selection_reason);
}

/* A copy of `count` strings; *ret_copies grows with each, so that statement_done frees what there is. */
static int copy_strings(char *const *texts, size_t count, char ***ret_copies, size_t *ret_count)
{
	if (count == 0)
		return 0;
	*ret_copies = calloc(count, sizeof(**ret_copies));
	if (!*ret_copies)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		(*ret_copies)[i] = strdup(texts[i]);
		if (!(*ret_copies)[i])
			return -ENOMEM;
		*ret_count = i + 1;
	}
	return 0;
}

static int describe_probe(size_t index, const struct source_probe *probe, const struct moment *closed,
			  struct statement *statement)
{
	struct statement_probe *row = &statement->probes[index];
	uint64_t opened = statement->opened.boot_ns;
	size_t blind = 0;
	int r;

	row->from_boot_ns = probe->from_boot_ns > opened ? probe->from_boot_ns : opened;
	row->to_boot_ns =
		probe->answers || probe->to_boot_ns > closed->boot_ns ? closed->boot_ns : probe->to_boot_ns;
	if (row->to_boot_ns < row->from_boot_ns)
		row->to_boot_ns = row->from_boot_ns; /* dead before this chunk: an empty interval */
	r = statement_set(&row->kind, event_kind_name(probe->kind));
	if (r >= 0)
		r = statement_set(&row->hook, probe->hook);
	if (r < 0)
		return r;
	while (probe->blind_spots && probe->blind_spots[blind])
		blind++;
	return copy_strings((char *const *)probe->blind_spots, blind, &row->blind_spots, &row->n_blind_spots);
}

static int describe_probes(const struct collector *collector, const struct moment *closed,
			   struct statement *statement)
{
	const struct source_probe *probes;
	size_t count = source_probes(collector->source, &probes);

	if (count > COLLECTOR_PROBES_MAX)
		count = COLLECTOR_PROBES_MAX;
	statement->probes = calloc(count ? count : 1, sizeof(*statement->probes));
	if (!statement->probes)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int r;

		statement->n_probes = i + 1;
		r = describe_probe(i, &probes[i], closed, statement);
		if (r < 0)
			return r;
	}
	return 0;
}

static int copy_filters(const struct config *config, struct statement *statement)
{
	const struct {
		const struct config_list *list;
		char ***copies;
		size_t *count;
	} lists[] = {
		{ &config->path_allowlist, &statement->path_allowlist, &statement->n_path_allowlist },
		{ &config->path_denylist, &statement->path_denylist, &statement->n_path_denylist },
		{ &config->comm_allowlist, &statement->comm_allowlist, &statement->n_comm_allowlist },
		{ &config->comm_denylist, &statement->comm_denylist, &statement->n_comm_denylist },
		{ &config->cgroups, &statement->cgroups, &statement->n_cgroups },
		{ &config->pid_namespaces, &statement->pid_namespaces, &statement->n_pid_namespaces },
		{ &config->target_containers, &statement->target_containers, &statement->n_target_containers },
	};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(lists); i++)
		r = copy_strings(lists[i].list->items, lists[i].list->count, lists[i].copies, lists[i].count);
	return r;
}

static int describe_filters(const struct collector *collector, struct statement *statement)
{
	statement->filtered = pipeline_totals(collector->pipeline)->filtered - collector->filtered_before +
			      ledger_filtered(&collector->ledger, false);
	statement->host_known = collector->config->target_containers.count > 0;
	statement->host = collector->config->host;
	return copy_filters(collector->config, statement);
}

static int describe_folding(const struct collector *collector, struct statement *statement)
{
	int r = statement_set(&statement->dedup_scope, collector_dedup(collector->config));

	for (int kind = 1; kind < WIRE_KIND_END; kind++)
		statement->folded[kind] = ledger_folded(&collector->ledger, false, (enum wire_kind)kind);
	return r < 0 ? r : statement_set(&statement->transport, source_transport(collector->source));
}

int collector_describe(void *user, const struct moment *closed, struct statement *statement)
{
	struct collector *collector = user;
	int r = describe_probes(collector, closed, statement);

	if (r >= 0)
		r = describe_filters(collector, statement);
	if (r >= 0)
		r = describe_folding(collector, statement);
	if (r >= 0)
		r = describe_targets(collector->source, closed, statement);
	if (r >= 0)
		r = incidents_rows(&collector->incidents, statement);
	if (r < 0)
		return r;
	r = ledger_rows(&collector->ledger, false, statement->opened.boot_ns, statement);
	if (r >= 0)
		r = describe_containers(collector, closed, statement);
	if (r >= 0)
		r = statement_containers_fit(statement);
	if (collector->losses_unknown)
		statement_forget_losses(statement); /* counters that cannot be read are not zero */
	if (r < 0 || !collector->cutting || !collector->raw)
		return r;
	/* A replay says what was said here; kept until the chunk is really closed. */
	buf_clear(&collector->cut);
	return statement_write(&collector->cut, statement);
}
