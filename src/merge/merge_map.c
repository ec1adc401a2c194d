/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the operator's function map says was asked for. A seal tells how many functions of a file were probed and which were missing, not
 * which were there: that is the map's word, and the operator's. Of an entry for all functions of a file it is not known
 * which it has.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "merge/functions.h"

#define BUILD_ID_TEXT_MAX 64

static const char *build_id_of(const struct function_map_entry *entry, char out[BUILD_ID_TEXT_MAX])
{
	if (entry->build_id_len == 0)
		return NULL;
	text_hex(entry->build_id, entry->build_id_len, out);
	return out;
}

static bool wants(const struct function_map_entry *entry, const char *symbol)
{
	for (size_t i = 0; i < entry->n_wanted; i++) {
		if (str_equal(entry->wanted[i].symbol, str_of(symbol)))
			return true;
	}
	return false;
}

static bool same_library(const char *a, const char *b)
{
	return library_means(a, b) || library_means(b, a);
}

/* Does the entry mean the file that the function is in? Something must agree, nothing may contradict. */
static bool means(const struct function_map_entry *entry, const char *entry_build_id,
		  const struct function_verdict *function)
{
	int agreed = 0;

	if (entry->library && function->library) {
		if (!same_library(entry->library, function->library))
			return false;
		agreed++;
	}
	if (entry_build_id && function->build_id) {
		if (strcmp(entry_build_id, function->build_id) != 0)
			return false;
		agreed++;
	}
	if (entry->purl && function->purl && strcmp(entry->purl, function->purl) == 0)
		agreed++;
	return agreed > 0;
}

struct worst {
	enum answer answer;
	char *reason;
	bool any, all; /* entries that mean it; one of them for all functions of the file */
	bool probed; /* one of them has a file that was probed: only such ones count then */
};

static int try_entry(const struct functions_work *functions, const struct function_map_entry *entry,
		     const struct function_verdict *function, struct worst *worst)
{
	char hex[BUILD_ID_TEXT_MAX];
	const char *build_id = build_id_of(entry, hex);
	struct asked_function asked = { function->symbol, entry->library, build_id, NULL, entry->n_wanted };
	enum answer answer;
	size_t files;
	char *reason;
	int r;

	if (!function->symbol || !means(entry, build_id, function))
		return 0;
	worst->all = worst->all || entry->all;
	if (entry->all || !wants(entry, function->symbol))
		return 0;
	if (!asked.library)
		asked.library = function->library;
	if (!asked.build_id)
		asked.build_id = function->build_id;
	r = coverage_of_function(&functions->work->evidence.coverage, &asked, &answer, &reason, &files);
	if (r < 0)
		return r;
	/* It may have been called in any of the files that the entries mean. */
	if (worst->any && (worst->probed ? files == 0 || answer <= worst->answer : files == 0)) {
		free(reason);
		return 0;
	}
	free(worst->reason);
	*worst = (struct worst) { answer, reason, true, worst->all, files > 0 };
	return 0;
}

static int map_reasons(const struct functions_work *functions, const struct function_verdict *function,
		       struct reasons *reasons)
{
	const struct function_map *map = functions->work->inputs->map;
	const struct function_map_entry *entries;
	size_t count = function_map_entries(map, &entries);
	struct worst worst = { 0 };
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = try_entry(functions, &entries[i], function, &worst);
	if (r == 0 && !worst.any)
		r = reasons_add(
			reasons, true,
			worst.all
				? "the map asks for all functions of its file; whether the file names this one "
				  "the seals do not say"
				: "it is not in the function map");
	else if (r == 0 && worst.answer != ANSWER_NOT_OBSERVED)
		r = reasons_add(reasons, worst.answer == ANSWER_NOT_MEASURED, "%s", worst.reason);
	free(worst.reason);
	return r;
}

int function_reasons(const struct functions_work *functions, const struct function_work *function,
		     struct reasons *reasons)
{
	const struct coverage *coverage = &functions->work->evidence.coverage;
	int r = reasons_of_window(reasons, coverage, OF_FUNCTION);

	if (r == 0 && function->ambiguous)
		r = reasons_add(
			reasons, true,
			"a function of its name was called; by library, buildId and purl it cannot be told "
			"whether it is this one");
	if (r == 0 && function->before)
		r = reasons_add(reasons, false, "it was called before --since, and may have run on");
	if (r == 0 && functions->work->evidence.functions.more)
		r = reasons_add(reasons, false, "more than %d functions were called; not all were kept",
				FUNCTIONS_MAX);
	if (r < 0 || coverage->watched[MEASURED_FUNCTION] == 0)
		return r;
	if (!functions->work->inputs->map)
		return reasons_add(reasons, true,
				   "the seals do not name the functions that were probed; --function-map does");
	return map_reasons(functions, &function->verdict, reasons);
}

/* The entry's function, if neither graph nor run time has it. */
static bool is_known(const struct functions_work *functions, size_t count,
		     const struct function_map_entry *entry, const char *entry_build_id, const char *symbol)
{
	for (size_t i = 0; i < count; i++) {
		const struct function_verdict *function = &functions->list[i].verdict;

		if (function->symbol && strcmp(function->symbol, symbol) == 0 &&
		    means(entry, entry_build_id, function))
			return true;
	}
	return false;
}

static int add_wanted(struct functions_work *functions, const struct hashes *symbols,
		      const struct function_map_entry *entry, size_t known)
{
	char hex[BUILD_ID_TEXT_MAX];
	const char *build_id = build_id_of(entry, hex);

	for (size_t i = 0; i < entry->n_wanted; i++) {
		_cleanup_(freep) char *symbol = str_copy(entry->wanted[i].symbol);
		struct function_work *function;
		int r;

		if (!symbol)
			return -ENOMEM;
		if (hashes_has(symbols, hash_of(HASH_START, str_of(symbol))) &&
		    is_known(functions, known, entry, build_id, symbol))
			continue;
		function = function_new(functions);
		if (!function)
			return -ENOMEM;
		if (entry->purl && functions->work->result->packages &&
		    package_set_find_purl(functions->work->result->packages, str_of(entry->purl),
					  &function->package) < 0)
			function->package = FUNCTION_NONE;
		r = function_name(function, symbol, entry->library, build_id, entry->purl);
		if (r < 0)
			return r;
	}
	return 0;
}

int functions_of_map(struct functions_work *functions)
{
	const struct function_map_entry *entries;
	struct hashes symbols = { 0 };
	size_t count, known = functions->count;
	int r = 0;

	if (!functions->work->inputs->map)
		return 0;
	for (size_t i = 0; i < known && r == 0; i++) {
		if (functions->list[i].verdict.symbol)
			r = hashes_add(&symbols,
				       hash_of(HASH_START, str_of(functions->list[i].verdict.symbol)));
	}
	count = function_map_entries(functions->work->inputs->map, &entries);
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_wanted(functions, &symbols, &entries[i], known);
	hashes_done(&symbols);
	return r;
}
