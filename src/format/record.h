/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Event -> one canonical line of evidence. The only place that knows how a record looks. */

#include "base/buf.h"
#include "format/event.h"

/* The longest line a record can become: every byte of the longest wire record escaped and shown in base64 too. */
#define RECORD_LINE_MAX (1280 * 1024)

/*
 * Appends the record and its LF to `out`: canonical by RFC 8785, members sorted, integers exact, bytes that
 * are not UTF-8 as U+FFFD with NAME_b64 beside. 0, -E2BIG, -ENOMEM; on error `out` is unchanged.
 * Room for the worst case is asked for beforehand: below out->max - RECORD_LINE_MAX bytes it never says -E2BIG.
 */
int record_append(struct buf *out, const struct event *event);
