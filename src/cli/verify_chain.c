/* SPDX-License-Identifier: Apache-2.0 */

/*
 * verify-chain: asks libstella, and maps the answer to an exit status and a page. Promises: exit 0 only for a sound
 * chain whose verdict reached stdout; what is shown as a page is made from the same JSON that programs get. Trust is
 * what the options say; without any, the host's trust directory; never anything from the evidence directory.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/verify_page.h"
#include "stella/verify.h"

#define PROGRESS_MIN_BYTES (64u << 20)

struct verify_options {
	struct output output;
	struct option_list keys;
	const char *trust;
	const char *expect_head;
	bool require_complete, require_log, seals_only;
	bool trusts_nothing; /* neither option nor a key in the default directory */
};

DEFINE_FREEP(stella_verifier, stella_verifier_free)
DEFINE_FREEP(stella_report, stella_report_free)

static int status_of(int error)
{
	switch (error) {
	case -ENOENT:
		return EXIT_NOT_FOUND;
	case -EINVAL:
	case -ENOTDIR:
	case -E2BIG:
	case -EBADMSG:
	case -EISDIR:
		return EXIT_UNSOUND;
	default:
		return diag_exit_status(NULL, error);
	}
}

static int verify_failed(const struct stella_verifier *verifier, int error)
{
	const char *line = stella_verifier_error(verifier);

	talk("%s", *line ? line : strerror(-error));
	return status_of(error);
}

/* The default directory may be absent or empty: then nothing is trusted, and the verdict says so. */
static int trust_default(struct stella_verifier *verifier, struct verify_options *options)
{
	const char *directory = command_trust_default();
	int r;

	r = stella_verifier_trust_directory(verifier, directory);
	if (r == -ENOENT && access(directory, F_OK) != 0) {
		options->trusts_nothing = true;
		return 0;
	}
	return r;
}

static int trust_options(struct stella_verifier *verifier, struct verify_options *options)
{
	int r = 0;

	if (options->keys.count == 0 && !options->trust)
		return trust_default(verifier, options);
	for (size_t i = 0; i < options->keys.count && r == 0; i++)
		r = stella_verifier_trust_key(verifier, options->keys.items[i]);
	if (r == 0 && options->trust)
		r = stella_verifier_trust_directory(verifier, options->trust);
	return r;
}

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
	bool nobody = !stella_report_sound(report) && stella_report_head_sequence(report) == 0;

	if (nobody && (options->keys.count > 0 || options->trust) && signer_is_unknown(report))
		talk("the chain's key is not among those that you gave%s%s: the findings name it by its id",
		     options->trust ? " (*.pem and *.pub) in " : "", options->trust ? options->trust : "");
	if (options->trusts_nothing || (nobody && options->keys.count == 0 && !options->trust))
		talk("no key of this chain is trusted: give one with --key FILE or --trust DIR, or put it into "
		     "%s",
		     command_trust_default());
}

static int report_print(const struct stella_report *report, const char *directory,
			const struct verify_options *options)
{
	int r = 0;

	advise(report, options);
	if (options->output.quiet)
		return stella_report_sound(report) ? EXIT_DONE : EXIT_UNSOUND;
	if (output_format_now(&options->output) == OUTPUT_TABLE)
		r = verify_page_print(stella_report_json(report), directory);
	else
		puts(stella_report_json(report));
	if (r < 0) {
		talk("cannot print the report: %s", strerror(-r));
		return EXIT_FAILED;
	}
	return stella_report_sound(report) ? EXIT_DONE : EXIT_UNSOUND;
}

static int verify(struct stella_verifier *verifier, const char *directory, struct verify_options *options)
{
	_cleanup_(stella_report_freep) struct stella_report *report = NULL;
	unsigned int shown = 0;
	struct stat st;
	int r;

	r = trust_options(verifier, options);
	if (r == 0 && options->expect_head)
		r = stella_verifier_expect_head(verifier, options->expect_head);
	if (r < 0)
		return verify_failed(verifier, r);
	stella_verifier_require_complete(verifier, options->require_complete);
	stella_verifier_require_log(verifier, options->require_log);
	stella_verifier_seals_only(verifier, options->seals_only);
	if (isatty(STDERR_FILENO) && !options->output.quiet)
		stella_verifier_on_progress(verifier, show_progress, &shown);
	r = stella_verify_directory(verifier, directory, &report);
	end_progress(&shown);
	if (r == -ENOTDIR && stat(directory, &st) == 0 && !S_ISDIR(st.st_mode)) {
		talk("%s is a file: verify-chain takes the directory", directory);
		return EXIT_UNSOUND;
	}
	if (r < 0)
		return verify_failed(verifier, r);
	if (nothing_there(report)) {
		talk("%s: there is no chain of evidence in this directory", directory);
		return EXIT_NOT_FOUND;
	}
	return report_print(report, directory, options);
}

int verb_verify_chain(int argc, char **argv)
{
	_cleanup_(stella_verifier_freep) struct stella_verifier *verifier = NULL;
	struct verify_options options = { .output = OUTPUT_DEFAULT };
	const struct option_row rows[] = {
		OPTION_IS_LIST("key", 'k', "FILE", "trust this public key (PEM); may be repeated",
			       &options.keys),
		OPTION_IS_TEXT("trust", 't', "DIR",
			       "trust each *.pem and *.pub in DIR (default without --key: $" TRUST_DIRECTORY_ENV
			       " or " TRUST_DIRECTORY_DEFAULT ")",
			       &options.trust),
		OPTION_IS_TEXT("expect-head", 0, "SHA256",
			       "a head that you kept elsewhere: it must be in the chain", &options.expect_head),
		OPTION_IS_FLAG("require-complete", 0, "losses and gaps make it not sound",
			       &options.require_complete),
		OPTION_IS_FLAG("require-log", 0, "a missing transparency-log proof makes it not sound",
			       &options.require_log),
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
			   "to read,\n4 no evidence there, or no such key or trust directory.",
	};
	char **arguments;
	int status;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	if (stella_verifier_new(&verifier) < 0) {
		talk("no memory");
		return EXIT_FAILED;
	}
	return verify(verifier, arguments[0], &options);
}
