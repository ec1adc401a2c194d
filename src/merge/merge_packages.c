/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Verdicts of packages. Promises: tiers are never mixed; observed needs one line of evidence at least; not observed needs a window in which
 * all three kinds of records that tell of files were watched and complete, and no file of the package that something may
 * have hidden.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "merge/language.h"
#include "merge/merge.h"

/* What its files have in them that could have kept a package from being seen. */
struct file_facts {
	const char *hiding; /* the filter that hides some of them */
	uint32_t hidden, files;
	bool kernel_opens, interpreter;
};

/* All files of the set, one after the other. */
struct file_walk {
	const struct merge_work *work;
	struct file_facts *facts; /* by package */
	char path[PACKAGE_TEXT_MAX + 8];
};

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Modules and firmware, which the kernel opens; and the ELF interpreter, which exec maps. */
static void kernel_files(const struct file_walk *walk, const char *name, struct file_facts *facts)
{
	const char *path = begins(walk->path, "/usr/") ? walk->path + 4 : walk->path;

	if (begins(path, "/lib/modules/") || begins(path, "/lib/firmware/"))
		facts->kernel_opens = true;
	if (begins(name, "ld-") || begins(name, "ld64.") || begins(name, "ld.so"))
		facts->interpreter = true;
}

static bool visit_file(void *user, uint32_t index, const char *directory, const char *name)
{
	struct file_walk *walk = user;
	struct file_facts *facts = &walk->facts[index];
	size_t len = strlen(directory);
	const char *why;

	snprintf(walk->path, sizeof(walk->path), "%s%s%s", directory,
		 len > 0 && directory[len - 1] == '/' ? "" : "/", name);
	facts->files++;
	if (coverage_hides(&walk->work->evidence.coverage, walk->path, &why)) {
		facts->hiding = why;
		facts->hidden++;
	}
	kernel_files(walk, name, facts);
	return true;
}

static int file_reasons(const struct merge_work *work, const struct file_facts *facts, struct reasons *reasons)
{
	const struct coverage *coverage = &work->evidence.coverage;
	int r = 0;

	if (facts->hidden > 0)
		r = reasons_add(reasons, true, "filters.%s left out opens of %u of its %u files", facts->hiding,
				facts->hidden, facts->files);
	if (r == 0 && facts->kernel_opens &&
	    coverage_is_blind(coverage, MEASURED_OPEN, "kernel_internal_opens"))
		r = reasons_add(reasons, true,
				"it has files that the kernel opens itself (kernel_internal_opens)");
	if (r == 0 && facts->interpreter && coverage_is_blind(coverage, MEASURED_LIBRARY, "elf_interpreter"))
		r = reasons_add(reasons, true,
				"it has the ELF interpreter, whose mapping is not seen (elf_interpreter)");
	return r;
}

static const struct sighting *slot_of(const struct merge_work *work, uint32_t package, unsigned int slot)
{
	return sightings_find(&work->evidence.all.packages, PACKAGE_KEY(package, slot));
}

/* Its files are in a database of its own, of which an SBOM repeats what it likes. */
static bool is_of_system(const struct package *package)
{
	static const char *const types[] = { "deb", "rpm", "apk" };

	for (size_t i = 0; package->type && i < ARRAY_LEN(types); i++)
		if (strcmp(package->type, types[i]) == 0)
			return true;
	return false;
}

static int own_reasons(const struct merge_work *work, uint32_t index, const struct package *package,
		       const struct file_facts *facts, struct reasons *reasons)
{
	enum language language = language_of_type(package->type);
	int r = 0;

	if (package->n_files == 0)
		r = reasons_add(reasons, true, "no file of it is known");
	if (r == 0 && slot_of(work, index, SLOT_WITHIN))
		r = reasons_add(reasons, true,
				"a file that contains it was used; which of its parts ran, no hook can see");
	if (r == 0 && package->places_more && package->sources == PACKAGE_FROM_SBOM && package->n_files > 0)
		r = reasons_add(reasons, true, "the SBOM does not name all of its places");
	if (r == 0 && is_of_system(package) && package->sources == PACKAGE_FROM_SBOM && package->n_files > 0)
		r = reasons_add(reasons, true,
				"an SBOM need not name all files of a system's package; give its --root");
	if (r == 0 && slot_of(work, index, SLOT_AMBIGUOUS))
		r = reasons_add(reasons, true, "a file was used that it shares with another package");
	if (r == 0 && slot_of(work, index, SLOT_BELOW))
		r = reasons_add(reasons, true,
				"a file below a place of it was used; whether it is its own is not known");
	if (r == 0 && slot_of(work, index, SLOT_BEFORE))
		r = reasons_add(reasons, false,
				"it was used before --since; what was in use then may have stayed so");
	if (r == 0 && slot_of(work, index, SLOT_UPPER))
		r = reasons_add(
			reasons, true,
			"a file of its path that was used had been made or changed at run time (layer upper)");
	if (r == 0 && slot_of(work, index, SLOT_ELSEWHERE) &&
	    (work->inputs->join == JOIN_PATH || work->evidence.all.by_inode == 0))
		r = reasons_add(
			reasons, true,
			work->inputs->join == JOIN_PATH
				? "a file of its path was used in a container; --image says which are meant"
				: "a file of its path was used, but with another device and inode");
	if (r == 0 && language != LANGUAGE_END && work->evidence.all.running >> language & 1)
		r = reasons_add(reasons, false,
				"%s ran before coverage opened: what it had read by then is in no record",
				language_name(language));
	return r < 0 ? r : file_reasons(work, facts, reasons);
}

