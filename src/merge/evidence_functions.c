/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Functions that were entered, and from where. Promises: a function's package is what the operator's map says, else the owner of the file
 * that its chunk's seal names by device and inode, else of the path in the packages' own root; a caller that is not
 * known by its symbol is no caller.
 */

#include "merge/evidence.h"

#include <errno.h>

struct first_owner {
	uint32_t package;
	size_t count;
};

static void visit_first(void *user, uint32_t index, bool within)
{
	struct first_owner *first = user;

	if (within)
		return;
	if (first->count++ == 0)
		first->package = index;
}

static bool is_target(const struct statement_target *row, const struct record_function *function)
{
	return str_equal(str_of(row->library), function->library) &&
	       (function->build_id.len == 0 || str_equal(str_of(row->build_id), function->build_id));
}

/* The operating system's package comes before what else claims the file: package_set_each keeps that order. */
static uint32_t owner_of(const struct evidence *evidence, const struct record_view_of *view,
			 const struct record_function *function)
{
	const struct package_set *set = evidence->options.packages;
	const struct statement *statement = evidence->statement;
	struct first_owner first = { FUNCTION_NONE, 0 };
	bool by_inode = evidence->options.join != JOIN_PATH && !evidence->options.image;

	for (size_t i = 0; i < statement->n_targets && by_inode && first.count == 0; i++) {
		const struct statement_target *row = &statement->targets[i];

		if (is_target(row, function))
			package_set_each(set, (struct str) { "", 0 }, row->dev_major, row->dev_minor,
					 row->inode, visit_first, &first);
	}
	if (first.count == 0 &&
	    (evidence->options.image || (view->container_id.len == 0 && evidence->options.join != JOIN_ROOT)))
		package_set_each(set, function->library, UINT32_MAX, 0, 0, visit_first, &first);
	return first.count > 0 ? first.package : FUNCTION_NONE;
}

static uint32_t package_of(const struct evidence *evidence, const struct record_view_of *view,
			   const struct record_function *function)
{
	const struct package_set *set = evidence->options.packages;
	uint32_t package = FUNCTION_NONE;

	if (!set || package_set_count(set) == 0)
		return FUNCTION_NONE;
	if (function->purl.len > 0 && package_set_find_purl(set, function->purl, &package) == 0)
		return package;
	return owner_of(evidence, view, function);
}

static int function_number(struct evidence *evidence, const struct record_view_of *view,
			   const struct record_function *function, uint32_t *ret_number)
{
	bool is_new;
	int r = function_table_add(&evidence->functions, function, ret_number, &is_new);

	if (r == 0 && is_new)
		evidence->functions.list[*ret_number].package = package_of(evidence, view, function);
	return r;
}

static int note(struct evidence *evidence, struct sightings *sightings, uint64_t key, const struct seen_at *at)
{
	const struct evidence_line *line;
	struct sighting *sighting = sightings_at(sightings, key);
	int r = evidence_line_now(evidence, &line);

	if (r < 0 || !sighting)
		return -ENOMEM;
	sighting_add(sighting, at->events, at->first, at->last, line);
	return 0;
}

/* Older than the window: that it ran, and that its callers did. */
static int before(struct evidence *evidence, const struct record_view_of *view, uint32_t callee,
		  const struct seen_at *at)
{
	uint32_t package = evidence->functions.list[callee].package, caller;
	int r = note(evidence, &evidence->chunk.before, callee, at);

	if (r == 0 && package != FUNCTION_NONE)
		evidence_note(evidence, package, TIER_FUNCTION, at);
	for (size_t i = 0; i < view->n_callers && r == 0; i++) {
		r = function_number(evidence, view, &view->callers[i], &caller);
		if (r == 0 && caller != FUNCTION_NONE)
			r = note(evidence, &evidence->chunk.before, caller, at);
	}
	return r;
}

int evidence_functions(struct evidence *evidence, const struct record_view_of *view, const struct seen_at *at)
{
	uint32_t callee, caller, package;
	int r = function_number(evidence, view, &view->function, &callee);

	if (r < 0 || callee == FUNCTION_NONE)
		return r;
	if (evidence->before)
		return before(evidence, view, callee, at);
	r = note(evidence, &evidence->chunk.functions, callee, at);
	package = evidence->functions.list[callee].package;
	if (r == 0 && package != FUNCTION_NONE)
		evidence_note(evidence, package, TIER_FUNCTION, at);
	for (size_t i = 0; i < view->n_callers && r == 0; i++) {
		r = function_number(evidence, view, &view->callers[i], &caller);
		if (r < 0 || caller == FUNCTION_NONE)
			return r; /* what is above an unknown one did not call what is below it */
		r = note(evidence, &evidence->chunk.edges, EDGE_KEY(caller, callee), at);
		r = r < 0 ? r : note(evidence, &evidence->chunk.callers, caller, at);
		callee = caller;
	}
	return r;
}
