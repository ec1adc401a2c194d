/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The collector's answers as facts on stdout, and what people read instead of raw numbers. */

#include <jansson.h>
#include <stdint.h>

#include "cli/output.h"

/*
 * True: a table is wanted, and the caller prints it. False: done; nothing with --quiet, else the object was printed as
 * json (indented) or ndjson (one line), keys sorted.
 */
bool facts_for_people(const struct output *output, const json_t *object);

/* Members of members, by a dotted path ("chain.head.sequence"); missing or of another type: 0, "" or NULL. */
const json_t *facts_get(const json_t *object, const char *path);
uint64_t facts_number(const json_t *object, const char *path);
const char *facts_text(const json_t *object, const char *path);
bool facts_true(const json_t *object, const char *path);
/* Has the collector a probe for this type? True too when it does not say. */
bool facts_watched(const json_t *object, const char *kind);

/* "3.2 MiB", "2 h 5 min"; out holds FACTS_TEXT_MAX bytes. */
#define FACTS_TEXT_MAX 32
const char *facts_bytes(uint64_t bytes, char out[FACTS_TEXT_MAX]);
const char *facts_duration(uint64_t seconds, char out[FACTS_TEXT_MAX]);

/* An id or digest by the scheme and its first twelve digits: enough to find one, and to give to inspect. */
#define FACTS_ID_MAX 40
const char *facts_short_id(const char *id, char out[FACTS_ID_MAX]);

/* Tables that more than one verb prints. */
void facts_probes(const json_t *object);
/* Only causes that struck; with `all` each cause. Prints one line when nothing was lost. */
void facts_losses(const json_t *object, bool all);
