/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The verdicts as one page, from the template page.html. Promises: nothing is fetched and nothing can be (the policy allows the page's own
 * style and script by their hashes, and no more); whatever names hold is text, never markup; the page tells all without
 * its script, which only searches and filters.
 */

#include "merge/output_html.h"

#include <errno.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "merge/output.h"
#include "page_html.h"

int html_some(struct html *html, size_t above)
{
	int r = html->error;

	if (r == 0 && html->piece.len > above) {
		r = html->sink->write(html->sink->user, buf_str(&html->piece));
		buf_clear(&html->piece);
		html->error = r;
	}
	return r;
}

void html_put(struct html *html, const char *markup)
{
	int r = buf_append_str(&html->piece, str_of(markup));

	if (r < 0 && html->error == 0)
		html->error = r;
}

void html_text(struct html *html, const char *text)
{
	_cleanup_(buf_done) struct buf shown = BUF_MAX(16u << 20);
	int r = text ? text_printable_append(&shown, str_of(text)) : 0;

	for (size_t i = 0; i < shown.len && r == 0; i++) {
		switch (shown.data[i]) {
		case '&':
			r = buf_append_str(&html->piece, STR("&amp;"));
			break;
		case '<':
			r = buf_append_str(&html->piece, STR("&lt;"));
			break;
		case '>':
			r = buf_append_str(&html->piece, STR("&gt;"));
			break;
		case '"':
			r = buf_append_str(&html->piece, STR("&quot;"));
			break;
		case '\'':
			r = buf_append_str(&html->piece, STR("&#39;"));
			break;
		default:
			r = buf_append(&html->piece, &shown.data[i], 1);
		}
	}
	if (r < 0 && html->error == 0)
		html->error = r;
}

void html_number(struct html *html, uint64_t number)
{
	char digits[24];

	digits[text_put_u64(digits, number)] = '\0';
	html_put(html, digits);
}

void html_moment(struct html *html, struct moment moment)
{
	char time[CLOCK_TEXT_MAX];

	if (moment.wall_ns == 0) {
		html_put(html, "not known");
		return;
	}
	clock_format(moment.wall_ns, time);
	html_put(html, "<time datetime=\"");
	html_put(html, time);
	html_put(html, "\">");
	time[10] = ' ';
	time[19] = '\0';
	html_put(html, time);
	html_put(html, "</time>");
}

void html_line(struct html *html, const struct evidence_line *line)
{
	char hex[DIGEST_TEXT_LEN + 1];

	digest_hex(&line->digest, hex);
	html_put(html, "chunk ");
	html_number(html, line->sequence);
	html_put(html, " line ");
	html_number(html, line->line);
	html_put(html, " <code>");
	html_put(html, hex);
	html_put(html, "</code>");
}

void html_sighting(struct html *html, const char *name, const struct sighting *seen)
{
	html_put(html, "<li><strong>");
	html_put(html, name);
	html_put(html, "</strong>: at least ");
	html_number(html, seen->count);
	html_put(html, seen->count == 1 ? " time" : " times");
	html_put(html, "<br>first ");
	html_moment(html, seen->first);
	html_put(html, ", ");
	html_line(html, &seen->first_line);
	html_put(html, "<br>last ");
	html_moment(html, seen->last);
	html_put(html, ", ");
	html_line(html, &seen->last_line);
	html_put(html, "</li>");
}

void html_texts(struct html *html, char *const *texts, size_t count)
{
	if (count == 0)
		return;
	html_put(html, "<ul class=\"plain\">");
	for (size_t i = 0; i < count; i++) {
		html_put(html, "<li>");
		html_text(html, texts[i]);
		html_put(html, "</li>");
	}
	html_put(html, "</ul>");
}

/* The hash of what stands between the tags in the template: exactly what a browser hashes. */
static int put_hash(struct html *html, const char *open, const char *close)
{
	const char *begin = strstr(page_html, open), *end = begin ? strstr(begin, close) : NULL;
	_cleanup_(buf_done) struct buf text = BUF_MAX(256);
	struct digest digest;
	int r;

	if (!end)
		return -EINVAL;
	begin += strlen(open);
	r = digest_of(begin, (size_t)(end - begin), &digest);
	r = r < 0 ? r : text_base64_append(&text, digest.bytes, DIGEST_LEN);
	if (r < 0 || !buf_cstr(&text))
		return -ENOMEM;
	html_put(html, "'sha256-");
	html_put(html, text.data);
	html_put(html, "'");
	return 0;
}

