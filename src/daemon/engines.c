// SPDX-License-Identifier: Apache-2.0
/*
 * From the configuration to who is asked about containers, and to which of them are recorded. Owns nothing but what it
 * returns.
 */

#include <string.h>

#include "daemon/parts.h"

static const char *const names[ENGINE_KINDS] = {
	[ENGINE_DOCKER] = "docker",
	[ENGINE_PODMAN] = "podman",
	[ENGINE_CONTAINERD] = "containerd",
	[ENGINE_CRI] = "cri",
};

const char *collector_engine_name(enum engine_kind kind)
{
	return names[kind];
}

const char *config_engine(const char *text, struct engine_socket *ret_socket)
{
	for (size_t kind = 0; kind < ENGINE_KINDS; kind++) {
		size_t len = strlen(names[kind]);
		const char *path = text + len + 1;

		if (strncmp(text, names[kind], len) != 0 || text[len] != ':')
			continue;
		if (path[0] != '/' || strlen(path) >= ENGINE_PATH_MAX)
			return "behind docker:, podman:, containerd: or cri: an absolute path of at most 107 "
			       "bytes is wanted";
		*ret_socket = (struct engine_socket) { .kind = (enum engine_kind)kind, .path = (char *)path };
		return NULL;
	}
	return "docker:/PATH, podman:/PATH, containerd:/PATH or cri:/PATH is wanted, or none alone";
}

int collector_engines(const struct config *config, struct diag *diag, struct engines **ret_engines)
{
	struct engine_socket sockets[ENGINE_SOCKETS_MAX];
	struct engines_options options = { .sockets = sockets,
					   .labels = config->labels.items,
					   .n_labels = config->labels.count };

	for (size_t i = 0; i < config->engines.count; i++) {
		const char *text = config->engines.items[i];

		if (strcmp(text, CONFIG_ENGINES_NONE) == 0 && config->engines.count == 1)
			return 0;
		if (options.n_sockets == ENGINE_SOCKETS_MAX)
			return diag_exit(diag, EXIT_UNSOUND, -E2BIG,
					 "signals.containers.engines: at most %d sockets can be asked",
					 ENGINE_SOCKETS_MAX);
		if (config_engine(text, &sockets[options.n_sockets++]))
			return diag_exit(diag, EXIT_UNSOUND, -EINVAL,
					 "signals.containers.engines: %s stands beside sockets; leave one out",
					 text);
	}
	return engines_start(&options, diag, ret_engines);
}

/* ---- targets ---- */

/* A label that is not kept is never known. */
static bool is_kept(const struct config *config, const struct selector *selector)
{
	if (selector->kind != SELECTOR_LABEL)
		return true;
	for (size_t i = 0; i < config->labels.count; i++) {
		if (str_equal(selector->key, str_of(config->labels.items[i])))
			return true;
	}
	return false;
}

int selection_new(const struct config *config, struct diag *diag, struct selection **ret_selection)
{
	_cleanup_(selection_freep) struct selection *selection = calloc(1, sizeof(*selection));
	const char *reason;
	int r;

	if (!selection)
		return -ENOMEM;
	selection->selectors = calloc(config->target_containers.count + 1, sizeof(*selection->selectors));
	if (!selection->selectors)
		return -ENOMEM;
	selection->host = config->host;
	if (config->target_containers.count > 0 && !(collector_watches(config).kinds >> WIRE_KIND_CGROUP & 1))
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL,
				 "signals.filters.target_containers needs cgroup among signals.probes");
	for (size_t i = 0; i < config->target_containers.count; i++) {
		struct selector *selector = &selection->selectors[selection->count++];

		r = selector_parse(str_of(config->target_containers.items[i]), &reason, selector);
		if (r >= 0 && is_kept(config, selector))
			continue;
		return diag_exit(diag, EXIT_UNSOUND, -EINVAL, "signals.filters.target_containers: %s: %s",
				 config->target_containers.items[i],
				 r < 0 ? reason : "add its key to signals.containers.labels");
	}
	*ret_selection = TAKE(selection);
	return 0;
}

void selection_free(struct selection *selection)
{
	if (!selection)
		return;
	free(selection->selectors);
	free(selection);
}

struct attribution_targets selection_view(const struct selection *selection)
{
	return (struct attribution_targets) { selection->selectors, selection->count, selection->host };
}
