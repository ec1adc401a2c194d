/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The targets as their files share them: targets.c (the table of targets), target_find.c (from what is mapped to a
 * file), target_open.c (from a file to a target), attach.c (probes on and off), functions.c (one-shot), callers.c, tls.c, libc.c. A target
 * is one inode with one content, watched for one kind of record, by all processes that map it. Included by parts.h.
 */

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "format/function_map.h"
#include "probe/callers.h"
#include "probe/source.h"
#include "resolve/build_id.h"
#include "resolve/elf.h"

#define TARGETS_MAX 256
#define TARGET_FUNCTIONS_MAX 65536 /* a function's number is its target's and 16 bits */
#define TARGET_CGROUPS_MAX 256 /* beyond, the target's functions stay on */
#define TARGET_FUNCTION_BITS 16
#define TARGET_COOKIE_SHIFT 8 /* bpf/tls.h: TLS_COOKIE_TARGET_SHIFT */
#define FILES_KNOWN_MAX 16384 /* a power of two; when it is full, all are looked into again */
#define FILE_PATHS_BYTES_MAX (2u << 20) /* of their paths; the rest have none */
#define CGROUPS_KNOWN_MAX 4096 /* the same */

struct attach_point {
	uint64_t offset; /* in the file */
	uint64_t cookie;
};

struct target_function {
	const char *symbol; /* in the target's names, or the map's */
	const char *purl; /* the map's; NULL = none */
	uint64_t offset;
	uint64_t answered[TARGET_CGROUPS_MAX / 64]; /* by the target's cgroups, in this chunk */
	bool off; /* it has answered everywhere */
};

struct target {
	enum wire_kind kind;
	uint32_t number;
	int fd; /* owned */
	struct stat status; /* when it was looked into */
	char *path; /* owned */
	struct elf_build_id build_id;
	uint64_t from_boot_ns, to_boot_ns;
	unsigned int ended_epoch; /* in which chunk it was taken off */
	int watch; /* of inotify; -1 = none */

	struct bpf_link **links; /* owned; of functions without multi-uprobes: one a function */
	size_t n_links;
	size_t attached; /* functions watched, those that are off for having answered included */

	struct target_function *functions; /* FUNCTION_CALL: owned */
	size_t n_functions, n_off;
	size_t n_all; /* asked for by "*" */
	uint64_t off_since_boot_ns, off_until_boot_ns; /* when some were off last; until 0 = they are */
	struct elf_functions *names; /* owned: what the functions' symbols are borrowed from */

	char **missing; /* owned, and each; at most SOURCE_MISSING_MAX */
	size_t n_missing;
	uint64_t missing_count;

	uint64_t cgroups[TARGET_CGROUPS_MAX]; /* that have it mapped */
	size_t n_cgroups;
	bool crowded; /* more than that */
};

/* A file as a record names it, that has been looked into. */
struct file_known {
	uint64_t inode, changed_s;
	uint32_t dev, changed_ns;
	uint16_t functions; /* number of its target for function_call, and 1; 0 = none */
	bool used;
	char *path; /* owned: with which it was seen mapped; NULL = not kept */
};

struct targets {
	struct function_map *map; /* NULL = none */
	bool *met; /* owned: entries of the map whose file was seen */
	struct target *all[TARGETS_MAX];
	struct file_known *known; /* owned: FILES_KNOWN_MAX */
	size_t n_known, path_bytes;
	struct callers *callers; /* owned; NULL = no function_call */
	uint64_t *cgroups; /* owned: CGROUPS_KNOWN_MAX */
	size_t n_cgroups;
	uint64_t last_cgroup;
	int inotify; /* owned */
	unsigned int epoch;
	uint64_t thin_at_boot_ns; /* not before; see functions.c */
	bool thin; /* something has answered since functions were last taken off */
	struct wire_loss_count holes; /* see functions.c */
	struct source_target_counts counts;
	struct source_target rows[TARGETS_MAX];
	char *record; /* owned: room for the record that is being completed */
};

struct source;

/* ---- targets.c ---- */

/* Before the programs are loaded: reads the map, decides which kinds there will be. */
int targets_new(struct source *source, struct diag *diag);
/* When they are: what is well known and what is running is attached. */
int targets_start(struct source *source);
void targets_close(struct source *source);
/* Once a drain: files that were written to are let go. */
void targets_look(struct source *source);
/* Around the change of epoch. */
void targets_before_epoch(struct source *source);
void targets_after_epoch(struct source *source);
/* Is every target of the kind attached, as the kernel says? */
bool targets_alive(const struct source *source, enum wire_kind kind);

struct target *target_new(struct source *source, enum wire_kind kind, int fd, const struct stat *status,
			  const char *path);
void target_end(struct source *source, struct target *target);
void target_missing(struct target *target, struct str symbol);

/* ---- target_find.c ---- */

/* A record on its way: is there a new file or a new cgroup in it? */
void targets_see(struct source *source, const void *data, size_t len);
/* Libraries where they usually lie, and what running processes have mapped, unless the snapshot will tell. */
void targets_scan(struct source *source);
void files_forget(struct targets *targets, uint32_t number);
void files_free(struct targets *targets);
/* The path with which a file of this content was seen mapped, in the root of the process that did; NULL = unknown. */
const char *file_path(struct targets *targets, const struct file_identity *identity);

/* ---- target_open.c ---- */

/* Looks into an open file: whatever is to be watched in it, is. *ret_functions as in file_known. */
void target_consider(struct source *source, int fd, const char *path, uint16_t *ret_functions);

/* ---- attach.c ---- */

/* Adds links to the target: with multi-uprobes one, else one a point (NULL for a point that the kernel refuses). */
int attach_points(struct source *source, struct target *target, const char *program, bool at_return,
		  const struct attach_point *points, size_t n_points);
/* False: the kernel will not have a probe on the instruction there. */
bool attach_may(int fd, uint64_t offset);
void links_free(struct bpf_link **links, size_t n_links);

/* ---- functions.c ---- */

int functions_attach(struct source *source, struct target *target);
/* A cgroup maps the target: what is off is put back when the cgroup is new to it. */
void functions_mapped(struct source *source, struct target *target, uint64_t cgroup_id, uint64_t boot_ns);
void functions_answered(struct source *source, const struct wire_function_call *record);
void functions_put_back(struct source *source);
/* At most once a second: functions that have answered everywhere are taken off. */
void functions_thin(struct source *source);
void functions_forget_answers(struct source *source);

/* ---- tls.c ---- */

extern const char *const tls_functions[];
int tls_attach(struct source *source, struct target *target, const struct elf_functions *functions);

/* ---- libc.c ---- */

/* Before the programs are loaded: with or without those for C libraries. */
int libc_choose(struct source *source);
/* Is it called like a C library? */
bool libc_is_named(const char *path);
/* And does it define one of the functions? */
bool libc_is(int fd, const char *path);
int libc_attach(struct source *source, struct target *target, const struct elf_functions *functions);

/* ---- target_record.c ---- */

/* A record with the number of a target gets its texts; false: it is passed on as it is. */
bool targets_annotate(struct source *source, const void *data, size_t len, const void **ret_data,
		      size_t *ret_len);
