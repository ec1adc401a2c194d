/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Are these entries in their logs now? The lines are described in main.c. */

#include <stdio.h>

#include "net/http.h"

/* The exit status; the line in `diag` is about what ended it early. */
int presence_run(const struct http_settings *settings, FILE *in, FILE *out, struct diag *diag);
