/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Orders of versions that are defined without doubt: semver.org 2.0.0, and Debian policy 5.6.12. */

#include <stdbool.h>

#include "base/str.h"

enum version_order { VERSION_ORDER_NONE, VERSION_ORDER_SEMVER, VERSION_ORDER_DEBIAN };

/* *ret_order <0, 0, >0. false: not both are versions of that order. A "v" in front of a semantic version is none of it. */
bool version_compare(enum version_order order, struct str a, struct str b, int *ret_order);
