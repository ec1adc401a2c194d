/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `merge` was asked, and the inputs made of it. */

#include "cli/trust_options.h"
#include "merge/merge.h"

struct merge_options {
	const char *evidence, *root, *callgraph, *function_map, *vulns, *image, *since, *output, *sign_key;
	struct option_list sboms;
	struct trust_options trust;
	uint64_t min_count, freshness_days;
	bool quiet;
};

/* Loads all that is named. On failure its line is out; the exit status, else EXIT_DONE. The caller frees what got in. */
int merge_inputs_load(const struct merge_options *options, struct merge_inputs *inputs,
		      struct function_map **ret_map);
