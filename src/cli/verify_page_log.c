/* SPDX-License-Identifier: Apache-2.0 */

/* Signers and anchors for people. Promises: every word of it follows from the JSON; what is not proved is said to be. */

#include "cli/verify_page_log.h"

#include <inttypes.h>

#include "cli/facts.h"

static const char *ending(uint64_t count)
{
	return count == 1 ? "" : "s";
}

void page_signer(struct table *table, const json_t *signer)
{
	uint64_t chunks = facts_number(signer, "chunks");

	table_cell(table, "  signer");
	if (*facts_text(signer, "identity"))
		table_cell(table, "certificate for %s, by %s, %" PRIu64 " chunk%s",
			   facts_text(signer, "identity"), facts_text(signer, "issuer"), chunks,
			   ending(chunks));
	else
		table_cell(table, "key %s, %" PRIu64 " chunk%s", facts_text(signer, "key_id"), chunks,
			   ending(chunks));
	if (!*facts_text(signer, "announced_by"))
		return;
	table_cell(table, "%s", "");
	table_cell(table, "announced in chunk %" PRIu64 " by %s", facts_number(signer, "announced_in"),
		   facts_text(signer, "announced_by"));
}

static void sequences(struct table *table, const json_t *row, const char *more)
{
	uint64_t first = facts_number(row, "first_sequence"), last = facts_number(row, "last_sequence");

	if (first == last)
		table_cell(table, "%s, chunk %" PRIu64 "%s", facts_text(row, "name"), first, more);
	else
		table_cell(table, "%s, chunks %" PRIu64 " to %" PRIu64 "%s", facts_text(row, "name"), first,
			   last, more);
}

static void anchor(struct table *table, const json_t *row)
{
	uint64_t entries = facts_number(row, "entries"), unproved = facts_number(row, "consistency.unproved");

	table_cell(table, "  log");
	sequences(table, row, "");
	table_cell(table, "%s", "");
	table_cell(table, "%" PRIu64 " entr%s in a tree of %" PRIu64 " leaves", entries,
		   entries == 1 ? "y" : "ies", facts_number(row, "tree_size"));
	if (unproved == 0 && facts_number(row, "consistency.proved") == 0)
		return;
	table_cell(table, "%s", "");
	if (unproved == 0)
		table_cell(table, "its checkpoints are proved to be of one tree");
	else
		table_cell(table,
			   "that %" PRIu64
			   " of its checkpoints %s of one tree with the others cannot be proved offline%s",
			   unproved, unproved == 1 ? "is" : "are", " (--log DIR, --rekor)");
}

static void times(struct table *table, const json_t *rows, const char *word)
{
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		char more[64];

		snprintf(more, sizeof(more), ", the last of %.19sZ", facts_text(row, "last_time"));
		table_cell(table, "  %s", word);
		sequences(table, row, more);
	}
}

void page_anchors(struct table *table, const json_t *log)
{
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(log, "anchors"), i, row)
		anchor(table, row);
	times(table, json_object_get(log, "promises"), "logged");
	times(table, json_object_get(log, "timestamps"), "timestamp");
	times(table, json_object_get(log, "cosignatures"), "witness");
	if (!json_is_object(json_object_get(log, "online")))
		return;
	table_cell(table, "  asked now");
	table_cell(table,
		   "%" PRIu64 " entries are there, %" PRIu64 " are not, %" PRIu64
		   " could not be looked up, %" PRIu64 " of logs without an address",
		   facts_number(log, "online.present"), facts_number(log, "online.absent"),
		   facts_number(log, "online.unknown"), facts_number(log, "online.not_asked"));
}

void page_rewriting(const json_t *log)
{
	json_t *sentences = json_object_get(log, "rewriting"), *sentence;
	size_t i;

	if (json_array_size(sentences) > 0)
		puts("\nWhat changing the past would need:");
	json_array_foreach (sentences, i, sentence) {
		fputs("  - ", stdout);
		output_folded(stdout, json_string_value(sentence) ? json_string_value(sentence) : "?", 4);
		putchar('\n');
	}
}

void page_limits_log(const json_t *log)
{
	uint64_t unknown = facts_number(log, "unknown_logs"), tokens = facts_number(log, "unknown_timestamps");

	if (json_array_size(json_object_get(log, "anchors")) == 0)
		puts("  - that a transparency log has seen these seals (no entry of a log that you trust was "
		     "proved)");
	if (unknown > 0)
		printf("  - what %" PRIu64
		       " entr%s of logs that you do not trust say%s (--trusted-root, or a .vkey in "
		       "--trust)\n",
		       unknown, unknown == 1 ? "y" : "ies", unknown == 1 ? "s" : "");
	if (tokens > 0)
		printf("  - what %" PRIu64
		       " timestamp%s of authorities that you do not trust say%s (--trusted-root)\n",
		       tokens, ending(tokens), tokens == 1 ? "s" : "");
}
