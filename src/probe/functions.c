// SPDX-License-Identifier: Apache-2.0
/*
 * One-shot: a function that has answered in every cgroup that maps its file has nothing more to say in this chunk, and
 * a trap is dear, so its probe is taken off; the rest is attached anew, the new link first. All are put back for a new
 * chunk, and at the first sight of a new cgroup, which is before a container runs what it is for. A cgroup that maps
 * the file while functions are off is a hole: a counted loss of that cgroup, never silence.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "probe/parts.h"

#define NS 1000000000ull
#define THIN_PAUSE NS /* between two thinnings, at least; and a hundred times what the last one took */
#define THIN_SINGLE 8 /* at a time, where each waits for the kernel, and the ring for us */
#define THIN_PAUSE_NEW_CGROUP (5 * NS) /* a container that is being made maps its files in this time */

static struct attach_point point_of(const struct target *target, size_t index)
{
	return (struct attach_point) { target->functions[index].offset,
				       (uint64_t)target->number << TARGET_FUNCTION_BITS | index };
}

/* Puts what is not off under new links; what hung on the old ones is let go afterwards. */
static int attach_anew(struct source *source, struct target *target)
{
	_cleanup_(freep) struct attach_point *points =
		calloc(target->n_functions + 1, sizeof(struct attach_point));
	struct bpf_link **before = target->links;
	size_t n_before = target->n_links, n = 0;
	int r;

	if (!points)
		return -ENOMEM;
	for (size_t i = 0; i < target->n_functions; i++) {
		if (!target->functions[i].off)
			points[n++] = point_of(target, i);
	}
	target->links = NULL;
	target->n_links = 0;
	r = attach_points(source, target, "on_function", false, points, n);
	if (r < 0) { /* the old ones still hang */
		links_free(target->links, target->n_links);
		target->links = before;
		target->n_links = n_before;
		return r;
	}
	links_free(before, n_before);
	return 0;
}

/* Without multi-uprobes each function has its own link: only those that changed are touched. */
static int attach_changed(struct source *source, struct target *target)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < target->n_functions && i < target->n_links; i++) {
		struct target fresh = { .fd = target->fd };
		struct attach_point point = point_of(target, i);

		if (target->functions[i].off) {
			bpf_link__destroy(target->links[i]);
			target->links[i] = NULL;
		} else if (!target->links[i]) {
			r = attach_points(source, &fresh, "on_function", false, &point, 1);
			if (r >= 0 && fresh.n_links == 1)
				target->links[i] = fresh.links[0];
			free(fresh.links);
		}
	}
	return r;
}

static int attach_again(struct source *source, struct target *target)
{
	return source->features & FEATURE_UPROBE_MULTI ? attach_anew(source, target)
						       : attach_changed(source, target);
}

int functions_attach(struct source *source, struct target *target)
{
	return attach_anew(source, target);
}

static void put_back(struct source *source, struct target *target)
{
	if (target->n_off == 0)
		return;
	for (size_t i = 0; i < target->n_functions; i++)
		target->functions[i].off = false;
	target->n_off = 0;
	if (attach_again(source, target) <
	    0) { /* what is off stays so: from now on nothing is said of this file */
		source->targets.counts.refused++;
		target_end(source, target);
		return;
	}
	target->off_until_boot_ns = clock_now().boot_ns;
}

void functions_put_back(struct source *source)
{
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		struct target *target = source->targets.all[i];

		if (target && target->kind == WIRE_KIND_FUNCTION_CALL && target->to_boot_ns == 0)
			put_back(source, target);
	}
	source->targets.thin = true;
	source->targets.thin_at_boot_ns = clock_now().boot_ns + THIN_PAUSE_NEW_CGROUP;
}

static bool was_thin(const struct target *target, uint64_t boot_ns)
{
	return target->off_since_boot_ns > 0 && boot_ns >= target->off_since_boot_ns &&
	       (target->n_off > 0 || boot_ns < target->off_until_boot_ns);
}

/* Of the cgroup too: no program of the kernel half writes under this cause. */
static void hole_count(struct source *source, uint64_t cgroup_id, uint64_t boot_ns)
{
	const struct wire_loss_key key = { cgroup_id, WIRE_KIND_FUNCTION_CALL, WIRE_LOSS_PROBE_OFF };
	const struct bpf_map *map = source->programs->maps.losses_by_cgroup;
	struct wire_loss_count *total = &source->targets.holes, its = { 0 };

	if (total->count++ == 0)
		total->first_boot_ns = boot_ns;
	total->last_boot_ns = clock_now().boot_ns;
	if (cgroup_id == 0)
		return;
	(void)bpf_map__lookup_elem(map, &key, sizeof(key), &its, sizeof(its), 0);
	if (its.count++ == 0)
		its.first_boot_ns = boot_ns;
	its.last_boot_ns = total->last_boot_ns;
	(void)bpf_map__update_elem(map, &key, sizeof(key), &its, sizeof(its), BPF_ANY);
}

