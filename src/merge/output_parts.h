/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the outputs share: text on its way out piece by piece, and members that stand in more than one of them. */

#include "format/canon.h"
#include "merge/output_vex.h"

#define OUTPUT_PIECE (64u << 10)
#define OUTPUT_PIECE_MAX (64u << 20) /* the longest that is written in one go: one verdict */

struct output_writer {
	struct canon canon;
	struct buf piece;
	const struct output_sink *sink;
};

/* Begins in place: the canon points into it. */
void output_begin(struct output_writer *writer, const struct output_sink *sink);
/* What has gathered goes out when it is more than a piece, or in any case. */
int output_some(struct output_writer *writer);
int output_all(struct output_writer *writer);
void output_done(struct output_writer *writer);

/* Members; text as a person may see it where it is not UTF-8, nothing when NULL. */
void output_key_text(struct canon *canon, const char *key, const char *text);
void output_key_texts(struct canon *canon, const char *key, char *const *texts, size_t count);
/* {"boot_ns":N,"time":"..."}; null when it is not known. */
void output_key_moment(struct canon *canon, const char *key, struct moment moment);
/* {"line":N,"sequence":N,"sha256":"..."} */
void output_key_line(struct canon *canon, const char *key, const struct evidence_line *line);
/* {"count":N,"first":..., "first_line":..., "last":..., "last_line":...} */
void output_key_sighting(struct canon *canon, const char *key, const struct sighting *sighting);
/* Coverage of the window: blind_spots, gaps, losses, watched. An object's members, in order. */
int output_coverage(struct output_writer *writer, const struct merge_result *result);

/* Facts of the evidence: chain, head, window. An object. */
void output_key_evidence(struct canon *canon, const char *key, const struct merge_result *result);
