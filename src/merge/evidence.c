/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Listens to the verification. Promises: what a chunk says is kept apart until it is known to be sound; memory grows with the packages
 * and functions that were seen, not with the records; a line's digest is computed only when the line is kept as a
 * proof. Of containers only those of the image that was asked for count; without one, none, for their paths lead
 * elsewhere.
 */

#include "merge/evidence.h"

#include <errno.h>
#include <stdlib.h>

#include "verify/report.h"

static void seen_done(struct seen *seen)
{
	sightings_done(&seen->packages);
	sightings_done(&seen->functions);
	sightings_done(&seen->callers);
	sightings_done(&seen->edges);
	sightings_done(&seen->before);
	hashes_done(&seen->unplaced);
	hashes_done(&seen->ambiguous);
	hashes_done(&seen->unowned);
	hashes_done(&seen->upper);
	hashes_done(&seen->at_start);
}

static void seen_clear(struct seen *seen)
{
	sightings_clear(&seen->packages);
	sightings_clear(&seen->functions);
	sightings_clear(&seen->callers);
	sightings_clear(&seen->edges);
	sightings_clear(&seen->before);
	hashes_clear(&seen->unplaced);
	hashes_clear(&seen->ambiguous);
	hashes_clear(&seen->unowned);
	hashes_clear(&seen->upper);
	hashes_clear(&seen->at_start);
	seen->records = seen->other_roots = seen->by_inode = seen->by_path = seen->cut_paths = seen->images =
		seen->files = 0;
	seen->running = 0;
}

static int seen_fold(struct seen *all, const struct seen *chunk)
{
	int r = sightings_fold(&all->packages, &chunk->packages);

	r = r < 0 ? r : sightings_fold(&all->functions, &chunk->functions);
	r = r < 0 ? r : sightings_fold(&all->callers, &chunk->callers);
	r = r < 0 ? r : sightings_fold(&all->edges, &chunk->edges);
	r = r < 0 ? r : sightings_fold(&all->before, &chunk->before);
	r = r < 0 ? r : hashes_fold(&all->unplaced, &chunk->unplaced);
	r = r < 0 ? r : hashes_fold(&all->ambiguous, &chunk->ambiguous);
	r = r < 0 ? r : hashes_fold(&all->unowned, &chunk->unowned);
	r = r < 0 ? r : hashes_fold(&all->upper, &chunk->upper);
	all->records += chunk->records;
	all->other_roots += chunk->other_roots;
	all->by_inode += chunk->by_inode;
	all->by_path += chunk->by_path;
	all->cut_paths += chunk->cut_paths;
	all->images += chunk->images;
	all->files += chunk->files;
	all->running |= chunk->running;
	return r;
}

int evidence_init(struct evidence *evidence, const struct evidence_options *options)
{
	*evidence = (struct evidence) { .options = *options };
	evidence->coverage.since_wall_ns = options->since_wall_ns;
	evidence->coverage.image = options->image;
	evidence->coverage.of_host = options->join == JOIN_HOST;
	evidence->coverage.of_root = options->join == JOIN_ROOT;
	record_reader_init(&evidence->reader);
	return coverage_init(&evidence->coverage);
}

void evidence_done(struct evidence *evidence)
{
	coverage_done(&evidence->coverage);
	record_reader_done(&evidence->reader);
	function_table_done(&evidence->functions);
	seen_done(&evidence->all);
	seen_done(&evidence->chunk);
	hashes_done(&evidence->containers);
}

int evidence_line_now(struct evidence *evidence, const struct evidence_line **ret_line)
{
	int r = 0;

	if (!evidence->digest_known)
		r = digest_of(evidence->line_text.data, evidence->line_text.len, &evidence->line.digest);
	evidence->digest_known = r == 0;
	*ret_line = &evidence->line;
	return r;
}

void evidence_note(struct evidence *evidence, uint32_t package, unsigned int slot, const struct seen_at *at)
{
	const struct evidence_line *line;
	struct sighting *sighting;

	if (evidence->before)
		slot = SLOT_BEFORE;
	sighting = sightings_at(&evidence->chunk.packages, PACKAGE_KEY(package, slot));
	if (!sighting || evidence_line_now(evidence, &line) < 0) {
		evidence->error = -ENOMEM;
		return;
	}
	sighting_add(sighting, at->events, at->first, at->last, line);
}

/* Before its engine's kind is known a container goes by the digits alone. */
static uint64_t container_hash(struct str id)
{
	const char *scheme = id.len > 0 ? memmem(id.data, id.len, "://", 3) : NULL;

	if (scheme)
		id = (struct str) { scheme + 3, id.len - (size_t)(scheme + 3 - id.data) };
	return hash_of(HASH_START, id);
}