static size_t cgroup_index(const struct target *target, uint64_t cgroup_id)
{
	size_t i = 0;

	while (i < target->n_cgroups && target->cgroups[i] != cgroup_id)
		i++;
	return i;
}

static void cgroup_drop(struct target *target, size_t index)
{
	size_t last = --target->n_cgroups;

	target->cgroups[index] = target->cgroups[last];
	for (size_t i = 0; i < target->n_functions; i++) {
		uint64_t *answered = target->functions[i].answered;
		uint64_t bit = answered[last / 64] >> last % 64 & 1;

		answered[last / 64] &= ~(1ull << last % 64);
		if (index != last)
			answered[index / 64] =
				(answered[index / 64] & ~(1ull << index % 64)) | bit << index % 64;
	}
}

static void cgroups_prune(const struct source *source, struct target *target)
{
	for (size_t i = target->n_cgroups; i-- > 0;) {
		if (!cgroup_lives(&source->hierarchy, target->cgroups[i]))
			cgroup_drop(target, i);
	}
}

void functions_mapped(struct source *source, struct target *target, uint64_t cgroup_id, uint64_t boot_ns)
{
	if (!source->options.one_shot || cgroup_index(target, cgroup_id) < target->n_cgroups)
		return;
	if (target->n_cgroups == TARGET_CGROUPS_MAX)
		cgroups_prune(source, target);
	if (target->n_cgroups < TARGET_CGROUPS_MAX && cgroup_id != 0)
		target->cgroups[target->n_cgroups++] = cgroup_id;
	else
		target->crowded = true;
	if (was_thin(target, boot_ns))
		hole_count(source, cgroup_id, boot_ns);
	put_back(source, target);
}

void functions_answered(struct source *source, const struct wire_function_call *record)
{
	uint32_t number = record->target >> TARGET_FUNCTION_BITS;
	size_t index = record->target & (TARGET_FUNCTIONS_MAX - 1), cgroup;
	struct target *target = number < TARGETS_MAX ? source->targets.all[number] : NULL;

	if (!source->options.one_shot || !target || index >= target->n_functions ||
	    target->kind != WIRE_KIND_FUNCTION_CALL ||
	    record->head.epoch != (uint16_t)source->programs->data->fold_epoch)
		return;
	functions_mapped(source, target, record->head.cgroup_id, record->head.boot_ns);
	cgroup = cgroup_index(target, record->head.cgroup_id);
	if (cgroup == target->n_cgroups)
		return; /* crowded: what is asked of everyone cannot be known any more */
	target->functions[index].answered[cgroup / 64] |= 1ull << cgroup % 64;
	source->targets.thin = true;
}

static bool has_answered(const struct target *target, const struct target_function *function)
{
	for (size_t i = 0; i < target->n_cgroups; i++) {
		if (!(function->answered[i / 64] >> i % 64 & 1))
			return false;
	}
	return target->n_cgroups > 0;
}

/* True: some were left for the next time. */
static bool thin(struct source *source, struct target *target)
{
	size_t most = source->features & FEATURE_UPROBE_MULTI ? SIZE_MAX : THIN_SINGLE, more = 0;

	cgroups_prune(source, target);
	for (size_t i = 0; i < target->n_functions && more < most; i++) {
		struct target_function *function = &target->functions[i];

		if (!function->off && has_answered(target, function)) {
			function->off = true;
			more++;
		}
	}
	if (more == 0)
		return false;
	if (target->n_off == 0)
		target->off_since_boot_ns = clock_now().boot_ns;
	target->n_off += more;
	if (attach_again(source, target) < 0)
		source->targets.counts.refused++; /* they stay on, and are hidden by the kernel half */
	return more == most;
}

void functions_thin(struct source *source)
{
	struct targets *targets = &source->targets;
	uint64_t began, took;
	bool again = false;

	if (!targets->thin)
		return;
	began = clock_now().boot_ns;
	if (began < targets->thin_at_boot_ns)
		return;
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		struct target *target = targets->all[i];

		if (target && target->kind == WIRE_KIND_FUNCTION_CALL && target->to_boot_ns == 0 &&
		    !target->crowded)
			again |= thin(source, target);
	}
	took = clock_now().boot_ns - began;
	targets->thin = again;
	targets->thin_at_boot_ns = began + took + (100 * took > THIN_PAUSE ? 100 * took : THIN_PAUSE);
}

void functions_forget_answers(struct source *source)
{
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		struct target *target = source->targets.all[i];

		for (size_t j = 0; target && j < target->n_functions; j++)
			memset(target->functions[j].answered, 0, sizeof(target->functions[j].answered));
	}
	source->targets.thin = false;
	source->targets.thin_at_boot_ns = clock_now().boot_ns + THIN_PAUSE;
}
