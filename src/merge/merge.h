/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Evidence, packages, call graph and vulnerabilities together: the verdicts. The evidence is verified while it is read; what is not sound is
 * left out, and named.
 */

#include "format/function_map.h"
#include "merge/callgraph.h"
#include "merge/evidence.h"
#include "merge/union.h"
#include "stella/verify.h"

struct merge_inputs {
	const char *directory; /* of the evidence */
	struct stella_verifier *verifier; /* with what the caller trusts */
	struct package_set *packages; /* finished; given away */
	struct callgraph *graph; /* NULL = none; given away */
	const struct function_map *map; /* NULL = none: which functions were probed is then not known */
	struct vulnerability_list vulnerabilities; /* given away */
	enum evidence_join join;
	const char *image; /* "sha256:..."; NULL */
	uint64_t since_wall_ns;
	struct union_options graph_options; /* end_wall_ns is filled in */
};

/*
 * The verdicts, and what the verification found (the caller's to free). Takes packages, graph and vulnerabilities also on failure.
 * -ENOENT with exit 4: no sound chunk lies in the window, or no container of the image.
 */
int merge_run(struct merge_inputs *inputs, struct diag *diag, struct merge_result *ret_result,
	      struct stella_report **ret_report);

/* ---- the parts ---- */

struct merge_work {
	const struct merge_inputs *inputs;
	struct evidence evidence;
	struct merge_result *result;
	uint32_t *function_packages; /* by function verdict: index into the set, FUNCTION_NONE = not known */
};

/* A list of reasons that grows; sorted and each once by reasons_finish. It goes into a verdict, which frees it. */
struct reasons {
	char **list;
	size_t count;
	bool total, lossy; /* something was not measured at all; something may be missing */
};

int reasons_add(struct reasons *reasons, bool total, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The window's reasons against these kinds, the first few of them. */
int reasons_of_window(struct reasons *reasons, const struct coverage *coverage, unsigned int kinds);
void reasons_finish(struct reasons *reasons);
/* What may be said of what was not seen. */
enum answer reasons_answer(const struct reasons *reasons);

int merge_packages(struct merge_work *work);
int merge_functions(struct merge_work *work);
int merge_vulnerabilities(struct merge_work *work);
