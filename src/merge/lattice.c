/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The join of the eight states. Promises: the table is the published one where that is known, and the least one that is
 * commutative, associative and idempotent where it was not; the test tries all of it. Static and runtime evidence
 * that contradict each other never become a quieter state than X.
 */

#include "merge/lattice.h"

#include <stddef.h>

#define U LATTICE_U
#define SR LATTICE_SR
#define SU LATTICE_SU
#define RO LATTICE_RO
#define RU LATTICE_RU
#define CR LATTICE_CR
#define CU LATTICE_CU
#define X LATTICE_X

/* clang-format off */
static const unsigned char joins[LATTICE_END][LATTICE_END] = {
	/*          U   SR  SU  RO  RU  CR  CU  X */
	[U]  =    { U,  SR, SU, RO, RU, CR, CU, X },
	[SR] =    { SR, SR, X,  CR, X,  CR, X,  X },
	[SU] =    { SU, X,  SU, X,  CU, X,  CU, X },
	[RO] =    { RO, CR, X,  RO, X,  CR, X,  X },
	[RU] =    { RU, X,  CU, X,  RU, X,  CU, X },
	[CR] =    { CR, CR, X,  CR, X,  CR, X,  X },
	[CU] =    { CU, X,  CU, X,  CU, X,  CU, X },
	[X]  =    { X,  X,  X,  X,  X,  X,  X,  X },
};
/* clang-format on */

static const struct {
	const char *name, *words;
} states[LATTICE_END] = {
	[U] = { "U", "unknown" },
	[SR] = { "SR", "statically reachable" },
	[SU] = { "SU", "statically unreachable" },
	[RO] = { "RO", "observed at run time" },
	[RU] = { "RU", "not observed at run time" },
	[CR] = { "CR", "confirmed reachable" },
	[CU] = { "CU", "confirmed unreachable" },
	[X] = { "X", "contested" },
};

enum lattice lattice_join(enum lattice a, enum lattice b)
{
	if (a >= LATTICE_END || b >= LATTICE_END)
		return LATTICE_X;
	return joins[a][b];
}

const char *lattice_name(enum lattice state)
{
	return state < LATTICE_END ? states[state].name : NULL;
}

const char *lattice_words(enum lattice state)
{
	return state < LATTICE_END ? states[state].words : NULL;
}
