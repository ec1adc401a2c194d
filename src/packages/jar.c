// SPDX-License-Identifier: Apache-2.0
/*
 * What a Java archive says of itself. libarchive unpacks; this file decides what, and how much: only descriptions and inner
 * archives, these in memory, one at a time at each depth. Owns what it has read until it returns.
 */

#include "packages/jar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "packages/jar_text.h"
#include "packages/root_parts.h"

#define DEPTH_MAX 4 /* ear, war, jar, and a shaded one in it */
#define ENTRIES_MAX 500000
#define INDEX_MAX (64u << 20) /* bytes read before the first entry is known: the central directory */
#define TEXT_ENTRY_MAX (1u << 20)
#define INNER_MAX (96u << 20) /* of one inner archive */
#define UNPACKED_MAX (512u << 20) /* of one file, all depths together */
#define POMS_MAX 20000
#define BLOCK 65536

struct reading {
	int (*visit)(void *user, const struct jar_package *package);
	void *user;
	const char *why; /* the first reason why something was left out */
	uint64_t unpacked;
};

struct input {
	const struct jar_source *source;
	uint64_t size, at;
	uint64_t before_first; /* bytes that were asked for before the first entry */
	bool first;
	char block[BLOCK];
};

struct level {
	struct reading *reading;
	const char *name; /* of the archive */
	unsigned int depth;
	struct jar_pom *poms;
	size_t n_poms;
	struct buf manifest;
};

static void level_done(struct level *level)
{
	for (size_t i = 0; i < level->n_poms; i++)
		jar_pom_done(&level->poms[i]);
	free(level->poms);
	buf_done(&level->manifest);
}

static void left_out(struct reading *reading, const char *why)
{
	if (!reading->why)
		reading->why = why;
}

static la_ssize_t input_read(struct archive *archive, void *user, const void **ret_block)
{
	struct input *input = user;
	uint64_t left = input->size - input->at;
	size_t n = left < BLOCK ? (size_t)left : BLOCK;
	ssize_t got;

	if (input->first && (input->before_first += n) > INDEX_MAX) {
		archive_set_error(archive, E2BIG, "its directory is too large");
		return ARCHIVE_FATAL;
	}
	if (input->source->fd < 0) {
		*ret_block = input->source->bytes.data + input->at;
		got = (ssize_t)n;
	} else {
		*ret_block = input->block;
		got = pread(input->source->fd, input->block, n, (off_t)input->at);
	}
	if (got < 0) {
		archive_set_error(archive, errno, "cannot be read");
		return ARCHIVE_FATAL;
	}
	input->at += (uint64_t)got;
	return got;
}

static la_int64_t input_seek(struct archive *archive, void *user, la_int64_t offset, int whence)
{
	struct input *input = user;
	uint64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? input->at : input->size;

	(void)archive;
	if ((offset < 0 && (uint64_t)-offset > from) || (offset > 0 && (uint64_t)offset > input->size - from))
		return ARCHIVE_FATAL;
	input->at = from + (uint64_t)offset;
	return (la_int64_t)input->at;
}

static la_int64_t input_skip(struct archive *archive, void *user, la_int64_t bytes)
{
	struct input *input = user;
	uint64_t left = input->size - input->at, n = bytes < 0 ? 0 : (uint64_t)bytes;

	(void)archive;
	n = n < left ? n : left;
	input->at += n;
	return (la_int64_t)n;
}

static int input_open(struct archive *archive, struct input *input)
{
	struct stat status;

	input->size = input->source->bytes.len;
	if (input->source->fd >= 0) {
		if (fstat(input->source->fd, &status) < 0)
			return ARCHIVE_FATAL;
		input->size = (uint64_t)status.st_size;
	}
	input->first = true;
	archive_read_support_format_zip_seekable(archive);
	archive_read_set_seek_callback(archive, input_seek);
	return archive_read_open2(archive, input, NULL, input_read, input_skip, NULL);
}

/* The entry's content. 1: left out, and why is said. */
static int entry_read(struct level *level, struct archive *archive, struct buf *out)
{
	struct reading *reading = level->reading;
	_cleanup_(freep) char *block = malloc(BLOCK);
	la_ssize_t n;
	int r;

	if (!block)
		return -ENOMEM;
	while ((n = archive_read_data(archive, block, BLOCK)) > 0) {
		reading->unpacked += (uint64_t)n;
		r = reading->unpacked > UNPACKED_MAX ? -E2BIG : buf_append(out, block, (size_t)n);
		if (r == -E2BIG) {
			left_out(reading, "an archive unpacks to more than is looked at");
			return 1;
		}
		if (r < 0)
			return r;
	}
	if (n == 0)
		return 0;
	left_out(reading, "an entry of it cannot be unpacked");
	return 1;
}

static int archive_take(struct reading *reading, const struct jar_source *source, unsigned int depth);

