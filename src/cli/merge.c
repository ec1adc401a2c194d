/* SPDX-License-Identifier: Apache-2.0 */

/*
 * merge: which of the packages, functions and vulnerabilities that others list really ran? Promises: exit 0 only for verdicts from a sound
 * chain that reached stdout; those from what is sound in an unsound one are printed too, with exit 2 and the chunks that
 * were left out by name. A contradiction between call graph and evidence is told on stderr whatever the output is.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/merge_options.h"
#include "cli/merge_page.h"
#include "cli/verbs.h"
#include "crypto/key.h"
#include "format/bundle.h"
#include "merge/output.h"

#define PROGRESS_MIN_BYTES (64u << 20)
#define LEFT_OUT_LINES_MAX 10
#define FRESHNESS_DAYS_MAX 36500

DEFINE_FREEP(stella_verifier, stella_verifier_free)
DEFINE_FREEP(stella_report, stella_report_free)

enum merge_output {
	MERGE_TABLE,
	MERGE_JSON,
	MERGE_OPENVEX,
	MERGE_CYCLONEDX,
	MERGE_FACTS,
	MERGE_INTOTO,
	MERGE_HTML
};

static const struct {
	const char *name;
	int (*write)(const struct merge_result *result, const struct output_sink *sink, struct diag *diag);
} outputs[] = {
	[MERGE_TABLE] = { "table", NULL },
	[MERGE_JSON] = { "json", output_json },
	[MERGE_OPENVEX] = { "openvex", output_openvex },
	[MERGE_CYCLONEDX] = { "cyclonedx", output_cyclonedx },
	[MERGE_FACTS] = { "runtime-facts", output_facts },
	[MERGE_INTOTO] = { "intoto", output_intoto },
	[MERGE_HTML] = { "html", output_html },
};

static void show_progress(void *user, uint64_t done_bytes, uint64_t total_bytes)
{
	unsigned int *shown = user, percent;
	char bar[31];

	if (total_bytes < PROGRESS_MIN_BYTES)
		return;
	percent = done_bytes >= total_bytes ? 100 : (unsigned int)(done_bytes / (total_bytes / 100));
	if (percent == *shown)
		return;
	*shown = percent;
	for (unsigned int i = 0; i < 30; i++)
		bar[i] = i * 100 < percent * 30 ? '#' : '.';
	bar[30] = '\0';
	fprintf(stderr, "\rmerging [%s] %u %%", bar, percent);
	fflush(stderr);
}

static void end_progress(const unsigned int *shown)
{
	if (*shown > 0)
		fputs("\r\033[K", stderr);
}

static bool output_find(const struct merge_options *options, enum merge_output *ret_output)
{
	*ret_output = isatty(STDOUT_FILENO) ? MERGE_TABLE : MERGE_JSON;
	if (!options->output)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
		if (strcmp(outputs[i].name, options->output) == 0) {
			*ret_output = (enum merge_output)i;
			return true;
		}
	}
	talk("merge: --output '%s': table, json, openvex, cyclonedx, runtime-facts, intoto or html is wanted",
	     options->output);
	return false;
}

static int write_stdout(void *user, struct str piece)
{
	(void)user;
	if (fwrite(piece.data, 1, piece.len, stdout) != piece.len)
		return errno ? -errno : -EIO;
	return 0;
}

static int write_buf(void *user, struct str piece)
{
	return buf_append_str(user, piece);
}

/* The statement without its LF, as the payload of a bundle. */
static int print_signed(const struct merge_result *result, const char *key_file, struct diag *diag)
{
	_cleanup_(buf_done) struct buf statement = BUF_MAX(BUNDLE_FILE_MAX),
				       pae = BUF_MAX(BUNDLE_FILE_MAX + 256);
	_cleanup_(buf_done) struct buf signature = BUF_MAX(KEY_SIGNATURE_MAX),
				       bundle = BUF_MAX(BUNDLE_FILE_MAX);
	_cleanup_(key_freep) struct key *key = NULL;
	_cleanup_(public_key_freep) struct public_key *public = NULL;
	struct output_sink sink = { write_buf, &statement };
	const struct str type = STR("application/vnd.in-toto+json");
	int r = key_load(key_file, diag, &key);

	r = r < 0 ? r : key_public(key, diag, &public);
	r = r < 0 ? r : output_intoto(result, &sink, diag);
	if (r < 0)
		return r;
	statement.len--;
	r = dsse_pae(&pae, type, buf_str(&statement));
	r = r < 0 ? r : key_sign(key, pae.data, pae.len, &signature, diag);
	r = r < 0 ? r
		  : bundle_write_signed(&bundle, type, buf_str(&statement), buf_str(&signature),
					public_key_id(public));
	if (r < 0)
		return diag_error(diag, r, "cannot make the bundle: %s", strerror(-r));
	return write_stdout(NULL, buf_str(&bundle));
}

