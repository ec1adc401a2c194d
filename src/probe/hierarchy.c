// SPDX-License-Identifier: Apache-2.0
/*
 * The choice of the hierarchy. As the kernel tells it: what is mounted where, and for each controller the number of
 * the hierarchy that it is bound to, which is 0 for the second version and for one that is bound to none. Trusts no
 * line to be whole; owns nothing.
 */

#include "probe/hierarchy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define PROC_TEXT_MAX (8u << 20) /* of mounts: a machine with many containers has tens of thousands */
#define MOUNT_FIELDS 64 /* the optional ones are few */

static const struct {
	const char *name;
	bool unified; /* the second version has it too */
} known[] = {
	{ "memory", true },   { "pids", true },	  { "cpu", true },   { "devices", false },
	{ "freezer", false }, { "cpuset", true }, { "blkio", true },
};

/* A row of mountinfo: "31 23 0:28 / /sys/fs/cgroup rw shared:1 - cgroup cgroup rw,memory" (proc_pid_mountinfo(5)). */
struct mount_row {
	const char *root, *point, *type, *options;
};

static bool row_parse(char *line, struct mount_row *ret_row)
{
	char *fields[MOUNT_FIELDS], *rest = NULL;
	size_t count = 0, dash = 0;

	for (char *field = strtok_r(line, " ", &rest); field && count < MOUNT_FIELDS;
	     field = strtok_r(NULL, " ", &rest)) {
		if (dash == 0 && count >= 6 && strcmp(field, "-") == 0)
			dash = count;
		fields[count++] = field;
	}
	if (dash == 0 || dash + 3 >= count)
		return false;
	*ret_row = (struct mount_row) { fields[3], fields[4], fields[dash + 1], fields[dash + 3] };
	return true;
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (strncmp(list, word, len) == 0 && (list[len] == ',' || list[len] == '\0'))
			return true;
	}
	return false;
}

/* White space and the backslash are written as \ooo. False: it does not fit. */
static bool unescape(const char *text, char *out, size_t room)
{
	size_t len = 0;

	for (; *text && len + 1 < room; len++) {
		if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
			out[len] = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			out[len] = *text++;
		}
	}
	out[len] = '\0';
	return !*text;
}

/* To be cut into lines; NULL without memory for it: then it has none. */
static char *copy_of(struct str text)
{
	return str_copy(text);
}

/* Where it is mounted, by its root when there is a choice; false: nowhere. `controller` NULL: the second version. */
static bool mount_find(struct str mounts, const char *controller, char *point, size_t room)
{
	_cleanup_(freep) char *copy = copy_of(mounts);
	char *rest = NULL;
	bool found = false, whole = false;

	for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; line && !whole;
	     line = strtok_r(NULL, "\n", &rest)) {
		struct mount_row row;

		if (!row_parse(line, &row) || strcmp(row.type, controller ? "cgroup" : "cgroup2") != 0 ||
		    (controller && !has_word(row.options, controller)))
			continue;
		whole = strcmp(row.root, "/") == 0;
		if ((whole || !found) && !unescape(row.point, point, room))
			*point = '\0';
		found = true;
	}
	return found;
}

/* The hierarchy that a controller is bound to; -ENOENT: there is no such controller, or it is disabled. */
static int number_of(struct str controllers, const char *name)
{
	_cleanup_(freep) char *copy = copy_of(controllers);
	char *rest = NULL, word[32];
	unsigned int number, enabled;

	for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "%31s %u %*u %u", word, &number, &enabled) == 3 && strcmp(word, name) == 0 &&
		    enabled && number <= INT32_MAX)
			return (int)number;
	}
	return -ENOENT;
}

static bool is_bound(struct str mounts, struct str controllers, const char *name, struct hierarchy *ret)
{
	int number = number_of(controllers, name);

	if (number <= 0 || !mount_find(mounts, name, ret->mount, sizeof(ret->mount)))
		return false;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->number = (unsigned int)number;
	return true;
}

static struct hierarchy unified_of(struct str mounts, bool *ret_mounted)
{
	struct hierarchy unified = { .name = HIERARCHY_UNIFIED };

	*ret_mounted = mount_find(mounts, NULL, unified.mount, sizeof(unified.mount));
	return unified;
}

int hierarchy_choose(struct str mounts, struct str controllers, const char *wanted,
		     struct hierarchy *ret_hierarchy)
{
	bool mounted;
	struct hierarchy unified = unified_of(mounts, &mounted), bound = { .number = 0 };

	if (wanted && strcmp(wanted, HIERARCHY_UNIFIED) != 0) {
		if (!is_bound(mounts, controllers, wanted, &bound))
			return -ENOENT;
		*ret_hierarchy = bound;
		return 0;
	}
	if (wanted && !mounted)
		return -ENOENT;
	*ret_hierarchy = unified;
	for (size_t i = 0; !wanted && i < ARRAY_LEN(known); i++) {
		if (is_bound(mounts, controllers, known[i].name, &bound)) {
			*ret_hierarchy = bound;
			break;
		}
		if (mounted && known[i].unified && number_of(controllers, known[i].name) == 0)
			break;
	}
	return 0;
}

int hierarchy_find(const char *wanted, struct diag *diag, struct hierarchy *ret_hierarchy)
{
	_cleanup_(buf_done) struct buf mounts = BUF_MAX(PROC_TEXT_MAX);
	_cleanup_(buf_done) struct buf controllers = BUF_MAX(PROC_TEXT_MAX);
	int r = file_read_at(AT_FDCWD, "/proc/self/mountinfo", &mounts, diag);

	/* A kernel without the first version need not have this. */
	if (r >= 0 && access("/proc/cgroups", F_OK) == 0)
		r = file_read_at(AT_FDCWD, "/proc/cgroups", &controllers, diag);
	if (r < 0)
		return r;
	r = hierarchy_choose(buf_str(&mounts), buf_str(&controllers), wanted, ret_hierarchy);
	return r < 0 ? diag_error(diag, r, "no hierarchy of cgroups called %s is mounted", wanted) : 0;
}

bool hierarchy_is_unified(const struct hierarchy *hierarchy)
{
	return hierarchy->number == 0;
}

void hierarchy_subsystem(const struct hierarchy *hierarchy, char *ret_name, size_t room)
{
	/* linux/cgroup_subsys.h: the one whose name is another within. */
	snprintf(ret_name, room, "%s_cgrp_id", strcmp(hierarchy->name, "blkio") == 0 ? "io" : hierarchy->name);
}
