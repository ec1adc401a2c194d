/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The window as a picture: a bar for each kind of record where it was watched, marks where something is missing; and the same as a list,
 * for those who do not see pictures. Geometry is in attributes, since the page's policy allows no styles of elements.
 */

#include "merge/output_html.h"

#include <errno.h>
#include <inttypes.h>

#include "base/cleanup.h"

#define WIDTH 1000
#define LEFT 130
#define ROW 26
#define GAPS_DRAWN_MAX 2000

static const char *const kinds[] = { "process_exec", "file_open", "library_load", "function_call" };

/* Millionths of the window, in units of the picture; outside is at its edge. */
static uint64_t place(const struct merge_result *result, uint64_t wall_ns)
{
	uint64_t from = result->from.wall_ns, to = result->to.wall_ns;

	if (wall_ns <= from || to <= from)
		return LEFT;
	if (wall_ns >= to)
		return WIDTH;
	return LEFT + (uint64_t)((unsigned __int128)(wall_ns - from) * (WIDTH - LEFT) / (to - from));
}

static void put_rect(struct html *html, const struct merge_result *result, const char *class,
		     struct moment from, struct moment to, unsigned int row)
{
	uint64_t x = place(result, from.wall_ns), end = place(result, to.wall_ns);
	char text[160];

	snprintf(text, sizeof(text),
		 "<rect class=\"%s\" x=\"%" PRIu64 "\" y=\"%u\" width=\"%" PRIu64 "\" height=\"%d\"/>", class,
		 x, row * ROW + 5, end > x ? end - x : 1, ROW - 10);
	html_put(html, text);
}

static void put_label(struct html *html, const char *label, unsigned int row)
{
	char text[96];

	snprintf(text, sizeof(text), "<text x=\"4\" y=\"%u\">", row * ROW + 17);
	html_put(html, text);
	html_put(html, label);
	html_put(html, "</text>");
}

static void put_picture(struct html *html, const struct merge_result *result)
{
	unsigned int rows = ARRAY_LEN(kinds);
	char text[200];

	snprintf(
		text, sizeof(text),
		"<svg class=\"timeline\" viewBox=\"0 0 %d %u\" role=\"img\" aria-labelledby=\"timeline-name\">",
		WIDTH + 4, (rows + 1) * ROW + 4);
	html_put(html, text);
	html_put(html, "<title id=\"timeline-name\">When each kind of record was watched, and where something "
		       "is missing; the "
		       "lists below say the same</title>");
	for (unsigned int row = 0; row < rows; row++) {
		put_label(html, kinds[row], row);
		for (size_t i = 0; i < result->n_spans; i++) {
			if (strcmp(result->spans[i].kind, kinds[row]) == 0)
				put_rect(html, result, "span", result->spans[i].from, result->spans[i].to, row);
		}
	}
	put_label(html, "missing", rows);
	for (size_t i = 0; i < result->n_gaps && i < GAPS_DRAWN_MAX; i++)
		put_rect(html, result, "gap", result->gaps[i].from, result->gaps[i].to, rows);
	html_put(html, "</svg>");
}

static void put_interval(struct html *html, struct moment from, struct moment to)
{
	html_moment(html, from);
	html_put(html, " to ");
	html_moment(html, to);
}

static void put_lists(struct html *html, const struct merge_result *result)
{
	html_put(html, "<details><summary>What was watched, as a list</summary><ul class=\"plain\">");
	for (size_t i = 0; i < result->n_spans; i++) {
		html_put(html, "<li>");
		html_put(html, result->spans[i].kind);
		html_put(html, ": ");
		put_interval(html, result->spans[i].from, result->spans[i].to);
		html_put(html, "</li>");
		html_some(html, HTML_PIECE);
	}
	html_put(html, "</ul></details><details");
	html_put(html, result->n_gaps > 0 ? " open" : "");
	html_put(html, "><summary>Losses, gaps and holes: ");
	html_number(html, result->n_gaps);
	html_put(html, "</summary><ul class=\"plain\">");
	for (size_t i = 0; i < result->n_gaps; i++) {
		html_put(html, "<li>");
		put_interval(html, result->gaps[i].from, result->gaps[i].to);
		html_put(html, ": ");
		html_text(html, result->gaps[i].why);
		html_put(html, "</li>");
		html_some(html, HTML_PIECE);
	}
	html_put(html, "</ul></details>");
}

int html_timeline(struct html *html, const struct merge_result *result)
{
	put_picture(html, result);
	put_lists(html, result);
	return html->error;
}
