/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Verdict first, then what is proved, what is not, what was found, and the head to keep elsewhere. Promises: says
 * nothing that is not in the JSON, and nothing in a stronger voice than the JSON does.
 */

#include "cli/verify_page.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/facts.h"
#include "cli/verify_page_log.h"

#define PAGE_LIST_MAX 50 /* lines of one list; programs take --output json */

static const char *ending(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* A detail that is missing from a record leaves the chain complete; it is not nothing. */
static void print_completeness(const json_t *report)
{
	uint64_t details = 0;
	json_t *loss;
	size_t i;

	json_array_foreach (json_object_get(report, "losses"), i, loss) {
		if (strcmp(facts_text(loss, "effect"), "member") == 0 &&
		    __builtin_add_overflow(details, facts_number(loss, "count"), &details))
			details = UINT64_MAX;
	}
	if (!facts_true(report, "complete"))
		puts("  Not complete: see below what was not seen.");
	else if (details == 0)
		puts("  Complete: nothing was lost, and nothing interrupted the watch.");
	else
		printf("  Complete: no record was lost, and nothing interrupted the watch; %" PRIu64
		       " detail%s of records\n  %s missing, see below.\n",
		       details, ending(details), details == 1 ? "is" : "are");
}

static void print_verdict(const json_t *report, const char *directory)
{
	bool sound = facts_true(report, "sound");

	printf("%s%s%s  ", output_color(sound ? COLOR_GOOD : COLOR_BAD), sound ? "SOUND" : "NOT SOUND",
	       output_color_end());
	output_print(directory);
	putchar('\n');
	if (sound)
		printf("  Every chunk from number 1 to the head is there, signed by someone you trust, linked "
		       "to "
		       "the "
		       "one\n"
		       "  before it, and holds exactly what was sealed%s.\n",
		       facts_true(report, "lines_checked") ? "; every line keeps to the format"
							   : " (lines were not checked)");
	else if (facts_number(report, "findings_total") == 0)
		puts("  No fault was found, but the evidence is not complete, and you required that.");
	if (sound)
		print_completeness(report);
	if (facts_number(report, "unsealed") > 0)
		printf("  Above the head, an unsealed chunk lies here (%" PRIu64
		       "): a collector is running, or "
		       "was killed; it\n  is not evidence.\n",
		       facts_number(report, "unsealed"));
	putchar('\n');
}

static void print_facts(const json_t *report)
{
	static const struct table_column columns[] = { { "", false }, { "", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), false);
	json_t *window = json_object_get(report, "window"), *head = json_object_get(report, "head");
	json_t *signer;
	size_t i;

	if (!table)
		return;
	table_cell(table, "  chunks");
	table_cell(table, "%" PRIu64 ", %" PRIu64 " record%s%s", facts_number(report, "chunks"),
		   facts_number(report, "records"), ending(facts_number(report, "records")),
		   json_array_size(json_object_get(report, "signers")) == 0 &&
				   facts_number(report, "chunks") > 0
			   ? ", of content that nobody you trust vouches for"
			   : "");
	if (json_is_object(window)) {
		table_cell(table, "  watched");
		table_cell(table, "%s to %s", facts_text(window, "from.time"), facts_text(window, "to.time"));
	}
	json_array_foreach (json_object_get(report, "signers"), i, signer) {
		page_signer(table, signer);
	}
	page_anchors(table, json_object_get(report, "log"));
	if (json_is_object(head)) {
		table_cell(table, "  head");
		table_cell(table, "number %" PRIu64 ", %s", facts_number(head, "sequence"),
			   facts_text(head, "sha256"));
		if (facts_true(head, "final")) {
			table_cell(table, "%s", "");
			table_cell(table, "the collector was stopped on purpose behind it");
		}
	}
	table_print(table, stdout);
}

static void print_more(uint64_t shown, uint64_t total)
{
	if (total > shown)
		printf("  ... and %" PRIu64 " more (--output json lists them)\n", total - shown);
}

/* The same finding in one chunk after another is one row: what else was found must not drown in it. */
struct fold {
	const json_t *finding; /* the first; the others differ in their numbers only */
	uint64_t count, first, last;
};

static bool same_but_numbers(const char *a, const char *b)
{
	static const char digits[] = "0123456789";

	for (;; a++, b++) {
		bool number = *a && *b && strchr(digits, *a) && strchr(digits, *b);

		if (number) {
			a += strspn(a, digits) - 1;
			b += strspn(b, digits) - 1;
		} else if (*a != *b) {
			return false;
		} else if (!*a) {
			return true;
		}
	}
}

/* Lines of a chunk stand each for itself. */
static bool folds(const struct fold *fold, const json_t *finding)
{
	return facts_number(finding, "line") == 0 && facts_number(fold->finding, "line") == 0 &&
	       facts_number(finding, "chunk") > 0 && fold->first > 0 &&
	       strcmp(facts_text(fold->finding, "code"), facts_text(finding, "code")) == 0 &&
	       same_but_numbers(facts_text(fold->finding, "sentence"), facts_text(finding, "sentence"));
}

/* Returns how many findings the folds hold; what has no room is left out. */
static uint64_t fold_findings(const json_t *findings, struct fold *list, size_t *ret_count)
{
	uint64_t held = 0;
	json_t *finding;
	size_t i, k, count = 0;

	json_array_foreach (findings, i, finding) {
		uint64_t chunk = facts_number(finding, "chunk");

		for (k = 0; k < count && !folds(&list[k], finding); k++)
			;
		if (k == PAGE_LIST_MAX)
			continue;
		if (k == count)
			list[count++] = (struct fold) { .finding = finding, .first = chunk, .last = chunk };
		list[k].count++;
		list[k].first = chunk < list[k].first ? chunk : list[k].first;
		list[k].last = chunk > list[k].last ? chunk : list[k].last;
		held++;
	}
	*ret_count = count;
	return held;
}

static void put_fold(struct table *table, const struct fold *fold)
{
	const json_t *finding = fold->finding;
	const char *file = facts_text(finding, "file");

	table_cell(table, "  %s", facts_text(finding, "code"));
	if (fold->first == 0)
		table_cell(table, "-");
	else if (fold->first == fold->last)
		table_cell(table, "%" PRIu64, fold->first);
	else
		table_cell(table, "%" PRIu64 " to %" PRIu64, fold->first, fold->last);
	if (facts_number(finding, "line") > 0)
		table_cell(table, "line %" PRIu64, facts_number(finding, "line"));
	else if (fold->count > 1)
		table_cell(table, "%" PRIu64 " times", fold->count);
	else
		table_cell(table, "%s", *file ? file : "-");
	table_cell(table, "%s%s", fold->count > 1 ? "the first: " : "", facts_text(finding, "sentence"));
}

static void print_findings(const json_t *report)
{
	static const struct table_column columns[] = {
		{ "  FINDING", false }, { "CHUNK", true }, { "WHERE", false }, { "WHAT", false }
	};
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), true);
	struct fold list[PAGE_LIST_MAX];
	uint64_t total = facts_number(report, "findings_total"), held;
	size_t count;

	if (!table || total == 0)
		return;
	printf("\nFound: %" PRIu64 "\n", total);
	held = fold_findings(json_object_get(report, "findings"), list, &count);
	for (size_t i = 0; i < count; i++)
		put_fold(table, &list[i]);
	table_print(table, stdout);
	print_more(held, total);
}

