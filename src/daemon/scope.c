// SPDX-License-Identifier: Apache-2.0
/*
 * From the configuration's filters to what the kernel half asks: cgroups and pid namespaces as the kernel numbers
 * them, globs as beginnings of paths. Refuses what is not there, since a filter that names nobody would leave out
 * everything. A scope owns all it
 * is made of.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/text.h"
#include "collect/prefix.h"
#include "daemon/parts.h"

#define ITEMS_MAX FILTER_GLOBS_MAX

/* Compared as bytes: what is not used is zero. */
struct values {
	uint64_t cgroups[ITEMS_MAX];
	uint32_t pid_namespaces[ITEMS_MAX];
	char comms[2][ITEMS_MAX][WIRE_COMM]; /* allowed, denied */
	size_t n_cgroups, n_pid_namespaces, n_comms[2];
	struct wire_prefixes paths;
};

struct scope {
	struct values values;
	char *comms[2][ITEMS_MAX]; /* into values */
	struct source_filter filter; /* of all these */
};

static int refused(struct diag *diag, int error, const char *key, const char *text)
{
	return diag_exit(diag, EXIT_UNSOUND, error, "signals.filters.%s: %s: %s", key, text,
			 error == -ENODEV ? "is none" : strerror(-error));
}

static int namespace_inum(const char *text, uint32_t *ret_inum)
{
	_cleanup_(closep) int fd = -1;
	struct statfs system;
	struct stat info;
	uint64_t number;

	if (text_parse_u64(str_of(text), 1, UINT32_MAX, &number) == 0) {
		*ret_inum = (uint32_t)number;
		return 0;
	}
	fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &system) < 0 || fstat(fd, &info) < 0)
		return -errno;
	if (system.f_type != NSFS_MAGIC || ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWPID)
		return -ENODEV;
	*ret_inum = (uint32_t)info.st_ino;
	return 0;
}

static int fill_numbers(struct values *values, const struct config *config, struct diag *diag)
{
	int r;

	for (size_t i = 0; i < config->cgroups.count; i++) {
		r = source_cgroup_of_directory(config->cgroups.items[i], &values->cgroups[i]);
		if (r < 0)
			return refused(diag, r, "cgroups", config->cgroups.items[i]);
	}
	for (size_t i = 0; i < config->pid_namespaces.count; i++) {
		r = namespace_inum(config->pid_namespaces.items[i], &values->pid_namespaces[i]);
		if (r < 0)
			return refused(diag, r, "pid_namespaces", config->pid_namespaces.items[i]);
	}
	values->n_cgroups = config->cgroups.count;
	values->n_pid_namespaces = config->pid_namespaces.count;
	return 0;
}

static void fill_commands(struct scope *scope, int which, const struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		char *comm = scope->values.comms[which][i];

		memcpy(comm, list->items[i], strnlen(list->items[i], WIRE_COMM - 1));
		scope->comms[which][i] = comm;
	}
	scope->values.n_comms[which] = list->count;
}

static void fill_filter(struct scope *scope)
{
	const struct values *values = &scope->values;

	scope->filter = (struct source_filter) {
		.cgroups = values->cgroups,
		.n_cgroups = values->n_cgroups,
		.pid_namespaces = values->pid_namespaces,
		.n_pid_namespaces = values->n_pid_namespaces,
		.comm_allow = scope->comms[0],
		.n_comm_allow = values->n_comms[0],
		.comm_deny = scope->comms[1],
		.n_comm_deny = values->n_comms[1],
		.paths = &values->paths,
	};
}

int scope_new(const struct config *config, struct diag *diag, struct scope **ret_scope)
{
	_cleanup_(scope_freep) struct scope *scope = calloc(1, sizeof(*scope));
	int r;

	if (!scope)
		return -ENOMEM;
	r = fill_numbers(&scope->values, config, diag);
	if (r < 0)
		return r;
	fill_commands(scope, 0, &config->comm_allowlist);
	fill_commands(scope, 1, &config->comm_denylist);
	prefixes_of(config->path_allowlist.items, config->path_allowlist.count, config->path_denylist.items,
		    config->path_denylist.count, &scope->values.paths);
	fill_filter(scope);
	*ret_scope = TAKE(scope);
	return 0;
}

void scope_free(struct scope *scope)
{
	free(scope);
}

const struct source_filter *scope_filter(const struct scope *scope)
{
	return &scope->filter;
}

bool scope_equal(const struct scope *a, const struct scope *b)
{
	return memcmp(&a->values, &b->values, sizeof(a->values)) == 0;
}
