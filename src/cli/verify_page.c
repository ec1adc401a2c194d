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

#include "cli/facts.h"

#define PAGE_LIST_MAX 50 /* lines of one list; programs take --output json */

static void print_verdict(const json_t *report, const char *directory)
{
	bool sound = facts_true(report, "sound");

	printf("%s%s%s  ", output_color(sound ? COLOR_GOOD : COLOR_BAD), sound ? "SOUND" : "NOT SOUND",
	       output_color_end());
	output_print(directory);
	putchar('\n');
	if (sound)
		printf("  Every chunk from number 1 to the head is there, signed by a key you trust, linked to "
		       "the one\n"
		       "  before it, and holds exactly what was sealed%s.\n",
		       facts_true(report, "lines_checked") ? "; every line keeps to the format"
							   : " (lines were not checked)");
	else if (facts_number(report, "findings_total") == 0)
		puts("  No fault was found, but the evidence is not complete, and you required that.");
	if (sound)
		printf("  %s\n", facts_true(report, "complete")
					 ? "Complete: nothing was lost, and nothing interrupted the watch."
					 : "Not complete: see below what was not seen.");
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
	table_cell(table, "%" PRIu64 ", %" PRIu64 " records", facts_number(report, "chunks"),
		   facts_number(report, "records"));
	if (json_is_object(window)) {
		table_cell(table, "  watched");
		table_cell(table, "%s to %s", facts_text(window, "from.time"), facts_text(window, "to.time"));
	}
	json_array_foreach(json_object_get(report, "signers"), i, signer)
	{
		table_cell(table, "  signer");
		table_cell(table, "key %s, %" PRIu64 " chunks", facts_text(signer, "key_id"),
			   facts_number(signer, "chunks"));
	}
	if (json_is_object(head)) {
		table_cell(table, "  head");
		table_cell(table, "number %" PRIu64 ", %s%s", facts_number(head, "sequence"),
			   facts_text(head, "sha256"), facts_true(head, "final") ? ", closed on purpose" : "");
	}
	table_print(table, stdout);
}

static void print_more(size_t shown, uint64_t total)
{
	if (total > shown)
		printf("  ... and %" PRIu64 " more (--output json lists them)\n", total - shown);
}

static void print_findings(const json_t *report)
{
	static const struct table_column columns[] = {
		{ "  FINDING", false }, { "CHUNK", true }, { "WHERE", false }, { "WHAT", false }
	};
	json_t *findings = json_object_get(report, "findings"), *finding;
	size_t i, shown = json_array_size(findings) < PAGE_LIST_MAX ? json_array_size(findings) : PAGE_LIST_MAX;
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), true);

	if (!table || facts_number(report, "findings_total") == 0)
		return;
	printf("\nFound: %" PRIu64 "\n", facts_number(report, "findings_total"));
	for (i = 0; i < shown; i++) {
		finding = json_array_get(findings, i);
		table_cell(table, "  %s", facts_text(finding, "code"));
		if (json_is_integer(json_object_get(finding, "chunk")))
			table_cell(table, "%" PRIu64, facts_number(finding, "chunk"));
		else
			table_cell(table, "-");
		if (facts_number(finding, "line") > 0)
			table_cell(table, "line %" PRIu64, facts_number(finding, "line"));
		else
			table_cell(table, "%s",
				   *facts_text(finding, "file") ? facts_text(finding, "file") : "-");
		table_cell(table, "%s", facts_text(finding, "sentence"));
	}
	table_print(table, stdout);
	print_more(shown, facts_number(report, "findings_total"));
}

static void print_reasons(const json_t *report)
{
	json_t *reasons = json_object_get(report, "reasons");
	size_t i, shown = json_array_size(reasons) < PAGE_LIST_MAX ? json_array_size(reasons) : PAGE_LIST_MAX;

	if (shown == 0)
		return;
	puts("\nNot complete, because:");
	for (i = 0; i < shown; i++) {
		fputs("  - ", stdout);
		output_print(json_string_value(json_array_get(reasons, i)));
		putchar('\n');
	}
	print_more(shown, facts_number(report, "reasons_total"));
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

	json_array_foreach(json_object_get(report, "losses"), i, loss)
	{
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
}

static void print_limits(const json_t *report)
{
	json_t *blind;
	size_t i;

	puts("\nThis does not prove:");
	json_array_foreach(json_object_get(report, "blind_spots"), i, blind)
	{
		fputs("  - ", stdout);
		output_print(facts_text(blind, "kind"));
		fputs(" by way of ", stdout);
		output_print(facts_text(blind, "blind_spot"));
		fputs(": the hook ", stdout);
		output_print(facts_text(blind, "hook"));
		puts(" does not see it");
	}
	puts("  - that the signing key was never in other hands, or that root did not alter what was recorded");
	puts("    before it was sealed");
	if (facts_true(report, "log.supported"))
		return;
	puts("  - that a public log has seen these seals (this version cannot check such proofs)");
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
	print_limits(report);
	print_head_advice(report);
	return 0;
}
