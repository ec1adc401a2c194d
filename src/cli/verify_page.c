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

#include "cli/output.h"

#define PAGE_LIST_MAX 50 /* lines of one list; programs take --output json */

static long long number(json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static const char *text(json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static bool is(json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static void print_verdict(json_t *report, const char *directory)
{
	bool sound = is(report, "sound");

	printf("%s%s%s  ", output_color(sound ? COLOR_GOOD : COLOR_BAD), sound ? "SOUND" : "NOT SOUND",
	       output_color_end());
	output_print(directory);
	putchar('\n');
	if (sound)
		printf("  Every chunk from number 1 to the head is there, signed by a key you trust, linked to "
		       "the one\n"
		       "  before it, and holds exactly what was sealed%s.\n",
		       is(report, "lines_checked") ? "; every line keeps to the format"
						   : " (lines were not checked)");
	else if (number(report, "findings_total") == 0)
		puts("  No fault was found, but the evidence is not complete, and you required that.");
	if (sound)
		printf("  %s\n", is(report, "complete")
					 ? "Complete: nothing was lost, and nothing interrupted the watch."
					 : "Not complete: see below what was not seen.");
	putchar('\n');
}

static void print_facts(json_t *report)
{
	static const struct table_column columns[] = { { "", false }, { "", false } };
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), false);
	json_t *window = json_object_get(report, "window"), *head = json_object_get(report, "head");
	json_t *signer;
	size_t i;

	if (!table)
		return;
	table_cell(table, "  chunks");
	table_cell(table, "%lld, %lld records", number(report, "chunks"), number(report, "records"));
	if (json_is_object(window)) {
		table_cell(table, "  watched");
		table_cell(table, "%s to %s", text(json_object_get(window, "from"), "time"),
			   text(json_object_get(window, "to"), "time"));
	}
	json_array_foreach(json_object_get(report, "signers"), i, signer)
	{
		table_cell(table, "  signer");
		table_cell(table, "key %s, %lld chunks", text(signer, "key_id"), number(signer, "chunks"));
	}
	if (json_is_object(head)) {
		table_cell(table, "  head");
		table_cell(table, "number %lld, %s%s", number(head, "sequence"), text(head, "sha256"),
			   is(head, "final") ? ", closed on purpose" : "");
	}
	table_print(table, stdout);
}

static void print_more(size_t shown, long long total)
{
	if (total > (long long)shown)
		printf("  ... and %lld more (--output json lists them)\n", total - (long long)shown);
}

static void print_findings(json_t *report)
{
	static const struct table_column columns[] = {
		{ "  FINDING", false }, { "CHUNK", true }, { "WHERE", false }, { "WHAT", false }
	};
	json_t *findings = json_object_get(report, "findings"), *finding;
	size_t i, shown = json_array_size(findings) < PAGE_LIST_MAX ? json_array_size(findings) : PAGE_LIST_MAX;
	_cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LEN(columns), true);

	if (!table || number(report, "findings_total") == 0)
		return;
	printf("\nFound: %lld\n", number(report, "findings_total"));
	for (i = 0; i < shown; i++) {
		finding = json_array_get(findings, i);
		table_cell(table, "  %s", text(finding, "code"));
		if (json_is_integer(json_object_get(finding, "chunk")))
			table_cell(table, "%lld", number(finding, "chunk"));
		else
			table_cell(table, "-");
		if (number(finding, "line") > 0)
			table_cell(table, "line %lld", number(finding, "line"));
		else
			table_cell(table, "%s", *text(finding, "file") ? text(finding, "file") : "-");
		table_cell(table, "%s", text(finding, "sentence"));
	}
	table_print(table, stdout);
	print_more(shown, number(report, "findings_total"));
}

static void print_reasons(json_t *report)
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
	print_more(shown, number(report, "reasons_total"));
}

static void print_losses(json_t *report)
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
		if (!table || number(loss, "count") == 0)
			continue;
		table_cell(table, "%lld", number(loss, "count"));
		table_cell(table, "%s", *text(loss, "kind") ? text(loss, "kind") : "any");
		table_cell(table, "%s", text(loss, "layer"));
		table_cell(table, "%s", text(loss, "cause"));
		table_cell(table, "%s",
			   strcmp(text(loss, "effect"), "member") == 0 ? "a detail of the record"
								       : "the whole record");
		rows++;
	}
	if (rows == 0)
		return;
	putchar('\n');
	table_print(table, stdout);
}

static void print_limits(json_t *report)
{
	json_t *blind;
	size_t i;

	puts("\nThis does not prove:");
	json_array_foreach(json_object_get(report, "blind_spots"), i, blind)
	{
		fputs("  - ", stdout);
		output_print(text(blind, "kind"));
		fputs(" by way of ", stdout);
		output_print(text(blind, "blind_spot"));
		fputs(": the hook ", stdout);
		output_print(text(blind, "hook"));
		puts(" does not see it");
	}
	puts("  - that the signing key was never in other hands, or that root did not alter what was recorded");
	puts("    before it was sealed");
	if (is(json_object_get(report, "log"), "supported"))
		return;
	puts("  - that a public log has seen these seals (this version cannot check such proofs)");
}

static void print_head_advice(json_t *report)
{
	json_t *head = json_object_get(report, "head"), *expected = json_object_get(report, "expected_head");

	if (json_is_object(expected)) {
		if (is(expected, "found"))
			printf("\nThe head that you kept is number %lld of this chain: nothing up to it was "
			       "cut off.\n",
			       number(expected, "sequence"));
		return;
	}
	if (is(report, "sound") && json_is_object(head))
		printf("\nWhoever holds the directory can cut off its end unseen. Keep the head elsewhere, and "
		       "next time:\n"
		       "  --expect-head %s\n",
		       text(head, "sha256"));
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
