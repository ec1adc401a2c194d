/* SPDX-License-Identifier: Apache-2.0 */

/*
 * verify-chain: asks libstella, and maps the answer to an exit status and a page. Promises: exit 0 only for a sound
 * chain whose verdict reached stdout; what is shown as a page is made from the same JSON that programs get. Trust is
 * what the options say; without any, the host's trust directory; never anything from the evidence directory. Makes no
 * connection: --rekor runs another program, which may be told not to by STELLA_OFFLINE.
 */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/facts.h"
#include "cli/online.h"
#include "cli/trust_options.h"
#include "cli/verbs.h"
#include "cli/verify_page.h"
#include "verify/verifier.h"

#define PROGRESS_MIN_BYTES (64u << 20)

struct verify_options {
	struct output output;
	struct trust_options trust;
	struct option_list log_urls;
	const char *expect_head, *rekor_ca;
	bool require_complete, require_log, seals_only, rekor;
};

DEFINE_FREEP(stella_verifier, stella_verifier_free)
DEFINE_FREEP(stella_report, stella_report_free)

static void show_progress(void *user, uint64_t done_bytes, uint64_t total_bytes)
{
	unsigned int *shown = user;
	unsigned int percent;

	if (total_bytes < PROGRESS_MIN_BYTES)
		return;
	percent = done_bytes >= total_bytes ? 100 : (unsigned int)(done_bytes / (total_bytes / 100));
	if (percent == *shown)
		return;
	*shown = percent;
	fprintf(stderr, "\rverifying: %u %%", percent);
	fflush(stderr);
}

static void end_progress(const unsigned int *shown)
{
	if (*shown > 0)
		fputs("\r\033[K", stderr);
}

/* No chunk, no seal: there is no evidence to be sound or not. Foreign files alone do not make a chain. */
static bool nothing_there(const struct stella_report *report)
{
	if (stella_report_chunks(report) > 0)
		return false;
	for (size_t i = 0; i < stella_report_n_findings(report); i++) {
		if (stella_report_finding(report, i)->code != STELLA_FINDING_FOREIGN_FILE)
			return false;
	}
	return true;
}

static bool signer_is_unknown(const struct stella_report *report)
{
	for (size_t i = 0; i < stella_report_n_findings(report); i++) {
		if (stella_report_finding(report, i)->code == STELLA_FINDING_UNTRUSTED_SIGNER)
			return true;
	}
	return false;
}

static void advise(const struct stella_report *report, const struct verify_options *options)
{
	const struct trust_options *trust = &options->trust;
	bool nobody = !stella_report_sound(report) && stella_report_head_sequence(report) == 0;

	if (nobody && trust_options_name_signers(trust) && signer_is_unknown(report))
		talk("who signed the chain is not among those that you gave%s%s: the findings name the key or "
		     "the "
		     "certificate",
		     trust->trusts.count > 0 ? " (*.pem and *.pub) in " : "",
		     trust->trusts.count > 0 ? trust->trusts.items[0] : "");
	if (trust->trusts_nothing || (nobody && !trust_options_name_signers(trust)))
		talk("no key of this chain is trusted: give one with --key FILE or --trust DIR, or put it into "
		     "%s; for certificates give --trusted-root, --certificate-identity and "
		     "--certificate-oidc-issuer",
		     command_trust_default());
}

