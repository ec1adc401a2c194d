/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whose file is it that was executed, mapped or opened? Promises: a path counts only where the process that used it had the packages' own
 * root; device and inode decide where they are known. What the overlay's upper layer holds is not the package's, for it was
 * made or changed at run time.
 */

#include "merge/evidence.h"
#include "merge/language.h"

struct visit {
	struct evidence *evidence;
	const struct seen_at *at;
	enum tier tier;
	unsigned int slot; /* instead of the tier, 0 = none */
};

static void visit_owner(void *user, uint32_t index, bool within)
{
	const struct visit *visit = user;
	unsigned int slot = visit->slot ? visit->slot : within ? SLOT_WITHIN : visit->tier;

	evidence_note(visit->evidence, index, slot, visit->at);
}

/* How a record's file may be looked up. */
struct look {
	struct str path; /* empty: not by path */
	uint32_t dev_major, dev_minor; /* UINT32_MAX: not by inode */
	uint64_t inode;
};

static struct look look_by_path(const struct record_file *file)
{
	return (struct look) { file->path_is_name ? (struct str) { "", 0 } : file->path, UINT32_MAX, 0, 0 };
}

static struct look look_by_inode(const struct record_file *file)
{
	struct look look = { { "", 0 }, UINT32_MAX, 0, 0 };

	if (file->has_inode) {
		look.dev_major = file->dev_major;
		look.dev_minor = file->dev_minor;
		look.inode = file->inode;
	}
	return look;
}

static enum package_match look_up(const struct package_set *set, const struct look *look)
{
	uint32_t index;

	if (look->path.len == 0 && look->dev_major == UINT32_MAX)
		return PACKAGE_NONE;
	return package_set_whose(set, look->path, look->dev_major, look->dev_minor, look->inode, &index);
}

static uint64_t file_hash(const struct record_file *file)
{
	if (!file->has_inode)
		return hash_of(HASH_START, file->path);
	return hash_of(
		hash_of(hash_of(HASH_START, (struct str) { (const char *)&file->inode, sizeof(file->inode) }),
			(struct str) { (const char *)&file->dev_major, sizeof(file->dev_major) }),
		(struct str) { (const char *)&file->dev_minor, sizeof(file->dev_minor) });
}

/* Is one of the directories above it a package's place? Asked once of each file. */
static int note_below(struct evidence *evidence, const struct look *look, const struct seen_at *at)
{
	const struct package_set *set = evidence->options.packages;
	struct visit visit = { evidence, at, TIER_NONE, SLOT_BELOW };
	struct look above = *look;

	while (above.path.len > 0) {
		const char *slash = memrchr(above.path.data, '/', above.path.len);

		above.path.len = slash ? (size_t)(slash - above.path.data) : 0;
		if (look_up(set, &above) != PACKAGE_NONE)
			(void)package_set_each(set, above.path, UINT32_MAX, 0, 0, visit_owner, &visit);
	}
	return evidence->error;
}

/* Nobody's file; what lies in a place of a package is not known to be another's. */
static int note_unowned(struct evidence *evidence, const struct record_file *file, const struct look *look,
			const struct seen_at *at)
{
	uint64_t hash = file_hash(file);
	int r;

	evidence->chunk.cut_paths += file->path_cut;
	if (file->path_is_name || hashes_has(&evidence->all.unowned, hash) ||
	    hashes_has(&evidence->chunk.unowned, hash))
		return 0;
	r = note_below(evidence, look, at);
	return r < 0 || evidence->before ? r : hashes_add(&evidence->chunk.unowned, hash);
}

/* It is somebody's file, or several packages' alike. */
static int note_match(struct evidence *evidence, const struct record_file *file, const struct look *look,
		      enum package_match match, enum tier tier, const struct seen_at *at)
{
	const struct package_set *set = evidence->options.packages;
	struct visit visit = { evidence, at, tier, 0 };
	int r = 0;

	if (match == PACKAGE_NONE)
		return note_unowned(evidence, file, look, at);
	if (file->upper || (file->script && file->on_overlay &&
			    (hashes_has(&evidence->all.upper, hash_of(HASH_START, file->path)) ||
			     hashes_has(&evidence->chunk.upper, hash_of(HASH_START, file->path))))) {
		visit.slot = SLOT_UPPER;
		r = hashes_add(&evidence->chunk.upper, hash_of(HASH_START, file->path));
	}
	if (r < 0)
		return r;
	(void)package_set_each(set, look->path, look->dev_major, look->dev_minor, look->inode, visit_owner,
			       &visit);
	visit.slot = SLOT_AMBIGUOUS;
	if (package_set_ambiguous(set, look->path, look->dev_major, look->dev_minor, look->inode, visit_owner,
				  &visit) == 0 ||
	    evidence->before)
		return 0;
	return hashes_add(&evidence->chunk.ambiguous, hash_of(HASH_START, file->path));
}

