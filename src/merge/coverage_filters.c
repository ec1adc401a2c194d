/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Filters that were in force. Promises: what a filter may have hidden is never said to be not observed. Path lists hide opens only, and are
 * held against each file of a package; the others hide by who acts, which nobody can tell of what was not seen.
 */

#include "merge/coverage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/glob.h"

#define FILTER_PATH_MAX 4352

static bool same_list(char *const *a, size_t n_a, char *const *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++) {
		if (strcmp(a[i], b[i]) != 0)
			return false;
	}
	return true;
}

static int copy_list(char *const *from, size_t count, char ***ret_copies, size_t *ret_count)
{
	if (count == 0)
		return 0;
	*ret_copies = calloc(count, sizeof(**ret_copies));
	if (!*ret_copies)
		return -ENOMEM;
	for (; *ret_count < count; (*ret_count)++) {
		(*ret_copies)[*ret_count] = strdup(from[*ret_count]);
		if (!(*ret_copies)[*ret_count])
			return -ENOMEM;
	}
	return 0;
}

int coverage_path_filters(struct coverage *coverage, const struct statement *statement)
{
	struct filters *filters;
	int r;

	if (statement->n_path_allowlist == 0 && statement->n_path_denylist == 0)
		return 0;
	for (size_t i = 0; i < coverage->n_filters; i++) {
		filters = &coverage->filters[i];
		if (same_list(filters->path_allowlist, filters->n_path_allowlist, statement->path_allowlist,
			      statement->n_path_allowlist) &&
		    same_list(filters->path_denylist, filters->n_path_denylist, statement->path_denylist,
			      statement->n_path_denylist))
			return 0;
	}
	if (coverage->n_filters == COVERAGE_FILTERS_MAX)
		return coverage_lack(coverage, OF_OPEN, true, "the path filters changed more than %d times",
				     COVERAGE_FILTERS_MAX);
	filters = &coverage->filters[coverage->n_filters++];
	r = copy_list(statement->path_allowlist, statement->n_path_allowlist, &filters->path_allowlist,
		      &filters->n_path_allowlist);
	return r < 0 ? r
		     : copy_list(statement->path_denylist, statement->n_path_denylist, &filters->path_denylist,
				 &filters->n_path_denylist);
}

/* Does target_containers mean all containers of this image? Only its digest can say so. */
static bool means_image(const struct statement *statement, const char *image)
{
	for (size_t i = 0; i < statement->n_target_containers; i++) {
		const char *selector = statement->target_containers[i];

		if (strncmp(selector, "image:", 6) == 0)
			selector += 6;
		if (strcmp(selector, image) == 0)
			return true;
	}
	return false;
}

static int take_targets(struct coverage *coverage, const struct statement *statement)
{
	if (statement->n_target_containers == 0)
		return 0;
	if (coverage->image && !means_image(statement, coverage->image))
		return coverage_lack(
			coverage, OF_ALL, true,
			"filters.target_containers does not name the image by its digest: containers of "
			"it may have been left out");
	if (!coverage->image && !(statement->host_known && statement->host))
		return coverage_lack(coverage, OF_ALL, true,
				     "filters.target_containers left out what runs in no container");
	if (coverage->of_root)
		return coverage_lack(
			coverage, OF_ALL, true,
			"filters.target_containers may have left out the container whose root this is");
	if (coverage->of_host)
		return coverage_lack(coverage, OF_ALL, false,
				     "filters.target_containers left out containers, which may have used the "
				     "host's files");
	return 0;
}

int coverage_filters(struct coverage *coverage, const struct statement *statement)
{
	const struct {
		size_t count;
		const char *name;
	} rows[] = {
		{ statement->n_comm_allowlist, "comm_allowlist" },
		{ statement->n_comm_denylist, "comm_denylist" },
		{ statement->n_cgroups, "cgroups" },
		{ statement->n_pid_namespaces, "pid_namespaces" },
	};
	int r = coverage_path_filters(coverage, statement);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && r == 0; i++) {
		if (rows[i].count > 0)
			r = coverage_lack(coverage, OF_ALL, true,
					  "filters.%s was in force: who it left out may have used anything",
					  rows[i].name);
	}
	return r < 0 ? r : take_targets(coverage, statement);
}

static bool matches_any(char *const *patterns, size_t count, struct str path)
{
	for (size_t i = 0; i < count; i++) {
		if (glob_matches(str_of(patterns[i]), path))
			return true;
	}
	return false;
}

static bool hides(const struct coverage *coverage, const char *path, const char **ret_why)
{
	for (size_t i = 0; i < coverage->n_filters; i++) {
		const struct filters *filters = &coverage->filters[i];

		*ret_why = "path_denylist";
		if (matches_any(filters->path_denylist, filters->n_path_denylist, str_of(path)))
			return true;
		*ret_why = "path_allowlist";
		if (filters->n_path_allowlist > 0 &&
		    !matches_any(filters->path_allowlist, filters->n_path_allowlist, str_of(path)))
			return true;
	}
	return false;
}

/* Records have the names of a merged /usr, the package may have the others. */
static bool hides_merged(const struct coverage *coverage, const char *path, const char **ret_why)
{
	static const char *const directories[] = { "/bin/",   "/sbin/",	  "/lib/",   "/lib32/",
						   "/lib64/", "/libx32/", "/libo32/" };
	char merged[FILTER_PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
		if (strncmp(path, directories[i], strlen(directories[i])) == 0 &&
		    snprintf(merged, sizeof(merged), "/usr%s", path) < (int)sizeof(merged))
			return hides(coverage, merged, ret_why);
	}
	return false;
}

/* Of a source of Python's only what was compiled of it may be opened: DIR/NAME.py is DIR/__pycache__/NAME.cpython-311.pyc. */
static bool hides_compiled(const struct coverage *coverage, const char *path, const char **ret_why)
{
	static const char *const tags[] = { "cpython-311", "cpython-311.opt-1", "cpython-36", "cpython-313" };
	const char *slash = strrchr(path, '/');
	size_t len = strlen(path);
	char compiled[FILTER_PATH_MAX];

	if (!slash || len < 4 || strcmp(path + len - 3, ".py") != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		if (snprintf(compiled, sizeof(compiled), "%.*s/__pycache__/%.*s.%s.pyc", (int)(slash - path),
			     path, (int)(path + len - 3 - slash - 1), slash + 1,
			     tags[i]) < (int)sizeof(compiled) &&
		    (hides(coverage, compiled, ret_why) || hides_merged(coverage, compiled, ret_why)))
			return true;
	}
	return false;
}

bool coverage_hides(const struct coverage *coverage, const char *path, const char **ret_why)
{
	if (coverage->n_filters == 0)
		return false;
	return hides(coverage, path, ret_why) || hides_merged(coverage, path, ret_why) ||
	       hides_compiled(coverage, path, ret_why);
}
