/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stranger's program: sees only what `make install` installed, in C or in C++. It verifies the directory it is
 * given without trusting any key, so the answer must be "not sound"; prints the report. Exit 0: as expected.
 */

#include <stella/verify.h>

#include <stdio.h>
#include <string.h>

/* Of the same name as one of the library's inner functions: must not collide, nor be called by it. */
int buf_grow(void);
int buf_grow(void)
{
	return 42;
}

int main(int argc, char **argv)
{
	struct stella_verifier *verifier = NULL;
	struct stella_report *report = NULL;
	int r;

	if (argc != 2 || buf_grow() != 42)
		return 2;
	r = stella_verifier_new(&verifier);
	if (r < 0)
		return 3;
	r = stella_verify_directory(verifier, argv[1], &report);
	if (r < 0) {
		fprintf(stderr, "%d: %s\n", r, stella_verifier_error(verifier));
		stella_verifier_free(verifier);
		return 4;
	}
	puts(stella_report_json(report));
	r = stella_report_sound(report) ? 5 : 0;
	stella_report_free(report);
	stella_verifier_free(verifier);
	return r;
}