static int print(const struct merge_result *result, enum merge_output output, const char *sign_key)
{
	struct output_sink sink = { write_stdout, NULL };
	struct diag diag = { 0 };
	int r;

	if (output == MERGE_TABLE)
		r = merge_page_print(result);
	else if (sign_key)
		r = print_signed(result, sign_key, &diag);
	else
		r = outputs[output].write(result, &sink, &diag);
	if (r == 0)
		return EXIT_DONE;
	if (r == -EPIPE)
		return EXIT_FAILED;
	if (!diag.text[0])
		diag_error(&diag, r, "cannot print the verdicts: %s", strerror(-r));
	return talk_error(&diag, r);
}

/* What was found against the chain; the verdicts are from the rest. */
static void tell_findings(const struct stella_report *report)
{
	size_t count = stella_report_n_findings(report);

	for (size_t i = 0; i < count && i < LEFT_OUT_LINES_MAX; i++) {
		const struct stella_finding *finding = stella_report_finding(report, i);

		talk("%s: %s", stella_finding_name(finding->code), finding->sentence);
	}
	if (count > LEFT_OUT_LINES_MAX)
		talk("and %" PRIu64 " more findings; `stella signals verify-chain` shows all",
		     stella_report_findings_total(report) - LEFT_OUT_LINES_MAX);
}

static int merged(const struct merge_options *options, enum merge_output output,
		  const struct merge_result *result, const struct stella_report *report)
{
	bool sound = stella_report_findings_total(report) == 0;
	int status;

	merge_page_contested(result);
	if (!sound) {
		tell_findings(report);
		talk("the chain is not sound: %" PRIu64
		     " chunks were left out, the verdicts are from the other %" PRIu64,
		     result->chunks_left_out, result->chunks);
	}
	status = options->quiet ? EXIT_DONE : print(result, output, options->sign_key);
	return status == EXIT_DONE && !sound ? EXIT_UNSOUND : status;
}

static int merge(struct stella_verifier *verifier, struct merge_options *options, enum merge_output output)
{
	_cleanup_(function_map_freep) struct function_map *map = NULL;
	_cleanup_(stella_report_freep) struct stella_report *report = NULL;
	struct merge_inputs inputs = { .verifier = verifier };
	struct merge_result result = { 0 };
	struct diag diag = { 0 };
	unsigned int shown = 0;
	int status = merge_inputs_load(options, &inputs, &map), refused = EXIT_FAILED, r;

	if (status == EXIT_DONE && !trust_options_apply(&options->trust, verifier, &refused))
		status = refused;
	if (status != EXIT_DONE) {
		package_set_free(inputs.packages);
		callgraph_free(inputs.graph);
		vulnerability_list_done(&inputs.vulnerabilities);
		return status;
	}
	if (isatty(STDERR_FILENO) && !options->quiet)
		stella_verifier_on_progress(verifier, show_progress, &shown);
	r = merge_run(&inputs, &diag, &result, &report);
	end_progress(&shown);
	if (r < 0) {
		if (report && stella_report_findings_total(report) > 0)
			tell_findings(report);
		if (options->trust.trusts_nothing)
			talk("no key of this chain is trusted: give one with --key FILE or --trust DIR, or put "
			     "it into "
			     "%s",
			     command_trust_default());
		talk("%s", diag.text);
		return diag.code ? diag.code : r == -ENOENT ? EXIT_NOT_FOUND : (int)diag_exit_status(&diag, r);
	}
	status = merged(options, output, &result, report);
	merge_result_done(&result);
	return status;
}

