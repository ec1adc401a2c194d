// SPDX-License-Identifier: Apache-2.0
/*
 * What the kernel half counted, read and never reset; and what its sequence numbers say of records that never came.
 * Owns nothing.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "probe/parts.h"

static void loss_merge(struct wire_loss_count *sum, const struct wire_loss_count *one)
{
	if (one->count == 0)
		return;
	if (sum->count == 0 || one->first_boot_ns < sum->first_boot_ns)
		sum->first_boot_ns = one->first_boot_ns;
	if (one->last_boot_ns > sum->last_boot_ns)
		sum->last_boot_ns = one->last_boot_ns;
	sum->count += one->count;
}

/*
 * Runs that the kernel skipped because the same program was already at work on that processor: it counts them
 * (since 5.12) but does not say when, so the times are those of our readings around them. A program that brings
 * several kinds may have missed any of them: each is told the whole number.
 */
static int source_missed(struct source *source, struct wire_cpu_counters *sum)
{
	uint64_t now = clock_now().boot_ns;

	for (size_t i = 0; i < source->n_hooks; i++) {
		struct source_hook *hook = &source->hooks[i];
		struct wire_loss_count *missed = &hook->missed;
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);
		int r = bpf_prog_get_info_by_fd(bpf_program__fd(hook->program), &info, &size);

		if (r < 0)
			return r;
		if (info.recursion_misses > missed->count) {
			if (missed->count == 0)
				missed->first_boot_ns = source->missed_read_boot_ns;
			missed->count = info.recursion_misses;
			missed->last_boot_ns = now;
		}
		loss_merge(&sum->losses[hook->row->kind - 1][WIRE_LOSS_MISSED], missed);
	}
	source->missed_read_boot_ns = now;
	loss_merge(&sum->losses[WIRE_KIND_FUNCTION_CALL - 1][WIRE_LOSS_PROBE_OFF], &source->targets.holes);
	loss_merge(&sum->losses[WIRE_KIND_CGROUP - 1][WIRE_LOSS_WALK_CUT], &source->walk_losses);
	return 0;
}

static void counters_merge(struct wire_cpu_counters *sum, const struct wire_cpu_counters *one)
{
	for (int kind = 0; kind < WIRE_KIND_END - 1; kind++) {
		for (int cause = 0; cause < WIRE_LOSS_KERNEL_END; cause++)
			loss_merge(&sum->losses[kind][cause], &one->losses[kind][cause]);
		sum->records[kind] += one->records[kind];
		sum->folded[kind] += one->folded[kind];
		sum->filtered[kind] += one->filtered[kind];
		sum->canaries[kind] += one->canaries[kind];
	}
}

int source_counters(struct source *source, struct wire_cpu_counters *ret_sum)
{
	struct wire_cpu_counters sum = { 0 };
	uint32_t zero = 0;
	int r;

	r = bpf_map__lookup_elem(source->programs->maps.counters, &zero, sizeof(zero), source->per_cpu,
				 (size_t)source->n_cpus * sizeof(*source->per_cpu), 0);
	if (r < 0)
		return r;
	for (int cpu = 0; cpu < source->n_cpus; cpu++)
		counters_merge(&sum, &source->per_cpu[cpu]);
	r = source_missed(source, &sum);
	if (r < 0)
		return r;
	*ret_sum = sum;
	return 0;
}

int source_losses_by_cgroup(struct source *source, source_loss_fn each, void *user)
{
	const struct bpf_map *map = source->programs->maps.losses_by_cgroup;
	struct wire_loss_key key, next;
	struct wire_loss_count count;
	int r = bpf_map__get_next_key(map, NULL, &next, sizeof(next));

	while (r == 0) {
		key = next;
		if (bpf_map__lookup_elem(map, &key, sizeof(key), &count, sizeof(count), 0) == 0) {
			r = each(user, &key, &count);
			if (r < 0)
				return r;
		}
		r = bpf_map__get_next_key(map, &key, &next, sizeof(next));
	}
	return r == -ENOENT ? 0 : r;
}

void sequence_note(struct source *source, const void *data, size_t len)
{
	struct sequence_seen *seen;
	struct wire_head head;
	int32_t ahead;

	if (len < sizeof(head))
		return;
	memcpy(&head, data, sizeof(head));
	if (head.cpu >= source->n_cpus || head.kind == 0 || head.kind >= WIRE_KIND_END ||
	    head.flags & WIRE_FLAG_AT_START)
		return;
	seen = &source->seen[(size_t)head.cpu * (WIRE_KIND_END - 1) + head.kind - 1];
	seen->received++;
	ahead = (int32_t)(head.sequence + 1 - (uint32_t)seen->sent);
	if (ahead > 0)
		seen->sent += (uint32_t)ahead;
}

/* What never came, less what the kernel half said it could not put into the ring. */
uint64_t source_holes(const struct source *source)
{
	uint64_t holes = 0;

	for (int cpu = 0; cpu < source->n_cpus; cpu++) {
		for (int kind = 0; kind < WIRE_KIND_END - 1; kind++) {
			const struct sequence_seen *seen =
				&source->seen[(size_t)cpu * (WIRE_KIND_END - 1) + (size_t)kind];
			uint64_t refused = source->per_cpu[cpu].losses[kind][WIRE_LOSS_RING_FULL].count;
			uint64_t wanting = seen->sent > seen->received ? seen->sent - seen->received : 0;

			holes += wanting > refused ? wanting - refused : 0;
		}
	}
	return holes;
}
