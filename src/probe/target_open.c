// SPDX-License-Identifier: Apache-2.0
/*
 * From an open file to targets: what is it, and which of its functions were asked for? Everything in the file is
 * somebody else's claim; resolve/elf.h bounds it. A name that the file does not have is kept as missing: it is not
 * measured, which is not the same as not called.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "probe/parts.h"

#define DEBUG_DIRECTORY "/usr/lib/debug"

static const char *debug_directory(const struct source *source)
{
	return source->options.debug_directory ? source->options.debug_directory : DEBUG_DIRECTORY;
}

void target_missing(struct target *target, struct str symbol)
{
	char **more;

	target->missing_count++;
	if (target->n_missing == SOURCE_MISSING_MAX)
		return;
	more = reallocarray(target->missing, target->n_missing + 1, sizeof(*more));
	if (!more)
		return;
	target->missing = more;
	more[target->n_missing] = str_copy(symbol);
	if (more[target->n_missing])
		target->n_missing++;
}

/* ---- functions of the map ---- */

struct collecting {
	struct source *source;
	struct target *target;
	size_t room;
	size_t most; /* functions */
};

/* A link for each is slow to make and slower to take away; for all in one there is no such price. */
static size_t functions_left(const struct source *source)
{
	size_t used = 0;

	if (source->features & FEATURE_UPROBE_MULTI)
		return TARGET_FUNCTIONS_MAX;
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		const struct target *target = source->targets.all[i];

		if (target && target->kind == WIRE_KIND_FUNCTION_CALL && target->to_boot_ns == 0)
			used += target->n_functions;
	}
	return used < SOURCE_SINGLE_MAX ? SOURCE_SINGLE_MAX - used : 0;
}

static int function_add(struct collecting *in, const char *symbol, uint64_t offset, const char *purl)
{
	struct target *target = in->target;
	struct target_function *more;

	if (target->n_functions >= in->most || !attach_may(target->fd, offset)) {
		in->source->targets.counts.over_limit += target->n_functions >= in->most;
		target_missing(target, str_of(symbol));
		return 0;
	}
	if (target->n_functions == in->room) {
		in->room = in->room > 0 ? 2 * in->room : 64;
		more = reallocarray(target->functions, in->room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		target->functions = more;
	}
	target->functions[target->n_functions++] =
		(struct target_function) { .symbol = symbol, .offset = offset, .purl = purl };
	return 0;
}

/* Each place that bears the name: local functions may share one. */
static int wanted_add(struct collecting *in, const struct function_wanted *wanted, const char *purl)
{
	const struct elf_function *all, *found;
	size_t count = elf_functions_all(in->target->names, &all);
	int r = 0;

	if (wanted->by_offset && elf_functions_cover(in->target->names, wanted->offset))
		return function_add(in, wanted->symbol.data, wanted->offset, purl);
	found = wanted->by_offset ? NULL : elf_functions_find(in->target->names, wanted->symbol);
	if (!found) {
		target_missing(in->target, wanted->symbol);
		return 0;
	}
	for (; r == 0 && found < all + count && str_equal(str_of(found->name), wanted->symbol); found++)
		r = function_add(in, found->name, found->offset, purl);
	return r;
}

static int entry_add(struct collecting *in, const struct function_map_entry *entry)
{
	const struct elf_function *all;
	size_t count = elf_functions_all(in->target->names, &all);
	int r = 0;

	in->target->n_all += entry->all ? count : 0;
	for (size_t i = 0; r == 0 && entry->all && i < count; i++)
		r = function_add(in, all[i].name, all[i].offset, entry->purl);
	for (size_t i = 0; r == 0 && i < entry->n_wanted; i++)
		r = wanted_add(in, &entry->wanted[i], entry->purl);
	return r;
}

static int function_compare(const void *left, const void *right)
{
	const struct target_function *a = left, *b = right;
	int order = strcmp(a->symbol, b->symbol);

	return order != 0 ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

/* Two entries may ask for one function: it is recorded once, for the first package in the order of the sort. */
static void functions_unique(struct target *target)
{
	size_t kept = 0;

	if (target->n_functions > 1)
		qsort(target->functions, target->n_functions, sizeof(*target->functions), function_compare);
	for (size_t i = 0; i < target->n_functions; i++) {
		if (kept == 0 || function_compare(&target->functions[kept - 1], &target->functions[i]) != 0)
			target->functions[kept++] = target->functions[i];
	}
	target->n_functions = kept;
}

static int functions_collect(struct source *source, struct target *target, const struct function_map_file *file)
{
	const struct function_map_entry *entries;
	size_t count = function_map_entries(source->targets.map, &entries);
	struct collecting in = { .source = source, .target = target, .most = functions_left(source) };
	int r = elf_functions_open(target->fd, debug_directory(source), &target->names);

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (!function_map_means(&entries[i], file))
			continue;
		source->targets.met[i] = true;
		r = entry_add(&in, &entries[i]);
	}
	functions_unique(target);
	return r;
}

static bool is_in_map(const struct source *source, const struct function_map_file *file)
{
	const struct function_map_entry *entries;
	size_t count = source->targets.map ? function_map_entries(source->targets.map, &entries) : 0;

	for (size_t i = 0; i < count; i++) {
		if (function_map_means(&entries[i], file))
			return true;
	}
	return false;
}

/* ---- targets ---- */

/* Already watched, with the content that it has now. A change of name or owner changes the ctime too. */
static struct target *target_find(struct source *source, enum wire_kind kind, const struct stat *status)
{
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		struct target *target = source->targets.all[i];

		if (!target || target->kind != kind || target->to_boot_ns != 0 ||
		    target->status.st_dev != status->st_dev || target->status.st_ino != status->st_ino)
			continue;
		if (target->status.st_size == status->st_size &&
		    target->status.st_mtim.tv_sec == status->st_mtim.tv_sec &&
		    target->status.st_mtim.tv_nsec == status->st_mtim.tv_nsec) {
			target->status = *status;
			return target;
		}
		target_end(source, target);
	}
	return NULL;
}