static const char merge_details[] =
	"Exit status: 0 done, 2 the chain is not sound (verdicts are then from what is sound in it), or bad\n"
	"input, 1 failed, 3 not permitted to read, 4 no evidence, none in the window, none of the image.";

static bool options_fit(const struct merge_options *options, enum merge_output *ret_output)
{
	if (!output_find(options, ret_output))
		return false;
	if (!options->sign_key || *ret_output == MERGE_INTOTO)
		return true;
	talk("merge: --sign-key signs the in-toto statement: it needs --output intoto");
	return false;
}

int verb_merge(int argc, char **argv)
{
	_cleanup_(stella_verifier_freep) struct stella_verifier *verifier = NULL;
	struct merge_options options = { .min_count = 1, .freshness_days = 7 };
	const struct option_row rows[] = {
		OPTION_IS_TEXT("evidence", 'e', "DIR", "the evidence (required); it is verified first",
			       &options.evidence),
		OPTION_IS_LIST("sbom", 's', "FILE", "packages: CycloneDX or SPDX in JSON; may be repeated",
			       &options.sboms),
		OPTION_IS_TEXT("root", 'r', "DIR",
			       "packages: the databases in the root that ran, or of the image unpacked",
			       &options.root),
		OPTION_IS_TEXT("callgraph", 'g', "FILE", "static call graph, stella.callgraph.v1",
			       &options.callgraph),
		OPTION_IS_TEXT("function-map", 'm', "FILE",
			       "the collector's function map: which functions were probed",
			       &options.function_map),
		OPTION_IS_TEXT("vulns", 'v', "FILE", "vulnerabilities: OSV, grype or trivy in JSON",
			       &options.vulns),
		OPTION_IS_TEXT("image", 'i', "DIGEST", "only containers of this image (sha256:...)",
			       &options.image),
		OPTION_IS_TEXT("since", 0, "TIME", "from then on: 30s, 2h, 7d ago, a day or a time in UTC",
			       &options.since),
		OPTIONS_TRUST(&options.trust),
		OPTION_IS_TEXT("output", 'o', "FORM",
			       "table, json, openvex, cyclonedx, runtime-facts, intoto, html (default: table "
			       "on a terminal, "
			       "json otherwise)",
			       &options.output),
		OPTION_IS_U64("min-count", 0, "N", 1, UINT64_MAX, "an edge counts from N calls on (default 1)",
			      &options.min_count),
		OPTION_IS_U64("freshness", 0, "DAYS", 0, FRESHNESS_DAYS_MAX,
			      "and when the last is not older than this at the window's end (default 7)",
			      &options.freshness_days),
		OPTION_IS_TEXT("sign-key", 0, "FILE", "sign the in-toto statement: prints a Sigstore bundle",
			       &options.sign_key),
		OPTION_IS_FLAG("quiet", 'q', "print no verdicts; the exit status says", &options.quiet),
	};
	const struct option_spec spec = {
		.usage = "stella signals merge --evidence DIR [OPTION...]",
		.summary = "Says which packages, functions and vulnerabilities really ran, and how well that "
			   "is known.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.details = merge_details,
	};
	enum merge_output output;
	char **arguments;
	int status;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	if (!options_fit(&options, &output))
		return EXIT_UNSOUND;
	if (stella_verifier_new(&verifier) < 0) {
		talk("no memory");
		return EXIT_FAILED;
	}
	return merge(verifier, &options, output);
}
