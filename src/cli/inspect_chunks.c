/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds records in chunks. Promises: memory is bounded by the limit and by FOUND_BYTES_MAX whatever lies there;
 * links are not followed. The time of day of a record is its time since boot shifted as the chunk's own statement
 * says (its seal or draft, unverified), so that it is right on another machine too. So are containers' names and images:
 * nobody checked a signature here.
 */

#include "cli/inspect_chunks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "format/bundle.h"

#define FOUND_BYTES_MAX (64u << 20)

void found_forget(struct found_record *record)
{
	free(record->text);
	free(record->container);
	free(record->image);
	free(record->image_digest);
	*record = (struct found_record) { 0 };
}

int found_learn(struct found_record *record, const struct record_view *view)
{
	const struct statement_container *container = view->container;
	const char *name = !container ? NULL : container->n_names > 0 ? container->names[0] : container->pod;
	int r = statement_set(&record->container, name);

	if (r >= 0)
		r = statement_set(&record->image, container ? container->image : NULL);
	return r < 0 ? r : statement_set(&record->image_digest, record_learned_digest(view));
}

int found_init(struct found *found, size_t limit)
{
	*found = (struct found) {
		.limit = limit,
		.room = limit,
		.ring = calloc(limit, sizeof(*found->ring)),
		.list = calloc(limit, sizeof(*found->list)),
	};
	return found->ring && found->list ? 0 : -ENOMEM;
}

void found_done(struct found *found)
{
	for (size_t i = 0; found->ring && i < found->limit; i++)
		found_forget(&found->ring[i]);
	for (size_t i = 0; found->list && i < found->limit; i++)
		found_forget(&found->list[i]);
	free(found->ring);
	free(found->list);
	*found = (struct found) { 0 };
}

const struct found_record *found_at(const struct found *found, size_t index)
{
	return &found->list[found->limit - found->listed + index];
}

static void found_drop_oldest(struct found *found)
{
	struct found_record *oldest = &found->ring[(found->next + found->room - found->count) % found->room];

	found->bytes -= oldest->len;
	found_forget(oldest);
	found->count--;
	found->full = true;
}

static int found_add(struct found *found, const struct found_record *record, struct str text,
		     const struct record_view *view)
{
	struct found_record *place = &found->ring[found->next];

	while (found->count == found->room || (found->count > 0 && found->bytes + text.len > FOUND_BYTES_MAX))
		found_drop_oldest(found);
	*place = *record;
	place->text = malloc(text.len + 1);
	if (!place->text)
		return -ENOMEM;
	memcpy(place->text, text.data, text.len);
	place->text[text.len] = '\0';
	place->len = text.len;
	found->bytes += text.len;
	found->next = (found->next + 1) % found->room;
	found->count++;
	return found_learn(place, view);
}

/* The chunk is read: what the ring holds goes before what the list holds. */
static void found_settle(struct found *found)
{
	while (found->count > 0) {
		struct found_record *newest;

		found->next = (found->next + found->room - 1) % found->room;
		newest = &found->ring[found->next];
		found->listed++;
		found->list[found->limit - found->listed] = *newest;
		*newest = (struct found_record) { 0 };
		found->count--;
	}
	found->next = 0;
	found->room = found->limit - found->listed;
}

static int64_t shift_of(struct moment moment)
{
	return (int64_t)(moment.wall_ns - moment.boot_ns);
}

/* True: the statement in seal or draft could be read, and told what it has to. */
static bool view_read(struct str text, struct chunk_view *view)
{
	struct statement statement = { 0 };
	size_t count, offset;

	if (canon_scan_object(text, NULL, 0, &count, &offset) != CANON_OK ||
	    statement_parse(text, NULL, &statement) < 0)
		return false;
	view->wall_minus_boot_ns = shift_of(statement.opened);
	view->containers = container_table_take(&statement);
	if (!view->sealed)
		view->told = statement.bytes;
	statement_done(&statement);
	return true;
}

static enum chunk_file said_by(const struct chunk_view *view)
{
	return view->sealed ? CHUNK_SEAL : CHUNK_DRAFT;
}

