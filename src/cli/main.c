// SPDX-License-Identifier: Apache-2.0
/*
 * stella: the command. Finds the verb in its table and runs it; what it prints is only claimed once stdout took
 * it. Refuses unknown words with the nearest known one. A reader that goes away (`| head`) ends us quietly.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/nearest.h"
#include "cli/output.h"
#include "cli/verbs.h"

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct verb verbs[] = {
	{ "start", verb_start, "start the collector; returns when coverage is open" },
	{ "stop", verb_stop, "stop it; returns when everything is sealed" },
	{ "status", verb_status, "what it watches, what it lost, where the chain is" },
	{ "stats", verb_stats, "counters, once or live (--watch)" },
	{ "health", verb_health, "one line; exit 0 healthy, 1 degraded, 4 not running" },
	{ "inspect", verb_inspect, "look at records, sealed and still open ones" },
	{ "verify-chain", verb_verify_chain, "is a directory of evidence sound and complete?" },
	{ "bundle", verb_bundle,
	  "evidence, trust and a verifier in one directory, for where there is no network" },
	{ "replay", verb_replay, "turn a raw capture into records again" },
	{ "keygen", verb_keygen, "make a signing key and print its identity" },
	{ "trusted-root", verb_trusted_root, "make a Sigstore trusted_root.json from local files" },
};

static void help_all(FILE *file)
{
	fputs("Usage: stella signals VERB [OPTION...] [ARGUMENT...]\n"
	      "       stella --version | --help\n\n"
	      "Records what really runs on this machine, and proves it.\n\nVerbs:\n",
	      file);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		fprintf(file, "  %-13s %s\n", verbs[i].name, verbs[i].summary);
	fputs("\n`stella signals VERB --help` lists a verb's options.\n"
	      "Exit status: 0 done or sound, 1 failed, 2 not sound or invalid input, 3 not permitted,\n"
	      "4 not found or not running, 5 needs the network, 10 try again.\n",
	      file);
}

static int refuse_verb(const char *word)
{
	struct nearest nearest = NEAREST_TO(str_of(word));

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		nearest_try(&nearest, verbs[i].name);
	if (nearest.best)
		talk("unknown verb '%s'; did you mean '%s'?", word, nearest.best);
	else
		talk("unknown verb '%s'; `stella signals --help` lists them", word);
	return EXIT_UNSOUND;
}

static int run_signals(int argc, char **argv)
{
	if (argc < 2) {
		talk("which verb? `stella signals --help` lists them");
		return EXIT_UNSOUND;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		help_all(stdout);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	}
	return refuse_verb(argv[1]);
}

static int run(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (!word) {
		talk("what? `stella --help` says what there is");
		return EXIT_UNSOUND;
	}
	if (strcmp(word, "signals") == 0)
		return run_signals(argc - 1, argv + 1);
	if (strcmp(word, "--version") == 0) {
		puts("stella " STELLA_VERSION);
		return EXIT_DONE;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
		help_all(stdout);
		return EXIT_DONE;
	}
	talk("unknown word '%s'; did you mean 'stella signals %s'?", word, word);
	return EXIT_UNSOUND;
}

/* A descriptor 0-2 that was closed for us would be given to the next file we open: evidence mixed with talk. */
static int standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			return -errno;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (standard_descriptors() < 0)
		return EXIT_FAILED;
	signal(SIGPIPE, SIG_IGN);
	return output_finish(run(argc, argv));
}
