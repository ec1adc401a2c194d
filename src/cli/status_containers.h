/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The part of `status --verbose` about containers and the engines that are asked about them. */

#include <jansson.h>

/* Prints nothing of what the collector does not say. */
void status_containers(const json_t *status);
