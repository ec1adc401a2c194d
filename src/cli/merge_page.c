/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Contradictions first, then what the evidence covers, then verdicts by package, function and vulnerability, and last what no hook can
 * see. Promises: says nothing in a stronger voice than the verdicts do; counts are at least so many.
 */

#include "cli/merge_page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/output.h"

#define PAGE_REASONS_MAX 12
#define CONTESTED_LINES_MAX 20
#define WHEN_MAX sizeof("2026-11-22 23:51:40")

static const char *ending(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* To the second: who needs more takes the JSON. */
static const char *when(struct moment moment, char out[WHEN_MAX])
{
	char full[CLOCK_TEXT_MAX];

	clock_format(moment.wall_ns, full);
	snprintf(out, WHEN_MAX, "%.10s %.8s", full, full + 11);
	return out;
}

/* It ran though nothing leads there. That what could be reached was not called is X too, but surprises nobody. */
static bool is_contested(const struct function_verdict *verdict)
{
	return verdict->state == LATTICE_X && verdict->seen.count > 0;
}

size_t merge_page_contested(const struct merge_result *result)
{
	size_t count = 0;

	for (size_t i = 0; i < result->n_functions; i++) {
		const struct function_verdict *verdict = &result->functions[i];

		if (!is_contested(verdict))
			continue;
		if (count++ < CONTESTED_LINES_MAX)
			talk("CONTESTED: %s: the call graph says unreachable, the evidence has it run "
			     "%" PRIu64 " time%s, first in chunk %" PRIu64 ", line %" PRIu64,
			     verdict->id ? verdict->id : verdict->symbol, verdict->seen.count,
			     ending(verdict->seen.count), verdict->seen.first_line.sequence,
			     verdict->seen.first_line.line);
	}
	if (count > CONTESTED_LINES_MAX)
		talk("CONTESTED: and %zu more", count - CONTESTED_LINES_MAX);
	return count;
}

static void print_contested(const struct merge_result *result)
{
	size_t count = 0;

	for (size_t i = 0; i < result->n_functions; i++)
		count += is_contested(&result->functions[i]);
	if (count == 0)
		return;
	printf("%sCONTESTED%s  %zu function%s of which the call graph says that nothing leads there, and which "
	       "were "
	       "called:\n",
	       output_color(COLOR_BAD), output_color_end(), count, ending(count));
	for (size_t i = 0; i < result->n_functions; i++) {
		const struct function_verdict *verdict = &result->functions[i];

		if (!is_contested(verdict))
			continue;
		fputs("  ", stdout);
		output_print(verdict->id ? verdict->id : verdict->symbol);
		printf("  chunk %" PRIu64 " line %" PRIu64 "\n", verdict->seen.first_line.sequence,
		       verdict->seen.first_line.line);
	}
	putchar('\n');
}

/* Behind what stands in the line already; names in it are anybody's. */
static void print_rest(const char *text, size_t indent)
{
	_cleanup_(buf_done) struct buf shown = BUF_MAX(1u << 20);
	const char *line;

	if (text_printable_append(&shown, str_of(text)) == 0 && (line = buf_cstr(&shown)))
		output_folded(stdout, line, indent);
	putchar('\n');
}

static void print_folded(const char *lead, const char *text)
{
	fputs(lead, stdout);
	print_rest(text, strlen(lead));
}

static void print_evidence(const struct merge_result *result)
{
	char from[WHEN_MAX], to[WHEN_MAX];

	output_print(result->evidence_name);
	printf(": %" PRIu64 " sound chunk%s, %" PRIu64 " record%s", result->chunks, ending(result->chunks),
	       result->records, ending(result->records));
	if (result->image) {
		fputs(" of ", stdout);
		output_print(result->image);
	}
	printf("\n  window  %s to %s UTC\n", when(result->from, from), when(result->to, to));
	printf("  head    number %" PRIu64 ", %s\n", result->head_sequence, result->head_sha256);
	if (result->complete)
		printf("  %scomplete%s: what was to be watched was watched, and nothing was lost\n",
		       output_color(COLOR_GOOD), output_color_end());
	else
		printf("  %snot complete%s:\n", output_color(COLOR_BAD), output_color_end());
	for (size_t i = 0; i < result->n_reasons && i < PAGE_REASONS_MAX; i++)
		print_folded("    ", result->reasons[i]);
	if (result->n_reasons > PAGE_REASONS_MAX)
		printf("    ... and %zu more (--output json lists them)\n",
		       result->n_reasons - PAGE_REASONS_MAX);
	if (result->other_roots > 0)
		printf("  %" PRIu64
		       " record%s of containers are of other roots and left out; --image DIGEST looks at "
		       "one's\n",
		       result->other_roots, ending(result->other_roots));
	if (result->ambiguous_files + result->upper_layer_files > 0)
		printf("  files that count for no package: %" PRIu64 " of several, %" PRIu64
		       " made or changed at run time\n",
		       result->ambiguous_files, result->upper_layer_files);
	putchar('\n');
}

static void package_cell(struct table *table, const struct package *package)
{
	table_cell(table, "%s%s%s%s%s", package->type ? package->type : "", package->type ? " " : "",
		   package->name, package->version ? " " : "", package->version ? package->version : "");
}

static void package_cells(struct table *table, const struct merge_result *result,
			  const struct package_verdict *verdict)
{
	const struct package *package = package_set_get(result->packages, verdict->package);
	const struct sighting *seen = &verdict->tiers[verdict->strongest];
	bool observed = verdict->strongest != TIER_NONE;
	char last[WHEN_MAX];

	table_cell(table, "%s", answer_name(verdict->answer));
	table_cell(table, "%s", observed ? tier_name(verdict->strongest) : "");
	if (observed) {
		table_cell(table, "%" PRIu64, seen->count);
		table_cell(table, "%s", when(seen->last, last));
		table_cell(table, "%" PRIu64 ":%" PRIu64, seen->last_line.sequence, seen->last_line.line);
	} else {
		table_cell(table, "%s", "");
		table_cell(table, "%s", "");
		table_cell(table, "%s", "");
	}
	package_cell(table, package);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What the window's reasons have told already: these are sorted. */
static bool is_of_window(const struct merge_result *result, const char *reason)
{
	return bsearch(&reason, result->reasons, result->n_reasons, sizeof(*result->reasons), by_text) != NULL;
}

/* The same reason of many packages is told once. */
static int print_reasons(const struct merge_result *result)
{
	_cleanup_(freep) const char **list = NULL;
	size_t count = 0, told = 0, run;

	for (size_t i = 0; i < result->n_package_verdicts; i++)
		count += result->package_verdicts[i].n_reasons;
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	count = 0;
	for (size_t i = 0; i < result->n_package_verdicts; i++) {
		for (size_t k = 0; k < result->package_verdicts[i].n_reasons; k++) {
			if (!is_of_window(result, result->package_verdicts[i].reasons[k]))
				list[count++] = result->package_verdicts[i].reasons[k];
		}
	}
	qsort(list, count, sizeof(*list), by_text);
	for (size_t i = 0; i < count; i += run) {
		for (run = 1; i + run < count && strcmp(list[i], list[i + run]) == 0; run++)
			;
		if (told++ == PAGE_REASONS_MAX)
			break;
		if (told == 1)
			puts("Why not more can be said of some:");
		printf("  %zu package%s: ", run, ending(run));
		print_rest(list[i], 8);
	}
	if (told > PAGE_REASONS_MAX)
		puts("  ... and more (--output json lists them)");
	if (told > 0)
		putchar('\n');
	return 0;
}

static int print_packages(const struct merge_result *result)
{
	static const struct table_column columns[] = { { "VERDICT", false }, { "TIER", false },
						       { "EVENTS", true },   { "LAST (UTC)", false },
						       { "LINE", true },     { "PACKAGE", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), true);
	size_t counts[ANSWER_NOT_MEASURED + 1] = { 0 };
	int r;

	if (result->n_package_verdicts == 0)
		return 0;
	if (!table)
		return -ENOMEM;
	for (int answer = ANSWER_OBSERVED; answer <= ANSWER_NOT_MEASURED; answer++) {
		for (size_t i = 0; i < result->n_package_verdicts; i++) {
			if ((int)result->package_verdicts[i].answer != answer)
				continue;
			counts[answer]++;
			package_cells(table, result, &result->package_verdicts[i]);
		}
	}
	printf("%zu packages: %zu observed, %zu not observed, %zu not observed with losses, %zu not measured\n",
	       result->n_package_verdicts, counts[ANSWER_OBSERVED], counts[ANSWER_NOT_OBSERVED],
	       counts[ANSWER_NOT_OBSERVED_LOSSY], counts[ANSWER_NOT_MEASURED]);
	r = table_print(table, stdout);
	putchar('\n');
	return r < 0 ? r : print_reasons(result);
}

static int print_functions(const struct merge_result *result)
{
	static const struct table_column columns[] = { { "STATE", false }, { "VERDICT", false },
						       { "HITS", true },   { "SCORE", true },
						       { "LINE", true },   { "FUNCTION", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), true);
	int r;

	if (result->n_functions == 0)
		return 0;
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < result->n_functions; i++) {
		const struct function_verdict *verdict = &result->functions[i];

		table_cell(table, "%s", lattice_name(verdict->state));
		table_cell(table, "%s", answer_name(verdict->answer));
		table_cell(table, "%" PRIu64, verdict->seen.count);
		if (verdict->id)
			table_cell(table, "%u.%03u", verdict->score_ppm / 1000000,
				   verdict->score_ppm / 1000 % 1000);
		else
			table_cell(table, "%s", "");
		if (verdict->seen.count > 0)
			table_cell(table, "%" PRIu64 ":%" PRIu64, verdict->seen.last_line.sequence,
				   verdict->seen.last_line.line);
		else
			table_cell(table, "%s", "");
		table_cell(table, "%s%s%s%s%s", verdict->id ? verdict->id : verdict->symbol,
			   verdict->library ? " in " : "", verdict->library ? verdict->library : "",
			   verdict->n_reasons > 0 ? ": " : "",
			   verdict->n_reasons > 0 ? verdict->reasons[0] : "");
	}
	r = table_print(table, stdout);
	if (result->has_graph)
		printf("Call graph: %" PRIu64 " static edges, %" PRIu64 " of them seen, %" PRIu64
		       " seen only at run time, coverage %u.%02u %%\n",
		       result->graph.static_edges, result->graph.matched_edges,
		       result->graph.runtime_only_edges, result->graph.coverage_ppm / 10000,
		       result->graph.coverage_ppm / 100 % 100);
	putchar('\n');
	return r;
}

/* Of the installed package where it is known which that is: it is what the verdict is about. */
static void vulnerable_cell(struct table *table, const struct merge_result *result,
			    const struct vulnerability_verdict *verdict)
{
	const struct vulnerability *named = &result->vulnerabilities.list[verdict->vulnerability];
	const struct package *package = NULL;

	if (verdict->match == PACKAGE_ONE && result->packages)
		package = package_set_get(result->packages, verdict->package);
	if (package)
		package_cell(table, package);
	else
		table_cell(table, "%s", named->purl ? named->purl : named->name ? named->name : "");
}

static const char *tier_words(enum tier tier)
{
	return tier == TIER_FUNCTION ? "entered by a call" : tier_name(tier);
}

static int print_vulnerabilities(const struct merge_result *result)
{
	static const struct table_column columns[] = {
		{ "STATUS", false }, { "VULNERABILITY", false }, { "PACKAGE", false }, { "WHY", false }
	};
	static const char *const statuses[] = { "affected", "not_affected", "under_investigation" };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), true);
	int r;

	if (result->n_vulnerability_verdicts == 0)
		return 0;
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < result->n_vulnerability_verdicts; i++) {
		const struct vulnerability_verdict *verdict = &result->vulnerability_verdicts[i];

		table_cell(table, "%s", statuses[verdict->status]);
		table_cell(table, "%s", result->vulnerabilities.list[verdict->vulnerability].id);
		vulnerable_cell(table, result, verdict);
		if (verdict->status == VEX_AFFECTED)
			table_cell(table, "%s was %s: chunk %" PRIu64 " line %" PRIu64,
				   verdict->function ? verdict->function : "the package",
				   verdict->function ? "called" : tier_words(verdict->tier),
				   verdict->line.sequence, verdict->line.line);
		else if (verdict->status == VEX_NOT_AFFECTED)
			table_cell(table, "%s", verdict->impact);
		else
			table_cell(table, "%s", verdict->n_missing > 0 ? verdict->missing[0] : "");
	}
	r = table_print(table, stdout);
	putchar('\n');
	return r;
}

