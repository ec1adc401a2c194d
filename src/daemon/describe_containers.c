// SPDX-License-Identifier: Apache-2.0
/*
 * The containers of the chunk as its seal tells them: what engines said of each, from when to when it was watched, and
 * whether all that it did is there. Claims completeness only where every loss is known to be somebody else's. Owns
 * nothing; what it fills in is the statement's.
 */

#include <string.h>

#include "daemon/parts.h"

/* Why what a container did may not all be there; in the order of the words. */
enum lack { LACK_AT_START, LACK_IO_URING, LACK_LOSSES, LACK_PROBE_SILENT, LACK_UNDECIDED, LACK_END };

static const char *const lack_words[LACK_END] = { "at_start", "io_uring", "losses", "probe_silent",
						  "undecided" };

static unsigned int lack_of(const struct statement_loss *loss)
{
	return 1u << (strcmp(loss->cause, "io_uring") == 0 ? LACK_IO_URING : LACK_LOSSES);
}

/*
 * Notes with each container what is known to be its loss. What is left is anybody's: the lack of all. So is what a cgroup
 * lost that nobody told of, and a record that is there and could not be given to anybody.
 */
static unsigned int note_loss(struct containers *containers, const struct statement_loss *loss)
{
	uint64_t known = 0;

	if (strcmp(loss->cause, "cgroup_unknown") != 0 && strcmp(loss->effect, "record") != 0)
		return 0;
	for (size_t i = 0; i < loss->n_cgroups; i++) {
		struct container_found found;
		struct container *container = containers_find(containers, loss->cgroups[i].cgroup_id, &found);

		if (container)
			container->lacks |= lack_of(loss);
		if (found.known)
			known += loss->cgroups[i].count;
	}
	return known < loss->count ? lack_of(loss) : 0;
}

static unsigned int note_lacks(struct containers *containers, bool losses_unknown, const struct moment *closed,
			       const struct statement *statement)
{
	unsigned int lacks = losses_unknown ? 1u << LACK_LOSSES : 0;
	struct container *container;

	TAILQ_FOREACH (container, containers_all(containers), link) {
		container->lacks = container->at_start ? 1u << LACK_AT_START : 0;
		container->lacks |= container->was_undecided ? 1u << LACK_UNDECIDED : 0;
	}
	for (size_t i = 0; i < statement->n_losses; i++)
		lacks |= note_loss(containers, &statement->losses[i]);
	for (size_t i = 0; i < statement->n_probes; i++) {
		if (statement->probes[i].to_boot_ns < closed->boot_ns)
			lacks |= 1u << LACK_PROBE_SILENT;
	}
	return lacks;
}

static int describe_coverage(const struct container *container, unsigned int lacks, const struct moment *closed,
			     const struct statement *statement, struct statement_container_coverage *row)
{
	int r = statement_set(&row->id, container->text[0] ? container->text : container->id);

	row->cgroup_id = container->cgroup_id;
	row->generation = container->generation;
	row->from_boot_ns = container->from_boot_ns > statement->opened.boot_ns ? container->from_boot_ns
										: statement->opened.boot_ns;
	row->to_boot_ns = container->to_boot_ns > 0 && container->to_boot_ns < closed->boot_ns
				  ? container->to_boot_ns
				  : closed->boot_ns;
	row->records = container->records;
	row->complete = lacks == 0;
	row->incomplete = calloc(LACK_END, sizeof(*row->incomplete));
	if (!row->incomplete)
		return -ENOMEM;
	for (unsigned int i = 0; r >= 0 && i < LACK_END; i++) {
		if (lacks & 1u << i)
			r = statement_set(&row->incomplete[row->n_incomplete++], lack_words[i]);
	}
	return r;
}

static int describe_labels(const struct container_facts *facts, struct statement_container *row)
{
	int r = 0;

	row->labels_more = facts->labels_refused;
	if (facts->n_labels == 0)
		return 0;
	row->labels = calloc(facts->n_labels, sizeof(*row->labels));
	if (!row->labels)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < facts->n_labels; i++) {
		row->n_labels = i + 1;
		r = statement_set(&row->labels[i].key, facts->labels[i].key);
		if (r >= 0)
			r = statement_set(&row->labels[i].value, facts->labels[i].value);
	}
	return r;
}

static int describe_name(const char *name, struct statement_container *row)
{
	if (!name)
		return 0;
	row->names = calloc(1, sizeof(*row->names));
	if (!row->names)
		return -ENOMEM;
	row->n_names = 1;
	return statement_set(&row->names[0], name);
}

static int describe_facts(const struct container *container, struct statement_container *row)
{
	const struct container_facts *facts = &container->facts;
	const char *path_uid = container->pod_uid[0] ? container->pod_uid : NULL;
	const struct {
		char **to;
		const char *text;
	} texts[] = {
		{ &row->id, container->text },
		{ &row->image, facts->image_reference },
		{ &row->pod, facts->pod },
		{ &row->pod_namespace, facts->pod_namespace },
		{ &row->pod_uid, facts->pod_uid ? facts->pod_uid : path_uid },
		{ &row->image_digest, facts->image_digest },
	};
	int r = 0;

	row->cgroup_id = container->cgroup_id;
	row->generation = container->generation;
	row->conflict = facts->digest_conflict;
	row->image_is_config = facts->image_digest && facts->image_digest_is_config;
	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(texts); i++)
		r = texts[i].text ? statement_set(texts[i].to, texts[i].text) : 0;
	if (r >= 0)
		r = describe_name(facts->name, row);
	return r < 0 ? r : describe_labels(facts, row);
}

/* It lived within the window, its id can be written, and something of it was to be recorded. */
static bool belongs(const struct container *container, const struct moment *closed,
		    const struct statement *statement)
{
	return container->from_boot_ns <= closed->boot_ns &&
	       (container->to_boot_ns == 0 || container->to_boot_ns >= statement->opened.boot_ns) &&
	       (container->choice != CONTAINER_LEFT_OUT || container->records > 0);
}

int describe_container_rows(struct containers *containers, bool losses_unknown, const struct moment *closed,
			    struct statement *statement)
{
	size_t most = containers_totals(containers)->containers;
	unsigned int all = note_lacks(containers, losses_unknown, closed, statement);
	const struct container *container;
	int r = 0;

	statement->containers_more = containers_totals(containers)->forgotten;
	statement->containers = calloc(most + 1, sizeof(*statement->containers));
	statement->container_coverage = calloc(most + 1, sizeof(*statement->container_coverage));
	if (!statement->containers || !statement->container_coverage)
		return -ENOMEM;
	TAILQ_FOREACH (container, containers_all(containers), link) {
		if (!belongs(container, closed, statement))
			continue;
		/* Without a name for records there is nothing to look up by. */
		if (r >= 0 && container->text[0])
			r = describe_facts(container, &statement->containers[statement->n_containers++]);
		if (r >= 0)
			r = describe_coverage(
				container, all | container->lacks, closed, statement,
				&statement->container_coverage[statement->n_container_coverage++]);
	}
	return r;
}

int describe_containers(const struct collector *collector, const struct moment *closed,
			struct statement *statement)
{
	int r = describe_container_rows(attribution_containers(pipeline_attribution(collector->pipeline)),
					collector->losses_unknown, closed, statement);

	return r < 0 ? r
		     : statement_set(&statement->cgroup_hierarchy, source_cgroup_hierarchy(collector->source));
}
