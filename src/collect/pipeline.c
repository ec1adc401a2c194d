// SPDX-License-Identifier: Apache-2.0
/*
 * The forward road's middle: one record at a time from ring bytes to a line in the batch, a batch at a time into
 * the chain. Owns the batch and the decoder's scratch. Refuses nothing silently: what does not decode is
 * `malformed`, what does not reach the disk is `disk_full` or `write_failed`, what a filter leaves out is counted.
 */

#include "collect/pipeline.h"

#include "format/record.h"
#include "probe/decode.h"

#define BATCH_MAX (2u << 20)
#define BATCH_FULL (256u << 10)

_Static_assert(BATCH_FULL + RECORD_LINE_MAX <= BATCH_MAX, "a full batch must still take one record");

struct pipeline {
	const struct filter *filter;
	struct attribution *attribution; /* owned */
	struct ledger *ledger;
	struct buf batch;
	uint64_t batch_events[WIRE_KIND_END];
	struct pipeline_totals totals;
	struct decode_scratch scratch;
};

int pipeline_new(const struct filter *filter, const struct attribution_targets *targets, struct ledger *ledger,
		 struct pipeline **ret_pipeline)
{
	_cleanup_(pipeline_freep) struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
	int r;

	if (!pipeline)
		return -ENOMEM;
	pipeline->filter = filter;
	pipeline->ledger = ledger;
	pipeline->batch = BUF_MAX(BATCH_MAX);
	r = buf_reserve(&pipeline->batch,
			BATCH_MAX); /* once, so that taking a record cannot run out of memory */
	if (r >= 0)
		r = attribution_new(targets, &pipeline->attribution);
	if (r < 0)
		return r;
	*ret_pipeline = TAKE(pipeline);
	return 0;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	attribution_free(pipeline->attribution);
	buf_done(&pipeline->batch);
	free(pipeline);
}

static void append(struct pipeline *pipeline, const struct event *event)
{
	if (record_append(&pipeline->batch, event) < 0) {
		ledger_add(pipeline->ledger, LEDGER_MALFORMED, 1, event->boot_ns);
		return;
	}
	pipeline->batch_events[event->kind]++;
}

void pipeline_take(void *taker, const void *data, size_t len)
{
	struct pipeline *pipeline = taker;
	struct event event;

	if (decode_record(data, len, &pipeline->scratch, &event) != DECODE_OK) {
		ledger_add(pipeline->ledger, LEDGER_MALFORMED, 1, clock_now().boot_ns);
		return;
	}
	if (!filter_wants(pipeline->filter, &event)) {
		pipeline->totals.filtered++;
		return;
	}
	switch (attribution_judge(pipeline->attribution, data, len, &event)) {
	case ATTRIBUTION_HELD:
		break;
	case ATTRIBUTION_LEFT_OUT:
		pipeline->totals.filtered++;
		break;
	case ATTRIBUTION_STRANGER:
		ledger_add(pipeline->ledger, LEDGER_CGROUP_UNKNOWN, 1, event.boot_ns);
		append(pipeline, &event);
		break;
	case ATTRIBUTION_KEPT:
		append(pipeline, &event);
		break;
	}
}

static bool take_released(void *taker, const void *data, size_t len)
{
	pipeline_take(taker, data, len);
	return !pipeline_full(taker);
}

void pipeline_learn(struct pipeline *pipeline, struct learned *learned)
{
	attribution_learn(pipeline->attribution, learned);
}

bool pipeline_release(struct pipeline *pipeline)
{
	return attribution_release(pipeline->attribution, take_released, pipeline);
}

struct attribution *pipeline_attribution(struct pipeline *pipeline)
{
	return pipeline->attribution;
}

bool pipeline_full(const struct pipeline *pipeline)
{
	return pipeline->batch.len >= BATCH_FULL;
}

int pipeline_flush(struct pipeline *pipeline, struct chain *chain, struct moment now)
{
	uint64_t records = 0;
	int r;

	if (pipeline->batch.len == 0)
		return 0;
	for (int kind = 1; kind < WIRE_KIND_END; kind++)
		records += pipeline->batch_events[kind];
	r = chain_append(chain, buf_str(&pipeline->batch), pipeline->batch_events);
	if (r < 0) {
		ledger_add(pipeline->ledger,
			   r == -ENOSPC || r == -EDQUOT ? LEDGER_DISK_FULL : LEDGER_WRITE_FAILED, records,
			   now.boot_ns);
	} else {
		for (int kind = 1; kind < WIRE_KIND_END; kind++)
			pipeline->totals.events[kind] += pipeline->batch_events[kind];
		pipeline->totals.bytes += pipeline->batch.len;
	}
	memset(pipeline->batch_events, 0, sizeof(pipeline->batch_events));
	buf_clear(&pipeline->batch);
	return r;
}

void pipeline_filter(struct pipeline *pipeline, const struct filter *filter)
{
	pipeline->filter = filter;
}

const struct pipeline_totals *pipeline_totals(const struct pipeline *pipeline)
{
	return &pipeline->totals;
}
