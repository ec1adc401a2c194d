/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A chunk's file against what its statement says of it: digests, size, counts, and each line's form. Streams
 * through fixed buffers; a compressed file never yields more than one byte beyond the size the statement names.
 */

#include "format/statement.h"
#include "verify/findings.h"
#include "verify/listener.h"

/* The buffers, reused from chunk to chunk. */
struct content;

struct content_options {
	bool seals_only; /* digests and sizes, no lines */
	void (*read)(void *user,
		     uint64_t bytes); /* called with the bytes read since the last call; NULL = nobody */
	void *user;
};

int content_new(const struct content_options *options, struct content **ret_content);
void content_free(struct content *content);
/* Who is told the lines of the chunks that follow; NULL = nobody. */
void content_listen(struct content *content, const struct verify_listener *listener);

/*
 * Checks the open file. The statement's own members have been checked for their form, not for truth. *ret_records
 * is the number of lines read (what the statement says when lines are not read). Errors: the world's only.
 */
int content_check(struct content *content, int fd, const struct place *place, const struct statement *statement,
		  struct findings *findings, struct diag *diag, uint64_t *ret_records);
