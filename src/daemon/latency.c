// SPDX-License-Identifier: Apache-2.0
/* Counts in powers of two: enough to tell whether answers come before the records stop waiting for them. */

#include "daemon/latency.h"

#include <string.h>

#define MS_NS 1000000ull

static void count(struct latency *latency, uint64_t took_ns)
{
	unsigned int bucket = 0;

	for (uint64_t ms = took_ns / MS_NS; ms > 0 && bucket < LATENCY_BUCKETS - 1; ms >>= 1)
		bucket++;
	latency->counts[bucket]++;
	latency->total++;
}

void latency_note(struct latency *latency, const struct containers *containers, const char *id, uint64_t now_ns)
{
	const struct container *container;

	TAILQ_FOREACH (container, containers_all(containers), link) {
		if (!container->answered && container->asked_ns > 0 && strcmp(container->id, id) == 0)
			count(latency, now_ns - container->asked_ns);
	}
}

uint64_t latency_p99_ms(const struct latency *latency)
{
	uint64_t wanted = latency->total - latency->total / 100, below = 0;

	for (unsigned int i = 0; latency->total > 0 && i < LATENCY_BUCKETS; i++) {
		below += latency->counts[i];
		if (below >= wanted)
			return 1ull << i;
	}
	return 0;
}
