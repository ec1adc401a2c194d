/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Verdicts as VEX for other tools. Both formats say the same: affected, with the line of the evidence; not_affected, only where
 * vex_judge finds every condition met; under_investigation, with what is missing. One document, canonical JSON (RFC 8785) and a
 * line feed; its identifier is made of its content, its time is the end of the window: the same evidence gives the same bytes.
 */

#include "base/buf.h"
#include "base/diag.h"
#include "merge/verdict.h"

/* Where a document goes, piece by piece. What it returns ends the writing. */
struct output_sink {
	int (*write)(void *user, struct str piece);
	void *user;
};

/* OpenVEX v0.2.0. -ENODATA, with a line: there is no vulnerability, and the format has no empty document. */
int output_openvex(const struct merge_result *result, const struct output_sink *sink, struct diag *diag);
/* CycloneDX 1.6, with the packages that the vulnerabilities concern as components. */
int output_cyclonedx(const struct merge_result *result, const struct output_sink *sink, struct diag *diag);

/* ---- what both are made of ---- */

enum vex_status { VEX_SAY_AFFECTED, VEX_SAY_NOT_AFFECTED, VEX_SAY_UNDER_INVESTIGATION };

/*
 * What may be said of a verdict. not_affected needs: one package; functions named by the advisory, and a verdict for each of
 * them that is CU; a static graph; an impact statement that names the head of the chain. affected needs one package, a
 * decided version and a line. *ret_why (never NULL): why a verdict was taken back; "" when it was not.
 */
enum vex_status vex_judge(const struct merge_result *result, const struct vulnerability_verdict *verdict,
			  const char **ret_why);

/* The package that is meant, as a purl in any case: what has none gets pkg:generic/NAME@VERSION. */
int vex_purl(const struct merge_result *result, const struct vulnerability_verdict *verdict, struct buf *out);

/* In words: where it was seen; what is missing. */
int vex_notes(const struct merge_result *result, const struct vulnerability_verdict *verdict,
	      enum vex_status status, const char *why, struct buf *out);

/*
 * The verdicts to be written, in order: of several that say something of one vulnerability and one package, the strongest
 * (affected, then under investigation). *ret_list (freed by the caller) holds indices into vulnerability_verdicts.
 */
int vex_select(const struct merge_result *result, size_t **ret_list, size_t *ret_count);