static int inner_take(struct level *level, struct archive *archive, const char *name)
{
	_cleanup_(buf_done) struct buf bytes = BUF_MAX(INNER_MAX);
	struct jar_source source = { .fd = -1, .name = name };
	int r;

	if (level->depth + 1 >= DEPTH_MAX) {
		left_out(level->reading, "archives lie in archives too deeply");
		return 0;
	}
	r = entry_read(level, archive, &bytes);
	if (r != 0)
		return r < 0 ? r : 0;
	source.bytes = buf_str(&bytes);
	return archive_take(level->reading, &source, level->depth + 1);
}

static int pom_take(struct level *level, struct archive *archive)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(TEXT_ENTRY_MAX);
	struct jar_pom *poms;
	int r = entry_read(level, archive, &text);

	if (r != 0)
		return r < 0 ? r : 0;
	if (level->n_poms == POMS_MAX) {
		left_out(level->reading, "it describes too many packages");
		return 0;
	}
	poms = reallocarray(level->poms, level->n_poms + 1, sizeof(*poms));
	if (!poms)
		return -ENOMEM;
	level->poms = poms;
	r = jar_pom_parse(buf_str(&text), &poms[level->n_poms]);
	if (r > 0)
		level->n_poms++;
	return r < 0 ? r : 0;
}

static bool is_archive(struct str name)
{
	return text_ends(name, STR(".jar")) || text_ends(name, STR(".war"));
}

static int entry_take(struct level *level, struct archive *archive, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname_utf8(entry);
	int r = 0;

	if (!name)
		name = archive_entry_pathname(entry);
	if (!name || archive_entry_filetype(entry) != AE_IFREG)
		return 0;
	if (is_archive(str_of(name)))
		return inner_take(level, archive, name);
	if (text_begins(str_of(name), STR("META-INF/maven/")) &&
	    text_ends(str_of(name), STR("/pom.properties")))
		return pom_take(level, archive);
	if (strcmp(name, "META-INF/MANIFEST.MF") == 0 && level->manifest.len == 0) {
		r = entry_read(level, archive, &level->manifest);
		if (r > 0)
			buf_clear(&level->manifest);
	}
	return r < 0 ? r : 0;
}

/* All entries; whatever is wrong with the archive is a reason, not a failure. */
static int entries_take(struct level *level, struct archive *archive, struct input *input)
{
	struct archive_entry *entry;
	size_t n = 0;
	int r = 0, got = ARCHIVE_OK;

	while (r >= 0 && (got = archive_read_next_header(archive, &entry)) != ARCHIVE_EOF) {
		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			break;
		input->first = false;
		if (++n > ENTRIES_MAX) {
			left_out(level->reading, "it has too many entries");
			return 0;
		}
		r = entry_take(level, archive, entry);
	}
	if (r >= 0 && got != ARCHIVE_EOF)
		left_out(level->reading, "it is no whole zip archive");
	return r;
}

/* The archive is one of the packages that are in it: the only one, or that by which it is called. */
static const struct jar_pom *own_pom(const struct level *level)
{
	if (level->n_poms == 1)
		return &level->poms[0];
	for (size_t i = 0; i < level->n_poms; i++) {
		if (jar_pom_names(&level->poms[i], level->name))
			return &level->poms[i];
	}
	return NULL;
}

static int level_tell(struct level *level)
{
	const struct jar_pom *own = own_pom(level);
	struct jar_pom guessed = { .group = NULL };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < level->n_poms; i++) {
		const struct jar_pom *pom = &level->poms[i];
		struct jar_package package = { pom->group, pom->artifact, pom->version,
					       pom == own && level->depth == 0 };

		r = level->reading->visit(level->reading->user, &package);
	}
	if (r < 0 || level->n_poms > 0)
		return r;
	r = jar_manifest_parse(buf_str(&level->manifest), level->name, &guessed);
	if (r > 0) {
		struct jar_package package = { guessed.group, guessed.artifact, guessed.version,
					       level->depth == 0 };

		r = level->reading->visit(level->reading->user, &package);
	}
	jar_pom_done(&guessed);
	return r;
}

static void archive_done(struct archive **archive)
{
	archive_read_free(*archive);
}

static int archive_take(struct reading *reading, const struct jar_source *source, unsigned int depth)
{
	_cleanup_(archive_done) struct archive *archive = archive_read_new();
	_cleanup_(freep) struct input *input = calloc(1, sizeof(*input));
	_cleanup_(level_done) struct level level = {
		.reading = reading, .name = source->name, .depth = depth, .manifest = BUF_MAX(TEXT_ENTRY_MAX)
	};
	int r;

	if (!archive || !input)
		return -ENOMEM;
	input->source = source;
	if (input_open(archive, input) != ARCHIVE_OK) {
		left_out(reading, "it is no zip archive");
		return 0;
	}
	r = entries_take(&level, archive, input);
	return r < 0 ? r : level_tell(&level);
}

int jar_read(const struct jar_source *source, int (*visit)(void *user, const struct jar_package *package),
	     void *user, const char **ret_why)
{
	struct reading reading = { .visit = visit, .user = user };
	int r = archive_take(&reading, source, 0);

	*ret_why = reading.why;
	if (r < 0)
		return r;
	return reading.why ? JAR_UNREADABLE : JAR_READ;
}
