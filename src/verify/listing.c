/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the directory once. Promises: up to FINDINGS_FLOOD_MAX foreign files, the same directory gives the same
 * findings in the same order, whatever order the file system lists it in; symbolic links are never followed. What a
 * running collector has under way (open chunk, draft, a temporary name of ours above the last seal) is no evidence and
 * no finding.
 */

#include "verify/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"

/* Names that are none of ours: kept to be sorted; what is beyond the ceiling is counted. */
struct strangers {
	char *names[FINDINGS_FLOOD_MAX];
	size_t count;
	uint64_t more;
};

static void strangers_freep(struct strangers **held)
{
	if (*held) {
		for (size_t i = 0; i < (*held)->count; i++)
			free((*held)->names[i]);
	}
	free(*held);
}

static int strangers_add(struct strangers *strangers, const char *name)
{
	char *copy;

	if (strangers->count >= FINDINGS_FLOOD_MAX) {
		strangers->more++;
		return 0;
	}
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	strangers->names[strangers->count++] = copy;
	return 0;
}

void listing_done(struct listing *listing)
{
	free(listing->present);
	*listing = (struct listing) { 0 };
}

static uint8_t listed_bit(enum chunk_file kind)
{
	switch (kind) {
	case CHUNK_PLAIN:
		return LISTED_PLAIN;
	case CHUNK_ZSTD:
		return LISTED_ZSTD;
	case CHUNK_SEAL:
		return LISTED_SEAL;
	case CHUNK_OPEN:
		return LISTED_OPEN;
	case CHUNK_DRAFT:
		return LISTED_DRAFT;
	case CHUNK_FOREIGN:
		break;
	}
	return 0;
}

struct listing_scan {
	int dir;
	struct listing *listing;
	struct strangers *strangers;
};

static int listing_entry(void *user, const char *name)
{
	const struct listing_scan *scan = user;
	struct listing *listing = scan->listing;
	uint64_t sequence = 0;
	uint8_t bit = listed_bit(chunk_name_parse(name, &sequence));
	struct stat st;

	if (bit == 0)
		return strangers_add(scan->strangers, name);
	if (fstatat(scan->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno; /* renamed or rotated away since it was listed */
	if (!S_ISREG(st.st_mode))
		return strangers_add(scan->strangers, name);
	listing->present[sequence] |= bit;
	if (bit & (LISTED_PLAIN | LISTED_ZSTD | LISTED_SEAL)) {
		listing->bytes += (uint64_t)st.st_size;
		if (sequence > listing->head)
			listing->head = sequence;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * A temporary name that an atomic publication of ours leaves behind when it is killed: KNOWN-NAME.tmp-WORD. Only
 * for what comes next is it excused, and for seals, which get proofs of logs at any time: nothing else is under way below
 * the head any more.
 */
static bool under_way(const struct listing *listing, const char *name)
{
	const char *mark = strstr(name, ".tmp-");
	char known[CHUNK_NAME_MAX];
	enum chunk_file file;
	uint64_t sequence;

	if (!mark || (size_t)(mark - name) >= sizeof(known) || mark[5] == '\0' ||
	    strspn(mark + 5, "0123456789abcdefghijklmnopqrstuvwxyz") != strlen(mark + 5))
		return false;
	memcpy(known, name, (size_t)(mark - name));
	known[mark - name] = '\0';
	file = chunk_name_parse(known, &sequence);
	return file != CHUNK_FOREIGN && (sequence >= listing->head || file == CHUNK_SEAL);
}

static void strangers_report(struct strangers *strangers, int dir, const struct listing *listing,
			     struct findings *findings)
{
	if (strangers->count > 0)
		qsort(strangers->names, strangers->count, sizeof(strangers->names[0]), by_name);
	for (size_t i = 0; i < strangers->count; i++) {
		const char *name = strangers->names[i];
		struct place place = { .file = name };
		struct stat st;

		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
			findings_add(findings, STELLA_FINDING_FOREIGN_FILE, &place,
				     "%s is no regular file and has no place in an evidence directory", name);
		else if (!under_way(listing, name))
			findings_add(findings, STELLA_FINDING_FOREIGN_FILE, &place,
				     "%s is no part of a chain of evidence", name);
	}
	findings->total += strangers->more;
}

/* Unfinished work is excused above the head; what lies beside the head itself is judged by the walk. */
static void leftovers_report(const struct listing *listing, struct findings *findings)
{
	for (uint64_t sequence = 1; sequence < listing->head; sequence++) {
		static const struct {
			uint8_t bit;
			enum chunk_file kind;
		} kinds[] = { { LISTED_OPEN, CHUNK_OPEN }, { LISTED_DRAFT, CHUNK_DRAFT } };

		for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
			char name[CHUNK_NAME_MAX];

			if (!(listing->present[sequence] & kinds[i].bit) ||
			    chunk_name(kinds[i].kind, sequence, name) < 0)
				continue;
			findings_add(findings, STELLA_FINDING_FOREIGN_FILE,
				     &(struct place) { .sequence = sequence, .file = name },
				     "%s is unfinished work in the middle of a sealed chain", name);
		}
	}
}

int listing_read(int dir, const char *path, struct findings *findings, struct diag *diag,
		 struct listing *ret_listing)
{
	_cleanup_(listing_done) struct listing listing = { 0 };
	_cleanup_(strangers_freep) struct strangers *strangers = calloc(1, sizeof(*strangers));
	struct listing_scan scan = { dir, &listing, strangers };
	int r;

	listing.present = calloc(STATEMENT_SEQUENCE_MAX + 1, 1);
	if (!strangers || !listing.present)
		return diag_error(diag, -ENOMEM, "%s: no memory to list it", path);
	r = directory_visit(dir, listing_entry, &scan);
	if (r < 0)
		return diag_error(diag, r, "%s: cannot list it: %s", path, strerror(-r));
	strangers_report(strangers, dir, &listing, findings);
	leftovers_report(&listing, findings);
	*ret_listing = listing;
	listing.present = NULL;
	return 0;
}
