/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The inside of root_load, shared by root*.c only: a root that is read, and what is found in it. */

#include <sys/stat.h>

#include "base/buf.h"
#include "base/str.h"
#include "packages/root.h"

#define ROOT_TEXT_MAX (64u << 20) /* bytes of one file of a package database */
#define ROOT_SMALL_MAX (16u << 20) /* of one file that describes one package */
#define ROOT_SKIP 1 /* a named outcome: not to be had, and counted; go on */

/* A Python distribution or gem that does not say which files are its own: settled by root_adopt. */
struct root_orphan {
	uint32_t package;
	char *directory; /* its files lie below */
	char *described; /* the file that tells of it: whose package of the OS is that? */
	char *names; /* top-level names, one a line; NULL = not said */
};

struct root {
	int fd; /* of the root, O_PATH */
	struct package_set *set;
	struct root_facts *facts;
	struct diag *diag;
	bool same_inodes;
	char *id; /* "debian": os-release's ID */
	const char *distro; /* "debian-12"; NULL = unknown */
	struct root_orphan *orphans;
	size_t n_orphans, orphans_capacity;
	struct buf compiled; /* root_compiled.c's */
	struct buf links; /* root_node.c's: paths, NUL ended */
	/* The directory of the file that was added last, as named and as it is. */
	struct {
		char *named, *resolved;
		int fd;
	} last;
};

/* ---- root_tree.c: files, none of them outside ---- */

/* Opens what `path` leads to in the root; never blocks. */
int root_open(const struct root *root, const char *path, int flags);
/* A regular file, opened to be read. -EINVAL: it is none. */
int root_open_file(const struct root *root, const char *path);
/* Appends its content. -E2BIG beyond out->max. */
int root_read(const struct root *root, const char *path, struct buf *out);
bool root_exists(const struct root *root, const char *path);
/* The directory without symlinks in its name, and a descriptor of it. -ELOOP, -ENOENT, -ENOTDIR, ... */
int root_directory(const struct root *root, const char *path, char **ret_resolved, int *ret_fd);
/* Calls with each name in the directory, sorted; a negative result ends it. -EFBIG: too many. */
int root_names(int fd, int (*visit)(void *user, const char *name), void *user);

/* ---- root_found.c: what was found goes into the set ---- */

/* Counted, and the first is kept for the person. Returns ROOT_SKIP. */
int root_unreadable(struct root *root, const char *path, const char *why);
int root_unreadable_error(struct root *root, const char *path, int error);

struct found {
	enum package_source source;
	const char *type, *namespace_, *name, *version, *arch;
	const char *epoch, *upstream; /* qualifiers; NULL = none */
	bool distro; /* a package of the operating system: with the qualifier distro */
	bool without_purl;
};
/* ROOT_SKIP: no purl can be made of it (counted as unreadable, `path` tells where it is from). */
int root_package(struct root *root, const struct found *found, const char *path, uint32_t *ret_index);
/* A file as a database names it: absolute. What is not there, or no regular file, is left out. */
int root_file(struct root *root, uint32_t index, struct str path);
/* A file that was just seen under its own name. */
int root_seen_file(struct root *root, uint32_t index, struct str path, const struct stat *status, bool within);
/* All regular files below the directory, less those below directories of the name `without` (NULL: none). */
int root_tree(struct root *root, uint32_t index, const char *directory, const char *without);
/* Takes copies. */
int root_orphan(struct root *root, uint32_t index, const char *directory, const char *described,
		struct str names);
/* When all is read: orphans get the files of the OS package that they came with. */
int root_adopt(struct root *root);
/* A file of compiled Python; and when all owners are known. */
int root_compiled(struct root *root, struct str path, const struct stat *status);
int root_compiled_settle(struct root *root);

/* ---- root_text.c ---- */

/* The next line without its end; false at the end of the text. */
bool text_line(struct str *rest, struct str *ret_line);
struct str text_trim(struct str text);
/* "KEY" and then `separator`: what is behind it, trimmed. */
bool text_value(struct str line, struct str key, char separator, struct str *ret_value);
bool text_begins(struct str text, struct str with);
bool text_ends(struct str text, struct str with);
/*
 * `name` below `directory`, with ".", ".." and doubled slashes taken out; an absolute name replaces it. -EINVAL: leads out
 * of the root, is too long, or has NUL in it. `out` is cleared before and NUL ended after.
 */
int path_join(struct buf *out, struct str directory, struct str name);
bool path_is_below(struct str path, struct str directory);

/* ---- databases: each adds what it finds; negative only when we failed ---- */

int root_dpkg(struct root *root);
int root_apk(struct root *root);
int root_rpm(struct root *root);
int root_walk(struct root *root);
/* Whether Node.js looks for packages in it: node_modules, Debian's places, a scope in one. */
bool root_holds_node_packages(struct str path);

/* ---- what the walk meets; `path` is of the thing itself ---- */

int root_python(struct root *root, const char *path, bool is_directory);
int root_node(struct root *root, const char *path, uint32_t *ret_index);
/* A symlink where Node.js looks for packages; and when all others are known, what such links lead to. */
int root_node_link(struct root *root, struct str path);
int root_node_settle(struct root *root);
int root_gems(struct root *root, const char *path);
int root_jar(struct root *root, const char *path, int fd, const struct stat *status);
int root_binary(struct root *root, const char *path, int fd, const struct stat *status);
