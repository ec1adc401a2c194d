/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A document on its way out: written twice, once for its digest, once for the reader. */

#include "format/canon.h"
#include "merge/output_vex.h"

#define VEX_PIECE_MAX (16u << 20) /* bytes of one statement */

struct vex_writer {
	const struct merge_result *result;
	const size_t *list; /* the verdicts */
	size_t count;
	char identity[DIGEST_TEXT_LEN + 1]; /* of the content; zeros in the first writing */
	struct canon canon;
	struct buf piece;
	struct output_sink sink;
};

/* Text that may be anybody's, as a person may see it. */
void vex_text(struct canon *canon, struct str text);
void vex_key_text(struct canon *canon, const char *key, const char *text);
/* What was written so far goes out. */
int vex_flush(struct vex_writer *writer);
/* Has `write` write the document twice; gives it to the sink the second time. */
int vex_write(const struct merge_result *result, const struct output_sink *sink, struct diag *diag,
	      int (*write)(struct vex_writer *writer));