static bool is_told(const struct merge_result *result, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(result->blind[i].kind, result->blind[index].kind) == 0 &&
		    strcmp(result->blind[i].spot, result->blind[index].spot) == 0)
			return true;
	}
	return false;
}

/* What stands behind every "not observed": by kind, each name once, whichever of the kind's hooks it is. */
static int print_blind(const struct merge_result *result)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(1u << 20);
	const char *line, *kind = "";

	if (result->n_blind == 0)
		return 0;
	for (size_t i = 0; i < result->n_blind; i++) {
		const struct merge_blind_spot *spot = &result->blind[i];
		bool same = strcmp(kind, spot->kind) == 0;

		if (is_told(result, i))
			continue;
		if (buf_printf(&text, "%s%s%s%s",
			       same    ? ", "
			       : i > 0 ? "; "
				       : "",
			       same ? "" : spot->kind, same ? "" : ": ", spot->spot) < 0)
			return -ENOMEM;
		kind = spot->kind;
	}
	line = buf_cstr(&text);
	if (!line)
		return -ENOMEM;
	puts("What no record and no loss tells of (blind spots, explained in the probe reference):");
	print_folded("  ", line);
	return 0;
}

int merge_page_print(const struct merge_result *result)
{
	int r;

	print_contested(result);
	print_evidence(result);
	r = print_packages(result);
	r = r < 0 ? r : print_functions(result);
	r = r < 0 ? r : print_vulnerabilities(result);
	return r < 0 ? r : print_blind(result);
}
