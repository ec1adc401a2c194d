/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Files whose functions were probed, through the chain. Promises: a function is said to have been watched only where each seal of the window
 * has a row of its file that covers the window, and no row says that the function is missing. Which functions a seal
 * speaks of it does not tell, only how many; the map tells, and the numbers must fit.
 */

#include "merge/coverage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "merge/hashes.h"
#include "merge/node_match.h"
#include "verify/report.h"

static struct covered_target *target_find(struct coverage *coverage, const struct statement_target *row)
{
	for (size_t i = 0; i < coverage->n_targets; i++) {
		struct covered_target *target = &coverage->targets[i];

		if (report_same_text(target->library, row->library) &&
		    report_same_text(target->build_id, row->build_id) &&
		    report_same_text(target->purl, row->purl))
			return target;
	}
	return NULL;
}

static bool names(char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], name) == 0)
			return true;
	}
	return false;
}

static int take_missing(struct coverage *coverage, struct covered_target *target,
			const struct statement_target *row)
{
	target->missing_more = target->missing_more || row->missing_count > row->n_missing;
	for (size_t i = 0; i < row->n_missing; i++) {
		char **grown;

		if (names(target->missing, target->n_missing, row->missing[i]))
			continue;
		if (coverage->n_missing == COVERAGE_MISSING_MAX) {
			target->missing_more = true;
			return 0;
		}
		grown = reallocarray(target->missing, target->n_missing + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		target->missing = grown;
		grown[target->n_missing] = strdup(row->missing[i]);
		if (!grown[target->n_missing])
			return -ENOMEM;
		target->n_missing++;
		coverage->n_missing++;
	}
	return 0;
}

static int target_new(struct coverage *coverage, const struct statement *statement,
		      const struct statement_target *row, struct covered_target **ret_target)
{
	struct covered_target *target = &coverage->targets[coverage->n_targets++];
	int r = statement_set(&target->library, row->library);

	if (r == 0 && row->build_id)
		r = statement_set(&target->build_id, row->build_id);
	if (r == 0 && row->purl)
		r = statement_set(&target->purl, row->purl);
	target->attached = row->attached;
	/* Found in a later chunk than the first. */
	target->late = coverage->chunks > 0;
	target->last_sequence = statement->sequence;
	*ret_target = target;
	return r;
}

uint64_t coverage_file_hash(uint32_t dev_major, uint32_t dev_minor, uint64_t inode)
{
	uint64_t hash = hash_of(HASH_START, (struct str) { (const char *)&dev_major, sizeof(dev_major) });

	hash = hash_of(hash, (struct str) { (const char *)&dev_minor, sizeof(dev_minor) });
	return hash_of(hash, (struct str) { (const char *)&inode, sizeof(inode) });
}

/* Watched from the beginning: of the window, or, of a run of the collector, from when it opened coverage. */
static bool from_begin(const struct statement *statement, const struct statement_target *row, uint64_t begin,
		       const struct hashes *at_start)
{
	bool first = statement->sequence == 1 || statement->gap == GAP_RESTART || statement->gap == GAP_CRASH;

	return row->from_boot_ns <= begin ||
	       (first && hashes_has(at_start, coverage_file_hash(row->dev_major, row->dev_minor, row->inode)));
}

int coverage_targets(struct coverage *coverage, const struct statement *statement,
		     const struct hashes *at_start)
{
	uint64_t begin = report_coverage_begin(statement);
	int r = 0;

	coverage->targets_more = coverage->targets_more || statement->targets_more > 0;
	for (size_t i = 0; i < statement->n_targets && r == 0; i++) {
		const struct statement_target *row = &statement->targets[i];
		struct covered_target *target;

		if (strcmp(row->kind, measured_name(MEASURED_FUNCTION)) != 0)
			continue;
		target = target_find(coverage, row);
		if (!target && coverage->n_targets == COVERAGE_TARGETS_MAX) {
			coverage->targets_more = true;
			continue;
		}
		if (!target)
			r = target_new(coverage, statement, row, &target);
		if (r < 0)
			return r;
		target->late = target->late || !from_begin(statement, row, begin, at_start) ||
			       row->to_boot_ns < statement->closed.boot_ns ||
			       (target->last_sequence != statement->sequence &&
				target->last_sequence != coverage->last_sequence);
		target->last_sequence = statement->sequence;
		target->attached = row->attached < target->attached ? row->attached : target->attached;
		r = take_missing(coverage, target, row);
	}
	return r;
}

static bool means_target(const struct asked_function *function, const struct covered_target *target)
{
	if (function->build_id && !report_same_text(function->build_id, target->build_id))
		return false;
	if (function->purl && target->purl && strcmp(function->purl, target->purl) != 0)
		return false;
	if (function->library)
		return library_means(function->library, target->library);
	return function->build_id || (function->purl && target->purl);
}

static int answer_is(enum answer answer, enum answer *ret_answer, char **ret_reason, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static int answer_is(enum answer answer, enum answer *ret_answer, char **ret_reason, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(ret_reason, format, args);
	va_end(args);
	*ret_answer = answer;
	if (r < 0)
		*ret_reason = NULL;
	return r < 0 ? -ENOMEM : 0;
}

static int of_target(const struct coverage *coverage, const struct covered_target *target,
		     const struct asked_function *function, enum answer *ret_answer, char **ret_reason)
{
	if (names(target->missing, target->n_missing, function->symbol))
		return answer_is(ANSWER_NOT_MEASURED, ret_answer, ret_reason,
				 "%s does not have it, or it could not be probed there", target->library);
	if (target->missing_more)
		return answer_is(ANSWER_NOT_MEASURED, ret_answer, ret_reason,
				 "the seals do not name all functions of %s that could not be probed",
				 target->library);
	if (target->attached + target->n_missing < function->asked)
		return answer_is(ANSWER_NOT_MEASURED, ret_answer, ret_reason,
				 "the seals speak of fewer functions of %s than the map: it is another map",
				 target->library);
	if (target->late || target->last_sequence != coverage->last_sequence)
		return answer_is(ANSWER_NOT_OBSERVED_LOSSY, ret_answer, ret_reason,
				 "%s was not probed through the whole window", target->library);
	return 0;
}

int coverage_of_function(const struct coverage *coverage, const struct asked_function *function,
			 enum answer *ret_answer, char **ret_reason, size_t *ret_files)
{
	_cleanup_(freep) char *lossy = NULL;
	size_t meant = 0;

	*ret_answer = ANSWER_NOT_OBSERVED;
	*ret_reason = NULL;
	*ret_files = 0;
	for (size_t i = 0; i < coverage->n_targets; i++) {
		enum answer answer = ANSWER_NOT_OBSERVED;
		char *reason = NULL;
		int r;

		if (!means_target(function, &coverage->targets[i]))
			continue;
		*ret_files = ++meant;
		r = of_target(coverage, &coverage->targets[i], function, &answer, &reason);
		if (r < 0)
			return r;
		if (answer == ANSWER_NOT_MEASURED) {
			*ret_answer = answer;
			*ret_reason = reason;
			return 0;
		}
		if (!reason)
			continue;
		free(lossy);
		lossy = reason;
	}
	if (meant == 0)
		return answer_is(ANSWER_NOT_MEASURED, ret_answer, ret_reason,
				 "no file that holds it was probed: none was found, or nobody mapped one");
	if (coverage->targets_more)
		return answer_is(ANSWER_NOT_OBSERVED_LOSSY, ret_answer, ret_reason,
				 "the seals had no room for all files that were probed");
	if (!lossy)
		return 0;
	*ret_answer = ANSWER_NOT_OBSERVED_LOSSY;
	*ret_reason = TAKE(lossy);
	return 0;
}
