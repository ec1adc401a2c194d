// SPDX-License-Identifier: Apache-2.0
/*
 * The table of targets and their life: made when a file that is asked for is seen, ended when its content changes (a
 * probe in the wrong place would break the program) or when it is deleted and mapped by nobody any more. An ended
 * target stays in the table until the chunk after the one in which it ended is closed, so that its records find their
 * texts and the seal its times.
 */

#include "probe/targets.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "probe/maps.h"
#include "probe/parts.h"

#define CALLER_ROOM (sizeof(struct wire_caller_name) + WIRE_SYMBOL_MAX + WIRE_PATH_MAX)
#define RECORD_ROOM                                                                            \
	(sizeof(struct wire_function_call) + WIRE_SYMBOL_MAX + WIRE_PATH_MAX + WIRE_PURL_MAX + \
	 WIRE_CALLERS * CALLER_ROOM)

int targets_new(struct source *source, struct diag *diag)
{
	struct targets *targets = &source->targets;
	const struct function_map_entry *entries;
	size_t count;
	int r;

	targets->inotify = -1;
	if (!source->options.tls)
		source->options.kinds &= ~(1u << WIRE_KIND_SSL_OP);
	if (!source->options.function_map)
		source->options.kinds &= ~(1u << WIRE_KIND_FUNCTION_CALL);
	if (!(source->options.kinds & 1u << WIRE_KIND_NET_CONNECT))
		source->options.libc = false;
	targets->known = calloc(FILES_KNOWN_MAX, sizeof(*targets->known));
	targets->cgroups = calloc(CGROUPS_KNOWN_MAX, sizeof(*targets->cgroups));
	targets->record = malloc(RECORD_ROOM);
	if (!targets->known || !targets->cgroups || !targets->record)
		return -ENOMEM;
	if (!(source->options.kinds & 1u << WIRE_KIND_FUNCTION_CALL))
		return 0;
	r = callers_new(&targets->callers);
	if (r >= 0)
		r = function_map_load(source->options.function_map, diag, &targets->map);
	if (r < 0)
		return r;
	count = function_map_entries(targets->map, &entries);
	for (size_t i = 0; i < count; i++)
		targets->counts.functions_asked += entries[i].n_wanted;
	targets->met = calloc(count, sizeof(*targets->met));
	return targets->met ? 0 : -ENOMEM;
}

static bool is_loaded(const struct source *source, enum wire_kind kind)
{
	for (size_t i = 0; i < source->n_hooks; i++) {
		if (source->hooks[i].row->kind == kind)
			return true;
	}
	return false;
}

int targets_start(struct source *source)
{
	/* A kernel that cannot tell a probe's cookie has no row in the table of hooks: then nothing is looked for. */
	if (!is_loaded(source, WIRE_KIND_SSL_OP))
		source->options.kinds &= ~(1u << WIRE_KIND_SSL_OP);
	if (!is_loaded(source, WIRE_KIND_FUNCTION_CALL))
		source->options.kinds &= ~(1u << WIRE_KIND_FUNCTION_CALL);
	if (!(source->options.kinds & (1u << WIRE_KIND_SSL_OP | 1u << WIRE_KIND_FUNCTION_CALL)) &&
	    !source->options.libc)
		return 0;
	source->targets.inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (source->targets.inotify < 0)
		return -errno;
	targets_scan(source);
	return 0;
}

struct target *target_new(struct source *source, enum wire_kind kind, int fd, const struct stat *status,
			  const char *path)
{
	struct targets *targets = &source->targets;
	struct target *target;
	char name[32];
	uint32_t number = 0;

	while (number < TARGETS_MAX && targets->all[number])
		number++;
	target = number < TARGETS_MAX ? calloc(1, sizeof(*target)) : NULL;
	if (target) {
		target->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		target->path = strdup(path);
	}
	if (!target || target->fd < 0 || !target->path) {
		targets->counts.refused++;
		if (target && target->fd >= 0)
			close(target->fd);
		if (target)
			free(target->path);
		free(target);
		return NULL;
	}
	target->kind = kind;
	target->number = number;
	target->status = *status;
	(void)elf_build_id(fd, &target->build_id);
	/* Before it is read: what is written from now on is noticed. */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", target->fd);
	target->watch = inotify_add_watch(targets->inotify, name, IN_MODIFY | IN_CLOSE_WRITE);
	targets->all[number] = target;
	return target;
}

