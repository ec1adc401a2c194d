/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Packages, call graph, function map and vulnerabilities for the merger. Promises: an SBOM of an image is never held against what ran
 * outside of its containers unless --root says that it ran there; what an input lacks is said on stderr.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/inspect_match.h"
#include "cli/merge_options.h"
#include "format/record_forms.h"
#include "packages/root.h"
#include "packages/sbom.h"

static int failed(const struct diag *diag, int error)
{
	if (error == -ENOENT && diag->code == 0) {
		talk("%s", diag->text);
		return EXIT_NOT_FOUND;
	}
	if ((error == -EBADMSG || error == -EFBIG || error == -E2BIG || error == -EINVAL || error == -EISDIR) &&
	    diag->code == 0) {
		talk("%s", diag->text);
		return EXIT_UNSOUND;
	}
	return talk_error(diag, error);
}

static void tell_sbom(const char *path, const struct sbom_facts *facts, const struct merge_options *options)
{
	if (options->quiet)
		return;
	if (facts->without_files > 0 && !options->root)
		talk("%s: of %" PRIu64 " of %" PRIu64
		     " components it names no file; without --root nothing can be said of them",
		     path, facts->without_files, facts->components);
	if (facts->bad_purls + facts->bad_paths > 0)
		talk("%s: %" PRIu64 " package URLs and %" PRIu64
		     " places are not of the right form and were left out",
		     path, facts->bad_purls, facts->bad_paths);
	if (facts->image_digest && options->image && strcmp(facts->image_digest, options->image) != 0)
		talk("%s: it describes %s, and --image asks for %s", path, facts->image_digest, options->image);
}

static int load_sbom(const char *path, const struct merge_options *options, struct package_set *set)
{
	struct sbom_facts facts = { 0 };
	struct diag diag = { 0 };
	int status = EXIT_DONE, r = sbom_load(path, set, &diag, &facts);

	if (r < 0) {
		status = failed(&diag, r);
	} else if (facts.image_digest && !options->image && !options->root) {
		talk("%s describes the image %s: say --image with the digest that `stella signals inspect` "
		     "shows for its "
		     "containers, or --root DIR where it ran unpacked",
		     path, facts.image_digest);
		status = EXIT_UNSOUND;
	} else {
		tell_sbom(path, &facts, options);
	}
	sbom_facts_done(&facts);
	return status;
}

/* Which root ran? Of an image's unpacked tree the containers' devices and inodes are others. */
static enum evidence_join join_of(const struct merge_options *options)
{
	_cleanup_(freep) char *path = options->root ? realpath(options->root, NULL) : NULL;

	if (!options->root || options->image)
		return JOIN_PATH;
	return path && strcmp(path, "/") == 0 ? JOIN_HOST : JOIN_ROOT;
}

static int load_root(const struct merge_options *options, struct package_set *set)
{
	struct root_options root = { .same_inodes = options->image == NULL };
	struct root_facts facts = { 0 };
	struct diag diag = { 0 };
	int r = root_load(options->root, &root, set, &diag, &facts);

	if (r < 0)
		return failed(&diag, r);
	if (facts.unreadable > 0 && !options->quiet)
		talk("%s: %" PRIu64
		     " package databases or archives could not be read, what is theirs is unknown: %s",
		     options->root, facts.unreadable, facts.first_unreadable ? facts.first_unreadable : "");
	root_facts_done(&facts);
	return EXIT_DONE;
}

static int load_packages(const struct merge_options *options, struct merge_inputs *inputs)
{
	int status = EXIT_DONE, r = package_set_new(&inputs->packages);

	if (r < 0) {
		talk("no memory");
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < options->sboms.count && status == EXIT_DONE; i++)
		status = load_sbom(options->sboms.items[i], options, inputs->packages);
	if (status == EXIT_DONE && options->root)
		status = load_root(options, inputs->packages);
	if (status != EXIT_DONE)
		return status;
	r = package_set_finish(inputs->packages);
	if (r < 0) {
		talk("the packages cannot be put in order: %s", strerror(-r));
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

static int check(const struct merge_options *options, struct merge_inputs *inputs)
{
	struct match match = { 0 };
	struct diag diag = { 0 };
	int r;

	if (!options->evidence) {
		talk("--evidence DIR is missing: which evidence is to be merged?");
		return EXIT_UNSOUND;
	}
	if (options->sboms.count == 0 && !options->root && !options->callgraph && !options->function_map) {
		talk("there is nothing to merge the evidence with: give --sbom, --root, --callgraph or "
		     "--function-map");
		return EXIT_UNSOUND;
	}
	if (options->image && !form_image_digest(str_of(options->image))) {
		talk("--image %s: sha256: and 64 hex digits are wanted, as `stella signals inspect` shows them",
		     options->image);
		return EXIT_UNSOUND;
	}
	if (options->since) {
		r = match_since(options->since, clock_now().wall_ns, &diag, &match);
		if (r < 0)
			return talk_error(&diag, r);
	}
	inputs->directory = options->evidence;
	inputs->image = options->image;
	inputs->since_wall_ns = match.since_wall_ns;
	inputs->join = join_of(options);
	inputs->graph_options = UNION_OPTIONS_DEFAULT;
	inputs->graph_options.min_count = options->min_count;
	inputs->graph_options.freshness_ns = options->freshness_days * UINT64_C(86400000000000);
	return EXIT_DONE;
}

int merge_inputs_load(const struct merge_options *options, struct merge_inputs *inputs,
		      struct function_map **ret_map)
{
	struct diag diag = { 0 };
	int status = check(options, inputs), r = 0;

	if (status == EXIT_DONE && options->callgraph)
		r = callgraph_load(options->callgraph, &diag, &inputs->graph);
	if (status == EXIT_DONE && r == 0 && options->function_map)
		r = function_map_load(options->function_map, &diag, ret_map);
	if (status == EXIT_DONE && r == 0 && options->vulns)
		r = vulnerability_load(options->vulns, &diag, &inputs->vulnerabilities);
	if (r < 0)
		return failed(&diag, r);
	inputs->map = *ret_map;
	return status == EXIT_DONE ? load_packages(options, inputs) : status;
}
