/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the seals say of the window: which kinds of records were watched, when not, what was lost, and by which filters something may
 * have been hidden. Only statements of sound chunks get in here. From it comes why `not_observed` may not be said.
 */

#include "format/statement.h"
#include "merge/verdict.h"

enum measured { MEASURED_EXEC, MEASURED_OPEN, MEASURED_LIBRARY, MEASURED_FUNCTION, MEASURED_END };
#define OF_EXEC (1u << MEASURED_EXEC)
#define OF_OPEN (1u << MEASURED_OPEN)
#define OF_LIBRARY (1u << MEASURED_LIBRARY)
#define OF_FUNCTION (1u << MEASURED_FUNCTION)
#define OF_FILES (OF_EXEC | OF_OPEN | OF_LIBRARY) /* what the tiers of a package hang on */
#define OF_ALL (OF_FILES | OF_FUNCTION)
const char *measured_name(enum measured kind); /* the record type */

#define COVERAGE_LACKS_MAX 256
#define COVERAGE_GAPS_MAX 10000
#define COVERAGE_LEFT_OUT_MAX 256
#define COVERAGE_SPANS_MAX 10000
#define COVERAGE_BLIND_MAX 256
#define COVERAGE_FILTERS_MAX 64 /* different ones in one chain */
#define COVERAGE_TARGETS_MAX 8192
#define COVERAGE_MISSING_MAX 262144 /* names, of all targets */

/* Why something that was not seen may have happened nevertheless. */
struct lack {
	unsigned int kinds; /* OF_*: whose records it touches */
	bool total; /* these were not watched at all; else something may be missing among them */
	char *text;
};

/* Filters as one or more seals had them. */
struct filters {
	char **path_allowlist, **path_denylist;
	size_t n_path_allowlist, n_path_denylist;
};

/* A file whose functions were probed, through the chain. */
struct covered_target {
	char *library, *build_id, *purl; /* the last two NULL = unknown */
	uint64_t last_sequence;
	uint64_t attached; /* the least in one chunk */
	bool late; /* watched only from some time on, or not to the end, or not in each chunk */
	char **missing; /* sorted at the end */
	size_t n_missing;
	bool missing_more; /* not all of them are named */
};

/* Chunks that are not there, or not sound, between two that were taken. */
struct left_out {
	uint64_t first, last;
	struct moment from, to;
};

struct coverage {
	uint64_t since_wall_ns; /* what lies before it is not asked for */
	const char *image; /* borrowed; NULL = no container in particular */
	/* Without an image: whoever used the root's files counts, in containers too. Is the root the host's, or may it be a container's? */
	bool of_host, of_root;

	bool has_window;
	struct moment from, to;
	uint64_t chunks; /* sound ones in the window */
	uint64_t last_sequence; /* of the last sound one, also of those before the window */
	struct moment last_closed;
	char *chain_id;

	struct lack lacks[COVERAGE_LACKS_MAX]; /* one of them may stand for all that found no room */
	size_t n_lacks;
	bool before_unknown; /* what ran and was mapped when the window began is not known from the chunks before it */

	/* Digests are of a manifest or of a configuration: those that the image was told by, those of others, one such container each. */
	unsigned int image_kinds, other_kinds;
	char *other_container[2];

	struct left_out left_out[COVERAGE_LEFT_OUT_MAX]; /* the last one may stand for more */
	size_t n_left_out;
	struct merge_gap *gaps;
	size_t n_gaps;
	struct merge_loss *losses;
	size_t n_losses;
	struct merge_span *spans;
	size_t n_spans;
	size_t open_span[MEASURED_END]; /* index + 1 of the last one of the kind */
	uint64_t watched[MEASURED_END]; /* chunks with the kind */
	struct merge_blind_spot *blind;
	size_t n_blind;
	struct filters filters[COVERAGE_FILTERS_MAX];
	size_t n_filters;

	struct covered_target *targets;
	size_t n_targets;
	size_t n_missing; /* of all */
	bool targets_more;
};

int coverage_init(struct coverage *coverage);
void coverage_done(struct coverage *coverage);

/*
 * The next sound chunk. `at_start`: files (coverage_file_hash) that its records say were mapped when the collector started:
 * their functions were probed before coverage opened, though moments after the first probe. -ENOMEM.
 */
struct hashes;
int coverage_take(struct coverage *coverage, const struct statement *statement, const struct hashes *at_start);
/*
 * Does a part of the chunk lie in the window? Once it has begun, the chain's order decides: the time of day may be set back.
 */
bool coverage_in_window(const struct coverage *coverage, const struct statement *statement);
uint64_t coverage_file_hash(uint32_t dev_major, uint32_t dev_minor, uint64_t inode);
/* Parts of it. */
int coverage_filters(struct coverage *coverage, const struct statement *statement);
int coverage_take_before(struct coverage *coverage, const struct statement *statement);
int coverage_take_blind(struct coverage *coverage, const struct statement_probe *probe, const char *spot);
unsigned int coverage_kinds_of(const char *kind); /* OF_*: of a record type; NULL = any */
int coverage_path_filters(struct coverage *coverage, const struct statement *statement);
int coverage_targets(struct coverage *coverage, const struct statement *statement,
		     const struct hashes *at_start);
/* Numbers first to last were not taken. */
void coverage_left_out(struct coverage *coverage, uint64_t first, uint64_t last, struct moment from,
		       struct moment to);

struct stella_report;
/* When all chunks were walked: chunks left out by name, and the containers of the image. */
int coverage_finish(struct coverage *coverage, const struct stella_report *report);

/* A reason, once. */
int coverage_lack(struct coverage *coverage, unsigned int kinds, bool total, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int coverage_gap(struct coverage *coverage, struct moment from, struct moment to, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Is this spot blind in a probe of this kind? */
bool coverage_is_blind(const struct coverage *coverage, enum measured kind, const char *spot);
/* May a filter have hidden opens of this file? *ret_why: in which list, a static word. */
bool coverage_hides(const struct coverage *coverage, const char *path, const char **ret_why);

/*
 * How well was this function watched? Answers OBSERVED never; with a reason but for NOT_OBSERVED (the caller's to free). `asked`: how
 * many functions of such files the map asks for, 0 = not known. Library is a file's name, a soname or a path. *ret_files: how many
 * files it was probed in; all of them count, and the worst decides.
 */
struct asked_function {
	const char *symbol, *library, *build_id, *purl; /* NULL = any */
	size_t asked;
};
int coverage_of_function(const struct coverage *coverage, const struct asked_function *function,
			 enum answer *ret_answer, char **ret_reason, size_t *ret_files);
