// SPDX-License-Identifier: Apache-2.0
/*
 * The border between two chunks. The kernel half folds equal events, so a chunk stands alone only when the folding
 * begins anew with it: at one moment the epoch goes up, and that moment is the border. A record of the old epoch
 * belongs to the chunk that ends, one of the new epoch to the next, and is held back until that is open. A record of
 * the new epoch that happened just before the border goes into both when it hides equal ones from the next chunk.
 * Nothing is lost meanwhile: the ring is drained while the kernel's barrier is awaited. Owns what is held back.
 */

#include <string.h>
#include <time.h>

#include "daemon/parts.h"

#define DRAIN_RECORDS 16384
#define GRACE_NS 1000000 /* for a record that was stamped and not yet handed over */
#define NO_BARRIER_GRACE_NS 50000000 /* the same where the kernel has no barrier for us */
#define PAUSE_NS 200000

enum side { SIDE_THIS, SIDE_NEXT, SIDE_BOTH };

/* Kinds whose record may hide equal events that come after it. */
#define FOLDED_KINDS (1u << WIRE_KIND_FILE_OPEN | 1u << WIRE_KIND_LIBRARY_LOAD)

static bool may_hide(const struct collector *collector, unsigned int kind)
{
	if (kind == WIRE_KIND_FUNCTION_CALL)
		return collector->config->functions_mode == CONFIG_FUNCTIONS_ONE_SHOT;
	return collector->config->dedup != SOURCE_FOLD_OFF && kind < WIRE_KIND_END && FOLDED_KINDS & 1u << kind;
}

static enum side side_of(const struct collector *collector, const void *data, size_t len)
{
	struct wire_head head;

	if (len < sizeof(head))
		return SIDE_THIS;
	memcpy(&head, data, sizeof(head));
	if (head.epoch != collector->epoch)
		return SIDE_THIS;
	if (head.boot_ns >= collector->since.boot_ns)
		return SIDE_NEXT;
	return may_hide(collector, head.kind) ? SIDE_BOTH : SIDE_THIS;
}

static int held_add(struct buf *held, const void *data, size_t len)
{
	uint32_t size = (uint32_t)len;
	int r = buf_reserve(held, sizeof(size) + len);

	if (r < 0)
		return r;
	(void)buf_append(held, &size, sizeof(size));
	(void)buf_append(held, data, len);
	return 0;
}

bool collector_hold(struct collector *collector, const void *data, size_t len)
{
	enum side side = side_of(collector, data, len);

	/* Without room it goes into the chunk that ends, a little behind its window: better there than nowhere. */
	return side != SIDE_THIS && held_add(&collector->held, data, len) >= 0 && side == SIDE_NEXT;
}

void collector_release(struct collector *collector)
{
	struct buf *held = &collector->held;
	uint32_t size;

	for (size_t at = 0; at < held->len; at += sizeof(size) + size) {
		memcpy(&size, held->data + at, sizeof(size));
		collector_take(collector, held->data + at + sizeof(size), size);
	}
	buf_done(held);
	*held = (struct buf)BUF_MAX(0);
}

/* One emptying of the ring: what was in it when this began is out when it ends. */
static void drain_all(struct collector *collector, size_t ring_size)
{
	size_t rounds = ring_size / sizeof(struct wire_head) / DRAIN_RECORDS + 1; /* more was never in it */
	int taken;

	do {
		taken = collector_drain(collector, DRAIN_RECORDS);
	} while (taken >= DRAIN_RECORDS && --rounds > 0);
}

/* Until no program is at work in the old epoch. Beyond a ring's worth of held records the ring itself must hold. */
static void drain_until_passed(struct collector *collector, size_t ring_size)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	while (!source_epoch_passed(collector->source)) {
		if (collector->held.len < ring_size)
			(void)collector_drain(collector, DRAIN_RECORDS);
		nanosleep(&pause, NULL);
	}
}

/*
 * What is missing may be on its way: it counts when it is still missing after the kernel's barrier and another emptying.
 * What comes meanwhile is the next chunk's, which will not be.
 */
void collector_last_holes(struct collector *collector)
{
	struct wire_cpu_counters sum; /* for the sequence numbers alone: the chunk has its counters */
	size_t used, size;

	if (source_holes(collector->source) <= collector->holes_told)
		return;
	source_ring(collector->source, &used, &size);
	collector->holding = true;
	collector->holes_seen = source_holes(collector->source);
	source_settle(collector->source);
	drain_all(collector, size);
	if (source_counters(collector->source, &sum) >= 0)
		collector_note_holes(collector, clock_now());
	collector->holding = false;
}

struct moment collector_turn(struct collector *collector)
{
	size_t used, size;
	uint64_t grace;

	source_ring(collector->source, &used, &size);
	collector->held = BUF_MAX(3 * size + WIRE_RECORD_MAX);
	source_epoch(collector->source, &collector->epoch, &collector->since);
	collector->holding = true;
	collector_read_counters(collector); /* what is lost from now on is the next chunk's loss */
	drain_until_passed(collector, size);
	grace = source_epoch_over(collector->source) < 0 ? NO_BARRIER_GRACE_NS : GRACE_NS;
	grace += clock_now().boot_ns;
	do {
		drain_all(collector, size);
	} while (clock_now().boot_ns < grace && collector->held.len < size);
	collector_sweep(collector);
	collector->holding = false;
	collector_attend_end(collector);
	return collector->since;
}
