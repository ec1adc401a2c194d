/* SPDX-License-Identifier: Apache-2.0 */

/*
 * bundle: evidence, whom to trust and a verifier that needs no library, in one directory for a machine without a network.
 * Promises: what is bundled was found sound, and is verified again as it lies there, with the trust that lies beside it;
 * what is there is not overwritten, and nothing is left half-made. Makes no connection.
 */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/beside.h"
#include "cli/bundle_copy.h"
#include "cli/bundle_trust.h"
#include "cli/command.h"
#include "cli/verbs.h"
#include "format/canon.h"
#include "format/statement.h"

DEFINE_FREEP(stella_verifier, stella_verifier_free)
DEFINE_FREEP(stella_report, stella_report_free)

struct bundle_options {
	struct output output;
	struct trust_options trust;
	const char *to, *verifier;
	bool require_log;
};

struct bundled {
	char head[DIGEST_TEXT_LEN + 1], sums[DIGEST_TEXT_LEN + 1];
	uint64_t chunks, records, last;
};

/* ---- is it sound? ---- */

static int verify(struct trust_options *trust, const char *directory, const struct bundle_options *options,
		  bool seals_only, struct bundled *bundled)
{
	_cleanup_(stella_verifier_freep) struct stella_verifier *verifier = NULL;
	_cleanup_(stella_report_freep) struct stella_report *report = NULL;
	const struct stella_finding *finding;
	int status = EXIT_FAILED, r;

	if (stella_verifier_new(&verifier) < 0) {
		talk("no memory");
		return EXIT_FAILED;
	}
	if (!trust_options_apply(trust, verifier, &status))
		return status;
	stella_verifier_require_log(verifier, options->require_log);
	stella_verifier_seals_only(verifier, seals_only);
	r = stella_verify_directory(verifier, directory, &report);
	if (r < 0)
		return trust_failed(verifier, r);
	if (!stella_report_sound(report)) {
		finding = stella_report_finding(report, 0);
		talk("%s is not sound: %s%s%s; verify-chain says all", directory,
		     finding ? stella_finding_name(finding->code) : "there is no chain in it",
		     finding ? ": " : "", finding ? finding->sentence : "");
		return EXIT_UNSOUND;
	}
	bundled->chunks = stella_report_chunks(report);
	bundled->last = stella_report_head_sequence(report);
	if (!seals_only)
		bundled->records = stella_report_records(report);
	snprintf(bundled->head, sizeof(bundled->head), "%s", stella_report_head_sha256(report));
	return EXIT_DONE;
}

/* ---- the verifier that goes along ---- */

/* A program for this kind of machine that asks for no loader, and so for no library. */
static bool is_static(int fd)
{
	Elf64_Ehdr header;
	Elf64_Phdr part;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_phentsize != sizeof(part))
		return false;
	for (unsigned int i = 0; i < header.e_phnum; i++) {
		if (pread(fd, &part, sizeof(part), (off_t)(header.e_phoff + i * sizeof(part))) !=
			    sizeof(part) ||
		    part.p_type == PT_INTERP)
			return false;
	}
	return header.e_phnum > 0;
}

static bool static_program(const char *path)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd >= 0 && is_static(fd);
}

/* Ourselves when we are it, else what lies beside us. */
static int find_verifier(const struct bundle_options *options, char path[PATH_MAX])
{
	static const char *const places[] = { "stella-static", "../lib/stella/stella-static" };
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (options->verifier) {
		if (snprintf(path, PATH_MAX, "%s", options->verifier) < PATH_MAX && static_program(path))
			return 0;
		talk("%s is no program without shared libraries: it would not run elsewhere",
		     options->verifier);
		return access(options->verifier, R_OK) == 0 ? EXIT_UNSOUND : EXIT_NOT_FOUND;
	}
	self[len > 0 ? len : 0] = '\0';
	if (snprintf(path, PATH_MAX, "%s", self) < PATH_MAX && static_program(path))
		return 0;
	if (program_beside(places, ARRAY_LEN(places), path) == 0 && static_program(path))
		return 0;
	talk("stella-static, the verifier that goes along, is not installed beside stella: `make static` "
	     "builds it, "
	     "--verifier names it");
	return EXIT_NOT_FOUND;
}