void target_end(struct source *source, struct target *target)
{
	if (target->to_boot_ns != 0)
		return;
	links_free(target->links, target->n_links);
	target->links = NULL;
	target->n_links = 0;
	target->to_boot_ns = clock_now().boot_ns;
	target->ended_epoch = source->targets.epoch;
	if (target->kind == WIRE_KIND_FUNCTION_CALL)
		files_forget(&source->targets, target->number);
}

static void target_free(struct targets *targets, struct target *target)
{
	bool watched = false;

	if (!target)
		return;
	targets->all[target->number] = NULL;
	for (size_t i = 0; i < TARGETS_MAX; i++) /* another kind of target, or a later one, of the same inode */
		watched |= targets->all[i] && targets->all[i]->watch == target->watch;
	if (!watched && target->watch >= 0)
		(void)inotify_rm_watch(targets->inotify, target->watch);
	links_free(target->links, target->n_links);
	for (size_t i = 0; i < target->n_missing; i++)
		free(target->missing[i]);
	free(target->missing);
	free(target->functions);
	elf_functions_close(target->names);
	free(target->path);
	close(target->fd);
	free(target);
}

void targets_close(struct source *source)
{
	struct targets *targets = &source->targets;

	for (size_t i = 0; i < TARGETS_MAX; i++)
		target_free(targets, targets->all[i]);
	closep(&targets->inotify);
	function_map_free(targets->map);
	callers_free(targets->callers);
	free(targets->met);
	files_free(targets);
	free(targets->cgroups);
	free(targets->record);
}

/* ---- files that are written to ---- */

static void on_written(struct source *source, int watch)
{
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		struct target *target = source->targets.all[i];

		if (target && target->watch == watch)
			target_end(source, target);
	}
}

/* The writer has closed it: it is looked into as if it were new. */
static void on_rewritten(struct source *source, int watch)
{
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		struct target *target = source->targets.all[i];
		uint16_t functions;

		if (target && target->watch == watch && target->to_boot_ns != 0) {
			target_consider(source, target->fd, target->path, &functions);
			return;
		}
	}
}

void targets_look(struct source *source)
{
	char room[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	if (source->targets.inotify < 0)
		return;
	while ((n = read(source->targets.inotify, room, sizeof(room))) > 0) {
		const struct inotify_event *event;

		for (char *at = room; at < room + n; at += sizeof(*event) + event->len) {
			event = (const void *)at;
			if (event->mask & IN_MODIFY)
				on_written(source, event->wd);
			if (event->mask & IN_CLOSE_WRITE)
				on_rewritten(source, event->wd);
		}
	}
	functions_thin(source);
}

/* ---- chunks ---- */

void targets_before_epoch(struct source *source)
{
	functions_put_back(source);
}

struct deleted {
	struct source *source;
	bool wanted[TARGETS_MAX]; /* deleted, and not seen mapped so far */
	size_t count;
};

static int on_mapping(void *user, pid_t pid, const struct mapping *mapping)
{
	struct deleted *deleted = user;

	(void)pid;
	for (size_t i = 0; mapping->deleted && i < TARGETS_MAX; i++) {
		if (deleted->wanted[i] && deleted->source->targets.all[i]->status.st_ino == mapping->inode) {
			deleted->wanted[i] = false;
			deleted->count--;
		}
	}
	return deleted->count == 0;
}

/* Deleted, and mapped by nobody: let go, so that the disk gets its blocks back. */
static void end_deleted(struct source *source)
{
	struct deleted deleted = { .source = source };

	for (size_t i = 0; i < TARGETS_MAX; i++) {
		const struct target *target = source->targets.all[i];
		struct stat status;

		deleted.wanted[i] = target && target->to_boot_ns == 0 && fstat(target->fd, &status) == 0 &&
				    status.st_nlink == 0;
		deleted.count += deleted.wanted[i];
	}
	if (deleted.count == 0 || maps_visit_all(on_mapping, &deleted) < 0)
		return;
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		if (deleted.wanted[i])
			target_end(source, source->targets.all[i]);
	}
}

