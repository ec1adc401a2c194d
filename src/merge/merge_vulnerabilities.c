/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Verdicts of vulnerabilities. Promises: `not_affected` only when every vulnerable function is confirmed unreachable, by graph and by a
 * complete window; `affected` only with a line of evidence; all else says what is missing. Silence alone proves nothing.
 */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "merge/merge.h"

#define MISSING_MAX 16 /* sentences of one vulnerability */

/* The functions of a package stand side by side. */
struct package_function {
	uint32_t package;
	uint32_t function; /* index of the verdict */
};

struct vulnerable_work {
	struct merge_work *work;
	struct package_function *functions; /* by package, then in the verdicts' order */
	size_t n_functions;
	const struct package_verdict **verdicts; /* by package */
};

static int by_package_number(const void *a, const void *b)
{
	const struct package_function *x = a, *y = b;

	if (x->package != y->package)
		return x->package < y->package ? -1 : 1;
	return (x->function > y->function) - (x->function < y->function);
}

static int prepare(struct vulnerable_work *vulnerable)
{
	const struct merge_result *result = vulnerable->work->result;

	vulnerable->functions = calloc(result->n_functions + 1, sizeof(*vulnerable->functions));
	vulnerable->verdicts =
		calloc(package_set_count(result->packages) + 1, sizeof(struct package_verdict *));
	if (!vulnerable->functions || !vulnerable->verdicts)
		return -ENOMEM;
	for (uint32_t i = 0; i < result->n_functions; i++) {
		if (result->functions[i].symbol && vulnerable->work->function_packages[i] != FUNCTION_NONE)
			vulnerable->functions[vulnerable->n_functions++] =
				(struct package_function) { vulnerable->work->function_packages[i], i };
	}
	if (vulnerable->n_functions > 0)
		qsort(vulnerable->functions, vulnerable->n_functions, sizeof(*vulnerable->functions),
		      by_package_number);
	for (size_t i = 0; i < result->n_package_verdicts; i++)
		vulnerable->verdicts[result->package_verdicts[i].package] = &result->package_verdicts[i];
	return 0;
}

