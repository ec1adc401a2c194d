/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reads the evidence while it is verified, and keeps of it what verdicts are made from: sightings of files of known packages and of
 * functions, who called whom, and what the seals say of the window. Each byte is read once; of a chunk that turns out
 * unsound nothing stays.
 */

#include "merge/coverage.h"
#include "merge/function_table.h"
#include "merge/hashes.h"
#include "merge/record_view.h"
#include "merge/sightings.h"
#include "packages/package.h"
#include "verify/listener.h"

/* Which root the packages are of, and so which records speak of their files. */
enum evidence_join {
	JOIN_PATH, /* known by paths only: of processes outside of containers, or in containers of the image */
	JOIN_ROOT, /* some directory in which it ran: device and inode decide, the same path elsewhere is another file */
	JOIN_HOST, /* this host's own root: device and inode, else the path outside of containers */
};

struct evidence_options {
	const struct package_set *packages; /* finished */
	enum evidence_join join;
	const char *image; /* "sha256:...": only containers of it; NULL = no container in particular */
	uint64_t since_wall_ns; /* 0 = all */
};

/* What was seen of a package: tiers by their number, and what did not count. */
enum package_slot {
	SLOT_UPPER = TIER_END, /* a file of its path was changed at run time: the layer above the image */
	SLOT_ELSEWHERE, /* a file of its path in a root that may be another one */
	SLOT_WITHIN, /* a file that contains it, among others */
	SLOT_AMBIGUOUS, /* a file that another package owns alike */
	SLOT_BELOW, /* a file below a place of it, which then is a directory */
	SLOT_BEFORE, /* it was used in what is older than the window */
	SLOT_END
};
#define PACKAGE_KEY(package, slot) ((uint64_t)(package) << 8 | (uint64_t)(slot))
#define EDGE_KEY(caller, callee) ((uint64_t)(caller) << 32 | (callee))

/* What one chunk said, or all of them. */
struct seen {
	struct sightings packages; /* PACKAGE_KEY */
	struct sightings functions; /* by number in the table: entered */
	struct sightings callers; /* the same: they ran, for they called one that was entered */
	struct sightings edges; /* EDGE_KEY of numbers in the table */
	struct sightings before; /* as functions and callers: in what is older than the window */
	struct hashes ambiguous, unowned, upper; /* files that count for no package */
	struct hashes at_start; /* files that were mapped when the collector started; of one chunk only */
	struct hashes
		unplaced; /* containers with records that were left out, for nobody had told their image yet */
	uint64_t records;
	uint64_t other_roots; /* records of containers that were left out for want of an image */
	uint64_t by_inode,
		by_path; /* records that were joined so; in JOIN_ROOT by_path are those that were not */
	uint64_t cut_paths; /* records whose file is known by the end of its path only */
	uint64_t images; /* records of containers of the image */
	uint64_t files; /* records that speak of files */
	unsigned int running; /* languages, as bits: such a program ran when coverage opened */
};

struct evidence {
	struct evidence_options options;
	struct coverage coverage;
	struct record_reader reader;
	struct function_table functions;
	struct seen all, chunk;

	/* of the chunk that is being read */
	const struct statement *statement;
	size_t functions_before;
	struct hashes containers; /* ids of those that are of the image, by what the seal learned */
	bool before; /* the line is older than the window: it is no sighting, but what began then may go on */
	bool digest_known; /* the line's digest has been computed */
	struct evidence_line line;
	struct str line_text;
	int error; /* in a visit: sticks */
};

int evidence_init(struct evidence *evidence, const struct evidence_options *options);
void evidence_done(struct evidence *evidence);
struct verify_listener evidence_listener(struct evidence *evidence);

struct stella_report;
/* When all was read: records of containers of which it was told only later that they are of the image. -ENOMEM. */
int evidence_unplaced(struct evidence *evidence, const struct stella_report *report);

/* The parts of a line; used by evidence.c. `first`, `last`: when. */
struct seen_at {
	uint64_t events;
	struct moment first, last;
};
int evidence_files(struct evidence *evidence, const struct record_view_of *view, const struct seen_at *at);
int evidence_functions(struct evidence *evidence, const struct record_view_of *view, const struct seen_at *at);
/* One more sighting of this package by this line. */
void evidence_note(struct evidence *evidence, uint32_t package, unsigned int slot, const struct seen_at *at);
/* The line being read, with its digest. -ENOMEM. */
int evidence_line_now(struct evidence *evidence, const struct evidence_line **ret_line);