/* What was asked for and could not be found out is no verdict: exit 10, or 1 when there was nobody to ask. */
static int online_status(const struct stella_report *report, const struct verify_options *options)
{
	_cleanup_(json_decrefp) json_t *root = NULL;
	uint64_t unknown, present, absent;

	if (!options->rekor)
		return EXIT_DONE;
	root = json_loads(stella_report_json(report), 0, NULL);
	unknown = facts_number(root, "log.online.unknown");
	present = facts_number(root, "log.online.present");
	absent = facts_number(root, "log.online.absent");
	if (unknown > 0) {
		talk("%" PRIu64 " log entries could not be looked up; %" PRIu64
		     " were: try again when the log can be reached",
		     unknown, present);
		return EXIT_TRY_AGAIN;
	}
	if (present == 0 && absent == 0) {
		talk("no seal has a proved entry of a log whose address is known: there was nothing to look "
		     "up");
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

static int report_print(const struct stella_report *report, const char *directory,
			const struct verify_options *options)
{
	int r = 0;

	int status = online_status(report, options);

	status = stella_report_sound(report) ? status : EXIT_UNSOUND;
	advise(report, options);
	if (options->output.quiet)
		return status;
	if (output_format_now(&options->output) == OUTPUT_TABLE)
		r = verify_page_print(stella_report_json(report), directory);
	else
		puts(stella_report_json(report));
	if (r < 0) {
		talk("cannot print the report: %s", strerror(-r));
		return EXIT_FAILED;
	}
	return status;
}

static int verify(struct stella_verifier *verifier, const char *directory, struct verify_options *options,
		  struct online *online)
{
	_cleanup_(stella_report_freep) struct stella_report *report = NULL;
	unsigned int shown = 0;
	struct stat st;
	int r;

	stella_verifier_require_complete(verifier, options->require_complete);
	stella_verifier_require_log(verifier, options->require_log);
	stella_verifier_seals_only(verifier, options->seals_only);
	if (options->rekor)
		verifier_ask_logs(verifier, online_ask, online);
	if (isatty(STDERR_FILENO) && !options->output.quiet)
		stella_verifier_on_progress(verifier, show_progress, &shown);
	r = stella_verify_directory(verifier, directory, &report);
	end_progress(&shown);
	if (r < 0 && *online->diag.text)
		return talk_error(&online->diag, r);
	if (r == -ENOTDIR && stat(directory, &st) == 0 && !S_ISDIR(st.st_mode)) {
		talk("%s is a file: verify-chain takes the directory", directory);
		return EXIT_UNSOUND;
	}
	if (r < 0)
		return trust_failed(verifier, r);
	if (nothing_there(report)) {
		talk("%s: there is no chain of evidence in this directory", directory);
		return EXIT_NOT_FOUND;
	}
	return report_print(report, directory, options);
}

static int verify_as_asked(const char *directory, struct verify_options *options)
{
	_cleanup_(stella_verifier_freep) struct stella_verifier *verifier = NULL;
	_cleanup_(online_done) struct online online = ONLINE_EMPTY;
	int status, r;

	if (stella_verifier_new(&verifier) < 0) {
		talk("no memory");
		return EXIT_FAILED;
	}
	if (!trust_options_apply(&options->trust, verifier, &status))
		return status;
	r = options->expect_head ? stella_verifier_expect_head(verifier, options->expect_head) : 0;
	if (r < 0)
		return trust_failed(verifier, r);
	if (online_urls_bad(&options->log_urls))
		return EXIT_UNSOUND;
	online.urls = &options->log_urls;
	r = options->rekor ? online_start(&online, options->rekor_ca) : 0;
	return r < 0 ? talk_error(&online.diag, r) : verify(verifier, directory, options, &online);
}

int verb_verify_chain(int argc, char **argv)
{
	struct verify_options options = { .output = OUTPUT_DEFAULT };
	const struct option_row rows[] = {
		OPTIONS_TRUST(&options.trust),
		OPTION_IS_TEXT("expect-head", 0, "SHA256",
			       "a head that you kept elsewhere: it must be in the chain", &options.expect_head),
		OPTION_IS_FLAG("require-complete", 0, "losses and gaps make it not sound",
			       &options.require_complete),
		OPTION_IS_FLAG("require-log", 0, "a missing transparency-log proof makes it not sound",
			       &options.require_log),
		OPTION_IS_FLAG("rekor", 0, "ask the logs whether they have the entries now (the network)",
			       &options.rekor),
		OPTION_IS_LIST("log-url", 0, "NAME=URL", "with --rekor: where the log of that name answers",
			       &options.log_urls),
		OPTION_IS_TEXT("rekor-ca", 0, "FILE",
			       "with --rekor: certificate authorities of the logs' servers", &options.rekor_ca),
		OPTION_IS_FLAG("seals-only", 0, "check seals, digests and links, but no lines",
			       &options.seals_only),
		OPTIONS_FACTS(&options.output),
	};
	const struct option_spec spec = {
		.usage = "stella signals verify-chain [OPTION...] DIR",
		.summary =
			"Says whether a directory of evidence is sound and complete, and what it cannot prove.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.min_arguments = 1,
		.max_arguments = 1,
		.argument = "DIR",
		.details = "Exit status: 0 sound, 2 not sound or bad arguments, 1 could not find out, 3 not "
			   "permitted "
			   "to read,\n4 no evidence there, or no such key or trust directory, 5 --rekor while "
			   "STELLA_OFFLINE is set,\n10 a log could not be asked.",
	};
	char **arguments;
	int status;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	return verify_as_asked(arguments[0], &options);
}
