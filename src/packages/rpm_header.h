/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A header of RPM's database (format 4): an index of tags, and data behind it. Read in place, every number checked before
 * it is believed. Tags that are of another type than they have to be make the header unreadable.
 */

#include <stdint.h>

#include "base/str.h"

#define RPM_HEADER_MAX (256u << 20) /* as rpm has it */
#define RPM_TAGS_MAX 65536

enum rpm_tag {
	RPM_NAME = 1000,
	RPM_VERSION = 1001,
	RPM_RELEASE = 1002,
	RPM_EPOCH = 1003,
	RPM_ARCH = 1022,
	RPM_FILE_STATES = 1029,
	RPM_FILE_FLAGS = 1037,
	RPM_SOURCE_RPM = 1044,
	RPM_DIR_INDEXES = 1116,
	RPM_BASE_NAMES = 1117,
	RPM_DIR_NAMES = 1118,
	RPM_OLD_FILE_NAMES = 1027,
};

/* The values of one tag. */
struct rpm_values {
	uint32_t count;
	struct str data; /* from the first value to the end of the data */
};

struct rpm_header {
	struct str name, version, release, arch, source_rpm; /* {NULL, 0} = not said */
	bool has_epoch;
	uint32_t epoch;
	/* Files: one directory index and one base name each; n_files of all three. */
	uint32_t n_files, n_directories;
	struct rpm_values base_names, directories, indexes;
	struct rpm_values states, flags; /* count 0 = not said */
	struct rpm_values old_names; /* before 1998: whole paths instead */
};

/* 0 or -EBADMSG, with *ret_why. */
int rpm_header_parse(struct str blob, struct rpm_header *ret_header, const char **ret_why);

/* Goes through the files in order; directory names are looked up through `directories`, made by rpm_directories. */
struct rpm_file {
	struct str directory, name; /* directory with its '/' at the end */
	bool is_there; /* installed, and no ghost */
};

struct rpm_files {
	const struct rpm_header *header;
	struct str *directories; /* owned */
	struct str rest; /* of the base names */
	uint32_t next;
};

int rpm_files_init(struct rpm_files *files, const struct rpm_header *header);
void rpm_files_done(struct rpm_files *files);
/* 1 and a file, 0 at the end, -EBADMSG. */
int rpm_files_next(struct rpm_files *files, struct rpm_file *ret_file);
