/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Walks the chain from number 1 to the highest that lies there. Promises: goes on after each finding; a running
 * collector publishing its newest chunk is no finding (the walk waits for the rename, at most
 * publish_wait_ms); only the world's failures (a disk that cannot be read, no memory) end it early.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "verify/content.h"
#include "verify/links.h"
#include "verify/report.h"
#include "verify/verifier.h"

#define WALK_POLL_MS 10
/* Numbers so near the head may have been published while the directory was being listed: looked for again. */
#define WALK_FRESH 8

struct walk {
	struct stella_verifier *verifier;
	int dir;
	struct listing listing;
	struct links links;
	struct content *content;
	struct stella_report *report;
	uint64_t hole; /* the first of the numbers before this one that have neither chunk nor seal, or 0 */
	uint64_t done_bytes;
};

static void walk_progress(void *user, uint64_t bytes)
{
	struct walk *walk = user;

	walk->done_bytes += bytes;
	if (walk->verifier->progress)
		walk->verifier->progress(walk->verifier->progress_user, walk->done_bytes, walk->listing.bytes);
}

static bool walk_exists(const struct walk *walk, enum chunk_file kind, uint64_t sequence)
{
	char name[CHUNK_NAME_MAX];
	struct stat st;

	return chunk_name(kind, sequence, name) == 0 &&
	       fstatat(walk->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static void walk_sleep(void)
{
	nanosleep(&(struct timespec) { .tv_nsec = WALK_POLL_MS * 1000000L }, NULL);
}

/* A listing is no snapshot: what it saw half of may have been completed since. */
static uint8_t walk_present(struct walk *walk, uint64_t sequence)
{
	uint8_t *present = &walk->listing.present[sequence];
	bool chunk = *present & (LISTED_PLAIN | LISTED_ZSTD);
	bool seal = *present & LISTED_SEAL;

	if ((chunk && seal) || (!chunk && !seal && walk->listing.head - sequence >= WALK_FRESH))
		return *present;
	if (walk_exists(walk, CHUNK_SEAL, sequence))
		*present |= LISTED_SEAL;
	if (walk_exists(walk, CHUNK_PLAIN, sequence))
		*present |= LISTED_PLAIN;
	if (walk_exists(walk, CHUNK_ZSTD, sequence))
		*present |= LISTED_ZSTD;
	return *present;
}

/* Waits for a publication that is just under way: the head's seal is there, its chunk still has its open name. */
static int walk_open(const struct walk *walk, uint64_t sequence, const char *name, struct diag *diag)
{
	for (int waited = 0;; waited += WALK_POLL_MS) {
		bool under_way = sequence == walk->listing.head && walk_exists(walk, CHUNK_OPEN, sequence);
		struct diag own = { 0 };
		int fd = file_open_nofollow_at(walk->dir, name, &own);

		/* Asked for the open name first: when it was not there, the rename is over and `fd` is final. */
		if (fd == -ENOENT && under_way && waited < walk->verifier->publish_wait_ms) {
			walk_sleep();
			continue;
		}
		if (fd < 0 && !evidence_error(fd))
			return diag_error(diag, fd, "%s", own.text);
		return fd;
	}
}

static void chunk_missing(struct walk *walk, const struct place *place, int error)
{
	struct findings *findings = &walk->report->findings;

	if (error != -ENOENT)
		findings_add(findings, STELLA_FINDING_FOREIGN_FILE, place, "%s is no regular file",
			     place->file);
	findings_add(findings, STELLA_FINDING_MISSING_CHUNK, place,
		     "the chunk %s that the seal is for is not there%s", place->file,
		     walk_exists(walk, CHUNK_OPEN, place->sequence)
			     ? "; its open file is: the next start of the collector finishes the publication"
			     : "");
}

static int walk_content(struct walk *walk, uint64_t sequence, const struct statement *statement)
{
	struct diag *diag = &walk->verifier->diag;
	struct place place = { .sequence = sequence, .file = statement->chunk_name };
	uint64_t records = 0;
	int fd = walk_open(walk, sequence, statement->chunk_name, diag);
	_cleanup_(closep) int owned = fd;
	int r;

	if (fd < 0) {
		if (!evidence_error(fd))
			return fd;
		chunk_missing(walk, &place, fd);
		return 0;
	}
	r = content_check(walk->content, fd, &place, statement, &walk->report->findings, diag, &records);
	walk->report->records += records;
	return r;
}

/* The other form of the same chunk (plain beside compressed) has no business here. */
static void other_form(struct walk *walk, uint64_t sequence, enum chunk_file named, uint8_t present)
{
	enum chunk_file other = named == CHUNK_PLAIN ? CHUNK_ZSTD : CHUNK_PLAIN;
	bool there = present & (named == CHUNK_PLAIN ? LISTED_PLAIN : LISTED_ZSTD);
	char name[CHUNK_NAME_MAX] = "";

	if (!(present & (other == CHUNK_PLAIN ? LISTED_PLAIN : LISTED_ZSTD)))
		return;
	chunk_name(other, sequence, name);
	findings_add(&walk->report->findings,
		     there ? STELLA_FINDING_DUPLICATE_SEQUENCE : STELLA_FINDING_UNSIGNED_CHUNK,
		     &(struct place) { .sequence = sequence, .file = name },
		     "the seal is not for %s but for another file", name);
}

static int walk_chunk(struct walk *walk, uint64_t sequence, const struct statement *statement, uint8_t present)
{
	struct findings *findings = &walk->report->findings;
	char seal[CHUNK_NAME_MAX] = "";
	struct place place = { .sequence = sequence, .file = seal };
	uint64_t named = 0;
	enum chunk_file kind = chunk_name_parse(statement->chunk_name, &named);

	chunk_name(CHUNK_SEAL, sequence, seal);
	if ((kind != CHUNK_PLAIN && kind != CHUNK_ZSTD) || named != sequence) {
		findings_add(findings, STELLA_FINDING_BROKEN_LINK, &place, "the seal is for the file %s",
			     statement->chunk_name);
		return 0;
	}
	if (strcmp(statement->encoding, kind == CHUNK_ZSTD ? "zstd" : "identity") != 0) {
		findings_add(findings, STELLA_FINDING_SCHEMA_VIOLATION, &place,
			     "the seal names the encoding %s for the file %s", statement->encoding,
			     statement->chunk_name);
		return 0;
	}
	other_form(walk, sequence, kind, present);
	return walk_content(walk, sequence, statement);
}

/* One finding for a hole of any size: a chunk renamed to the last number must not bury all else. */
static void walk_hole_ends(struct walk *walk, uint64_t sequence)
{
	struct place place = { .sequence = walk->hole };

	if (walk->hole == 0)
		return;
	if (sequence - walk->hole == 1)
		findings_add(&walk->report->findings, STELLA_FINDING_MISSING_CHUNK, &place,
			     "neither chunk nor seal number %" PRIu64
			     " is there, but the chain goes on to %" PRIu64,
			     walk->hole, walk->listing.head);
	else
		findings_add(&walk->report->findings, STELLA_FINDING_MISSING_CHUNK, &place,
			     "neither chunks nor seals number %" PRIu64 " to %" PRIu64
			     " are there, but the chain goes on to %" PRIu64,
			     walk->hole, sequence - 1, walk->listing.head);
	walk->hole = 0;
}

/* No seal: either a hole, or a chunk that nobody vouches for. */
static void walk_unsealed(struct walk *walk, uint64_t sequence, uint8_t present)
{
	struct findings *findings = &walk->report->findings;
	static const enum chunk_file kinds[] = { CHUNK_PLAIN, CHUNK_ZSTD };

	links_skip(&walk->links);
	if (!(present & (LISTED_PLAIN | LISTED_ZSTD))) {
		walk->hole = walk->hole ? walk->hole : sequence;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		char name[CHUNK_NAME_MAX] = "";

		if (!(present & (kinds[i] == CHUNK_PLAIN ? LISTED_PLAIN : LISTED_ZSTD)))
			continue;
		chunk_name(kinds[i], sequence, name);
		findings_add(findings, STELLA_FINDING_UNSIGNED_CHUNK,
			     &(struct place) { .sequence = sequence, .file = name }, "there is no seal for %s",
			     name);
	}
	if ((present & LISTED_PLAIN) && (present & LISTED_ZSTD))
		findings_add(findings, STELLA_FINDING_DUPLICATE_SEQUENCE,
			     &(struct place) { .sequence = sequence }, "there are two chunks number %" PRIu64,
			     sequence);
}

/* What a seal says counts when it is authentic and stands at its place in this chain. */
static int walk_take(struct walk *walk, uint64_t sequence, const struct seal *seal)
{
	struct stella_report *report = walk->report;
	const struct statement *statement = &seal->statement;
	struct place place = { .sequence = sequence };
	int r;

	r = report_take(report, statement, &seal->digest, seal->signer);
	if (r == 0)
		r = anchors_take(&report->anchors, sequence, seal, &report->findings, &walk->verifier->diag);
	if (r < 0 || !statement->next_key)
		return r;
	r = signers_announce(&report->signers,
			     (struct str) { (const char *)statement->next_key, statement->next_key_len },
			     sequence, seal->signer);
	if (r == SIGNERS_NO_KEY)
		findings_add(&report->findings, STELLA_FINDING_SCHEMA_VIOLATION, &place,
			     "the next key that seal number %" PRIu64
			     " announces is no public key of a kind that is known here",
			     sequence);
	if (r == SIGNERS_FULL)
		findings_add(&report->findings, STELLA_FINDING_UNTRUSTED_SIGNER, &place,
			     "seal number %" PRIu64
			     " announces one key more than the %d that a chain may announce",
			     sequence, SIGNERS_ANNOUNCED_MAX);
	return r < 0 ? r : 0;
}

static void walk_log_proof(struct walk *walk, uint64_t sequence, const struct seal *seal)
{
	const char *why = "";

	walk->report->logged += seal->authentic && seal_is_logged(seal);
	/* A seal that cannot be read, or has a wrong proof, is a finding already. */
	if (!walk->verifier->require_log || !seal->judged || seal->wrong_anchor || seal_is_logged(seal))
		return;
	if (seal->judgement.n_unknown_logs > 0)
		why = ": its entries are of logs that you do not trust";
	findings_add(&walk->report->findings, STELLA_FINDING_LOG_PROOF_MISSING,
		     &(struct place) { .sequence = sequence },
		     "no transparency-log proof of seal number %" PRIu64 " could be verified%s", sequence, why);
}

static int walk_sealed(struct walk *walk, uint64_t sequence, uint8_t present)
{
	_cleanup_(seal_done) struct seal seal = { 0 };
	struct stella_report *report = walk->report;
	const struct digest *expected = &walk->verifier->expected_head;
	bool usable;
	int r;

	r = seal_read(walk->dir, sequence, &walk->verifier->trust, &report->signers, &report->findings,
		      &walk->verifier->diag, &seal);
	if (r < 0)
		return r;
	report->chunks++;
	walk_log_proof(walk, sequence, &seal);
	usable = links_check(&walk->links, sequence, &seal, &walk->listing, &report->findings);
	if (!usable) {
		if (!(present & (LISTED_PLAIN | LISTED_ZSTD)))
			findings_add(&report->findings, STELLA_FINDING_MISSING_CHUNK,
				     &(struct place) { .sequence = sequence },
				     "there is a seal number %" PRIu64 ", but no chunk", sequence);
		return 0;
	}
	if (walk->verifier->has_expected_head && memcmp(seal.digest.bytes, expected->bytes, DIGEST_LEN) == 0)
		report->expected_sequence = sequence;
	if (seal.authentic) {
		r = walk_take(walk, sequence, &seal);
		if (r < 0)
			return r;
	}
	return walk_chunk(walk, sequence, &seal.statement, present);
}

/*
 * An open file with the number of the published head: a collector that is just tidying up, or one that was killed
 * there, or something planted. The draft beside it is not waited for: it is removed last and says nothing.
 */
static void walk_head_leftover(struct walk *walk)
{
	uint64_t head = walk->listing.head;
	char name[CHUNK_NAME_MAX] = "";

	if (head == 0 || !(walk->listing.present[head] & LISTED_OPEN))
		return;
	if (!walk_exists(walk, CHUNK_PLAIN, head) && !walk_exists(walk, CHUNK_ZSTD, head))
		return; /* said to be missing already */
	for (int waited = 0; waited < walk->verifier->publish_wait_ms; waited += WALK_POLL_MS) {
		if (!walk_exists(walk, CHUNK_OPEN, head))
			return;
		walk_sleep();
	}
	chunk_name(CHUNK_OPEN, head, name);
	findings_add(&walk->report->findings, STELLA_FINDING_FOREIGN_FILE,
		     &(struct place) { .sequence = head, .file = name },
		     "%s lies beside the sealed chunk of the same number", name);
}

/* An open file above the head is no part of the verdict, but who reads the verdict should know of it. */
static void walk_unsealed_above(struct walk *walk)
{
	for (uint64_t sequence = walk->listing.head + 1; sequence <= STATEMENT_SEQUENCE_MAX; sequence++) {
		if (walk->listing.present[sequence] & LISTED_OPEN) {
			walk->report->unsealed = sequence;
			return;
		}
	}
}

static int walk_chain(struct walk *walk)
{
	int r;

	for (uint64_t sequence = 1; sequence <= walk->listing.head; sequence++) {
		uint8_t present = walk_present(walk, sequence);

		if (present & (LISTED_SEAL | LISTED_PLAIN | LISTED_ZSTD))
			walk_hole_ends(walk, sequence);
		if (!(present & LISTED_SEAL)) {
			walk_unsealed(walk, sequence, present);
			continue;
		}
		r = walk_sealed(walk, sequence, present);
		if (r < 0)
			return r;
	}
	walk_head_leftover(walk);
	walk_unsealed_above(walk);
	return 0;
}

static void expected_head_check(const struct stella_verifier *verifier, struct stella_report *report)
{
	char hex[DIGEST_TEXT_LEN + 1];

	report->expected_given = verifier->has_expected_head;
	report->expected = verifier->expected_head;
	if (!verifier->has_expected_head || report->expected_sequence > 0)
		return;
	digest_hex(&verifier->expected_head, hex);
	findings_add(
		&report->findings, STELLA_FINDING_TAIL_CUT,
		&(struct place) { .sequence = report->head_sequence },
		"the expected head %s is nowhere in this chain: its end was cut off, or it is another chain",
		hex);
}

static int walk_logs(struct walk *walk)
{
	struct stella_verifier *verifier = walk->verifier;
	struct anchors *anchors = &walk->report->anchors;
	int r = 0;

	anchors->ask = verifier->ask;
	anchors->ask_user = verifier->ask_user;
	for (size_t i = 0; i < verifier->n_tiles && r == 0; i++) {
		r = tiles_open(verifier->tiles[i], &verifier->trust.root, &verifier->diag,
			       &anchors->tiles[anchors->n_tiles]);
		anchors->n_tiles += r == 0;
	}
	return r;
}

static int walk_start(struct walk *walk, const char *directory)
{
	struct stella_verifier *verifier = walk->verifier;
	struct content_options options = { .seals_only = verifier->seals_only,
					   .read = walk_progress,
					   .user = walk };
	int r;

	walk->report = report_new(&verifier->trust);
	if (!walk->report || content_new(&options, &walk->content) < 0)
		return diag_error(&verifier->diag, -ENOMEM, "%s: no memory to verify it", directory);
	walk->report->seals_only = verifier->seals_only;
	walk->report->require_complete = verifier->require_complete;
	walk->report->require_log = verifier->require_log;
	r = walk_logs(walk);
	if (r < 0)
		return r;
	walk->dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (walk->dir < 0) {
		r = -errno;
		return diag_error(&verifier->diag, r, "%s: cannot open the evidence directory: %s", directory,
				  strerror(-r));
	}
	return listing_read(walk->dir, directory, &walk->report->findings, &verifier->diag, &walk->listing);
}

static void walk_done(struct walk *walk)
{
	listing_done(&walk->listing);
	content_free(walk->content);
	stella_report_free(walk->report);
	closep(&walk->dir);
}

int stella_verify_directory(struct stella_verifier *verifier, const char *directory,
			    struct stella_report **ret_report)
{
	_cleanup_(walk_done) struct walk walk = { .verifier = verifier, .dir = -1 };
	int r;

	verifier->diag = (struct diag) { 0 };
	r = walk_start(&walk, directory);
	if (r < 0)
		return r;
	r = walk_chain(&walk);
	if (r < 0)
		return diag_error(&verifier->diag, r, "%s: %s", directory, strerror(-r));
	expected_head_check(verifier, walk.report);
	r = report_finish(walk.report);
	if (r < 0)
		return diag_error(&verifier->diag, r, "%s: cannot put the report together: %s", directory,
				  strerror(-r));
	*ret_report = TAKE(walk.report);
	return 0;
}
