/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The part of `status` about transparency logs and timestamp authorities. */

#include <jansson.h>

/* Prints nothing of what the collector does not say. */
void status_logs(const json_t *status);
