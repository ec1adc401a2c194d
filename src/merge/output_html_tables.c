/* SPDX-License-Identifier: Apache-2.0 */

/* Tables of the page: packages, functions, vulnerabilities, blind spots. Each verdict opens to the lines that it rests on. */

#include "merge/output_html.h"

#include <errno.h>

#include "base/cleanup.h"

static void put_row(struct html *html, const char *verdict, const char *kind, const char *a, const char *b)
{
	html_put(html, "<tr data-verdict=\"");
	html_put(html, verdict);
	html_put(html, "\" data-kind=\"");
	html_put(html, kind);
	html_put(html, "\" data-text=\"");
	html_text(html, a);
	html_put(html, " ");
	html_text(html, b);
	html_put(html, "\">");
}

static void put_answer(struct html *html, enum answer answer)
{
	static const char *const classes[] = { "good", "", "warn", "dim" };

	html_put(html, "<td><span class=\"");
	html_put(html, classes[answer]);
	html_put(html, "\">");
	html_put(html, answer_name(answer));
	html_put(html, "</span></td>");
}

static void put_package(struct html *html, const struct merge_result *result,
			const struct package_verdict *verdict)
{
	const struct package *package = package_set_get(result->packages, verdict->package);
	bool observed = verdict->strongest != TIER_NONE;

	put_row(html, answer_name(verdict->answer), observed ? tier_name(verdict->strongest) : "",
		package->name, package->purl);
	html_put(html, "<th scope=\"row\">");
	html_text(html, package->name);
	html_put(html, " ");
	html_text(html, package->version);
	if (package->purl) {
		html_put(html, "<br><code>");
		html_text(html, package->purl);
		html_put(html, "</code>");
	}
	html_put(html, "</th>");
	put_answer(html, verdict->answer);
	html_put(html, "<td>");
	html_put(html, observed ? tier_name(verdict->strongest) : "");
	html_put(html, "</td><td>");
	if (observed) {
		html_put(html, "<details><summary>");
		html_moment(html, verdict->tiers[verdict->strongest].last);
		html_put(html, "</summary><ul class=\"plain\">");
		for (int tier = TIER_EXECUTED; tier > TIER_NONE; tier--) {
			if (verdict->tiers[tier].count > 0)
				html_sighting(html, tier_name((enum tier)tier), &verdict->tiers[tier]);
		}
		html_put(html, "</ul></details>");
	}
	html_texts(html, verdict->reasons, verdict->n_reasons);
	html_put(html, "</td></tr>\n");
}

int html_packages(struct html *html, const struct merge_result *result)
{
	if (result->n_package_verdicts == 0) {
		html_put(html, "<p>No SBOM and no root was given.</p>");
		return 0;
	}
	html_put(html, "<table><thead><tr><th scope=\"col\">Package</th><th scope=\"col\">Verdict</th><th "
		       "scope=\"col\">Tier</th>"
		       "<th scope=\"col\">Evidence, or why not more can be said</th></tr></thead>"
		       "<tbody id=\"package-rows\">\n");
	for (size_t i = 0; i < result->n_package_verdicts && html->error == 0; i++) {
		put_package(html, result, &result->package_verdicts[i]);
		html_some(html, HTML_PIECE);
	}
	html_put(html, "</tbody></table>");
	return html->error;
}

static void put_ppm(struct html *html, unsigned int ppm)
{
	char text[24];

	snprintf(text, sizeof(text), "%u.%06u", ppm / 1000000, ppm % 1000000);
	html_put(html, text);
}

