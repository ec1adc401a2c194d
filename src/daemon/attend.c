// SPDX-License-Identifier: Apache-2.0
/*
 * What is done about containers between two emptyings of the ring: engines are asked of those that are new, what they
 * said is learned, the kernel half is told which cgroups filters.target_containers leaves out, and who has been waited
 * for long enough is not waited for any more. Each thing learned goes into the capture first, so that a replay learns
 * it at the same place. Nothing here waits for anybody.
 */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/parts.h"

#define MS_NS 1000000ull

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct containers *containers_of(const struct collector *collector)
{
	return attribution_containers(pipeline_attribution(collector->pipeline));
}

/* ---- learning ---- */

static void learn(struct collector *collector, struct learned *learned)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(LEARNED_TEXT_MAX);
	int r;

	if (collector->raw) {
		r = learned_write(learned, &text);
		if (r >= 0)
			r = raw_writer_add(collector->raw, RAW_LEARNED, text.data, text.len);
		collector_note_capture(collector, r);
	}
	pipeline_learn(collector->pipeline, learned);
}

static void learn_expected(struct collector *collector)
{
	struct learned learned = { .what = LEARNED_EXPECT };
	const char *runtime;

	for (unsigned int i = 0; (runtime = container_runtime_name(i)); i++) {
		if (engines_may_answer(collector->engines, runtime))
			learned.runtimes |= 1u << i;
	}
	if (learned.runtimes == collector->runtimes_expected)
		return;
	collector->runtimes_expected = learned.runtimes;
	learn(collector, &learned);
}

static void learn_facts(struct collector *collector)
{
	struct learned learned = { .what = LEARNED_FACTS };

	while (engines_next(collector->engines, &learned.facts) > 0) {
		latency_note(&collector->latency, containers_of(collector), learned.facts.id, monotonic_ns());
		learn(collector, &learned);
		learned = (struct learned) { .what = LEARNED_FACTS };
	}
}

static bool may_be_answered(const struct collector *collector, const struct container *container)
{
	uid_t owner = container->uid == CONTAINER_NO_USER ? 0 : container->uid;

	return collector->engines && engines_may_answer_about(collector->engines, container->id, owner);
}

/* Those that were asked for before `asked_before_ns`, and those for whom nobody has an answer. */
static void learn_unanswered(struct collector *collector, uint64_t asked_before_ns)
{
	struct containers *containers = containers_of(collector);
	struct container *container;

	if (containers_totals(containers)->waiting == 0)
		return;
	TAILQ_FOREACH (container, containers_all(containers), link) {
		struct learned learned = { .what = LEARNED_UNANSWERED };

		if (!container->waits ||
		    (container->asked_ns >= asked_before_ns && may_be_answered(collector, container)))
			continue;
		memcpy(learned.id, container->id, sizeof(learned.id));
		learn(collector, &learned);
	}
}

/* ---- telling the kernel half ---- */

static void tell(struct collector *collector, uint64_t cgroup_id, enum source_verdict verdict)
{
	int r = source_target_set(collector->source, cgroup_id, verdict);

	if (r < 0 && !collector->targets_full) {
		log_line(LOG_LEVEL_WARNING,
			 "the kernel did not take a decision on a container (%s): its records come as far as "
			 "the "
			 "collector, which leaves them out",
			 strerror(-r));
		collector->targets_full = true;
	}
}

static enum source_verdict verdict_of(enum container_choice choice)
{
	switch (choice) {
	case CONTAINER_KEPT:
		return SOURCE_VERDICT_KEEP;
	case CONTAINER_LEFT_OUT:
		return SOURCE_VERDICT_LEAVE_OUT;
	case CONTAINER_UNDECIDED:
		break;
	}
	return SOURCE_VERDICT_UNDECIDED;
}

static void tell_choices(struct collector *collector)
{
	uint64_t decisions = attribution_decisions(pipeline_attribution(collector->pipeline));
	struct container *container;

	if (collector->selection->count == 0 || decisions == collector->decisions_told)
		return;
	collector->decisions_told = decisions;
	TAILQ_FOREACH (container, containers_all(containers_of(collector)), link) {
		if (container->told == container->choice || container->cgroups == 0)
			continue;
		container->told = container->choice;
		tell(collector, container->cgroup_id, verdict_of(container->choice));
	}
}

/* ---- new and gone cgroups ---- */

static void ask(struct collector *collector, struct container *container)
{
	if (container->asked_ns > 0)
		return;
	container->asked_ns = monotonic_ns();
	if (!collector->engines)
		return;
	if (container->uid == CONTAINER_NO_USER)
		engines_ask(collector->engines, container->runtime, container->id);
	else
		engines_ask_of(collector->engines, container->runtime, container->id, container->uid);
}

static void hear_changes(struct collector *collector)
{
	struct containers *containers = containers_of(collector);
	struct container_change change;

	while (containers_change(containers, &change)) {
		if (change.container)
			ask(collector, change.container);
		if (collector->selection->count == 0)
			continue;
		/* Made while targets are in force, it is undecided in the kernel half until it is told otherwise. */
		if (change.container && change.cgroup_id == change.container->cgroup_id) {
			change.container->told = change.container->choice;
			tell(collector, change.cgroup_id, verdict_of(change.container->choice));
		} else {
			tell(collector, change.cgroup_id, SOURCE_VERDICT_NONE);
		}
	}
}

/* ---- all of it ---- */

static void release(struct collector *collector)
{
	while (pipeline_release(collector->pipeline))
		collector_flush(collector);
	collector_flush(collector);
}

void collector_attend(struct collector *collector)
{
	uint64_t hold_ns = collector->config->hold_ms * MS_NS, now_ns = monotonic_ns();

	hear_changes(collector);
	if (collector->engines) {
		learn_expected(collector);
		learn_facts(collector);
	}
	learn_unanswered(collector, now_ns > hold_ns ? now_ns - hold_ns : 0);
	tell_choices(collector);
	release(collector);
}

void collector_attend_end(struct collector *collector)
{
	hear_changes(collector);
	learn_unanswered(collector, UINT64_MAX);
	tell_choices(collector);
	release(collector);
}

void collector_attend_cut(struct collector *collector, uint64_t cut_boot_ns)
{
	struct containers *containers = containers_of(collector);
	const struct container *container;

	TAILQ_FOREACH (container, containers_all(containers), link) {
		if (collector->engines && container->to_boot_ns > 0 &&
		    !containers_live(containers, container->id))
			engines_forget(collector->engines, container->id);
	}
	containers_cut(containers, cut_boot_ns);
}

static void set_mode(struct collector *collector, bool host)
{
	int r = source_target_mode(collector->source, collector->selection->count > 0, host);

	if (r < 0)
		log_line(LOG_LEVEL_ERROR, "the kernel did not take the choice of containers, more comes: %s",
			 strerror(-r));
}

void collector_retarget(struct collector *collector)
{
	const struct attribution_targets view = selection_view(collector->selection);
	struct container *container;

	set_mode(collector, true);
	attribution_retarget(pipeline_attribution(collector->pipeline), &view);
	TAILQ_FOREACH (container, containers_all(containers_of(collector)), link) {
		container->told = container->choice;
		if (view.count > 0 && container->cgroups > 0)
			tell(collector, container->cgroup_id, verdict_of(container->choice));
	}
}

void collector_target(struct collector *collector)
{
	set_mode(collector, collector->selection->host);
}
