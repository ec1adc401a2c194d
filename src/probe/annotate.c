// SPDX-License-Identifier: Apache-2.0
/*
 * Completes records on their way from the kernel. Every length is checked against what is there, as in decode.c.
 * Owns the copy that it hands on and the table of build ids.
 */

#include "probe/annotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "probe/components.h"
#include "wire/records.h"

struct annotator {
	struct build_ids *ids;
	char path[WIRE_PATH_MAX + 1];
	char record[WIRE_RECORD_MAX];
};

int annotator_new(struct annotator **ret_annotator)
{
	_cleanup_(annotator_freep) struct annotator *annotator = calloc(1, sizeof(*annotator));
	int r;

	if (!annotator)
		return -ENOMEM;
	r = build_ids_new(&annotator->ids);
	if (r < 0)
		return r;
	*ret_annotator = TAKE(annotator);
	return 0;
}

void annotator_free(struct annotator *annotator)
{
	if (!annotator)
		return;
	build_ids_free(annotator->ids);
	free(annotator);
}

static bool library_annotate(struct annotator *annotator, const void *data, size_t len)
{
	const uint16_t nowhere = WIRE_FLAG_PATH_CUT | WIRE_FLAG_UNREACHABLE | WIRE_FLAG_DELETED;
	struct wire_library_load fixed;
	struct elf_build_id id;
	struct mapped_file file;

	if (len < sizeof(fixed))
		return false;
	memcpy(&fixed, data, sizeof(fixed));
	if (fixed.path_len > WIRE_PATH_MAX || len != sizeof(fixed) + fixed.path_len)
		return false;
	file = (struct mapped_file) {
		.identity = { fixed.inode, fixed.changed_s, fixed.changed_ns, fixed.dev >> 20,
			      fixed.dev & ((1u << 20) - 1) },
		.pid = fixed.head.pid,
		.start = fixed.address,
		.end = fixed.address_end,
	};
	if (!(fixed.head.flags & nowhere))
		(void)components_path((struct str) { (const char *)data + sizeof(fixed), fixed.path_len },
				      annotator->path, &file.path); /* what is none stays empty */
	if (!build_ids_find(annotator->ids, &file, &id) || id.len == 0)
		return false;
	fixed.build_id_len = id.len;
	memcpy(fixed.build_id, id.bytes, id.len);
	memcpy(annotator->record, &fixed, sizeof(fixed));
	memcpy(annotator->record + sizeof(fixed), (const char *)data + sizeof(fixed), fixed.path_len);
	return true;
}

/* All that is there of the arguments, at most `max` bytes; *ret_bytes tells how many there are. Negative: unknown. */
static ssize_t arguments_read(uint32_t pid, char *out, size_t max, uint32_t *ret_bytes)
{
	_cleanup_(closep) int fd = -1;
	char name[64], beyond[4096];
	size_t got = 0, more = 0;
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%u/cmdline", pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (got < max && (n = read(fd, out + got, max - got)) != 0) {
		if (n < 0)
			return -errno;
		got += (size_t)n;
	}
	while (got == max && (n = read(fd, beyond, sizeof(beyond))) > 0)
		more += (size_t)n;
	*ret_bytes = (uint32_t)(got + more);
	return (ssize_t)got;
}

/* A program that ran before us: the kernel's list of tasks does not hold its arguments. */
static size_t exec_annotate(struct annotator *annotator, const void *data, size_t len)
{
	struct wire_process_exec fixed;
	ssize_t got;

	if (len < sizeof(fixed) || len > sizeof(annotator->record) - WIRE_ARGV_MAX)
		return 0;
	memcpy(&fixed, data, sizeof(fixed));
	if (!(fixed.head.flags & WIRE_FLAG_AT_START) || !(fixed.head.flags & WIRE_FLAG_NO_ARGV) ||
	    fixed.argv_len != 0)
		return 0;
	got = arguments_read(fixed.head.pid, annotator->record + len, WIRE_ARGV_MAX, &fixed.argv_bytes);
	if (got <= 0)
		return 0; /* gone meanwhile, or its memory is */
	fixed.argv_len = (uint32_t)got;
	fixed.head.size += (uint32_t)got;
	fixed.head.flags &= (uint16_t)~WIRE_FLAG_NO_ARGV;
	memcpy(annotator->record, data, len);
	memcpy(annotator->record, &fixed, sizeof(fixed));
	return len + (size_t)got;
}

void annotate(struct annotator *annotator, const void *data, size_t len, const void **ret_data, size_t *ret_len)
{
	struct wire_head head;
	size_t made = 0;

	*ret_data = data;
	*ret_len = len;
	if (len < sizeof(head))
		return;
	memcpy(&head, data, sizeof(head));
	if (head.kind == WIRE_KIND_LIBRARY_LOAD)
		made = library_annotate(annotator, data, len) ? len : 0;
	else if (head.kind == WIRE_KIND_PROCESS_EXEC)
		made = exec_annotate(annotator, data, len);
	if (made == 0)
		return;
	*ret_data = annotator->record;
	*ret_len = made;
}

struct build_ids *annotator_ids(struct annotator *annotator)
{
	return annotator->ids;
}

const struct build_ids_totals *annotator_totals(const struct annotator *annotator)
{
	return build_ids_totals(annotator->ids);
}
