/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What single types of package URLs ask for beyond the common grammar. */

#include "packages/purl.h"

/* Puts the parts into the type's own form. NULL, or why it can't be a purl of this type. */
const char *purl_type_apply(struct purl *purl);
