// SPDX-License-Identifier: Apache-2.0
/*
 * Drains whichever buffer there is into the same callback. What a buffer could not take was counted by the kernel
 * half, so a perf buffer's own notice of loss is not counted again. Owns the buffer, not the map.
 */

#include "probe/transport.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "wire/records.h"

struct transport {
	struct ring_buffer *ring; /* one of the two */
	struct perf_buffer *perf;
	size_t bytes;
	transport_take_fn take;
	void *taker;
	size_t left; /* records that this drain may still hand over */
	int drained;
};

static int on_ring_record(void *context, void *data, size_t len)
{
	struct transport *transport = context;

	transport->take(transport->taker, data, len);
	transport->drained++;
	/* Anything but 0 stops the reader behind this record: wanted only when the caller's turn is over. */
	return --transport->left == 0 ? -EAGAIN : 0;
}

struct perf_sample {
	struct perf_event_header header;
	uint32_t size;
	char data[];
};

/* The kernel pads a sample to eight bytes; the record says itself how long it is. */
static size_t record_size(const struct perf_sample *sample)
{
	struct wire_head head;

	if (sample->size < sizeof(head))
		return sample->size;
	memcpy(&head, sample->data, sizeof(head));
	return head.size <= sample->size && sample->size - head.size < 8 ? head.size : sample->size;
}

static enum bpf_perf_event_ret on_perf_event(void *context, int cpu, struct perf_event_header *event)
{
	struct transport *transport = context;
	const struct perf_sample *sample = (const void *)event;

	(void)cpu;
	if (event->type != PERF_RECORD_SAMPLE)
		return LIBBPF_PERF_EVENT_CONT;
	transport->take(transport->taker, sample->data, record_size(sample));
	transport->drained++;
	return LIBBPF_PERF_EVENT_CONT;
}

/* Pages of one processor's buffer: a power of two, so that all together are at most `bytes`, and at least one. */
static size_t perf_pages(size_t bytes)
{
	size_t each = bytes / (size_t)libbpf_num_possible_cpus() / (size_t)getpagesize(), pages = 1;

	while (pages * 2 <= each)
		pages *= 2;
	return pages;
}

static int perf_open(struct transport *transport, int map)
{
	size_t pages = perf_pages(transport->bytes);
	/* Woken by bytes, not by events: as the ring, the buffers are looked at by our own clock. */
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.watermark = 1,
		.wakeup_watermark = (uint32_t)(pages * (size_t)getpagesize() / 4),
	};

	transport->bytes = pages * (size_t)getpagesize() * (size_t)libbpf_num_possible_cpus();
	transport->perf = perf_buffer__new_raw(map, pages, &attr, on_perf_event, transport, NULL);
	return transport->perf ? 0 : -errno;
}

int transport_open(bool perf, int map, size_t bytes, struct transport **ret_transport)
{
	_cleanup_(transport_closep) struct transport *transport = calloc(1, sizeof(*transport));
	int r = 0;

	if (!transport)
		return -ENOMEM;
	transport->bytes = bytes;
	if (perf) {
		r = perf_open(transport, map);
	} else {
		transport->ring = ring_buffer__new(map, on_ring_record, transport, NULL);
		r = transport->ring ? 0 : -errno;
	}
	if (r < 0)
		return r;
	*ret_transport = TAKE(transport);
	return 0;
}

void transport_close(struct transport *transport)
{
	if (!transport)
		return;
	ring_buffer__free(transport->ring);
	perf_buffer__free(transport->perf);
	free(transport);
}

int transport_fd(const struct transport *transport)
{
	return transport->perf ? perf_buffer__epoll_fd(transport->perf)
			       : ring_buffer__epoll_fd(transport->ring);
}

int transport_drain(struct transport *transport, size_t max_records, transport_take_fn take, void *taker)
{
	int r;

	transport->take = take;
	transport->taker = taker;
	transport->left = max_records;
	transport->drained = 0;
	r = transport->perf ? perf_buffer__consume(transport->perf) : ring_buffer__consume(transport->ring);
	return r < 0 && r != -EAGAIN ? r : transport->drained;
}

void transport_use(const struct transport *transport, size_t *ret_used, size_t *ret_size)
{
	*ret_used = transport->ring ? ring__avail_data_size(ring_buffer__ring(transport->ring, 0)) : 0;
	*ret_size = transport->bytes;
}
