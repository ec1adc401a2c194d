/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The links of the chain. Promises: a statement that belongs elsewhere (another place, another chain, another
 * predecessor) is told apart from one that is merely damaged, and one broken seal does not accuse its successors of
 * more than they can be shown to be guilty of. Wall-clock times are not judged: an honest clock may step; boot time
 * within one boot may not.
 */

#include "verify/links.h"

#include <inttypes.h>
#include <stdio.h>

void links_skip(struct links *links)
{
	links->has_previous = false;
	links->has_window = false;
}

static bool place_check(const struct place *place, const struct statement *statement, struct listing *listing,
			struct findings *findings)
{
	uint8_t *present;
	bool seen;

	if (statement->sequence == 0 || statement->sequence > STATEMENT_SEQUENCE_MAX) {
		findings_add(findings, STELLA_FINDING_BROKEN_LINK, place,
			     "the seal says that it is number %" PRIu64 ", which no chunk can have",
			     statement->sequence);
		return false;
	}
	present = &listing->present[statement->sequence];
	seen = *present & LISTED_STATED;
	*present |= LISTED_STATED;
	if (seen) {
		findings_add(findings, STELLA_FINDING_DUPLICATE_SEQUENCE, place,
			     "another seal before it already says that it is number %" PRIu64,
			     statement->sequence);
		return false;
	}
	if (statement->sequence != place->sequence) {
		findings_add(findings, STELLA_FINDING_BROKEN_LINK, place,
			     "the seal stands at number %" PRIu64 " but says that it is number %" PRIu64,
			     place->sequence, statement->sequence);
		return false;
	}
	return true;
}

/* The chain is who the first trusted signer says it is; until then, who the first seal says. */
static bool chain_check(struct links *links, const struct place *place, const struct seal *seal,
			struct findings *findings)
{
	const char *id = seal->statement.chain_id;

	if (!links->has_chain || (seal->authentic && !links->chain_authentic)) {
		snprintf(links->chain_id, sizeof(links->chain_id), "%s", id);
		links->has_chain = true;
		links->chain_authentic = seal->authentic;
	}
	if (strcmp(links->chain_id, id) == 0)
		return true;
	findings_add(findings, STELLA_FINDING_BROKEN_LINK, place,
		     "the seal belongs to the chain %s, the directory holds the chain %s", id, links->chain_id);
	return false;
}

static void previous_check(const struct links *links, const struct place *place,
			   const struct statement *statement, struct findings *findings)
{
	char named[DIGEST_TEXT_LEN + 1], found[DIGEST_TEXT_LEN + 1];

	if (statement->has_previous != (place->sequence > 1)) {
		findings_add(findings, STELLA_FINDING_BROKEN_LINK, place,
			     statement->has_previous ? "the first seal names a predecessor"
						     : "the seal names no predecessor");
		return;
	}
	if (!links->has_previous || memcmp(statement->previous.bytes, links->previous.bytes, DIGEST_LEN) == 0)
		return;
	digest_hex(&statement->previous, named);
	digest_hex(&links->previous, found);
	findings_add(findings, STELLA_FINDING_BROKEN_LINK, place,
		     "the seal names the predecessor %s, the seal before it is %s", named, found);
}

static void clock_check(const struct links *links, const struct place *place, const struct statement *statement,
			struct findings *findings)
{
	if (statement->closed.boot_ns < statement->opened.boot_ns)
		findings_add(findings, STELLA_FINDING_CLOCK_REGRESSION, place,
			     "the chunk was closed at boot time %" PRIu64
			     " ns, before it was opened at %" PRIu64 " ns",
			     statement->closed.boot_ns, statement->opened.boot_ns);
	if (links->has_window && statement->boot_id && strcmp(links->boot_id, statement->boot_id) == 0 &&
	    statement->opened.boot_ns < links->closed.boot_ns)
		findings_add(findings, STELLA_FINDING_CLOCK_REGRESSION, place,
			     "the chunk was opened at boot time %" PRIu64
			     " ns, before its predecessor in the same boot was closed at %" PRIu64 " ns",
			     statement->opened.boot_ns, links->closed.boot_ns);
}

bool links_check(struct links *links, uint64_t sequence, const struct seal *seal, struct listing *listing,
		 struct findings *findings)
{
	const struct statement *statement = &seal->statement;
	char name[CHUNK_NAME_MAX] = "";
	struct place place = { .sequence = sequence, .file = name };
	bool usable = false;

	chunk_name(CHUNK_SEAL, sequence, name);
	if (seal->parsed && place_check(&place, statement, listing, findings)) {
		usable = chain_check(links, &place, seal, findings);
		previous_check(links, &place, statement, findings);
		clock_check(links, &place, statement, findings);
	}
	links->has_previous = seal->has_digest;
	links->previous = seal->digest;
	links->has_window = usable && statement->boot_id && strlen(statement->boot_id) < sizeof(links->boot_id);
	if (links->has_window) {
		links->closed = statement->closed;
		snprintf(links->boot_id, sizeof(links->boot_id), "%s", statement->boot_id);
	}
	return usable;
}