static void print_reasons(const json_t *report)
{
	json_t *reasons = json_object_get(report, "reasons");
	size_t i, shown = json_array_size(reasons) < PAGE_LIST_MAX ? json_array_size(reasons) : PAGE_LIST_MAX;

	if (shown == 0)
		return;
	puts("\nNot complete, because:");
	for (i = 0; i < shown; i++) {
		_cleanup_(buf_done) struct buf reason = BUF_MAX(65536);

		(void)text_printable_append(&reason, str_of(json_string_value(json_array_get(reasons, i))));
		fputs("  - ", stdout);
		output_folded(stdout, buf_cstr(&reason) ? buf_cstr(&reason) : "?", 4);
		putchar('\n');
	}
	print_more(shown, facts_number(report, "reasons_total"));
}

/* More than a report holds: not in the JSON either. */
static void print_unlisted(uint64_t listed, uint64_t total)
{
	if (total > listed)
		printf("  ... and %" PRIu64 " more entries of seals, which are not listed\n", total - listed);
}

static void print_losses(const json_t *report)
{
	static const struct table_column columns[] = { { "  LOST", true },
						       { "KIND", false },
						       { "LAYER", false },
						       { "CAUSE", false },
						       { "EFFECT", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), true);
	json_t *loss;
	size_t i, rows = 0;

	json_array_foreach (json_object_get(report, "losses"), i, loss) {
		if (!table || facts_number(loss, "count") == 0)
			continue;
		table_cell(table, "%" PRIu64, facts_number(loss, "count"));
		table_cell(table, "%s", *facts_text(loss, "kind") ? facts_text(loss, "kind") : "any");
		table_cell(table, "%s", facts_text(loss, "layer"));
		table_cell(table, "%s", facts_text(loss, "cause"));
		table_cell(table, "%s",
			   strcmp(facts_text(loss, "effect"), "member") == 0 ? "a detail of the record"
									     : "the whole record");
		rows++;
	}
	if (rows == 0)
		return;
	putchar('\n');
	table_print(table, stdout);
	print_unlisted(json_array_size(json_object_get(report, "losses")),
		       facts_number(report, "losses_total"));
}

static void put_complete(struct table *table, const json_t *container)
{
	_cleanup_(buf_done) struct buf why = BUF_MAX(4096);
	const json_t *words = json_object_get(container, "incomplete"), *word;
	size_t i;

	json_array_foreach (words, i, word)
		(void)buf_printf(&why, "%s%s", i > 0 ? ", " : ": ",
				 json_string_value(word) ? json_string_value(word) : "?");
	table_cell(table, "%s%s", facts_true(container, "complete") ? "yes" : "no",
		   why.len > 0 && buf_cstr(&why) ? buf_cstr(&why) : "");
}