/* ---- what is copied ---- */

struct evidence {
	struct bundle_copy *copy;
	int dir;
	uint64_t last; /* of the chunks that were verified */
};

/* Chunks and seals; an open chunk is no evidence, and what was sealed meanwhile has not been verified. */
static int copy_evidence(void *user, const char *name)
{
	struct evidence *evidence = user;
	char to[CHUNK_NAME_MAX + sizeof("evidence/")];
	uint64_t sequence;
	enum chunk_file kind = chunk_name_parse(name, &sequence);

	if ((kind != CHUNK_PLAIN && kind != CHUNK_ZSTD && kind != CHUNK_SEAL) || sequence > evidence->last)
		return 0;
	snprintf(to, sizeof(to), "evidence/%.60s", name);
	return bundle_copy_file(evidence->copy, evidence->dir, name, true, to, 0644);
}

static void put_command(struct buf *out, const struct bundle_options *options, const struct bundled *bundled)
{
	(void)buf_printf(out, "./stella signals verify-chain evidence");
	bundle_trust_command(out, &options->trust);
	if (options->require_log)
		(void)buf_printf(out, " --require-log");
	(void)buf_printf(out, " --expect-head %s", bundled->head);
}

static int put_readme(struct bundle_copy *copy, const struct bundle_options *options,
		      const struct bundled *bundled)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(1u << 20);
	int r;

	(void)buf_printf(&text,
			 "Evidence of Stella Signals: %" PRIu64 " chunks with %" PRIu64 " records.\n\n"
			 "To verify it, here, without a network:\n\n    ",
			 bundled->chunks, bundled->records);
	put_command(&text, options, bundled);
	r = buf_printf(
		&text,
		"\n\nIt says SOUND and exits with 0, or says what is wrong and exits with 2.\n\n"
		"What is in here proves nothing about itself: whoever made this directory chose the keys in "
		"trust/\n"
		"and the program. So compare, with what you were told another way:\n\n"
		"    sha256sum -c SHA256SUMS && sha256sum SHA256SUMS\n\n"
		"or use a stella and keys of your own.\n\n"
		"evidence/    chunks and their seals\n"
		"trust/       keys, and the trusted root\n"
		"stella       the verifier, for Linux on the processor it was made for; needs no library\n"
		"SHA256SUMS   digests of all other files\n");
	if (r < 0)
		return r;
	return bundle_copy_text(copy, buf_str(&text), "README", 0644);
}

static int fill(struct bundle_copy *copy, const char *directory, const char *verifier,
		const struct bundle_options *options, const struct bundled *bundled, struct diag *diag)
{
	_cleanup_(closep) int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct evidence evidence = { copy, dir, bundled->last };
	int r;

	if (dir < 0)
		return diag_error(diag, -errno, "%s: %s", directory, strerror(errno));
	r = bundle_copy_directory(copy, "evidence");
	if (r == 0)
		r = directory_visit(dir, copy_evidence, &evidence);
	if (r == 0)
		r = bundle_copy_directory(copy, "trust");
	if (r == 0)
		r = bundle_trust_copy(copy, &options->trust);
	if (r == 0)
		r = bundle_copy_file(copy, AT_FDCWD, verifier, false, "stella", 0755);
	return r < 0 ? r : put_readme(copy, options, bundled);
}

/* As it lies there, with what lies beside it. */
static int verify_copy(const struct bundle_copy *copy, const char *directory,
		       const struct bundle_options *options, const struct bundled *before)
{
	char evidence[PATH_MAX], place[PATH_MAX];
	struct trust_options trust = { .identities = options->trust.identities,
				       .issuers = options->trust.issuers };
	struct bundled bundled = { 0 };
	int status;

	if (snprintf(evidence, sizeof(evidence), "%s/evidence", copy->temporary) >= PATH_MAX ||
	    snprintf(place, sizeof(place), "%s/trust", copy->temporary) >= PATH_MAX) {
		talk("%s: the path is too long", copy->final);
		return EXIT_UNSOUND;
	}
	trust.trusts.items[trust.trusts.count++] = place;
	status = verify(&trust, evidence, options, true, &bundled);
	if (status == EXIT_DONE && strcmp(bundled.head, before->head) != 0) {
		talk("%s was changed while it was copied", directory);
		return EXIT_UNSOUND;
	}
	return status;
}

