/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The parts of verify-chain's page that speak of signers and of what anchors the chain outside of its directory. */

#include <jansson.h>

#include "cli/output.h"

/* Rows of a table of two columns. */
void page_signer(struct table *table, const json_t *signer);
void page_anchors(struct table *table, const json_t *log);

/* What rewriting the past would need. */
void page_rewriting(const json_t *log);
/* Lines of the list of what is not proved. */
void page_limits_log(const json_t *log);
