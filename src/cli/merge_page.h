/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The verdicts as a page for people at a terminal. */

#include "merge/verdict.h"

/* -ENOMEM. */
int merge_page_print(const struct merge_result *result);
/* The loud ones: functions that the graph calls unreachable and that were called; how many, one line each to stderr. */
size_t merge_page_contested(const struct merge_result *result);