static int judge(const struct merge_work *work, uint32_t index, const struct file_facts *facts,
		 struct package_verdict *verdict)
{
	const struct package *package = package_set_get(work->result->packages, index);
	struct reasons reasons = { 0 };
	int r;

	*verdict = (struct package_verdict) { .package = index, .answer = ANSWER_OBSERVED };
	for (int tier = TIER_OPENED; tier < TIER_END; tier++) {
		const struct sighting *sighting = slot_of(work, index, (unsigned int)tier);

		if (!sighting)
			continue;
		verdict->tiers[tier] = *sighting;
		verdict->strongest = (enum tier)tier;
	}
	if (verdict->strongest != TIER_NONE)
		return 0;
	r = own_reasons(work, index, package, facts, &reasons);
	r = r < 0 ? r : reasons_of_window(&reasons, &work->evidence.coverage, OF_FILES);
	reasons_finish(&reasons);
	verdict->answer = reasons_answer(&reasons);
	verdict->reasons = reasons.list;
	verdict->n_reasons = reasons.count;
	return r;
}

static int text_order(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_purl(const void *a, const void *b, void *user)
{
	const struct package *x = package_set_get(user, *(const uint32_t *)a);
	const struct package *y = package_set_get(user, *(const uint32_t *)b);
	int order = text_order(x->purl, y->purl);

	order = order ? order : text_order(x->name, y->name);
	order = order ? order : text_order(x->version, y->version);
	order = order ? order : text_order(x->arch, y->arch);
	order = order ? order : text_order(x->ref, y->ref);
	return order ? order
		     : (*(const uint32_t *)a > *(const uint32_t *)b) -
			       (*(const uint32_t *)a < *(const uint32_t *)b);
}

/* What is wrong with the join as a whole. */
static int join_lacks(struct merge_work *work)
{
	const struct seen *all = &work->evidence.all;
	struct coverage *coverage = &work->evidence.coverage;
	int r = 0;

	if (work->inputs->join == JOIN_ROOT && !work->inputs->image && all->by_inode == 0 && all->by_path > 0)
		r = coverage_lack(
			coverage, OF_FILES, true,
			"no record has a device and inode of the root that was given, though paths are the "
			"same: it is not the one that ran, or its file system tells other numbers");
	if (r == 0 && work->inputs->join == JOIN_HOST && all->by_inode == 0 && all->other_roots > 0)
		r = coverage_lack(
			coverage, OF_FILES, false,
			"no record has a device and inode of the host's root: what containers used of it "
			"cannot be told");
	if (r == 0 && work->inputs->image && all->files > 0 && all->by_path == 0)
		r = coverage_lack(
			coverage, OF_FILES, true,
			"no file that the image's containers used is a package's: the places are another "
			"image's");
	if (r == 0 && all->cut_paths > 0)
		r = coverage_lack(coverage, OF_FILES, false,
				  "%" PRIu64 " records name a file by the end of its path only",
				  all->cut_paths);
	return r;
}

int merge_packages(struct merge_work *work)
{
	struct merge_result *result = work->result;
	size_t count = package_set_count(result->packages);
	uint32_t *order = calloc(count + 1, sizeof(*order));
	struct file_walk walk = { .work = work, .facts = calloc(count + 1, sizeof(*walk.facts)) };
	int r = join_lacks(work);

	result->package_verdicts = calloc(count + 1, sizeof(*result->package_verdicts));
	if (!order || !walk.facts || !result->package_verdicts)
		r = -ENOMEM;
	for (uint32_t i = 0; i < count && r == 0; i++)
		order[i] = i;
	if (r == 0)
		package_set_files(result->packages, visit_file, &walk);
	if (r == 0)
		qsort_r(order, count, sizeof(*order), by_purl, result->packages);
	for (size_t i = 0; i < count && r == 0; i++)
		r = judge(work, order[i], &walk.facts[order[i]],
			  &result->package_verdicts[result->n_package_verdicts++]);
	free(order);
	free(walk.facts);
	result->ambiguous_files = work->evidence.all.ambiguous.count;
	result->unowned_files = work->evidence.all.unowned.count;
	result->upper_layer_files = work->evidence.all.upper.count;
	result->other_roots = work->evidence.all.other_roots;
	return r;
}
