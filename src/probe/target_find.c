// SPDX-License-Identifier: Apache-2.0
/*
 * From what processes map to open files: by the process's own root, so that other mount namespaces and chroots work;
 * by the mapping itself, so that deleted and replaced files do; by the host's names, for a process that has gone. What
 * is opened must be the inode that was mapped; how that is done without being held up or led astray, resolve/build_id.h
 * knows. Each file is looked into once.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/annotate.h"
#include "probe/components.h"
#include "probe/maps.h"
#include "probe/parts.h"

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define MINOR_BITS 20 /* linux/kdev_t.h */

/* Where libraries lie on the distributions we know; what lies elsewhere is found when it is mapped. */
static const char *const library_directories[] = {
	"/lib",
	"/lib64",
	"/usr/lib",
	"/usr/lib64",
	"/usr/local/lib",
	"/usr/local/lib64",
	"/usr/lib/x86_64-linux-gnu",
	"/usr/lib/aarch64-linux-gnu",
};

/* ---- files that were looked into ---- */

static struct file_known *known_slot(struct targets *targets, const struct file_known *wanted)
{
	uint64_t hash =
		(wanted->inode ^ (uint64_t)wanted->dev << 40 ^ wanted->changed_s << 20 ^ wanted->changed_ns) *
		0x9e3779b97f4a7c15ull;
	size_t at = (size_t)(hash >> 40) & (FILES_KNOWN_MAX - 1);

	while (targets->known[at].used) {
		const struct file_known *one = &targets->known[at];

		if (one->inode == wanted->inode && one->dev == wanted->dev &&
		    one->changed_s == wanted->changed_s && one->changed_ns == wanted->changed_ns)
			break;
		at = (at + 1) & (FILES_KNOWN_MAX - 1);
	}
	return &targets->known[at];
}

static void known_clear(struct targets *targets)
{
	for (size_t i = 0; i < FILES_KNOWN_MAX; i++)
		free(targets->known[i].path);
	memset(targets->known, 0, FILES_KNOWN_MAX * sizeof(*targets->known));
	targets->n_known = targets->path_bytes = 0;
}

/* Takes the path. */
static void known_add(struct targets *targets, struct file_known file)
{
	struct file_known *slot;

	if (targets->n_known >= FILES_KNOWN_MAX / 4 * 3)
		known_clear(targets);
	slot = known_slot(targets, &file);
	targets->n_known += !slot->used;
	if (file.path)
		targets->path_bytes += strlen(file.path) + 1;
	free(slot->path);
	*slot = file;
	slot->used = true;
}

void files_forget(struct targets *targets, uint32_t number)
{
	_cleanup_(freep) struct file_known *before = targets->known;
	struct file_known *fresh = calloc(FILES_KNOWN_MAX, sizeof(*fresh));

	if (!fresh) { /* then all are looked into again */
		TAKE(before);
		known_clear(targets);
		return;
	}
	targets->known = fresh;
	targets->n_known = targets->path_bytes = 0;
	for (size_t i = 0; i < FILES_KNOWN_MAX; i++) {
		if (before[i].used && before[i].functions != number + 1)
			known_add(targets, before[i]);
		else
			free(before[i].path);
	}
}

void files_free(struct targets *targets)
{
	if (targets->known)
		known_clear(targets);
	free(targets->known);
}

const char *file_path(struct targets *targets, const struct file_identity *identity)
{
	const struct file_known wanted = { .inode = identity->inode,
					   .dev = identity->dev_major << MINOR_BITS | identity->dev_minor,
					   .changed_s = identity->changed_s,
					   .changed_ns = identity->changed_ns };

	return known_slot(targets, &wanted)->path;
}

/* For those who ask from where functions are called. */
static char *path_to_keep(const struct source *source, const struct wire_library_load *load, const char *path)
{
	const uint16_t nowhere = WIRE_FLAG_PATH_CUT | WIRE_FLAG_UNREACHABLE | WIRE_FLAG_DELETED;

	if (!source->targets.callers || load->head.flags & nowhere ||
	    source->targets.path_bytes >= FILE_PATHS_BYTES_MAX)
		return NULL;
	return strdup(path);
}

