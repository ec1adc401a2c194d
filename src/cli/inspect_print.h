/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A record as a line for people or for programs. */

#include "cli/inspect_chunks.h"

/*
 * {"chunk":N,"line":L,"record":{...},"sealed":true}; the record's bytes as they lie in the chunk. An image that only the
 * chunk's seal knows, or the draft of one still open, stands beside: "image_digest", and "image_digest_from" "seal" or
 * "draft". No line end.
 */
void record_print_json(const struct found_record *record);
void record_print_heading(void);
void record_print_row(const struct found_record *record);
