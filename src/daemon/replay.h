/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Raw capture -> evidence again, cut where the live collector cut: the same bytes for the same configuration. */

#include "base/diag.h"

/* `target` must be missing or empty of a chain. The seals say replay_of: they are no live capture's. */
int replay_run(const char *raw_path, const char *config_path, const char *target, struct diag *diag);
