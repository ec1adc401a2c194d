/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the kernel half leaves to user space, put into the record before anybody else sees it: a library's build id,
 * the arguments of a program that ran before us. A raw capture holds it, so that a replay gives the same bytes.
 */

#include <stddef.h>

#include "base/cleanup.h"
#include "resolve/build_id.h"

struct annotator;

int annotator_new(struct annotator **ret_annotator);
void annotator_free(struct annotator *annotator);
DEFINE_FREEP(annotator, annotator_free)

/*
 * Gives the record as it goes on: the same bytes, or a copy that is good until the next call. A record that is not
 * what the kernel half writes is left as it is; who decodes it says so.
 */
void annotate(struct annotator *annotator, const void *data, size_t len, const void **ret_data,
	      size_t *ret_len);
/* Lent, for other questions about mapped files. */
struct build_ids *annotator_ids(struct annotator *annotator);
const struct build_ids_totals *annotator_totals(const struct annotator *annotator);