int evidence_unplaced(struct evidence *evidence, const struct stella_report *report)
{
	const char *image = evidence->options.image;
	int r = 0;

	for (size_t i = 0; i < report->n_containers && image && r == 0; i++) {
		const struct report_container *container = &report->containers[i];

		if (container->image_digest && strcmp(container->image_digest, image) == 0 &&
		    hashes_has(&evidence->all.unplaced, container_hash(str_of(container->id))))
			r = coverage_lack(&evidence->coverage, OF_ALL, false,
					  "%s: its records from before its image was known were left out",
					  container->id);
	}
	return r;
}

/* What engines said later of containers whose records do not name their image. */
static int learn_containers(struct evidence *evidence, const struct statement *statement)
{
	int r = 0;

	hashes_clear(&evidence->containers);
	for (size_t i = 0; i < statement->n_containers && evidence->options.image && r == 0; i++) {
		const struct statement_container *container = &statement->containers[i];

		if (container->image_digest && strcmp(container->image_digest, evidence->options.image) == 0)
			r = hashes_add(&evidence->containers, container_hash(str_of(container->id)));
	}
	return r;
}

static int on_begin(void *user, const struct statement *statement)
{
	struct evidence *evidence = user;

	evidence->statement = statement;
	evidence->functions_before = evidence->functions.count;
	seen_clear(&evidence->chunk);
	return learn_containers(evidence, statement);
}

/* Is the record of the image that was asked for? All are when none was. */
static int in_scope(struct evidence *evidence, const struct record_view_of *view, bool *ret_in_scope)
{
	*ret_in_scope = true;
	if (!evidence->options.image)
		return 0;
	if (view->image_digest.len > 0)
		*ret_in_scope = str_equal(view->image_digest, str_of(evidence->options.image));
	else
		*ret_in_scope = view->container_id.len > 0 &&
				hashes_has(&evidence->containers, container_hash(view->container_id));
	if (*ret_in_scope || view->image_digest.len > 0 || view->container_id.len == 0)
		return 0;
	return hashes_add(&evidence->chunk.unplaced, container_hash(view->container_id));
}

static struct moment moment_of(const struct statement *statement, uint64_t boot_ns)
{
	return (struct moment) { boot_ns, statement->opened.wall_ns - statement->opened.boot_ns + boot_ns };
}

static int on_line(void *user, uint64_t number, struct str line, const struct canon_member *members,
		   size_t count)
{
	struct evidence *evidence = user;
	const struct statement *statement = evidence->statement;
	struct record_view_of view;
	struct seen_at at;
	bool wanted;
	int r;

	r = record_view_read(&evidence->reader, members, count, &view);
	if (r == 0 && view.kind == RECORD_LIBRARY && view.at_start && view.file.has_inode)
		r = hashes_add(&evidence->chunk.at_start,
			       coverage_file_hash(view.file.dev_major, view.file.dev_minor, view.file.inode));
	if (r < 0)
		return r;
	at = (struct seen_at) { view.events, moment_of(statement, view.ts_ns),
				moment_of(statement, view.last_ts_ns) };
	r = in_scope(evidence, &view, &wanted);
	if (r < 0 || !wanted)
		return r;
	evidence->before = !evidence->coverage.has_window && at.last.wall_ns < evidence->options.since_wall_ns;
	if (at.first.wall_ns < evidence->options.since_wall_ns && !evidence->coverage.has_window)
		at.first = at.last;
	evidence->chunk.records += !evidence->before;
	evidence->chunk.images += evidence->options.image && !evidence->before;
	evidence->line = (struct evidence_line) { .sequence = statement->sequence, .line = number };
	evidence->line_text = line;
	evidence->digest_known = false;
	evidence->error = 0;
	r = view.kind == RECORD_FUNCTION ? evidence_functions(evidence, &view, &at)
	    : view.kind == RECORD_OTHER	 ? 0
					 : evidence_files(evidence, &view, &at);
	return r < 0 ? r : evidence->error;
}

static int on_end(void *user, bool sound)
{
	struct evidence *evidence = user;
	int r = 0;

	if (!sound) {
		function_table_cut(&evidence->functions, evidence->functions_before);
	} else {
		r = coverage_take(&evidence->coverage, evidence->statement, &evidence->chunk.at_start);
		r = r < 0 ? r : seen_fold(&evidence->all, &evidence->chunk);
	}
	evidence->statement = NULL;
	return r;
}

struct verify_listener evidence_listener(struct evidence *evidence)
{
	return (struct verify_listener) { evidence, on_begin, on_line, on_end };
}
