/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Package URLs as scanners write them, brought to the one form that the databases of a root give. */

#include "packages/purl.h"

/* purl_parse, and: the `epoch` of a deb is part of its version. */
int scanner_purl_parse(struct str text, const char **ret_reason, struct purl *ret_purl);