/* ---- the verb ---- */

static int print(const struct bundle_options *options, const struct bundled *bundled)
{
	_cleanup_(buf_done) struct buf out = BUF_MAX(65536);
	struct canon w = CANON_INTO(&out);

	if (options->output.quiet)
		return EXIT_DONE;
	if (output_format_now(&options->output) == OUTPUT_TABLE) {
		fputs("made        ", stdout);
		output_print(options->to);
		printf("\nchunks      %" PRIu64 ", %" PRIu64 " records\nhead        %s\nSHA256SUMS  %s\n",
		       bundled->chunks, bundled->records, bundled->head, bundled->sums);
		talk("tell who gets it the last line another way: by it they know that it is what you made");
		return EXIT_DONE;
	}
	canon_object(&w);
	canon_key_cstr(&w, "bundle", options->to);
	canon_key_u64(&w, "chunks", bundled->chunks);
	canon_key_cstr(&w, "head", bundled->head);
	canon_key_u64(&w, "records", bundled->records);
	canon_key_cstr(&w, "sha256sums", bundled->sums);
	canon_object_end(&w);
	if (canon_done(&w) < 0) {
		talk("the bundle was made; its name is no UTF-8 text and cannot be shown as JSON");
		return EXIT_FAILED;
	}
	printf("%.*s\n", (int)out.len, out.data);
	return EXIT_DONE;
}

static int make(const char *directory, struct bundle_options *options)
{
	_cleanup_(bundle_copy_done) struct bundle_copy copy = BUNDLE_COPY_EMPTY;
	struct bundled bundled = { 0 };
	struct diag diag = { 0 };
	char verifier[PATH_MAX];
	struct digest sums;
	int status, r;

	status = find_verifier(options, verifier);
	if (status == EXIT_DONE)
		status = verify(&options->trust, directory, options, false, &bundled);
	if (status != EXIT_DONE)
		return status;
	r = bundle_copy_begin(&copy, options->to, &diag);
	if (r == 0)
		r = fill(&copy, directory, verifier, options, &bundled, &diag);
	if (r == 0)
		status = verify_copy(&copy, directory, options, &bundled);
	if (status != EXIT_DONE)
		return status;
	if (r == 0)
		r = digest_of(copy.sums.data, copy.sums.len, &sums);
	if (r == 0)
		r = bundle_copy_end(&copy);
	if (r == -EEXIST && diag.code == 0)
		diag.code = EXIT_UNSOUND;
	if (r < 0) {
		(void)diag_error(&diag, r, "%s: %s", options->to, strerror(-r));
		return talk_error(&diag, r);
	}
	digest_hex(&sums, bundled.sums);
	return print(options, &bundled);
}

int verb_bundle(int argc, char **argv)
{
	struct bundle_options options = { .output = OUTPUT_DEFAULT };
	const struct option_row rows[] = {
		OPTION_IS_TEXT("to", 0, "OUT", "the directory to make; required, and not there yet",
			       &options.to),
		OPTIONS_TRUST(&options.trust),
		OPTION_IS_FLAG("require-log", 0, "a missing transparency-log proof makes it not sound",
			       &options.require_log),
		OPTION_IS_TEXT("verifier", 0, "FILE",
			       "the program that goes along (default: stella-static, installed with stella)",
			       &options.verifier),
		OPTIONS_FACTS(&options.output),
	};
	const struct option_spec spec = {
		.usage = "stella signals bundle [OPTION...] --to OUT DIR",
		.summary = "Verifies evidence, and puts it with trust and a verifier into one new directory.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.min_arguments = 1,
		.max_arguments = 1,
		.argument = "DIR",
		.details = "Exit status: 0 done, 1 failed, 2 not sound, OUT is there already or bad arguments, "
			   "3 not "
			   "permitted,\n4 no such file.",
	};
	char **arguments;
	int status;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	if (!options.to) {
		talk("where to? --to OUT is missing");
		return EXIT_UNSOUND;
	}
	return make(arguments[0], &options);
}
