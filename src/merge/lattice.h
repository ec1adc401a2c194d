/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Eight states of reachability and their join: commutative, associative, idempotent; U is neutral, X absorbs. */

enum lattice {
	LATTICE_U, /* unknown */
	LATTICE_SR, /* statically reachable */
	LATTICE_SU, /* statically unreachable */
	LATTICE_RO, /* observed at run time */
	LATTICE_RU, /* not observed at run time, in a complete window */
	LATTICE_CR, /* confirmed reachable */
	LATTICE_CU, /* confirmed unreachable */
	LATTICE_X, /* contested */
	LATTICE_END
};

enum lattice lattice_join(enum lattice a, enum lattice b);
const char *lattice_name(enum lattice state); /* "U", "SR", ... */
const char *lattice_words(enum lattice state); /* for people */
