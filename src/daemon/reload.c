// SPDX-License-Identifier: Apache-2.0
/*
 * The configuration in force: read at the start with the command line's overrides on top, and again at SIGHUP.
 * Promises that a bad new file changes nothing, and that one chunk has one configuration: the old chunk is closed
 * under the old one before the new one holds.
 */

#include <errno.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/parts.h"

static int override(char **field, const char *value)
{
	char *copy;

	if (!value)
		return 0;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

int collector_load_config(const char *path, const char *target, const char *socket, struct diag *diag,
			  struct config **ret_config, struct digest *ret_digest)
{
	_cleanup_(config_freep) struct config *config = NULL;
	int r = config_load(path, diag, &config);

	if (r >= 0)
		r = override(&config->output_directory, target);
	if (r >= 0)
		r = override(&config->control_socket, socket);
	if (r >= 0)
		r = config_digest(config, ret_digest);
	if (r < 0)
		return diag_error(diag, r, "configuration: %s", strerror(-r));
	if (!config->enabled)
		return diag_exit(diag, EXIT_UNSOUND, -ECANCELED,
				 "%s: signals.enabled is false; set it to true to start the collector",
				 path ? path : "configuration");
	*ret_config = TAKE(config);
	return 0;
}

int collector_filter_new(const struct config *config, struct diag *diag, struct filter **ret_filter)
{
	return filter_new(config->path_allowlist.items, config->path_allowlist.count,
			  config->path_denylist.items, config->path_denylist.count, diag, ret_filter);
}

static void swap_config(struct collector *collector, struct config **config, const struct digest *digest,
			struct filter **filter, struct scope **scope, struct selection **selection)
{
	selection_free(collector->selection);
	collector->selection = TAKE(*selection);
	collector_retarget(collector);
	scope_free(collector->scope);
	collector->scope = TAKE(*scope);
	pipeline_filter(collector->pipeline, *filter);
	filter_free(collector->filter);
	collector->filter = TAKE(*filter);
	config_free(collector->config);
	collector->config = TAKE(*config);
	collector->config_digest = *digest;
}

/*
 * Around the border between two chunks the kernel asks nothing: neither lacks a record that its filters want, and a few
 * may be there that they would have left out. For the same reason a filter that cannot be set is no filter. The same
 * with the choice of containers.
 */
static void set_kernel_filter(struct collector *collector, const struct source_filter *filter)
{
	int r = source_filter(collector->source, filter);

	if (r < 0)
		log_line(LOG_LEVEL_ERROR, "the kernel did not take the filters, more is recorded: %s",
			 strerror(-r));
}

static int reload(struct collector *collector, struct diag *diag)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(filter_freep) struct filter *filter = NULL;
	_cleanup_(scope_freep) struct scope *scope = NULL;
	_cleanup_(selection_freep) struct selection *selection = NULL;
	struct digest digest;
	const char *fixed;
	bool same, targets;
	int r = collector_load_config(collector->config_path, collector->target, collector->socket, diag,
				      &config, &digest);

	if (r < 0)
		return r;
	fixed = config_fixed_difference(collector->config, config);
	if (fixed)
		return diag_error(diag, -EBUSY, "%s cannot change while running; stop and start", fixed);
	r = scope_new(config, diag, &scope);
	if (r >= 0)
		r = selection_new(config, diag, &selection);
	if (r < 0)
		return r;
	same = scope_equal(scope, collector->scope);
	if (same && memcmp(&digest, &collector->config_digest, sizeof(digest)) == 0)
		return 0; /* nothing changed: no reason to cut the chunk */
	r = collector_filter_new(config, diag, &filter);
	if (r < 0)
		return r;
	if (!same)
		set_kernel_filter(collector, &(const struct source_filter) { .n_cgroups = 0 });
	targets = collector->selection->count > 0 || selection->count > 0;
	if (targets)
		collector_untarget(collector);
	r = collector_cut(collector);
	if (r >= 0)
		swap_config(collector, &config, &digest, &filter, &scope, &selection);
	if (!same)
		set_kernel_filter(collector, scope_filter(collector->scope));
	collector_release(
		collector); /* what happened since the cut is under the configuration that holds now */
	if (targets) {
		collector_attend(collector); /* to the containers that began meanwhile */
		collector_target(collector);
	}
	return r < 0 ? diag_error(diag, r, "the chunk could not be closed: %s", strerror(-r)) : 0;
}

void collector_reload(struct collector *collector)
{
	struct diag diag = { .text = "" };

	if (reload(collector, &diag) < 0) {
		log_line(LOG_LEVEL_ERROR, "reload refused, the old configuration stays: %s", diag.text);
		memcpy(collector->reload_error, diag.text, sizeof(collector->reload_error));
		return;
	}
	log_line(LOG_LEVEL_INFO, "configuration reloaded");
	collector->reload_error[0] = '\0';
}