static void put_function(struct html *html, const struct function_verdict *verdict)
{
	put_row(html, answer_name(verdict->answer), lattice_name(verdict->state),
		verdict->id ? verdict->id : verdict->symbol, verdict->library);
	html_put(html, "<th scope=\"row\"><code>");
	html_text(html, verdict->id ? verdict->id : verdict->symbol);
	html_put(html, "</code>");
	if (verdict->library) {
		html_put(html, "<br><span class=\"dim\">in ");
		html_text(html, verdict->library);
		html_put(html, "</span>");
	}
	html_put(html, "</th><td><abbr title=\"");
	html_put(html, lattice_words(verdict->state));
	html_put(html, "\">");
	html_put(html, lattice_name(verdict->state));
	html_put(html, "</abbr></td>");
	put_answer(html, verdict->answer);
	html_put(html, "<td class=\"number\">");
	if (verdict->id)
		put_ppm(html, verdict->score_ppm);
	html_put(html, "</td><td>");
	if (verdict->seen.count > 0) {
		html_put(html, "<details><summary>");
		html_moment(html, verdict->seen.last);
		html_put(html, "</summary><ul class=\"plain\">");
		html_sighting(html, "called", &verdict->seen);
		html_put(html, "</ul></details>");
	}
	if (verdict->n_path > 0) {
		html_put(html, "<details><summary>path of ");
		html_number(html, verdict->n_path);
		html_put(html, "</summary><ol>");
		for (size_t i = 0; i < verdict->n_path; i++) {
			html_put(html, "<li><code>");
			html_text(html, verdict->path[i]);
			html_put(html, "</code></li>");
		}
		html_put(html, "</ol></details>");
	}
	html_texts(html, verdict->reasons, verdict->n_reasons);
	html_put(html, "</td></tr>\n");
}

int html_functions(struct html *html, const struct merge_result *result)
{
	if (result->n_functions == 0) {
		html_put(html, "<p>No call graph and no function map was given, and no function was seen.</p>");
		return 0;
	}
	html_put(html, "<table><thead><tr><th scope=\"col\">Function</th><th scope=\"col\">State</th><th "
		       "scope=\"col\">Verdict</th>"
		       "<th scope=\"col\">Score</th><th scope=\"col\">Evidence, path, or why not more can be "
		       "said</th></tr></thead>"
		       "<tbody id=\"function-rows\">\n");
	for (size_t i = 0; i < result->n_functions && html->error == 0; i++) {
		put_function(html, &result->functions[i]);
		html_some(html, HTML_PIECE);
	}
	html_put(html, "</tbody></table>");
	return html->error;
}

int html_vulnerabilities(struct html *html, const struct merge_result *result)
{
	static const char *const statuses[] = { "affected", "not_affected", "under_investigation" };
	static const char *const classes[] = { "bad", "good", "warn" };

	if (result->n_vulnerability_verdicts == 0) {
		html_put(html, "<p>None were given.</p>");
		return 0;
	}
	html_put(html, "<table><thead><tr><th scope=\"col\">Vulnerability</th><th scope=\"col\">Status</th>"
		       "<th scope=\"col\">Why</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < result->n_vulnerability_verdicts && html->error == 0; i++) {
		const struct vulnerability_verdict *verdict = &result->vulnerability_verdicts[i];
		const struct vulnerability *vulnerability =
			&result->vulnerabilities.list[verdict->vulnerability];

		html_put(html, "<tr><th scope=\"row\">");
		html_text(html, vulnerability->id);
		html_put(html, "<br><code>");
		html_text(html, vulnerability->purl ? vulnerability->purl : vulnerability->name);
		html_put(html, "</code></th><td><span class=\"");
		html_put(html, classes[verdict->status]);
		html_put(html, "\">");
		html_put(html, statuses[verdict->status]);
		html_put(html, "</span></td><td>");
		if (verdict->has_line) {
			html_text(html, verdict->function ? verdict->function : "the package");
			html_put(html, " was ");
			html_put(html, verdict->tier == TIER_FUNCTION ? "called" : tier_name(verdict->tier));
			html_put(html, ": ");
			html_line(html, &verdict->line);
		}
		html_text(html, verdict->impact);
		html_texts(html, verdict->missing, verdict->n_missing);
		html_put(html, "</td></tr>\n");
		html_some(html, HTML_PIECE);
	}
	html_put(html, "</tbody></table>");
	return html->error;
}

int html_blind(struct html *html, const struct merge_result *result)
{
	if (result->n_blind == 0) {
		html_put(html, "<p>The seals name none.</p>");
		return 0;
	}
	html_put(html, "<table><thead><tr><th scope=\"col\">Records</th><th scope=\"col\">Hook</th><th "
		       "scope=\"col\">Blind spot</th>"
		       "</tr></thead><tbody>\n");
	for (size_t i = 0; i < result->n_blind; i++) {
		html_put(html, "<tr><td>");
		html_text(html, result->blind[i].kind);
		html_put(html, "</td><td>");
		html_text(html, result->blind[i].hook);
		html_put(html, "</td><td>");
		html_text(html, result->blind[i].spot);
		html_put(html, "</td></tr>\n");
	}
	html_put(html, "</tbody></table>");
	return html->error;
}