static bool look_at(int dir, enum chunk_file file, uint64_t sequence, struct stat *ret_st)
{
	char name[CHUNK_NAME_MAX];

	return chunk_name(file, sequence, name) == 0 && fstatat(dir, name, ret_st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(ret_st->st_mode);
}

static void view_fill(int dir, uint64_t sequence, struct chunk_view *view)
{
	_cleanup_(buf_done) struct buf text = BUF_MAX(BUNDLE_FILE_MAX);
	_cleanup_(bundle_done) struct bundle bundle = BUNDLE_EMPTY;
	char name[CHUNK_NAME_MAX];

	view->wall_minus_boot_ns = shift_of(clock_now());
	/* Asked for before it is read: one that is replaced in between is read once more, not once too few. */
	if (!look_at(dir, said_by(view), sequence, &view->said_by) ||
	    chunk_name(said_by(view), sequence, name) < 0 ||
	    file_read_nofollow_at(dir, name, &text, NULL) < 0 ||
	    bundle_parse(buf_str(&text), NULL, &bundle) < 0)
		return;
	(void)view_read(buf_str(&bundle.payload), view);
}

void chunk_view_done(struct chunk_view *view)
{
	container_table_done(&view->containers);
}

bool chunk_said_more(int dir, uint64_t sequence, const struct chunk_view *view)
{
	struct stat st, seal;

	if (!view->sealed && look_at(dir, CHUNK_SEAL, sequence, &seal))
		return true;
	if (!look_at(dir, said_by(view), sequence, &st))
		return view->said_by.st_ino != 0;
	return st.st_ino != view->said_by.st_ino || st.st_size != view->said_by.st_size ||
	       st.st_mtim.tv_sec != view->said_by.st_mtim.tv_sec ||
	       st.st_mtim.tv_nsec != view->said_by.st_mtim.tv_nsec;
}

static enum chunk_file file_of(int dir, uint64_t sequence)
{
	static const enum chunk_file kinds[] = { CHUNK_PLAIN, CHUNK_ZSTD, CHUNK_OPEN };
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (look_at(dir, kinds[i], sequence, &st))
			return kinds[i];
	}
	return CHUNK_FOREIGN;
}

bool chunk_is_there(int dir, uint64_t sequence)
{
	return file_of(dir, sequence) != CHUNK_FOREIGN;
}

struct chunk_view chunk_look(int dir, uint64_t sequence)
{
	struct chunk_view view = { .file = file_of(dir, sequence), .told = UINT64_MAX, .until = UINT64_MAX };
	struct stat st;

	if (view.file == CHUNK_FOREIGN)
		return view;
	view.sealed = view.file != CHUNK_OPEN && look_at(dir, CHUNK_SEAL, sequence, &st);
	view_fill(dir, sequence, &view);
	return view;
}

static int newest_of(void *user, const char *name)
{
	uint64_t *newest = user, sequence = 0;
	enum chunk_file file = chunk_name_parse(name, &sequence);

	if ((file == CHUNK_PLAIN || file == CHUNK_ZSTD || file == CHUNK_OPEN) && sequence > *newest)
		*newest = sequence;
	return 0;
}

int chunk_newest(int dir, uint64_t *ret_sequence)
{
	uint64_t newest = 0;
	int r = directory_visit(dir, newest_of, &newest);

	if (r == 0)
		*ret_sequence = newest;
	return r;
}

struct finder {
	const struct match *match;
	const struct container_table *containers;
	struct found *found;
	struct found_record record;
	int error;
};

static void finder_take(void *user, uint64_t line, struct str text)
{
	struct finder *finder = user;
	struct record_view view;

	finder->found->lines = line;
	if (finder->error < 0)
		return;
	if (!record_view(text, &view)) {
		finder->found->unreadable++;
		return;
	}
	finder->record.line = line;
	view.container = container_of(finder->containers, &view);
	if (match_record(finder->match, &view, finder->record.wall_minus_boot_ns))
		finder->error = found_add(finder->found, &finder->record, text, &view);
}

int chunk_find(int dir, uint64_t sequence, const struct chunk_view *view, const struct match *match,
	       struct diag *diag, struct found *found)
{
	_cleanup_(line_tail_done) struct line_tail tail = LINE_TAIL_NONE;
	struct finder finder = {
		.match = match,
		.containers = &view->containers,
		.found = found,
		.record = { .chunk = sequence,
			    .sealed = view->sealed,
			    .wall_minus_boot_ns = view->wall_minus_boot_ns },
	};
	char name[CHUNK_NAME_MAX];
	int fd, r;

	r = chunk_name(view->file, sequence, name);
	if (r < 0)
		return r;
	fd = file_open_nofollow_at(dir, name, diag);
	if (fd < 0)
		return fd;
	line_tail_init(&tail, &fd);
	tail.until = view->until;
	found->lines = 0;
	r = view->file == CHUNK_ZSTD ? lines_read_zstd(tail.fd, name, diag, finder_take, &finder)
				     : line_tail_read(&tail, diag, finder_take, &finder);
	found_settle(found);
	return r < 0 ? r : finder.error;
}