/* ---- opening ---- */

static struct file_identity identity_of(uint64_t inode, uint32_t dev)
{
	return (struct file_identity) { .inode = inode,
					.dev_major = dev >> MINOR_BITS,
					.dev_minor = dev & ((1u << MINOR_BITS) - 1) };
}

static int open_loaded(struct source *source, const struct wire_library_load *load, const char *path)
{
	const uint16_t nowhere = WIRE_FLAG_PATH_CUT | WIRE_FLAG_UNREACHABLE | WIRE_FLAG_DELETED;
	struct mapped_file file = { .identity = identity_of(load->inode, load->dev),
				    .pid = load->head.pid,
				    .start = load->address,
				    .end = load->address_end };

	file.identity.changed_s = load->changed_s;
	file.identity.changed_ns = load->changed_ns;
	if (!(load->head.flags & nowhere))
		file.path = str_of(path);
	return build_ids_open(annotator_ids(source->annotator), &file);
}

/* The kernel's list of mappings does not tell when the file was changed. */
static int open_listed(struct source *source, pid_t pid, const struct mapping *mapping)
{
	const struct mapped_file file = { .identity = identity_of(mapping->inode, mapping->dev),
					  .pid = (uint32_t)pid,
					  .start = mapping->start,
					  .end = mapping->end,
					  .path = str_of(mapping->deleted ? "" : mapping->path) };

	return build_ids_open(annotator_ids(source->annotator), &file);
}

/* ---- records ---- */

static void see_load(struct source *source, const struct wire_library_load *load, const char *components)
{
	struct targets *targets = &source->targets;
	struct file_known file = { .inode = load->inode,
				   .dev = load->dev,
				   .changed_s = load->changed_s,
				   .changed_ns = load->changed_ns };
	const struct file_known *known = known_slot(targets, &file);
	char path[WIRE_PATH_MAX + 1];

	if (!known->used) {
		_cleanup_(closep) int fd = -1;
		struct str whole;

		if (load->path_len > WIRE_PATH_MAX ||
		    !components_path((struct str) { components, load->path_len }, path, &whole))
			return;
		path[whole.len] = '\0';
		fd = open_loaded(source, load, path);
		if (fd < 0) {
			targets->counts.files_lost++; /* looked for again when it is mapped again */
			return;
		}
		target_consider(source, fd, path, &file.functions);
		file.path = path_to_keep(source, load, path);
		known_add(targets, file);
		known = &file;
	}
	/* Our own calls are not recorded (collector_itself): nobody waits for our answer. */
	if (known->functions > 0 && targets->all[known->functions - 1] && load->head.pid != source->collector)
		functions_mapped(source, targets->all[known->functions - 1], load->head.cgroup_id,
				 load->head.boot_ns);
}

/* In a cgroup that is new, something is about to begin. */
static void see_cgroup(struct source *source, uint64_t cgroup_id)
{
	struct targets *targets = &source->targets;
	size_t at = (size_t)(cgroup_id * 0x9e3779b97f4a7c15ull >> 40) & (CGROUPS_KNOWN_MAX - 1);

	if (cgroup_id == targets->last_cgroup || cgroup_id == 0)
		return;
	targets->last_cgroup = cgroup_id;
	while (targets->cgroups[at] != 0 && targets->cgroups[at] != cgroup_id)
		at = (at + 1) & (CGROUPS_KNOWN_MAX - 1);
	if (targets->cgroups[at] == cgroup_id)
		return;
	if (targets->n_cgroups >= CGROUPS_KNOWN_MAX / 2) {
		memset(targets->cgroups, 0, CGROUPS_KNOWN_MAX * sizeof(*targets->cgroups));
		targets->n_cgroups = 0;
		at = 0;
	}
	targets->cgroups[at] = cgroup_id;
	targets->n_cgroups++;
	functions_put_back(source);
}

