/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the parts of the page share. Nobody else includes this. */

#include "merge/output_vex.h"

#define HTML_PIECE (64u << 10)

struct html {
	struct buf piece;
	const struct output_sink *sink;
	int error; /* the first one; later writes do nothing useful */
};

/* What gathered goes out when it is more than so many bytes. */
int html_some(struct html *html, size_t above);
/* Markup of ours. */
void html_put(struct html *html, const char *markup);
/* Anybody's text: controls and invisible characters shown as '?', markup escaped, also for attributes in quotes. */
void html_text(struct html *html, const char *text);
void html_number(struct html *html, uint64_t number);
void html_moment(struct html *html, struct moment moment);
void html_line(struct html *html, const struct evidence_line *line);
/* List items. */
void html_sighting(struct html *html, const char *name, const struct sighting *seen);
void html_texts(struct html *html, char *const *texts, size_t count);

int html_timeline(struct html *html, const struct merge_result *result);
int html_packages(struct html *html, const struct merge_result *result);
int html_functions(struct html *html, const struct merge_result *result);
int html_vulnerabilities(struct html *html, const struct merge_result *result);
int html_blind(struct html *html, const struct merge_result *result);
