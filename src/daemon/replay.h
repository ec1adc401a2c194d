/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Raw capture -> evidence again, cut where the live collector cut: the same bytes for the same configuration. */

#include "base/diag.h"

/*
 * `target` must be missing or an empty directory (exit 2). The seals say replay_of: they are no live capture's.
 * -ENODATA with a line (exit 2): the capture is not complete; its closed chunks are written and sealed. The facts go to
 * stdout in both cases; after any other failure nothing is said there, and no open chunk is left in `target`.
 */
int replay_run(const char *raw_path, const char *config_path, const char *target, struct diag *diag);