void targets_see(struct source *source, const void *data, size_t len)
{
	struct wire_library_load load;
	struct wire_head head;

	if (len < sizeof(head))
		return;
	memcpy(&head, data, sizeof(head));
	/* Not when it is made: what begins in it begins later. */
	if (source->targets.map && source->options.one_shot && head.kind != WIRE_KIND_CGROUP)
		see_cgroup(source, head.cgroup_id);
	if (head.kind != WIRE_KIND_LIBRARY_LOAD || len < sizeof(load) || source->targets.inotify < 0)
		return; /* the last: no kind is on that looks into files */
	memcpy(&load, data, sizeof(load));
	if (load.path_len <= len - sizeof(load))
		see_load(source, &load, (const char *)data + sizeof(load));
}

/* ---- what is there at start ---- */

static int on_mapping(void *user, pid_t pid, const struct mapping *mapping)
{
	struct source *source = user;
	struct file_known file = { .inode = mapping->inode, .dev = mapping->dev };
	const struct file_known *known;

	if (!mapping->executable || mapping->inode == 0 || mapping->path[0] != '/')
		return 0;
	known = known_slot(&source->targets, &file);
	if (!known->used) {
		_cleanup_(closep) int fd = open_listed(source, pid, mapping);

		if (fd < 0) {
			source->targets.counts.files_lost++;
			return 0;
		}
		target_consider(source, fd, mapping->path, &file.functions);
		known_add(&source->targets, file);
		known = &file;
	}
	if (known->functions > 0 && source->targets.all[known->functions - 1] && pid != getpid())
		functions_mapped(source, source->targets.all[known->functions - 1],
				 cgroup_of_process(&source->hierarchy, pid), clock_now().boot_ns);
	return 0;
}

/* Under the name that it has without links: what a process that maps it would be seen with. */
static void consider_path(struct source *source, const char *path)
{
	_cleanup_(closep) int fd = open(path, OPEN_FLAGS);
	char link[32], real[WIRE_PATH_MAX];
	uint16_t functions;
	ssize_t len;

	if (fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, real, sizeof(real) - 1);
	real[len > 0 ? len : 0] = '\0';
	target_consider(source, fd, len > 0 ? real : path, &functions);
}

static bool is_well_known(const struct source *source, const char *name)
{
	return (source->options.kinds & 1u << WIRE_KIND_SSL_OP && strncmp(name, "libssl", 6) == 0) ||
	       (source->options.libc && libc_is_named(name));
}

static void scan_well_known(struct source *source, const char *directory)
{
	DIR *names = opendir(directory);
	char path[WIRE_PATH_MAX];
	struct dirent *entry;

	while (names && (entry = readdir(names))) {
		if (!is_well_known(source, entry->d_name) || !strstr(entry->d_name, ".so"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		consider_path(source, path);
	}
	if (names)
		closedir(names);
}

static void scan_map(struct source *source, const char *directory)
{
	const struct function_map_entry *entries;
	size_t count = source->targets.map ? function_map_entries(source->targets.map, &entries) : 0;
	char path[2 * WIRE_PATH_MAX];

	for (size_t i = 0; i < count; i++) {
		if (!entries[i].library || entries[i].library[0] == '/')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entries[i].library);
		consider_path(source, path);
	}
}

static void scan_absolute(struct source *source)
{
	const struct function_map_entry *entries;
	size_t count = source->targets.map ? function_map_entries(source->targets.map, &entries) : 0;

	for (size_t i = 0; i < count; i++) {
		if (entries[i].library && entries[i].library[0] == '/')
			consider_path(source, entries[i].library);
	}
}

void targets_scan(struct source *source)
{
	for (size_t i = 0; i < ARRAY_LEN(library_directories); i++) {
		scan_well_known(source, library_directories[i]);
		scan_map(source, library_directories[i]);
	}
	scan_absolute(source);
	/* The kernel's walk tells each mapping's cgroup too, which /proc tells only where the hierarchy is mounted. */
	if (!snapshot_brings(source, WIRE_KIND_LIBRARY_LOAD))
		(void)maps_visit_all(on_mapping, source);
}
