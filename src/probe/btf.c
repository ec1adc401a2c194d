// SPDX-License-Identifier: Apache-2.0
/* Looks in the three places in their order. What was chosen and why goes into each seal. Owns only the path. */

#include "probe/btf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define KIND_KERNEL "kernel"
#define KERNEL_TYPES "/sys/kernel/btf/vmlinux"

/* Fills all but the digest in; takes nothing over. */
static int choice_set(struct btf_choice *ret_choice, const struct buf *types, const char *kind,
		      const char *path, const char *reason)
{
	struct btf_choice choice = { .source_kind = kind };
	int r = digest_of(types->data, types->len, &choice.digest);

	if (r < 0)
		return r;
	snprintf(choice.selection_reason, sizeof(choice.selection_reason), "%s", reason);
	choice.source_path = strdup(path);
	if (!choice.source_path)
		return -ENOMEM;
	*ret_choice = choice;
	return 0;
}

/* Only a missing file sends us on to the next place; one that cannot be read is an error. */
static int types_read(const char *path, struct buf *ret_types, struct diag *diag)
{
	if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return -ENOENT;
	return file_read_at(AT_FDCWD, path, ret_types, diag);
}

static int try_kernel(struct buf *ret_types, struct diag *diag, struct btf_choice *ret_choice)
{
	int r = types_read(KERNEL_TYPES, ret_types, diag);

	return r < 0 ? r : choice_set(ret_choice, ret_types, KIND_KERNEL, KERNEL_TYPES, "kernel_btf_present");
}

/* A file that was named and is not there is not passed over in silence, needed or not. */
static int check_full(const struct btf_options *options, struct diag *diag)
{
	if (!options->full || access(options->full, F_OK) == 0)
		return 0;
	return diag_exit(diag, EXIT_UNSOUND, -errno, "signals.btf.full: %s: %s", options->full,
			 strerror(errno));
}

static int try_full(const char *path, const char *why, struct buf *ret_types, struct diag *diag,
		    struct btf_choice *ret_choice)
{
	char reason[64];
	int r = types_read(path, ret_types, diag);

	if (r < 0)
		return r;
	snprintf(reason, sizeof(reason), "kernel_btf_%s_full_configured", why);
	return choice_set(ret_choice, ret_types, "external-vmlinux", path, reason);
}

static int try_split(const char *directory, const char *why, const struct utsname *machine,
		     struct buf *ret_types, struct diag *diag, struct btf_choice *ret_choice)
{
	static const char *const forms[] = { "%s/%s/%s.btf", "%s/%s-%s.btf" };
	char reason[64];
	int r = -ENOENT;

	snprintf(reason, sizeof(reason), "kernel_btf_%s_split_by_release_and_arch", why);
	for (size_t i = 0; r == -ENOENT && i < ARRAY_LEN(forms); i++) {
		_cleanup_(freep) char *path = NULL;

		if (asprintf(&path, forms[i], directory, machine->release, machine->machine) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = types_read(path, ret_types, diag);
		if (r >= 0)
			return choice_set(ret_choice, ret_types, "split-btf", path, reason);
	}
	return r;
}

int btf_choose(const struct btf_options *options, struct buf *ret_types, struct diag *diag,
	       struct btf_choice *ret_choice)
{
	const char *why = options->ignore_kernel ? "ignored" : "absent";
	struct utsname machine;
	int r = check_full(options, diag);

	if (r < 0)
		return r;
	r = options->ignore_kernel ? -ENOENT : try_kernel(ret_types, diag, ret_choice);
	if (r == -ENOENT && options->full)
		return try_full(options->full, why, ret_types, diag, ret_choice);
	if (uname(&machine) < 0)
		return -errno;
	if (r == -ENOENT && options->split_directory)
		r = try_split(options->split_directory, why, &machine, ret_types, diag, ret_choice);
	if (r == -ENOENT)
		return diag_error(
			diag, r,
			"no type information (BTF): the kernel's own (%s) is %s%s%s; name a file for %s "
			"on %s in signals.btf.full, or a directory in signals.btf.split_directory",
			KERNEL_TYPES, why, options->split_directory ? ", and none lies in " : "",
			options->split_directory ? options->split_directory : "", machine.release,
			machine.machine);
	return r;
}

bool btf_is_kernels(const struct btf_choice *choice)
{
	return strcmp(choice->source_kind, KIND_KERNEL) == 0;
}

void btf_choice_done(struct btf_choice *choice)
{
	free(choice->source_path);
	*choice = (struct btf_choice) { .source_path = NULL };
}
