/* SPDX-License-Identifier: Apache-2.0 */

/*
 * inspect: shows records, the newest last, and whether a seal stands behind them. Promises: reads only; tells sealed
 * from open; follows the collector across rotations without leaving out a line; and says that it did not verify. Seals,
 * and the draft of the open chunk, are read for what they say of time and of containers (names, pods, images), and
 * believed as they lie there: no signature is checked, and whoever can write the directory can write those too.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/control.h"
#include "cli/facts.h"
#include "cli/inspect_print.h"
#include "cli/verbs.h"
#include "wire/kinds.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 100000
#define FOLLOW_MS 200

#define TYPE_WORD(name_, word_, number_) " " #word_
#define TYPES WIRE_KINDS(TYPE_WORD)

struct inspect {
	struct output output;
	const char *evidence, *type, *since, *socket;
	uint64_t limit;
	bool follow;
	struct match match;
	char directory[4096];
	int dir;
	enum output_format format;
	bool printed;
	bool unwatched; /* the running collector has no probe for `type` */
	uint64_t newest; /* the newest chunk; the one being followed */
	uint64_t seen; /* lines of it that were looked at */
	struct chunk_view view; /* of it */
};

/* Where the running collector writes. */
static int directory_ask(struct inspect *inspect, struct diag *diag)
{
	_cleanup_(json_decrefp) json_t *answer = NULL;
	const char *directory;
	int r;

	r = control_ask(inspect->socket, "status", CONTROL_WAIT_MS, diag, &answer);
	if (r < 0)
		return r;
	inspect->unwatched = inspect->type && !facts_watched(answer, inspect->type);
	directory = json_string_value(json_object_get(answer, "directory"));
	if (!directory || strlen(directory) >= sizeof(inspect->directory))
		return diag_error(diag, -EBADMSG,
				  "the collector does not say where its evidence is; use --evidence DIR");
	strcpy(inspect->directory, directory);
	return 0;
}

/* A chunk named by its file: the directory comes with it. True when WHAT is one. */
static bool chunk_file_named(struct inspect *inspect, const char *what, struct diag *diag, int *ret_error)
{
	const char *slash = what ? strrchr(what, '/') : NULL;
	uint64_t sequence = 0;
	enum chunk_file file = what ? chunk_name_parse(slash ? slash + 1 : what, &sequence) : CHUNK_FOREIGN;
	size_t len = slash ? (size_t)(slash - what) : 0;

	*ret_error = 0;
	if (file == CHUNK_FOREIGN)
		return false;
	inspect->match = (struct match) { .want = WANT_CHUNK, .number = sequence };
	if (slash && inspect->evidence)
		*ret_error = diag_exit(diag, EXIT_UNSOUND, -EINVAL,
				       "%s: names a directory, and so does --evidence", what);
	else if (len >= sizeof(inspect->directory))
		*ret_error = diag_exit(diag, EXIT_UNSOUND, -ENAMETOOLONG, "the chunk's name is too long");
	else if (slash)
		snprintf(inspect->directory, sizeof(inspect->directory), "%.*s", len ? (int)len : 1, what);
	else if (!inspect->evidence && faccessat(AT_FDCWD, what, F_OK, 0) == 0)
		strcpy(inspect->directory, ".");
	return true;
}