static void target_attached(struct source *source, struct target *target, int error)
{
	target->from_boot_ns = clock_now().boot_ns;
	if (error >= 0)
		return;
	source->targets.counts.refused++;
	target_end(source, target);
	target->attached = 0;
}

/* A library of which certain functions are wanted. */
static void watch_library(struct source *source, enum wire_kind kind, int fd, const struct stat *status,
			  const char *path)
{
	_cleanup_(elf_functions_closep) struct elf_functions *functions = NULL;
	struct target *target = target_new(source, kind, fd, status, path);
	int r;

	if (!target)
		return;
	r = elf_functions_open(fd, debug_directory(source), &functions);
	if (r >= 0)
		r = kind == WIRE_KIND_SSL_OP ? tls_attach(source, target, functions)
					     : libc_attach(source, target, functions);
	target_attached(source, target, r);
}

static uint16_t watch_functions(struct source *source, int fd, const struct stat *status, const char *path)
{
	struct target *target = target_find(source, WIRE_KIND_FUNCTION_CALL, status);
	struct elf_build_id id = { .len = 0 };
	char soname[ELF_SONAME_MAX + 1];
	struct function_map_file file = { .path = path, .soname = soname, .build_id = id.bytes };
	int r;

	if (target)
		return (uint16_t)(target->number + 1);
	(void)elf_build_id(fd, &id);
	file.build_id_len = id.len;
	(void)elf_soname(fd, soname);
	if (!is_in_map(source, &file))
		return 0;
	target = target_new(source, WIRE_KIND_FUNCTION_CALL, fd, status, path);
	if (!target)
		return 0;
	r = functions_collect(source, target, &file);
	target->attached = target->n_functions;
	if (r >= 0)
		r = functions_attach(source, target);
	target_attached(source, target, r);
	return target->to_boot_ns == 0 ? (uint16_t)(target->number + 1) : 0;
}

void target_consider(struct source *source, int fd, const char *path, uint16_t *ret_functions)
{
	struct stat status;

	*ret_functions = 0;
	if (fstat(fd, &status) < 0 || elf_header_check(fd) < 0)
		return;
	source->targets.counts.files_seen++;
	if (source->options.kinds & 1u << WIRE_KIND_SSL_OP && !target_find(source, WIRE_KIND_SSL_OP, &status) &&
	    elf_defines(fd, tls_functions))
		watch_library(source, WIRE_KIND_SSL_OP, fd, &status, path);
	if (source->options.libc && !target_find(source, WIRE_KIND_NET_CONNECT, &status) && libc_is(fd, path))
		watch_library(source, WIRE_KIND_NET_CONNECT, fd, &status, path);
	if (source->options.kinds & 1u << WIRE_KIND_FUNCTION_CALL)
		*ret_functions = watch_functions(source, fd, &status, path);
}
