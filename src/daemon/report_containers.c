// SPDX-License-Identifier: Apache-2.0
/*
 * The containers that live now and the engines that are asked, for status. Lists the first and counts the rest: names are
 * what engines said, and the answer has a limit.
 */

#include <string.h>

#include "base/text.h"
#include "daemon/parts.h"

#define CONTAINERS_LISTED 256

/* Left out when it is not known, or could not be written. */
static void add_text(json_t *row, const char *key, const char *text)
{
	if (text && text[0] && text_is_utf8(str_of(text)))
		json_object_set_new(row, key, json_string(text));
}

static const char *decision_of(enum container_choice choice)
{
	switch (choice) {
	case CONTAINER_KEPT:
		return "recorded";
	case CONTAINER_LEFT_OUT:
		return "left_out";
	case CONTAINER_UNDECIDED:
		break;
	}
	return "undecided";
}

/* Of its own cgroup and all below, as far as the kernel half knows whose they were. */
static uint64_t lost_by(const struct collector *collector, const struct container *container)
{
	struct containers *containers = attribution_containers(pipeline_attribution(collector->pipeline));
	const struct losers *losers = &collector->ledger.losers;
	struct container_found found;
	uint64_t lost = 0;

	for (size_t i = 0; i < losers->count; i++) {
		if (containers_find(containers, losers->rows[i].key.cgroup_id, &found) == container)
			lost += losers->rows[i].total.count;
	}
	return lost;
}

static json_t *container_of(const struct collector *collector, const struct container *container)
{
	json_t *row = json_pack("{s:s, s:I, s:I, s:I, s:s}", "id",
				container->text[0] ? container->text : container->id, "since_boot_ns",
				(json_int_t)container->from_boot_ns, "records", (json_int_t)container->records,
				"losses", (json_int_t)lost_by(collector, container), "decision",
				decision_of(container->choice));

	if (!row)
		return NULL;
	add_text(row, "name", container->facts.name);
	add_text(row, "image", container->facts.image_reference);
	add_text(row, "image_digest", container->facts.image_digest);
	return row;
}

static void add_containers(json_t *object, const struct collector *collector)
{
	struct containers *containers = attribution_containers(pipeline_attribution(collector->pipeline));
	const struct container *container;
	json_t *list = json_array();
	json_int_t more = 0;

	TAILQ_FOREACH (container, containers_all(containers), link) {
		if (container->to_boot_ns > 0)
			continue;
		if (json_array_size(list) < CONTAINERS_LISTED)
			json_array_append_new(list, container_of(collector, container));
		else
			more++;
	}
	json_object_set_new(object, "containers", list);
	if (more > 0)
		json_object_set_new(object, "containers_more", json_integer(more));
}

static json_t *engines_of(const struct collector *collector)
{
	struct engine_state states[ENGINE_SOCKETS_MAX];
	json_t *list = json_array();
	size_t count;

	count = collector->engines ? engines_state(collector->engines, states, ENGINE_SOCKETS_MAX) : 0;
	for (size_t i = 0; i < count; i++) {
		const struct engine_state *state = &states[i];
		json_t *row =
			json_pack("{s:s, s:b, s:I, s:I, s:I}", "engine", collector_engine_name(state->kind),
				  "connected", state->connected, "asked", (json_int_t)state->asked, "answered",
				  (json_int_t)state->answered, "refused", (json_int_t)state->refused);

		add_text(row, "socket", state->socket);
		add_text(row, "error", state->error);
		json_array_append_new(list, row);
	}
	return list;
}

void report_containers(json_t *object, const struct collector *collector)
{
	add_containers(object, collector);
	json_object_set_new(object, "engines", engines_of(collector));
	json_object_set_new(object, "enrich_latency_p99_ms",
			    json_integer((json_int_t)latency_p99_ms(&collector->latency)));
	json_object_set_new(object, "cgroup_hierarchy",
			    json_string(source_cgroup_hierarchy(collector->source)));
}
