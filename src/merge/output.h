/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Verdicts for other programs and for people. Each writes a whole document, or ends with what the sink returned. The same
 * verdicts give the same bytes; no output has a time that is not from the evidence.
 */

#include "merge/output_vex.h"

/* All of it, canonical JSON, one line (docs/merge.md). */
int output_json(const struct merge_result *result, const struct output_sink *sink, struct diag *diag);
/*
 * Runtime facts as the platform ingests them: one object a line, one line a subject. -ENODATA, with a line: no function was
 * observed, and an empty stream is refused by who ingests it.
 */
int output_facts(const struct merge_result *result, const struct output_sink *sink, struct diag *diag);
/* An in-toto Statement v1, predicate runtime-trace, canonical, with LF. */
int output_intoto(const struct merge_result *result, const struct output_sink *sink, struct diag *diag);
/* One page for a browser, with all that it needs inside. */
int output_html(const struct merge_result *result, const struct output_sink *sink, struct diag *diag);

#define RUNTIME_TRACE_PREDICATE "https://stella.ops/predicates/runtime-trace/v1"