void targets_after_epoch(struct source *source)
{
	struct targets *targets = &source->targets;

	targets->epoch++;
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		if (targets->all[i] && targets->all[i]->to_boot_ns != 0 &&
		    targets->epoch - targets->all[i]->ended_epoch > 2)
			target_free(targets, targets->all[i]);
	}
	end_deleted(source);
	functions_forget_answers(source);
}

/* ---- what is known of them ---- */

static bool link_is_attached(const struct bpf_link *link)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);

	return bpf_link_get_info_by_fd(bpf_link__fd(link), &info, &size) == 0 && info.prog_id != 0;
}

bool targets_alive(const struct source *source, enum wire_kind kind)
{
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		const struct target *target = source->targets.all[i];

		/* Where each function has its link, thousands: the first and the last speak for the others. */
		for (size_t j = 0;
		     target && target->kind == kind && j<target->n_links; j += target->n_links> 16 && j == 0
			     ? target->n_links - 1
			     : 1) {
			if (target->links[j] && !link_is_attached(target->links[j]))
				return false;
		}
	}
	return true;
}

static struct source_target row_of(const struct target *target)
{
	struct source_target row = {
		.kind = target->kind,
		.library = target->path,
		.dev_major = major(target->status.st_dev),
		.dev_minor = minor(target->status.st_dev),
		.inode = target->status.st_ino,
		.build_id_len = target->build_id.len,
		.purl = target->n_functions > 0 ? target->functions[0].purl : NULL,
		.from_boot_ns = target->from_boot_ns,
		.to_boot_ns = target->to_boot_ns,
		.attached = target->attached,
		.missing = (const char *const *)target->missing,
		.n_missing_listed = target->n_missing,
		.missing_count = target->missing_count,
	};

	memcpy(row.build_id, target->build_id.bytes, sizeof(row.build_id));
	return row;
}

size_t source_targets(struct source *source, const struct source_target **ret_targets)
{
	struct targets *targets = &source->targets;
	size_t n = 0;

	for (size_t i = 0; i < TARGETS_MAX; i++) {
		if (targets->all[i])
			targets->rows[n++] = row_of(targets->all[i]);
	}
	*ret_targets = targets->rows;
	return n;
}

void source_target_counts(const struct source *source, struct source_target_counts *ret_counts)
{
	const struct targets *targets = &source->targets;
	const struct function_map_entry *entries;
	size_t count = targets->map ? function_map_entries(targets->map, &entries) : 0;

	*ret_counts = targets->counts;
	for (size_t i = 0; i < count; i++)
		ret_counts->entries_unmet += !targets->met[i];
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		const struct target *target = targets->all[i];

		if (!target || target->kind != WIRE_KIND_FUNCTION_CALL || target->to_boot_ns != 0)
			continue;
		ret_counts->functions_attached += target->n_functions - target->n_off;
		ret_counts->functions_answered += target->n_off;
		ret_counts->functions_asked += target->n_all;
	}
}

void source_unmet(const struct source *source, source_unmet_fn each, void *user)
{
	const struct targets *targets = &source->targets;
	const struct function_map_entry *entries;
	size_t count = targets->map ? function_map_entries(targets->map, &entries) : 0;

	for (size_t i = 0; i < count; i++) {
		if (!targets->met[i])
			each(user, entries[i].library, entries[i].build_id, entries[i].build_id_len);
	}
}