static int directory_open(struct inspect *inspect, struct diag *diag)
{
	int r = 0;

	if (inspect->evidence)
		snprintf(inspect->directory, sizeof(inspect->directory), "%s", inspect->evidence);
	else if (!inspect->directory[0])
		r = directory_ask(inspect, diag);
	if (r < 0)
		return r;
	inspect->dir = open(inspect->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (inspect->dir < 0) {
		r = -errno;
		return diag_exit(diag, r == -ENOENT ? EXIT_NOT_FOUND : 0, r,
				 "%s: cannot open the evidence directory: %s", inspect->directory,
				 strerror(-r));
	}
	return 0;
}

static void print_record(struct inspect *inspect, const struct found_record *record)
{
	if (inspect->output.quiet)
		return;
	if (inspect->format == OUTPUT_TABLE) {
		if (!inspect->printed)
			record_print_heading();
		record_print_row(record);
	} else {
		if (inspect->format == OUTPUT_JSON && inspect->printed)
			putchar(',');
		if (inspect->format == OUTPUT_JSON)
			putchar('\n');
		record_print_json(record);
		if (inspect->format != OUTPUT_JSON)
			putchar('\n');
	}
	inspect->printed = true;
}

/*
 * Whose records they are may be known a second after they were written: who follows waits for it, since a record that
 * was passed over does not come again.
 */
static struct chunk_view look(const struct inspect *inspect, uint64_t sequence)
{
	struct chunk_view view = chunk_look(inspect->dir, sequence);

	if (inspect->follow && match_needs_container(&inspect->match))
		view.until = view.told;
	return view;
}

/* From the newest chunk backwards until there are enough. */
static int find_backwards(struct inspect *inspect, struct diag *diag, struct found *found)
{
	bool one = inspect->match.want == WANT_CHUNK;
	int r = 0;

	for (uint64_t sequence = inspect->newest; sequence > 0 && found->room > 0 && !found->full; sequence--) {
		_cleanup_(chunk_view_done) struct chunk_view view = { .file = CHUNK_FOREIGN };

		if (one && sequence != inspect->match.number)
			continue;
		view = look(inspect, sequence);
		if (view.file == CHUNK_FOREIGN)
			continue;
		r = chunk_find(inspect->dir, sequence, &view, &inspect->match, diag, found);
		if (r == -ENOENT) { /* rotated away between looking and opening: look once more */
			chunk_view_done(&view);
			view = look(inspect, sequence);
			r = chunk_find(inspect->dir, sequence, &view, &inspect->match, NULL, found);
		}
		if (r < 0)
			return r;
		if (sequence == inspect->newest)
			inspect->seen = found->lines;
	}
	return 0;
}

/* A bare number that is neither: said so, with the words that mean one of them. */
static int number_found_nothing(const struct inspect *inspect, struct diag *diag)
{
	unsigned long long number = inspect->match.number;

	return diag_exit(
		diag, EXIT_NOT_FOUND, -ENOENT,
		"%s: %llu is no chunk here (chunk:%llu), and there is no such record of a process %llu "
		"(pid:%llu)",
		inspect->directory, number, number, number, number);
}

static void say_unverified(const struct inspect *inspect)
{
	_cleanup_(buf_done) struct buf command = BUF_MAX(65536);

	buf_printf(&command, "stella signals verify-chain");
	command_word(&command, inspect->directory);
	talk("%s not verified; this does that: %s",
	     match_needs_container(&inspect->match)
		     ? "these records, and what the seals say of their containers, were"
		     : "these records were",
	     buf_cstr(&command) ? buf_cstr(&command) : "verify-chain");
}

static int show_found(struct inspect *inspect, struct diag *diag)
{
	_cleanup_(found_done) struct found found = { 0 };
	bool page = inspect->format == OUTPUT_TABLE && !inspect->output.quiet;
	int r;

	r = found_init(&found, (size_t)inspect->limit);
	if (r < 0)
		return r;
	/* Damage ends the search; what was found until then is shown all the same. */
	r = find_backwards(inspect, diag, &found);
	if (page && (found.listed > 0 || inspect->follow))
		say_unverified(inspect);
	for (size_t i = 0; i < found.listed; i++)
		print_record(inspect, found_at(&found, i));
	if (found.unreadable > 0)
		talk("%llu line%s no record that can be read; verify-chain says more",
		     (unsigned long long)found.unreadable, found.unreadable == 1 ? " is" : "s are");
	if (found.full && page)
		talk("there are older records; --limit shows more of them");
	if (found.listed == 0 && inspect->unwatched)
		talk("there is no %s here, and the running collector does not watch it: name it in "
		     "signals.probes, and what it needs there",
		     inspect->type);
	if (r == 0 && found.listed == 0 && inspect->match.maybe_name && !inspect->follow)
		return diag_exit(
			diag, EXIT_NOT_FOUND, -ENOENT,
			"%s: there is no such record of a container named %s, as far as the seals name "
			"them (a path begins with /, an id has 6 hex digits at least)",
			inspect->directory, inspect->match.text.data);
	if (r == 0 && found.listed == 0 && inspect->match.maybe_chunk && inspect->match.want == WANT_PID &&
	    !inspect->follow)
		return number_found_nothing(inspect, diag);
	if (r == 0 && found.listed == 0 && page && !inspect->follow && !inspect->unwatched)
		talk("%s: there is no such record", inspect->directory);
	return r;
}

/* ---- following ---- */

static void follow_take(void *user, uint64_t line, struct str text)
{
	struct inspect *inspect = user;
	struct record_view view;
	struct found_record record = {
		.chunk = inspect->newest,
		.line = line,
		.sealed = inspect->view.sealed,
		.wall_minus_boot_ns = inspect->view.wall_minus_boot_ns,
		.text = (char *)text.data,
		.len = text.len,
	};

	if (line <= inspect->seen)
		return;
	inspect->seen = line;
	if (!record_view(text, &view))
		return;
	view.container = container_of(&inspect->view.containers, &view);
	if (!match_record(&inspect->match, &view, record.wall_minus_boot_ns))
		return;
	(void)found_learn(&record, &view); /* without memory the record alone */
	print_record(inspect, &record);
	record.text = NULL;
	found_forget(&record);
}

static void view_again(struct inspect *inspect)
{
	chunk_view_done(&inspect->view);
	inspect->view = look(inspect, inspect->newest);
}

/* Opens the chunk that is being followed; true when `tail` can be read, else it was read whole or is not there. */
static int follow_open(struct inspect *inspect, struct line_tail *tail, struct diag *diag, bool *ret_whole)
{
	char name[CHUNK_NAME_MAX];
	int fd, r;

	*ret_whole = false;
	view_again(inspect);
	if (inspect->view.file == CHUNK_FOREIGN || chunk_name(inspect->view.file, inspect->newest, name) < 0)
		return 0;
	fd = file_open_nofollow_at(inspect->dir, name, NULL);
	if (fd == -ENOENT)
		return 0; /* just renamed: next time */
	if (fd < 0)
		return diag_error(diag, fd, "%s: %s", name, strerror(-fd));
	if (inspect->view.file == CHUNK_ZSTD) {
		r = lines_read_zstd(fd, name, diag, follow_take, inspect);
		close(fd);
		*ret_whole = true;
		return r;
	}
	line_tail_init(tail, &fd);
	return 0;
}

/* Between two names for a moment: nothing is known of its containers then, which is not that there are none. */
static uint64_t follow_limit(const struct inspect *inspect, const struct line_tail *tail)
{
	bool nowhere = inspect->view.file == CHUNK_FOREIGN && match_needs_container(&inspect->match);

	return nowhere ? tail->offset : inspect->view.until;
}

/* Is there more in the file than the draft speaks of? Its seal will. */
static bool follow_held(const struct line_tail *tail)
{
	struct stat st;

	return tail->fd >= 0 && tail->offset >= tail->until && fstat(tail->fd, &st) == 0 &&
	       (uint64_t)st.st_size > tail->offset;
}

/*
 * One look. That a newer chunk exists is asked before the rest is read: what is read then is all, and the next
 * chunk's turn comes.
 */
static int follow_step(struct inspect *inspect, struct line_tail *tail, struct diag *diag, bool *ret_moved)
{
	uint64_t newest = 0;
	bool whole = false;
	int r;

	r = chunk_newest(inspect->dir, &newest);
	if (r == 0 && tail->fd < 0)
		r = follow_open(inspect, tail, diag, &whole);
	else if (r == 0 && chunk_said_more(inspect->dir, inspect->newest, &inspect->view))
		view_again(inspect);
	tail->until = follow_limit(inspect, tail);
	if (r == 0 && tail->fd >= 0)
		r = line_tail_read(tail, diag, follow_take, inspect);
	*ret_moved = r == 0 && newest > inspect->newest && !follow_held(tail);
	if (*ret_moved) {
		line_tail_done(tail);
		inspect->newest++;
		inspect->seen = 0;
	}
	return r;
}

static int follow(struct inspect *inspect, struct diag *diag)
{
	_cleanup_(line_tail_done) struct line_tail tail = LINE_TAIL_NONE;
	uint64_t only = inspect->match.want == WANT_CHUNK ? inspect->match.number : 0;
	bool moved;
	int r;

	if (inspect->newest == 0)
		inspect->newest = 1;
	while (only == 0 || inspect->newest <= only) {
		r = follow_step(inspect, &tail, diag, &moved);
		if (r < 0)
			return r;
		if (output_broken())
			return 0;
		if (only > 0 && inspect->view.sealed)
			return 0; /* nothing more comes into it */
		if (!moved)
			nanosleep(&(struct timespec) { .tv_nsec = FOLLOW_MS * 1000000L }, NULL);
	}
	return 0;
}

/* ---- the verb ---- */

/* A bare number is a chunk if there is one, else a pid. */
static int settle_number(struct inspect *inspect, struct diag *diag)
{
	struct match *match = &inspect->match;
	bool there = match->number <= STATEMENT_SEQUENCE_MAX && match->number > 0 &&
		     chunk_is_there(inspect->dir, match->number);

	if (match->maybe_chunk && there)
		match->want = WANT_CHUNK;
	if (match->want == WANT_CHUNK && !there)
		return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT, "%s: there is no chunk %llu",
				 inspect->directory, (unsigned long long)match->number);
	return 0;
}

