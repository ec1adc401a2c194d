// SPDX-License-Identifier: Apache-2.0
/*
 * stella-online: what a reader of evidence asks the network for. A program of its own, so that `stella` and libstella
 * link no network library; `stella` runs it and reads its lines. It believes nothing that it is told: an answer counts
 * when the log's key signed it.
 *
 *   stella-online presence [--ca-file FILE] [--proxy URL] [--timeout SECONDS]
 *
 * Does the log have the entry now? One JSON object a line on stdin, one a line on stdout, in the same order. Numbers are
 * decimal strings, hashes 64 lower-case hex digits, unknown members are refused.
 *
 *   question  {"kind":"v1"|"v2"     Rekor v1's API, or tiles (Rekor v2, C2SP tlog-tiles)
 *              "url":"https://HOST" where it answers: URL/api/v1/..., URL/api/v2/...; or, of v2, a directory of tiles:
 *                                   file:///DIR
 *              "key":BASE64         the log's public key (SPKI in DER), by which its answers are believed
 *              "origin":TEXT        optional: what the first line of its checkpoints must be
 *              "leaf":HEX           SHA-256(0x00 || canonicalizedBody)
 *              "index":NUMBER       inclusionProof.logIndex of the entry (of v1: the index within the proof's tree)
 *              "size":NUMBER        inclusionProof.treeSize that the entry was proved in
 *              "root":HEX}          inclusionProof.rootHash
 *
 *   answer    {"state":"present"    the log's tree of now has the leaf at that index and extends the tree of then
 *                      "absent"     the log says that it has no such entry
 *                      "changed"    what it signs now contradicts the proof: another leaf, a smaller or another tree
 *                      "unknown",   could not be asked, or its answer proves nothing
 *              "detail":TEXT        a sentence
 *              "size":NUMBER}       of the tree of now; with "present" only
 *
 * Exit status: 0 all are present; 1 some could not be found out; 2 some are absent or changed, or a line is no question;
 * 5 STELLA_OFFLINE is set. Answers are written in any case, but for a line that is no question.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http.h"
#include "online/presence.h"

static int usage(void)
{
	fputs("usage: stella-online presence [--ca-file FILE] [--proxy URL] [--timeout SECONDS]\n", stderr);
	return EXIT_UNSOUND;
}

static bool set_option(struct http_settings *settings, const char *name, const char *value)
{
	char *end;

	if (strcmp(name, "--ca-file") == 0) {
		settings->ca_file = value;
	} else if (strcmp(name, "--proxy") == 0) {
		settings->proxy = value;
	} else if (strcmp(name, "--timeout") == 0) {
		unsigned long seconds = strtoul(value, &end, 10);

		if (!*value || *end || seconds < 1 || seconds > 600)
			return false;
		settings->timeout_ms = (uint32_t)seconds * 1000;
	} else {
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct http_settings settings = { .ca_file = NULL };
	struct diag diag = { .text = "" };
	int status;

	if (argc < 2 || strcmp(argv[1], "presence") != 0 || argc % 2 != 0)
		return usage();
	for (int i = 2; i < argc; i += 2)
		if (!set_option(&settings, argv[i], argv[i + 1]))
			return usage();
	status = presence_run(&settings, stdin, stdout, &diag);
	if (diag.text[0])
		fprintf(stderr, "stella-online: %s\n", diag.text);
	if (fclose(stdout) != 0 && status == EXIT_DONE)
		status = EXIT_FAILED;
	return status;
}
