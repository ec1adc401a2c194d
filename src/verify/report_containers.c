/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the seals say of containers, gathered over the chain: one row a container, through all its lives and chunks.
 * Promises that a container is complete only when each good seal of its time says so and none of them is missing. That
 * one is not complete makes no chain incomplete: what does (losses, gaps, recovery) stands in the reasons by itself.
 */

#include "verify/report.h"

#include <stdlib.h>

#include "base/text.h"

/* Before its engine's kind was known a container goes by the digits alone. */
static const char *digits_of(const char *id)
{
	const char *scheme = strstr(id, "://");

	return scheme ? scheme + 3 : id;
}

static bool same_container(const char *a, const char *b)
{
	const char *x = digits_of(a), *y = digits_of(b);

	return strcmp(a, b) == 0 || ((x == a || y == b) && strcmp(x, y) == 0);
}

static struct report_container *container_find(struct stella_report *report, const char *id)
{
	for (size_t i = 0; i < report->n_containers; i++) {
		if (same_container(report->containers[i].id, id))
			return &report->containers[i];
	}
	return NULL;
}

/* Kept sorted, each once. There are fewer words than room; of what finds none, that it is not complete stays said. */
static int container_lacks(struct report_container *container, const char *word)
{
	size_t at = 0;

	container->complete = false;
	while (at < container->n_incomplete && strcmp(container->incomplete[at], word) < 0)
		at++;
	if (container->n_incomplete == REPORT_WORDS_MAX ||
	    (at < container->n_incomplete && strcmp(container->incomplete[at], word) == 0))
		return 0;
	memmove(&container->incomplete[at + 1], &container->incomplete[at],
		(container->n_incomplete - at) * sizeof(*container->incomplete));
	container->n_incomplete++;
	container->incomplete[at] = strdup(word);
	return container->incomplete[at] ? 0 : -ENOMEM;
}

static int container_new(struct stella_report *report, const char *id, struct report_container **ret_container)
{
	struct report_container *container = &report->containers[report->n_containers];

	*container = (struct report_container) { .complete = true };
	if (statement_set(&container->id, id) < 0)
		return -ENOMEM;
	report->n_containers++;
	*ret_container = container;
	return 0;
}

static struct moment moment_of(const struct statement *statement, uint64_t boot_ns)
{
	return (struct moment) { boot_ns, statement->opened.wall_ns - statement->opened.boot_ns + boot_ns };
}

/* Whatever a row claims: who recovers, replays or does not know the losses cannot know that nothing is missing. */
static int chunk_lacks(const struct statement *statement, struct report_container *container)
{
	int r = 0;

	if (statement->recovered)
		r = container_lacks(container, "recovered");
	if (r == 0 && statement->replay_of)
		r = container_lacks(container, "replayed");
	if (r == 0 && !statement->losses_known)
		r = container_lacks(container, "losses_unknown");
	return r;
}

static int take_row(struct report_container *container, const struct statement *statement,
		    const struct statement_container_coverage *row)
{
	int r = chunk_lacks(statement, container);

	if (container->sequence == 0)
		container->from = moment_of(statement, row->from_boot_ns);
	if (container->sequence != statement->sequence) {
		/* It lived on, and the seals between are not there, or cannot be relied on. */
		if (r == 0 && container->lives && container->sequence + 1 != statement->sequence)
			r = container_lacks(container, "unlisted");
		container->lives = false;
		container->to = moment_of(statement, row->to_boot_ns);
	}
	if (row->to_boot_ns > container->to.boot_ns)
		container->to = moment_of(statement, row->to_boot_ns);
	container->sequence = statement->sequence;
	container->lives = container->lives || row->to_boot_ns >= statement->closed.boot_ns;
	if (__builtin_add_overflow(container->records, row->records, &container->records))
		container->records = UINT64_MAX;
	for (size_t i = 0; i < row->n_incomplete && r == 0; i++)
		r = container_lacks(container, row->incomplete[i]);
	/* A runtime that became known. */
	if (r == 0 && digits_of(container->id) == container->id && strcmp(container->id, row->id) != 0)
		r = statement_set(&container->id, row->id);
	return r;
}

static int report_covered(struct stella_report *report, const struct statement *statement,
			  const struct statement_container_coverage *row)
{
	struct report_container *container = container_find(report, row->id);
	int r = 0;

	if (!container && report->n_containers >= REPORT_CONTAINERS_MAX) {
		report->containers_more++;
		return 0;
	}
	if (!container)
		r = container_new(report, row->id, &container);
	return r < 0 ? r : take_row(container, statement, row);
}

/* An image does not change while a container lives: two digests are a contradiction, and then there is none. */
static int report_image(struct stella_report *report, const struct statement_container *said)
{
	struct report_container *container = container_find(report, said->id);

	if (!container || container->disputed || (!said->image_digest && !said->conflict))
		return 0;
	container->disputed = said->conflict || (container->image_digest &&
						 strcmp(container->image_digest, said->image_digest) != 0);
	return statement_set(&container->image_digest, container->disputed ? NULL : said->image_digest);
}

int report_containers(struct stella_report *report, const struct statement *statement)
{
	int r = 0;

	for (size_t i = 0; i < statement->n_container_coverage && r == 0; i++)
		r = report_covered(report, statement, &statement->container_coverage[i]);
	for (size_t i = 0; i < statement->n_containers && r == 0; i++)
		r = report_image(report, &statement->containers[i]);
	/* Who lived when the chunk before closed, and is not said to have ended. */
	for (size_t i = 0; i < report->n_containers && r == 0; i++) {
		struct report_container *container = &report->containers[i];

		if (!container->lives || container->sequence == statement->sequence)
			continue;
		container->lives = false;
		r = container_lacks(container, "unlisted");
	}
	if (__builtin_add_overflow(report->containers_more, statement->containers_more,
				   &report->containers_more))
		report->containers_more = UINT64_MAX;
	return r;
}

void report_containers_done(struct stella_report *report)
{
	for (size_t i = 0; report->containers && i < report->n_containers; i++) {
		free(report->containers[i].id);
		free(report->containers[i].image_digest);
		for (size_t k = 0; k < report->containers[i].n_incomplete; k++)
			free(report->containers[i].incomplete[k]);
	}
	free(report->containers);
}