static int inspect_start(struct inspect *inspect, const char *what, struct diag *diag)
{
	int r;

	if (!chunk_file_named(inspect, what, diag, &r))
		r = match_parse(what, diag, &inspect->match);
	if (r == 0 && inspect->type)
		r = match_type(inspect->type, diag, &inspect->match);
	if (r == 0 && inspect->since)
		r = match_since(inspect->since, clock_now().wall_ns, diag, &inspect->match);
	if (r == 0)
		r = directory_open(inspect, diag);
	if (r == 0)
		r = settle_number(inspect, diag);
	if (r == 0)
		r = chunk_newest(inspect->dir, &inspect->newest);
	if (r == 0 && inspect->newest == 0 && !inspect->follow)
		return diag_exit(diag, EXIT_NOT_FOUND, -ENOENT, "%s: there is no chunk in this directory",
				 inspect->directory);
	return r;
}

static int inspect_run(struct inspect *inspect, const char *what, struct diag *diag)
{
	bool array;
	int r;

	r = inspect_start(inspect, what, diag);
	if (r < 0)
		return r;
	inspect->format = output_format_now(&inspect->output);
	if (inspect->follow && inspect->format == OUTPUT_JSON)
		inspect->format = OUTPUT_NDJSON; /* an array that never ends is no JSON */
	array = inspect->format == OUTPUT_JSON && !inspect->output.quiet;
	if (array)
		putchar('[');
	r = show_found(inspect, diag);
	if (array)
		fputs(inspect->printed ? "\n]\n" : "]\n", stdout);
	return r == 0 && inspect->follow ? follow(inspect, diag) : r;
}

