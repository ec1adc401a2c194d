// SPDX-License-Identifier: Apache-2.0
/*
 * Headers as RPM 4 stores them, without librpm: "il" entries of 16 bytes (tag, type, offset, count; big endian) and "dl"
 * bytes of data. Refuses offsets outside of the data, strings without an end, and files without a directory. Copies
 * nothing but the list of directories.
 */

#include "packages/rpm_header.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	TYPE_CHAR = 1,
	TYPE_INT8 = 2,
	TYPE_INT16 = 3,
	TYPE_INT32 = 4,
	TYPE_STRING = 6,
	TYPE_STRINGS = 8,
	TYPE_I18N = 9
};

#define STATE_NORMAL 0
#define FLAG_GHOST 64 /* the package's to remove, not to bring */
#define FILES_MAX 1000000

struct entry {
	uint32_t tag, type, offset, count;
};

static uint32_t number_at(const char *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return be32toh(value);
}

/* A string at the start of the data, or a data pointer of NULL: it has no end. */
static struct str string_at(struct str data)
{
	const char *end = data.len ? memchr(data.data, '\0', data.len) : NULL;

	return end ? (struct str) { data.data, (size_t)(end - data.data) } : (struct str) { NULL, 0 };
}

static bool take_string(const struct entry *entry, struct str data, struct str *ret_text)
{
	*ret_text = string_at(data);
	return (entry->type == TYPE_STRING || entry->type == TYPE_I18N) && ret_text->data;
}

static bool take_numbers(const struct entry *entry, struct str data, struct rpm_values *ret_values)
{
	*ret_values = (struct rpm_values) { entry->count, data };
	return entry->type == TYPE_INT32 && entry->count <= FILES_MAX && data.len / 4 >= entry->count;
}

static bool take_strings(const struct entry *entry, struct str data, struct rpm_values *ret_values)
{
	*ret_values = (struct rpm_values) { entry->count, data };
	/* Each has at least its NUL. */
	return entry->type == TYPE_STRINGS && entry->count <= FILES_MAX && data.len >= entry->count;
}

static bool take(const struct entry *entry, struct str data, struct rpm_header *header)
{
	struct rpm_values epoch;

	switch (entry->tag) {
	case RPM_NAME:
		return take_string(entry, data, &header->name);
	case RPM_VERSION:
		return take_string(entry, data, &header->version);
	case RPM_RELEASE:
		return take_string(entry, data, &header->release);
	case RPM_ARCH:
		return take_string(entry, data, &header->arch);
	case RPM_SOURCE_RPM:
		return take_string(entry, data, &header->source_rpm);
	case RPM_EPOCH:
		if (!take_numbers(entry, data, &epoch) || epoch.count != 1)
			return false;
		header->has_epoch = true;
		header->epoch = number_at(data.data);
		return true;
	case RPM_DIR_INDEXES:
		return take_numbers(entry, data, &header->indexes);
	case RPM_FILE_FLAGS:
		return take_numbers(entry, data, &header->flags);
	case RPM_BASE_NAMES:
		return take_strings(entry, data, &header->base_names);
	case RPM_DIR_NAMES:
		return take_strings(entry, data, &header->directories);
	case RPM_OLD_FILE_NAMES:
		return take_strings(entry, data, &header->old_names);
	case RPM_FILE_STATES:
		header->states = (struct rpm_values) { entry->count, data };
		return (entry->type == TYPE_CHAR || entry->type == TYPE_INT8) && data.len >= entry->count;
	default:
		return true;
	}
}

int rpm_header_parse(struct str blob, struct rpm_header *ret_header, const char **ret_why)
{
	struct rpm_header header = { .name = { NULL, 0 } };
	uint32_t entries, bytes;
	struct str data;

	*ret_why = "a header is cut short or longer than it says";
	if (blob.len < 8)
		return -EBADMSG;
	entries = number_at(blob.data);
	bytes = number_at(blob.data + 4);
	if (entries == 0 || entries > RPM_TAGS_MAX || bytes > RPM_HEADER_MAX ||
	    blob.len != 8 + (size_t)entries * 16 + bytes)
		return -EBADMSG;
	data = (struct str) { blob.data + 8 + (size_t)entries * 16, bytes };
	*ret_why = "a tag of a header is not what it has to be";
	for (uint32_t i = 0; i < entries; i++) {
		const char *at = blob.data + 8 + (size_t)i * 16;
		struct entry entry = { number_at(at), number_at(at + 4), number_at(at + 8),
				       number_at(at + 12) };

		/* The first entry describes the region that was signed; its trailer may lie anywhere. */
		if (entry.offset > data.len) {
			if (entry.tag >= RPM_NAME)
				return -EBADMSG;
			continue;
		}
		if (!take(&entry, (struct str) { data.data + entry.offset, data.len - entry.offset }, &header))
			return -EBADMSG;
	}
	*ret_why = "a header has no name, or files without directories";
	header.n_files = header.base_names.count;
	header.n_directories = header.directories.count;
	if (header.name.len == 0 || header.indexes.count != header.n_files ||
	    (header.states.count && header.states.count != header.n_files && header.n_files) ||
	    (header.flags.count && header.flags.count != header.n_files && header.n_files))
		return -EBADMSG;
	*ret_header = header;
	return 0;
}

static bool next_string(struct str *rest, struct str *ret_text)
{
	*ret_text = string_at(*rest);
	if (!ret_text->data)
		return false;
	rest->data += ret_text->len + 1;
	rest->len -= ret_text->len + 1;
	return true;
}

int rpm_files_init(struct rpm_files *files, const struct rpm_header *header)
{
	struct str rest = header->directories.data;
	uint32_t n = header->n_directories;

	*files = (struct rpm_files) { .header = header, .rest = header->base_names.data };
	if (n == 0)
		return header->n_files == 0 ? 0 : -EBADMSG;
	files->directories = calloc(n, sizeof(*files->directories));
	if (!files->directories)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		if (!next_string(&rest, &files->directories[i])) {
			rpm_files_done(files);
			return -EBADMSG;
		}
	}
	return 0;
}

void rpm_files_done(struct rpm_files *files)
{
	free(files->directories);
	files->directories = NULL;
}

int rpm_files_next(struct rpm_files *files, struct rpm_file *ret_file)
{
	const struct rpm_header *header = files->header;
	uint32_t i = files->next, directory;

	if (i == header->n_files)
		return 0;
	directory = number_at(header->indexes.data.data + (size_t)i * 4);
	if (directory >= header->n_directories || !next_string(&files->rest, &ret_file->name))
		return -EBADMSG;
	ret_file->directory = files->directories[directory];
	ret_file->is_there = true;
	if (header->states.count == header->n_files && header->states.data.data[i] != STATE_NORMAL)
		ret_file->is_there = false;
	if (header->flags.count == header->n_files &&
	    (number_at(header->flags.data.data + (size_t)i * 4) & FLAG_GHOST))
		ret_file->is_there = false;
	files->next++;
	return 1;
}
