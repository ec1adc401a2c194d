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

static void seen_done(struct seen *seen)
{
	sightings_done(&seen->packages);
	sightings_done(&seen->functions);
	sightings_done(&seen->callers);
	sightings_done(&seen->edges);
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
	hashes_clear(&seen->ambiguous);
	hashes_clear(&seen->unowned);
	hashes_clear(&seen->upper);
	hashes_clear(&seen->at_start);
	seen->records = seen->other_roots = seen->by_inode = seen->by_path = seen->cut_paths = seen->images = 0;
	seen->running = 0;
}

static int seen_fold(struct seen *all, const struct seen *chunk)
{
	int r = sightings_fold(&all->packages, &chunk->packages);

	r = r < 0 ? r : sightings_fold(&all->functions, &chunk->functions);
	r = r < 0 ? r : sightings_fold(&all->callers, &chunk->callers);
	r = r < 0 ? r : sightings_fold(&all->edges, &chunk->edges);
	r = r < 0 ? r : hashes_fold(&all->ambiguous, &chunk->ambiguous);
	r = r < 0 ? r : hashes_fold(&all->unowned, &chunk->unowned);
	r = r < 0 ? r : hashes_fold(&all->upper, &chunk->upper);
	all->records += chunk->records;
	all->other_roots += chunk->other_roots;
	all->by_inode += chunk->by_inode;
	all->by_path += chunk->by_path;
	all->cut_paths += chunk->cut_paths;
	all->images += chunk->images;
	all->running |= chunk->running;
	return r;
}

int evidence_init(struct evidence *evidence, const struct evidence_options *options)
{
	*evidence = (struct evidence) { .options = *options };
	evidence->coverage.since_wall_ns = options->since_wall_ns;
	evidence->coverage.image = options->image;
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

uint64_t evidence_path_hash(const char *directory, const char *name)
{
	uint64_t hash = hash_of(HASH_START, str_of(directory));
	size_t len = strlen(directory);

	/* "/" and "/usr/" need no slash more, "/usr" does, and "" is a whole path's. */
	if (len > 0 && directory[len - 1] != '/')
		hash = hash_of(hash, STR("/"));
	return hash_of(hash, str_of(name));
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
	struct sighting *sighting = sightings_at(&evidence->chunk.packages, PACKAGE_KEY(package, slot));

	if (!sighting || evidence_line_now(evidence, &line) < 0) {
		evidence->error = -ENOMEM;
		return;
	}
	sighting_add(sighting, at->events, at->first, at->last, line);
}

/* What engines said later of containers whose records do not name their image. */
static int learn_containers(struct evidence *evidence, const struct statement *statement)
{
	int r = 0;

	hashes_clear(&evidence->containers);
	for (size_t i = 0; i < statement->n_containers && evidence->options.image && r == 0; i++) {
		const struct statement_container *container = &statement->containers[i];

		if (container->image_digest && strcmp(container->image_digest, evidence->options.image) == 0)
			r = hashes_add(&evidence->containers, hash_of(HASH_START, str_of(container->id)));
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
static bool in_scope(const struct evidence *evidence, const struct record_view_of *view)
{
	if (!evidence->options.image)
		return true;
	if (view->image_digest.len > 0)
		return str_equal(view->image_digest, str_of(evidence->options.image));
	return view->container_id.len > 0 &&
	       hashes_has(&evidence->containers, hash_of(HASH_START, view->container_id));
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
	int r;

	if (statement->closed.wall_ns < evidence->options.since_wall_ns)
		return 0;
	r = record_view_read(&evidence->reader, members, count, &view);
	if (r == 0 && view.kind == RECORD_LIBRARY && view.at_start && view.file.has_inode)
		r = hashes_add(&evidence->chunk.at_start,
			       coverage_file_hash(view.file.dev_major, view.file.dev_minor, view.file.inode));
	if (r < 0)
		return r;
	at = (struct seen_at) { view.events, moment_of(statement, view.ts_ns),
				moment_of(statement, view.last_ts_ns) };
	if (at.last.wall_ns < evidence->options.since_wall_ns || !in_scope(evidence, &view))
		return 0;
	if (at.first.wall_ns < evidence->options.since_wall_ns)
		at.first = at.last;
	evidence->chunk.records++;
	evidence->chunk.images += evidence->options.image != NULL;
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
