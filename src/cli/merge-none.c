/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of cli/merge.c in the program that only verifies: it has none of the libraries that packages need. */

#include "cli/output.h"
#include "cli/verbs.h"

int verb_merge(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	talk("this program only verifies; `merge` is in the stella that is installed");
	return EXIT_FAILED;
}
