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
#include <string.h>

#include "base/diag.h"

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "presence") != 0) {
		fputs("usage: stella-online presence [--ca-file FILE] [--proxy URL] [--timeout SECONDS]\n",
		      stderr);
		return EXIT_UNSOUND;
	}
	fputs("stella-online: cannot ask yet\n", stderr);
	return EXIT_FAILED;
}