static int put_policy(struct html *html, const struct merge_result *result)
{
	int r;

	(void)result;
	html_put(html, "default-src 'none'; base-uri 'none'; form-action 'none'; style-src ");
	r = put_hash(html, "<style>", "</style>");
	html_put(html, "; script-src ");
	return r < 0 ? r : put_hash(html, "<script>", "</script>");
}

static int put_title(struct html *html, const struct merge_result *result)
{
	html_put(html, "What really ran: ");
	html_text(html, result->image ? result->image : result->evidence_name);
	return 0;
}

static int put_contested(struct html *html, const struct merge_result *result)
{
	size_t count = 0;

	for (size_t i = 0; i < result->n_functions; i++) {
		const struct function_verdict *verdict = &result->functions[i];

		if (verdict->state != LATTICE_X || verdict->seen.count == 0)
			continue;
		if (count++ == 0)
			html_put(html, "<div class=\"alarm\" role=\"alert\"><strong "
				       "class=\"bad\">Contested.</strong> The call "
				       "graph says that nothing leads to these functions, and they ran:<ul>");
		html_put(html, "<li><code>");
		html_text(html, verdict->id ? verdict->id : verdict->symbol);
		html_put(html, "</code>, ");
		html_line(html, &verdict->seen.first_line);
		html_put(html, "</li>");
	}
	if (count > 0)
		html_put(html, "</ul></div>");
	return 0;
}

static int put_evidence(struct html *html, const struct merge_result *result)
{
	html_put(html, "<dl class=\"facts\"><dt>Evidence</dt><dd>");
	html_text(html, result->evidence_name);
	html_put(html, ", ");
	html_number(html, result->chunks);
	html_put(html, " sound chunks, ");
	html_number(html, result->records);
	html_put(html, " records");
	if (result->chunks_left_out > 0) {
		html_put(html, ", <span class=\"bad\">");
		html_number(html, result->chunks_left_out);
		html_put(html, " left out</span>");
	}
	html_put(html, "</dd>");
	if (result->image) {
		html_put(html, "<dt>Image</dt><dd><code>");
		html_text(html, result->image);
		html_put(html, "</code></dd>");
	}
	html_put(html, "<dt>Window (UTC)</dt><dd>");
	html_moment(html, result->from);
	html_put(html, " to ");
	html_moment(html, result->to);
	html_put(html, "</dd><dt>Head of the chain</dt><dd>number ");
	html_number(html, result->head_sequence);
	html_put(html, ", <code>");
	html_text(html, result->head_sha256);
	html_put(html, "</code></dd><dt>Complete</dt><dd>");
	html_put(html,
		 result->complete
			 ? "<span class=\"good\">yes</span>: what was to be watched was watched, and nothing "
			   "was lost"
			 : "<span class=\"warn\">no</span>");
	html_texts(html, result->reasons, result->n_reasons);
	html_put(html, "</dd></dl>");
	return html_some(html, HTML_PIECE);
}

static const struct {
	const char *name;
	int (*put)(struct html *html, const struct merge_result *result);
} places[] = {
	{ "csp", put_policy },		 { "title", put_title },
	{ "contested", put_contested },	 { "evidence", put_evidence },
	{ "timeline", html_timeline },	 { "packages", html_packages },
	{ "functions", html_functions }, { "vulnerabilities", html_vulnerabilities },
	{ "blind", html_blind },
};

static int put_place(struct html *html, const struct merge_result *result, struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (str_equal(str_of(places[i].name), name))
			return places[i].put(html, result);
	}
	return -EINVAL;
}

static int put_page(struct html *html, const struct merge_result *result)
{
	const char *at = page_html, *open, *close;
	int r = 0;

	while (r == 0 && (open = strstr(at, "{{"))) {
		close = strstr(open, "}}");
		if (!close)
			return -EINVAL;
		r = buf_append(&html->piece, at, (size_t)(open - at));
		r = r < 0 ? r : put_place(html, result, (struct str) { open + 2, (size_t)(close - open) - 2 });
		r = r < 0 ? r : html_some(html, HTML_PIECE);
		at = close + 2;
	}
	html_put(html, at);
	return r < 0 ? r : html_some(html, 0);
}

int output_html(const struct merge_result *result, const struct output_sink *sink, struct diag *diag)
{
	struct html html = { .piece = BUF_MAX(64u << 20), .sink = sink };
	int r = put_page(&html, result);

	buf_done(&html.piece);
	return r < 0 ? diag_error(diag, r, "cannot write the page: %s", strerror(-r)) : 0;
}
