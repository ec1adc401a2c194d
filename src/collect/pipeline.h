/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ring record -> decode -> filter -> container -> canonical line -> batch -> open chunk. Runs on one thread; a stage
 * that gives a record up counts it in the ledger.
 */

#include "base/cleanup.h"
#include "collect/attribution.h"
#include "collect/chain.h"
#include "collect/filter.h"
#include "collect/ledger.h"

struct pipeline;

struct pipeline_totals {
	uint64_t events[WIRE_KIND_END]; /* records that became lines in the chain, by kind, since the start */
	uint64_t filtered; /* seen, and left out by a filter, since the start */
	uint64_t bytes; /* of lines handed to the chain */
};

/* Filter, what targets point to, and ledger are borrowed until pipeline_free (the filter: until pipeline_filter). */
int pipeline_new(const struct filter *filter, const struct attribution_targets *targets, struct ledger *ledger,
		 struct pipeline **ret_pipeline);
void pipeline_free(struct pipeline *pipeline);
DEFINE_FREEP(pipeline, pipeline_free)

/* A source_take_fn: takes one record as far as the batch. */
void pipeline_take(void *pipeline, const void *data, size_t len);

/* Of a container, beside the records: takes what `learned` owns. pipeline_release follows. */
void pipeline_learn(struct pipeline *pipeline, struct learned *learned);
/* Takes what was held for a container and is not any more. True: the batch is full; flush, and call it again. */
bool pipeline_release(struct pipeline *pipeline);
/* Lent. */
struct attribution *pipeline_attribution(struct pipeline *pipeline);

/* The batch has no room for the largest record: flush before taking more. */
bool pipeline_full(const struct pipeline *pipeline);

/*
 * Hands the batch to the chain. When the chain cannot keep it, its records are counted as lost (disk_full for
 * -ENOSPC and -EDQUOT, write_failed otherwise) at `now`, and the errno returned; the batch is empty either way.
 */
int pipeline_flush(struct pipeline *pipeline, struct chain *chain, struct moment now);

/* From the next record on. */
void pipeline_filter(struct pipeline *pipeline, const struct filter *filter);

const struct pipeline_totals *pipeline_totals(const struct pipeline *pipeline);
