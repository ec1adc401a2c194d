// SPDX-License-Identifier: Apache-2.0
/*
 * A new place costs a file that is opened, and sometimes its table of functions: some milliseconds, while the ring fills.
 * So there is an allowance of time, a tenth of all time, and what comes when it is used up is unknown. A program that
 * calls from everywhere, or has its files where nobody may read them, cannot hold up the collector.
 */

#include "probe/callers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "probe/annotate.h"
#include "probe/maps.h"
#include "probe/parts.h"
#include "resolve/elf_frame.h"
#include "resolve/elf_places.h"

#define NS 1000000000ull
#define ALLOWANCE_MAX (NS / 5)
#define ALLOWANCE_PART 10 /* a tenth of the time that passes */
#define AGAIN_AFTER (5 * NS) /* what could not be read is tried again */

struct answer {
	struct file_identity identity;
	uint64_t offset; /* 0 = free: nothing returns to the beginning of a file */
	uint64_t again_boot_ns; /* it is good until then; 0 = for good */
	char *library, *symbol; /* owned; NULL = unknown */
	struct elf_build_id build_id;
	bool keeps_frame;
};

struct caller_file {
	struct file_identity identity;
	struct elf_places *places; /* owned; NULL = it names none, or too many */
	uint64_t used; /* 0 = free */
};

struct callers {
	struct answer answers[CALLER_PLACES_MAX];
	size_t n_answers, text_bytes;
	struct caller_file files[CALLER_FILES_MAX];
	size_t function_bytes;
	uint64_t clock;
	uint64_t allowance_ns, allowed_boot_ns; /* as it was at that time */
};

int callers_new(struct callers **ret_callers)
{
	struct callers *callers = calloc(1, sizeof(*callers));

	if (!callers)
		return -ENOMEM;
	callers->allowance_ns = ALLOWANCE_MAX;
	*ret_callers = callers;
	return 0;
}

static void answers_forget(struct callers *callers)
{
	for (size_t i = 0; i < CALLER_PLACES_MAX; i++) {
		free(callers->answers[i].library);
		free(callers->answers[i].symbol);
	}
	memset(callers->answers, 0, sizeof(callers->answers));
	callers->n_answers = callers->text_bytes = 0;
}

void callers_free(struct callers *callers)
{
	if (!callers)
		return;
	answers_forget(callers);
	for (size_t i = 0; i < CALLER_FILES_MAX; i++)
		elf_places_close(callers->files[i].places);
	free(callers);
}