int verb_inspect(int argc, char **argv)
{
	struct inspect inspect = { .output = OUTPUT_DEFAULT, .limit = LIMIT_DEFAULT, .dir = -1 };
	const struct option_row rows[] = {
		OPTION_IS_TEXT("evidence", 'e', "DIR",
			       "the evidence directory (default: the running collector's)", &inspect.evidence),
		OPTION_IS_TEXT("type", 't', "TYPE", "only records of this type; this version records" TYPES,
			       &inspect.type),
		OPTION_IS_TEXT("since", 's', "TIME",
			       "only since then: 30s, 10m, 2h, 7d ago, 2026-11-22T23:51:40Z, or a day in UTC: "
			       "2026-11-22",
			       &inspect.since),
		OPTION_IS_U64("limit", 'n', "N", 1, LIMIT_MAX, "the newest N records (default: 100)",
			      &inspect.limit),
		OPTION_IS_FLAG("follow", 'f', "go on with what comes", &inspect.follow),
		OPTION_IS_TEXT("socket", 0, "PATH", "the collector's control socket, without --evidence",
			       &inspect.socket),
		OPTIONS_FACTS(&inspect.output),
	};
	const struct option_spec spec = {
		.usage = "stella signals inspect [OPTION...] [WHAT]",
		.summary = "Shows records, sealed and still unsealed ones; does not verify them.",
		.rows = rows,
		.n_rows = ARRAY_LEN(rows),
		.max_arguments = 1,
		.argument = "WHAT",
		.details =
			"WHAT: a chunk (file, chunk:N), a pid (pid:N), an absolute path (a directory means "
			"all below it;\n"
			"* ? [ make a pattern, where * also crosses /), a container (its id or the beginning, "
			"its name or\n"
			"name:NAME), a pod (pod:NAME, pod:NAMESPACE/NAME), or an image (sha256:IMAGE, "
			"image:REFERENCE).\n"
			"A bare number means the chunk if there is one, else the pid.\n"
			"Names, pods and images are as the seals say. Without WHAT: all records.\n"
			"Exit status: 0 done, 2 bad arguments or a damaged chunk, 3 not permitted, 4 no such "
			"chunk or\n"
			"directory, nothing by this number or name, or no collector to ask.",
	};
	struct diag diag = { 0 };
	char **arguments;
	int status, r;

	if (!options_parse(&spec, argc, argv, &arguments, &status))
		return status;
	r = inspect_run(&inspect, arguments[0], &diag);
	closep(&inspect.dir);
	chunk_view_done(&inspect.view);
	return r < 0 ? talk_error(&diag, r) : EXIT_DONE;
}
