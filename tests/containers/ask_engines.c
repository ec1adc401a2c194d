// SPDX-License-Identifier: Apache-2.0
/*
 * Asks the engines as the daemon does and prints what they say, a line a fact, until it has as many as wanted:
 *
 *   ask_engines KIND SOCKET FACTS MS [-l LABEL]... [ID]...
 *
 * KIND: docker, podman, containerd, cri, or "any" (the well-known places below SOCKET). Prints "ready" when it asks.
 * Exit status: 0 as many facts came within MS, 1 fewer, 2 arguments.
 */

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "resolve/engines.h"

static const char *const kinds[ENGINE_KINDS] = { "docker", "podman", "containerd", "cri" };

static const char *shown(const char *text)
{
	return text ? text : "-";
}

static void print_facts(const struct container_facts *facts)
{
	printf("%s %s digest=%s%s reference=%s name=%s pod=%s/%s/%s", facts->runtime, facts->id,
	       shown(facts->image_digest), facts->image_digest_is_config ? " (config)" : "",
	       shown(facts->image_reference), shown(facts->name), shown(facts->pod_namespace),
	       shown(facts->pod), shown(facts->pod_uid));
	for (size_t i = 0; i < facts->n_labels; i++)
		printf(" %s=%s", facts->labels[i].key, facts->labels[i].value);
	printf(" socket=%zu owner=%u%s\n", facts->socket, facts->owner,
	       facts->digest_conflict ? " CONFLICT" : "");
	fflush(stdout);
}

static void print_states(struct engines *engines)
{
	struct engine_state states[ENGINE_SOCKETS_MAX];
	size_t n = engines_state(engines, states, ENGINE_SOCKETS_MAX);

	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%zu %s %s connected=%d watching=%d asked=%lu answered=%lu refused=%lu %s\n",
			states[i].number, kinds[states[i].kind], states[i].socket, states[i].connected,
			states[i].watching, (unsigned long)states[i].asked, (unsigned long)states[i].answered,
			(unsigned long)states[i].refused, states[i].error);
}

static unsigned long take_facts(struct engines *engines, unsigned long wanted, unsigned long wait_ms)
{
	struct pollfd readable = { .fd = engines_fd(engines), .events = POLLIN };
	uint64_t until_ns = clock_now().boot_ns + wait_ms * 1000000, now;
	struct container_facts facts;
	unsigned long told = 0;

	while (told < wanted && (now = clock_now().boot_ns) < until_ns) {
		poll(&readable, 1, (int)((until_ns - now) / 1000000) + 1);
		while (engines_next(engines, &facts) > 0) {
			print_facts(&facts);
			container_facts_done(&facts);
			told++;
		}
	}
	return told;
}

int main(int argc, char **argv)
{
	struct engine_socket socket = { .kind = 0 };
	struct engines_options options = { .n_labels = 0 };
	struct diag diag = { .text = "" };
	struct engines *engines;
	unsigned long wanted, told;
	char *labels[64];
	int at = 5;

	if (argc < 5)
		return 2;
	wanted = strtoul(argv[3], NULL, 10);
	socket.path = argv[2];
	while (socket.kind < ENGINE_KINDS && strcmp(kinds[socket.kind], argv[1]) != 0)
		socket.kind++;
	if (strcmp(argv[1], "any") == 0)
		options.root = argv[2];
	else if (socket.kind == ENGINE_KINDS)
		return 2;
	else
		options.sockets = &socket, options.n_sockets = 1;
	for (; at + 1 < argc && strcmp(argv[at], "-l") == 0 && options.n_labels < ARRAY_LEN(labels); at += 2)
		labels[options.n_labels++] = argv[at + 1];
	options.labels = labels;
	if (engines_start(&options, &diag, &engines) < 0) {
		fprintf(stderr, "%s\n", diag.text);
		return 2;
	}
	for (; at < argc; at++)
		engines_ask(engines, NULL, argv[at]);
	printf("ready\n");
	fflush(stdout);
	told = take_facts(engines, wanted, strtoul(argv[4], NULL, 10));
	print_states(engines);
	engines_stop(engines);
	return told >= wanted ? 0 : 1;
}