static size_t first_function(const struct vulnerable_work *vulnerable, uint32_t package)
{
	size_t low = 0, high = vulnerable->n_functions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (vulnerable->functions[middle].package < package)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int missing_add(struct vulnerability_verdict *verdict, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int missing_add(struct vulnerability_verdict *verdict, const char *format, ...)
{
	char **grown;
	va_list args;
	int r;

	if (verdict->n_missing == MISSING_MAX)
		return 0;
	grown = reallocarray(verdict->missing, verdict->n_missing + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	verdict->missing = grown;
	va_start(args, format);
	r = vasprintf(&grown[verdict->n_missing], format, args);
	va_end(args);
	if (r < 0)
		return -ENOMEM;
	verdict->n_missing++;
	return 0;
}

static int affected(struct vulnerability_verdict *verdict, const struct sighting *seen, enum tier tier,
		    const char *function)
{
	verdict->status = VEX_AFFECTED;
	verdict->has_line = true;
	verdict->line = seen->first_line;
	verdict->tier = tier;
	verdict->function = function ? strdup(function) : NULL;
	return function && !verdict->function ? -ENOMEM : 0;
}

/* What no hook for functions could have seen: the statement is silent about it, and says so. */
static int blind_spots(const struct coverage *coverage, struct buf *out)
{
	int r = 0;

	for (size_t i = 0; i < coverage->n_blind && r == 0; i++) {
		const struct merge_blind_spot *blind = &coverage->blind[i];

		if (strcmp(blind->kind, measured_name(MEASURED_FUNCTION)) == 0)
			r = buf_printf(out, "%s%s", out->len ? ", " : "; blind to ", blind->spot);
	}
	return r < 0 ? r : buf_cstr(out) ? 0 : -ENOMEM;
}

static int not_affected(const struct vulnerable_work *vulnerable, const struct vulnerability *vulnerability,
			struct vulnerability_verdict *verdict)
{
	const struct merge_result *result = vulnerable->work->result;
	const struct function_map *map = vulnerable->work->inputs->map;
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX], hash[DIGEST_TEXT_LEN + 1], probed[DIGEST_TEXT_LEN + 1];
	_cleanup_(buf_done) struct buf blind = BUF_MAX(65536);
	int r = blind_spots(&vulnerable->work->evidence.coverage, &blind);

	if (r < 0)
		return r;
	assert(map); /* without one nothing is `not_observed`, so nothing confirmed unreachable */
	digest_hex(function_map_digest(map), probed);
	clock_format(result->from.wall_ns, from);
	clock_format(result->to.wall_ns, to);
	digest_hex(&result->graph.hash, hash);
	verdict->status = VEX_NOT_AFFECTED;
	if (asprintf(&verdict->impact,
		     "The call graph sha256:%s says that nothing leads to %s%s, and none was entered from %s "
		     "to %s: "
		     "function_call was watched through %" PRIu64
		     " sound chunks without losses or gaps%s. Which functions were probed is the word of the "
		     "function map sha256:%s: the seals tell how many. Chain %s, head number %" PRIu64 ", %s.",
		     hash, vulnerability->symbols[0],
		     vulnerability->n_symbols > 1 ? " and the other vulnerable functions" : "", from, to,
		     result->chunks, blind.len > 0 ? buf_cstr(&blind) : "", probed, result->chain_id,
		     result->head_sequence, result->head_sha256) < 0) {
		verdict->impact = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int missing_of_function(struct vulnerability_verdict *verdict, const char *symbol,
			       const struct function_verdict *function)
{
	const char *why = function->n_reasons > 0 ? function->reasons[0] : NULL;

	return missing_add(verdict, "%s: %s, %s%s%s", symbol, lattice_words(function->state),
			   answer_name(function->answer), why ? ": " : "", why ? why : "");
}

/* What is known of each of the vulnerable functions. */
enum symbol_state { SYMBOL_ABSENT, SYMBOL_CONFIRMED, SYMBOL_OPEN };

/* One function of the package: is it one of the vulnerable ones, and does it decide? */
static int by_function(const struct vulnerability *vulnerability, const struct function_verdict *function,
		       enum symbol_state *states, struct vulnerability_verdict *verdict)
{
	size_t index;

	if (!vulnerability_has_symbol(vulnerability, function->symbol, &index))
		return 0;
	if (function->answer == ANSWER_OBSERVED)
		return affected(verdict, &function->seen, TIER_FUNCTION, vulnerability->symbols[index]);
	if (function->state == LATTICE_CU) {
		states[index] = states[index] == SYMBOL_OPEN ? SYMBOL_OPEN : SYMBOL_CONFIRMED;
		return 0;
	}
	states[index] = SYMBOL_OPEN;
	return missing_of_function(verdict, vulnerability->symbols[index], function);
}

static int by_functions(const struct vulnerable_work *vulnerable, const struct vulnerability *vulnerability,
			struct vulnerability_verdict *verdict)
{
	const struct merge_result *result = vulnerable->work->result;
	enum symbol_state states[VULNERABILITY_SYMBOLS_MAX] = { SYMBOL_ABSENT };
	size_t count = vulnerability->n_symbols, confirmed = 0;
	int r = 0;

	for (size_t i = first_function(vulnerable, verdict->package);
	     i < vulnerable->n_functions && vulnerable->functions[i].package == verdict->package && r == 0 &&
	     verdict->status != VEX_AFFECTED;
	     i++)
		r = by_function(vulnerability, &result->functions[vulnerable->functions[i].function], states,
				verdict);
	if (r < 0 || verdict->status == VEX_AFFECTED)
		return r;
	for (size_t i = 0; i < count && r == 0; i++) {
		confirmed += states[i] == SYMBOL_CONFIRMED;
		if (states[i] == SYMBOL_ABSENT)
			r = missing_add(
				verdict,
				"%s: neither the call graph nor the function map has it in this package",
				vulnerability->symbols[i]);
	}
	if (r == 0 && confirmed == count)
		return not_affected(vulnerable, vulnerability, verdict);
	return r;
}

static int by_package(const struct vulnerability *vulnerability, const struct package_verdict *package,
		      struct vulnerability_verdict *verdict)
{
	int r = 0;

	if (package->answer == ANSWER_OBSERVED && vulnerability->n_symbols == 0)
		return affected(verdict, &package->tiers[package->strongest], package->strongest, NULL);
	if (vulnerability->n_symbols == 0)
		r = missing_add(verdict, "in which functions it lies is not known");
	if (r == 0 && package->answer == ANSWER_OBSERVED)
		return missing_add(verdict, "the package was %s, but that tells nothing of its functions",
				   tier_name(package->strongest));
	if (r == 0)
		r = missing_add(verdict, "the package: %s%s%s", answer_name(package->answer),
				package->n_reasons > 0 ? ": " : "; that alone proves nothing",
				package->n_reasons > 0 ? package->reasons[0] : "");
	return r;
}

static void missing_clear(struct vulnerability_verdict *verdict)
{
	for (size_t i = 0; i < verdict->n_missing; i++)
		free(verdict->missing[i]);
	free(verdict->missing);
	verdict->missing = NULL;
	verdict->n_missing = 0;
}

static int judge(const struct vulnerable_work *vulnerable, size_t index, struct vulnerability_verdict *verdict)
{
	const struct merge_result *result = vulnerable->work->result;
	const struct vulnerability *vulnerability = &result->vulnerabilities.list[index];
	int r;

	*verdict = (struct vulnerability_verdict) { .vulnerability = index, .status = VEX_UNDER_INVESTIGATION };
	verdict->match = vulnerability_package(vulnerability, result->packages, &verdict->package);
	if (verdict->match == PACKAGE_NONE)
		return missing_add(verdict, "no package of the SBOM or the root is the one that it names");
	if (verdict->match == PACKAGE_AMBIGUOUS)
		return missing_add(verdict, "more than one package may be the one that it names");
	if (vulnerability->undecided)
		return missing_add(verdict,
				   "whether the installed version is one of the affected could not be decided");
	r = vulnerability->n_symbols > 0 ? by_functions(vulnerable, vulnerability, verdict) : 0;
	if (r == 0 && verdict->status == VEX_UNDER_INVESTIGATION)
		r = by_package(vulnerability, vulnerable->verdicts[verdict->package], verdict);
	if (verdict->status != VEX_UNDER_INVESTIGATION)
		missing_clear(verdict);
	return r;
}

int merge_vulnerabilities(struct merge_work *work)
{
	struct vulnerable_work vulnerable = { .work = work };
	struct merge_result *result = work->result;
	size_t count = result->vulnerabilities.count;
	int r = prepare(&vulnerable);

	result->vulnerability_verdicts = calloc(count + 1, sizeof(*result->vulnerability_verdicts));
	if (!result->vulnerability_verdicts)
		r = -ENOMEM;
	for (size_t i = 0; i < count && r == 0; i++)
		r = judge(&vulnerable, i, &result->vulnerability_verdicts[result->n_vulnerability_verdicts++]);
	free(vulnerable.functions);
	free(vulnerable.verdicts);
	return r;
}
