// SPDX-License-Identifier: Apache-2.0
/*
 * From the configuration to what the kernel half is asked to do. Pure: owns nothing, the options' strings are the
 * configuration's.
 */

#include <string.h>

#include "daemon/parts.h"

static const char *path_or_none(const char *path)
{
	return *path ? path : NULL;
}

static bool lists(const struct config_list *probes, const char *word)
{
	for (size_t i = 0; i < probes->count; i++) {
		if (strcmp(probes->items[i], word) == 0)
			return true;
	}
	return false;
}

static unsigned int kinds_of(const struct config_list *probes)
{
	unsigned int kinds = 0;

	for (size_t i = 0; i < probes->count; i++) {
		enum wire_kind kind;

		if (event_kind_find(str_of(probes->items[i]), &kind) == 0)
			kinds |= 1u << kind;
	}
	return kinds;
}

struct source_options collector_watches(const struct config *config)
{
	unsigned int kinds = kinds_of(&config->probes);
	bool libc = lists(&config->probes, CONFIG_PROBE_LIBC);

	if (!*config->functions_map)
		kinds &= ~(1u << WIRE_KIND_FUNCTION_CALL);
	if (libc)
		kinds |= 1u << WIRE_KIND_NET_CONNECT;
	return (struct source_options) {
		.ring_bytes = config->ring_buffer_mb << 20,
		.kinds = kinds,
		.fold = (enum source_fold)config->dedup,
		.perf_buffer = config->transport == CONFIG_TRANSPORT_PERF,
		.tls = kinds & 1u << WIRE_KIND_SSL_OP,
		.libc = libc,
		.function_map = path_or_none(config->functions_map),
		.one_shot = config->functions_mode == CONFIG_FUNCTIONS_ONE_SHOT,
		.debug_directory = path_or_none(config->functions_debug_directory),
		.canary_program = "/proc/self/exe",
		.btf = { .full = path_or_none(config->btf_full),
			 .split_directory = path_or_none(config->btf_split_directory),
			 .ignore_kernel = config->btf_ignore_kernel },
	};
}

const char *collector_dedup(const struct config *config)
{
	static const char *const scopes[] = {
		[SOURCE_FOLD_OFF] = "off",
		[SOURCE_FOLD_PROCESS] = "process",
		[SOURCE_FOLD_CONTAINER] = "container",
	};

	return scopes[config->dedup];
}