/* The same path in what may be another root: no sighting, but a reason not to say that there was none. */
static void note_elsewhere(struct evidence *evidence, const struct record_file *file, const struct seen_at *at)
{
	const struct package_set *set = evidence->options.packages;
	struct visit visit = { evidence, at, TIER_NONE, SLOT_ELSEWHERE };
	struct look look = look_by_path(file);

	if (look_up(set, &look) == PACKAGE_NONE)
		return;
	evidence->chunk.by_path++;
	package_set_each(set, look.path, look.dev_major, look.dev_minor, look.inode, visit_owner, &visit);
	package_set_ambiguous(set, look.path, look.dev_major, look.dev_minor, look.inode, visit_owner, &visit);
}

/*
 * A script has no inode in the record. Its interpreter has: where that is a file of the packages by inode, and has the name
 * in the process's root that it has in theirs, the two roots are one.
 */
static bool is_rooted(const struct evidence *evidence, const struct record_view_of *view,
		      const struct record_file *file)
{
	struct look by_inode = look_by_inode(&view->interpreter), by_path = look_by_path(&view->interpreter);
	const struct package_set *set = evidence->options.packages;
	uint32_t one, other;

	return file->script && by_inode.dev_major != UINT32_MAX && by_path.path.len > 0 &&
	       package_set_whose(set, (struct str) { "", 0 }, by_inode.dev_major, by_inode.dev_minor,
				 by_inode.inode, &one) == PACKAGE_ONE &&
	       package_set_whose(set, by_path.path, UINT32_MAX, 0, 0, &other) == PACKAGE_ONE && one == other;
}

static int note_file(struct evidence *evidence, const struct record_view_of *view,
		     const struct record_file *file, enum tier tier, const struct seen_at *at)
{
	const struct package_set *set = evidence->options.packages;
	bool contained = view->container_id.len > 0 && !evidence->options.image;
	struct look by_inode = look_by_inode(file), by_path = look_by_path(file);
	enum package_match match = PACKAGE_NONE;

	if (evidence->options.join != JOIN_PATH && !evidence->options.image) {
		match = look_up(set, &by_inode);
		if (match != PACKAGE_NONE) {
			evidence->chunk.by_inode++;
			return note_match(evidence, file, &by_inode, match, tier, at);
		}
	}
	if (contained)
		evidence->chunk.other_roots += !evidence->before;
	if (contained || (evidence->options.join == JOIN_ROOT && !evidence->options.image &&
			  !is_rooted(evidence, view, file))) {
		if (evidence->options.join != JOIN_HOST)
			note_elsewhere(evidence, file, at);
		return 0;
	}
	match = look_up(set, &by_path);
	evidence->chunk.by_path += match != PACKAGE_NONE;
	return note_match(evidence, file, &by_path, match, tier, at);
}

/*
 * The language only matters where the program is one of the packages' own: an interpreter, or the library of one that another
 * program has in it.
 */
static void note_running(struct evidence *evidence, const struct record_view_of *view)
{
	const struct evidence_options *options = &evidence->options;
	const struct record_file *file = &view->file;
	enum language language = view->kind == RECORD_LIBRARY ? language_of_library(file->path)
							      : language_of_program(file->path);
	struct look by_inode = look_by_inode(file), by_path = look_by_path(file);
	bool inodes = options->join != JOIN_PATH && !options->image;
	bool paths = options->image || (view->container_id.len == 0 && options->join != JOIN_ROOT);

	if (language != LANGUAGE_END && ((inodes && look_up(options->packages, &by_inode) != PACKAGE_NONE) ||
					 (paths && look_up(options->packages, &by_path) != PACKAGE_NONE)))
		evidence->chunk.running |= 1u << language;
}

int evidence_files(struct evidence *evidence, const struct record_view_of *view, const struct seen_at *at)
{
	enum tier tier = view->kind == RECORD_EXEC	? TIER_EXECUTED
			 : view->kind == RECORD_LIBRARY ? TIER_MAPPED
							: TIER_OPENED;
	int r;

	if (!evidence->options.packages || package_set_count(evidence->options.packages) == 0)
		return 0;
	if (view->at_start && (view->kind == RECORD_EXEC || view->kind == RECORD_LIBRARY))
		note_running(evidence, view);
	evidence->chunk.files++;
	r = note_file(evidence, view, &view->file, tier, at);
	if (r == 0 && view->interpreter.path.len > 0)
		r = note_file(evidence, view, &view->interpreter, tier, at);
	return r;
}