static bool is_same(const struct file_identity *a, const struct file_identity *b)
{
	return a->inode == b->inode && a->changed_s == b->changed_s && a->changed_ns == b->changed_ns &&
	       a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

/* ---- the allowance ---- */

static bool may_spend(struct callers *callers, uint64_t now)
{
	uint64_t more = (now - callers->allowed_boot_ns) / ALLOWANCE_PART;

	callers->allowance_ns =
		more < ALLOWANCE_MAX - callers->allowance_ns ? callers->allowance_ns + more : ALLOWANCE_MAX;
	callers->allowed_boot_ns = now;
	return callers->allowance_ns > 0;
}

static void spend(struct callers *callers, uint64_t began)
{
	uint64_t now = clock_now().boot_ns, took = now - began;

	callers->allowance_ns -= took < callers->allowance_ns ? took : callers->allowance_ns;
	callers->allowed_boot_ns = now;
}

/* ---- answers ---- */

static struct answer *answer_slot(struct callers *callers, const struct file_identity *identity,
				  uint64_t offset)
{
	uint64_t hash = (identity->inode ^ offset << 20 ^ identity->changed_ns ^ identity->dev_minor) *
			0x9e3779b97f4a7c15ull;
	size_t at = (size_t)(hash >> 40) & (CALLER_PLACES_MAX - 1);

	while (callers->answers[at].offset != 0 &&
	       (callers->answers[at].offset != offset || !is_same(&callers->answers[at].identity, identity)))
		at = (at + 1) & (CALLER_PLACES_MAX - 1);
	return &callers->answers[at];
}

static size_t text_bytes(const struct answer *answer)
{
	return (answer->library ? strlen(answer->library) + 1 : 0) +
	       (answer->symbol ? strlen(answer->symbol) + 1 : 0);
}

static const struct answer *answer_keep(struct callers *callers, const struct answer *answer)
{
	struct answer *slot;

	if (callers->n_answers >= CALLER_PLACES_MAX / 4 * 3 || callers->text_bytes > CALLER_TEXTS_BYTES_MAX)
		answers_forget(callers);
	slot = answer_slot(callers, &answer->identity, answer->offset);
	if (slot->offset == 0)
		callers->n_answers++;
	callers->text_bytes += text_bytes(answer) - text_bytes(slot);
	free(slot->library);
	free(slot->symbol);
	*slot = *answer;
	return slot;
}

/* ---- functions of a file ---- */

static struct caller_file *file_find(struct callers *callers, const struct file_identity *identity)
{
	for (size_t i = 0; i < CALLER_FILES_MAX; i++) {
		struct caller_file *file = &callers->files[i];

		if (file->used && is_same(&file->identity, identity)) {
			file->used = ++callers->clock;
			return file;
		}
	}
	return NULL;
}

static void file_drop(struct callers *callers, struct caller_file *file)
{
	callers->function_bytes -= file->places ? elf_places_bytes(file->places) : 0;
	elf_places_close(file->places);
	*file = (struct caller_file) { .used = 0 };
}

static struct caller_file *file_oldest(struct callers *callers, bool with_places)
{
	struct caller_file *oldest = NULL;

	for (size_t i = 0; i < CALLER_FILES_MAX; i++) {
		struct caller_file *file = &callers->files[i];

		if ((!with_places || file->places) && (!oldest || file->used < oldest->used))
			oldest = file;
	}
	return oldest;
}

static struct caller_file *file_keep(struct callers *callers, const struct file_identity *identity,
				     struct elf_places *places)
{
	size_t bytes = places ? elf_places_bytes(places) : 0;
	struct caller_file *file;

	while (callers->function_bytes + bytes > CALLER_FUNCTIONS_BYTES_MAX)
		file_drop(callers, file_oldest(callers, true));
	file = file_oldest(callers, false);
	file_drop(callers, file);
	*file = (struct caller_file) { *identity, places, ++callers->clock };
	callers->function_bytes += bytes;
	return file;
}

/* ---- the file ---- */

/* A watched library lies open. */
static const struct target *target_of(const struct source *source, const struct file_identity *identity)
{
	for (size_t i = 0; i < TARGETS_MAX; i++) {
		const struct target *target = source->targets.all[i];

		if (target && target->kind == WIRE_KIND_FUNCTION_CALL && target->to_boot_ns == 0 &&
		    target->status.st_ino == identity->inode &&
		    major(target->status.st_dev) == identity->dev_major &&
		    minor(target->status.st_dev) == identity->dev_minor)
			return target;
	}
	return NULL;
}

struct wanted {
	const struct wire_caller *caller;
	char path[WIRE_PATH_MAX];
};

static int on_mapping(void *user, pid_t pid, const struct mapping *mapping)
{
	struct wanted *wanted = user;
	size_t len = strlen(mapping->path);

	(void)pid;
	if (mapping->start != wanted->caller->address || mapping->inode != wanted->caller->inode ||
	    mapping->dev != wanted->caller->dev)
		return 0;
	if (!mapping->deleted && len < sizeof(wanted->path))
		memcpy(wanted->path, mapping->path, len + 1);
	return 1;
}

/* Is it the file that was mapped, unchanged? A file system of layers tells another device; the mapping has told it. */
static bool is_unchanged(int fd, const struct file_identity *identity)
{
	struct stat status;

	return fstat(fd, &status) == 0 && status.st_ino == identity->inode &&
	       (uint64_t)status.st_ctim.tv_sec == identity->changed_s &&
	       (uint64_t)status.st_ctim.tv_nsec == identity->changed_ns;
}

/*
 * The path is the one with which the file was seen mapped, or what the process's list of mappings has, when the file is
 * found there. Negative errno: it cannot be read; *ret_path is then only what was seen.
 */
static int file_open(struct source *source, const struct wire_caller *caller, const struct mapped_file *file,
		     char **ret_path)
{
	const struct target *target = target_of(source, &file->identity);
	const char *seen = file_path(&source->targets, &file->identity);
	struct mapped_file named = *file;
	struct wanted wanted = { .caller = caller };
	int fd;

	if (target && is_unchanged(target->fd, &file->identity)) {
		*ret_path = strdup(target->path);
		return fcntl(target->fd, F_DUPFD_CLOEXEC, 3);
	}
	if (!seen)
		(void)maps_visit((pid_t)file->pid, on_mapping, &wanted);
	named.path = str_of(seen ? seen : wanted.path);
	fd = build_ids_open(annotator_ids(source->annotator), &named);
	if (seen || (fd >= 0 && wanted.path[0] == '/'))
		*ret_path = strdup(seen ? seen : wanted.path);
	return fd;
}

/* ---- asking ---- */

static const char *debug_directory(const struct source *source)
{
	return source->options.debug_directory ? source->options.debug_directory : "/usr/lib/debug";
}

static const struct caller_file *functions_of(struct source *source, const struct file_identity *identity,
					      int fd)
{
	struct callers *callers = source->targets.callers;
	struct caller_file *file = file_find(callers, identity);
	struct elf_places *places = NULL;

	if (file || fd < 0)
		return file;
	(void)elf_places_open(fd, debug_directory(source), CALLER_FUNCTIONS_BYTES_MAX / 2, &places);
	return file_keep(callers, identity, places);
}

/* Everything is read before it is asked whether the file is still the one that was seen. */
static void look_up(struct source *source, const struct wire_caller *caller, const struct mapped_file *file,
		    struct answer *answer)
{
	_cleanup_(closep) int fd = file_open(source, caller, file, &answer->library);
	const struct caller_file *functions;
	uint64_t start = ELF_START_UNKNOWN;
	const char *symbol = NULL;

	(void)build_ids_find(annotator_ids(source->annotator), file, &answer->build_id);
	if (fd >= 0 && !is_unchanged(fd, &file->identity)) {
		closep(&fd);
		fd = -ESTALE;
	}
	functions = functions_of(source, &file->identity, fd);
	if (functions && functions->places)
		symbol = elf_places_find(functions->places, caller->offset - 1, &start);
	answer->symbol = symbol ? strdup(symbol) : NULL;
	answer->keeps_frame = fd >= 0 && elf_keeps_frame(fd, caller->offset, start);
	if (fd >= 0 && is_unchanged(fd, &file->identity))
		return;
	if (fd >= 0) { /* it was changed while it was read */
		file_drop(source->targets.callers, file_find(source->targets.callers, &file->identity));
		free(answer->symbol);
		answer->symbol = NULL;
		answer->keeps_frame = false;
	}
	answer->again_boot_ns = clock_now().boot_ns + AGAIN_AFTER;
}

static const struct answer *ask(struct source *source, const struct wire_caller *caller, uint32_t pid,
				const struct file_identity *identity)
{
	struct callers *callers = source->targets.callers;
	const struct mapped_file file = {
		.identity = *identity, .pid = pid, .start = caller->address, .end = caller->address_end
	};
	struct answer fresh = { .identity = *identity, .offset = caller->offset };
	uint64_t began = clock_now().boot_ns;

	if (!may_spend(callers, began))
		return NULL;
	look_up(source, caller, &file, &fresh);
	spend(callers, began);
	return answer_keep(callers, &fresh);
}

void callers_find(struct source *source, const struct wire_caller *caller, uint32_t pid,
		  struct caller_known *ret_known)
{
	const struct file_identity identity = { .inode = caller->inode,
						.changed_s = caller->changed_s,
						.changed_ns = caller->changed_ns,
						.dev_major = caller->dev >> 20,
						.dev_minor = caller->dev & ((1u << 20) - 1) };
	const struct answer *answer = answer_slot(source->targets.callers, &identity, caller->offset);

	*ret_known = (struct caller_known) { .library = NULL };
	if (caller->offset == 0)
		return;
	if (answer->offset == 0 || (answer->again_boot_ns != 0 && answer->again_boot_ns <= clock_now().boot_ns))
		answer = ask(source, caller, pid, &identity);
	source->targets.counts.callers_unresolved += !answer || answer->again_boot_ns != 0;
	if (answer)
		*ret_known = (struct caller_known) { answer->library, answer->symbol, answer->build_id,
						     answer->keeps_frame };
}