static void print_containers(const json_t *report)
{
	static const struct table_column columns[] = { { "  CONTAINER", false }, { "IMAGE", false },
						       { "RECORDS", true },	 { "FROM (UTC)", false },
						       { "TO (UTC)", false },	 { "COMPLETE", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), true);
	json_t *container;
	size_t i;

	if (json_array_size(json_object_get(report, "containers")) == 0)
		return;
	json_array_foreach (json_object_get(report, "containers"), i, container) {
		const char *image = facts_text(container, "image_digest");
		char shown[FACTS_ID_MAX];

		if (i == PAGE_LIST_MAX)
			break;
		table_cell(table, "  %s", facts_short_id(facts_text(container, "id"), shown));
		table_cell(table, "%s", *image ? facts_short_id(image, shown) : "not known");
		table_cell(table, "%" PRIu64, facts_number(container, "records"));
		table_cell(table, "%.19s", facts_text(container, "from.time"));
		table_cell(table, "%.19s", facts_text(container, "to.time"));
		put_complete(table, container);
	}
	putchar('\n');
	table_print(table, stdout);
	print_more(i, json_array_size(json_object_get(report, "containers")));
	print_unlisted(json_array_size(json_object_get(report, "containers")),
		       facts_number(report, "containers_total"));
}

static void print_incidents(const json_t *report)
{
	json_t *incidents = json_object_get(report, "incidents"), *incident;
	uint64_t shown = 0;
	size_t i;

	json_array_foreach (incidents, i, incident) {
		if (shown == PAGE_LIST_MAX)
			break;
		if (shown++ == 0)
			puts("\nWhat happened meanwhile:");
		printf("  - chunk %" PRIu64 ", ", facts_number(incident, "sequence"));
		output_print(facts_text(incident, "at.time"));
		fputs(", ", stdout);
		output_print(facts_text(incident, "what"));
		fputs(": ", stdout);
		output_print(facts_text(incident, "detail"));
		putchar('\n');
	}
	print_more(shown, facts_number(report, "incidents_total"));
}

/* Asked for and not watched: that no call of it is recorded says nothing. */
static void print_unmeasured(const json_t *report)
{
	json_t *files = json_object_get(report, "not_measured"), *file;
	size_t i;

	json_array_foreach (files, i, file) {
		if (i == PAGE_LIST_MAX)
			break;
		printf("  - whether %" PRIu64 " function%s asked for in ", facts_number(file, "functions"),
		       ending(facts_number(file, "functions")));
		output_print(facts_text(file, "library"));
		fputs(" were called (", stdout);
		output_print(facts_text(file, "kind"));
		puts(": they were not watched)");
	}
	print_more(i, facts_number(report, "not_measured_total"));
}

static void print_limits(const json_t *report)
{
	json_t *blind;
	size_t i;

	puts("\nThis does not prove:");
	if (json_array_size(json_object_get(report, "blind_spots")) > 0)
		puts("  - what falls into a blind spot of a hook: it leaves no record, or one that is wrong in "
		     "the "
		     "way that\n    docs/probe-reference.md names");
	json_array_foreach (json_object_get(report, "blind_spots"), i, blind) {
		fputs("      ", stdout);
		output_print(facts_text(blind, "kind"));
		fputs(", hook ", stdout);
		output_print(facts_text(blind, "hook"));
		fputs(": ", stdout);
		output_print(facts_text(blind, "blind_spot"));
		putchar('\n');
	}
	print_unlisted(json_array_size(json_object_get(report, "blind_spots")),
		       facts_number(report, "blind_spots_total"));
	print_unmeasured(report);
	puts("  - that the signing key was never in other hands, or that root did not alter what was recorded");
	puts("    before it was sealed");
	page_limits_log(json_object_get(report, "log"));
}

static void print_head_advice(const json_t *report)
{
	json_t *head = json_object_get(report, "head"), *expected = json_object_get(report, "expected_head");

	if (json_is_object(expected)) {
		if (facts_true(expected, "found"))
			printf("\nThe head that you kept is number %" PRIu64
			       " of this chain: nothing up to it was "
			       "cut off.\n",
			       facts_number(expected, "sequence"));
		return;
	}
	if (facts_true(report, "sound") && json_is_object(head))
		printf("\nWhoever holds the directory can cut off its end unseen. Keep the head elsewhere, and "
		       "next time:\n"
		       "  --expect-head %s\n",
		       facts_text(head, "sha256"));
}

int verify_page_print(const char *json, const char *directory)
{
	_cleanup_(json_decrefp) json_t *report = json_loads(json, 0, NULL);

	if (!report)
		return -EBADMSG;
	print_verdict(report, directory);
	print_facts(report);
	print_findings(report);
	print_reasons(report);
	print_losses(report);
	print_containers(report);
	print_incidents(report);
	page_rewriting(json_object_get(report, "log"));
	print_limits(report);
	print_head_advice(report);
	return 0;
}
